"""One template a mail, rendered twice: as HTML in our look, and as plain text.

The words stand in blocks and in calls such as p and button, which each rendering gives its own
meaning (`templates/mail/markup.html`, and AS_TEXT), so that both parts say the same.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Callable
from dataclasses import dataclass
from html import unescape
from typing import Any

from flask import current_app
from jinja2 import Template
from markupsafe import Markup, escape

from billing.clock import now
from models import Account

WIDTH = 76
# Not the no-break spaces inside amounts.
SPACE = re.compile(r"[ \t\r\n]+")


@dataclass(frozen=True)
class Letter:
    subject: str
    text: str
    html: str


def rendered(kind: str, account: Account, context: dict[str, Any]) -> Letter:
    """The mail of this kind for the account, in the locale that is set."""
    environment = current_app.jinja_env
    brand = current_app.config["SETTINGS"].brand
    template = environment.get_template(f"mail/notices/{kind}.html")
    markup = environment.get_template("mail/markup.html").module
    shared = {
        "brand": brand,
        "account": account,
        "now": now(),
        **context,
    }
    subject = _block(template, "subject", shared)
    html = template.render(
        shared,
        layout="mail/notice.html",
        subject=subject,
        **{name: getattr(markup, name) for name in AS_TEXT},
    )
    text = template.render(shared, layout="mail/notice_text.html", **AS_TEXT)
    return Letter(subject, _plain(text), html)


def _block(template: Template, name: str, context: dict[str, Any]) -> str:
    """A block of the template alone, as text on one line."""
    return _line(unescape("".join(template.blocks[name](template.new_context(context)))))


def _line(words: str) -> str:
    return SPACE.sub(" ", words).strip()


def _plain(text: str) -> str:
    """The rendering without entities, its lines wrapped, addresses kept whole."""
    lines = [
        textwrap.fill(line, WIDTH, break_long_words=False, break_on_hyphens=False)
        for line in unescape(text).splitlines()
    ]
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip() + "\n"


# The template escapes what these return, as anything else; _plain undoes it at the end.


def _paragraph(caller: Callable[[], Markup]) -> str:
    return f"{_line(caller().unescape())}\n\n"


def _facts(rows: list[tuple[str, Any]]) -> str:
    lines = [f"{label}: {_line(escape(value).unescape())}" for label, value in rows if value]
    return "\n".join(lines) + "\n\n"


def _button(url: str, label: str) -> str:
    return f"{label}:\n{url}\n\n"


def _link_to(url: str, label: str) -> str:
    return f"{label} ({url})"


AS_TEXT: dict[str, Callable[..., str]] = {
    "p": _paragraph,
    "hint": _paragraph,
    "facts": _facts,
    "button": _button,
    "link_to": _link_to,
}
