"""What the tests of staff's plan pages share: forms filled in, pages read."""

from __future__ import annotations

import html
import re
from typing import Any

# A plan's form as it is sent for a plan sold by the seat.
TYPED = {
    "name": "Team Plus",
    "slug": "team-plus",
    "description": "For teams that grew",
    "features": "Everything in Team\n\n  A second workspace  \n",
    "min_seats": "2",
    "max_seats": "50",
    "trial_days": "7",
    "trial_needs_method": "y",
    "pausable": "y",
    "grace_days": "10",
}


def text_of(answer: Any) -> str:
    """What a page says, its tags left out."""
    body = re.sub(r"(?s)<(script|style).*?</\1>", " ", answer.get_data(as_text=True))
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", body)).split())


def fields_of(answer: Any) -> dict[str, Any]:
    """The fields of the page's form as a browser would send them back, lists for boxes."""
    page = answer.get_data(as_text=True)
    form = re.search(r'(?s)<form class="form".*?</form>', page)[0]
    found: dict[str, Any] = {}
    for tag in re.findall(r"<input[^>]*>", form):
        at = dict(re.findall(r'(\w+)="([^"]*)"', tag))
        if at.get("type") in {"checkbox", "radio"}:
            if " checked" in tag:
                found.setdefault(at["name"], []).append(html.unescape(at["value"]))
        elif at.get("name") not in {None, "csrf_token"}:
            found[at["name"]] = html.unescape(at.get("value", ""))
    for name, value in re.findall(
        r'(?s)<textarea[^>]*name="(\w+)"[^>]*>\r?\n?(.*?)</textarea>', form
    ):
        found[name] = html.unescape(value)
    for name, options in re.findall(r'(?s)<select[^>]*name="(\w+)"[^>]*>(.*?)</select>', form):
        chosen = re.search(r'<option selected value="([^"]*)"', options)
        found[name] = chosen[1] if chosen else ""
    return found


def follow(browser: Any, answer: Any) -> Any:
    """The page that a redirect leads to."""
    assert answer.status_code in {302, 303}, text_of(answer)
    return browser.get(answer.location)


def edit(browser: Any, plan_id: str, **typed: Any) -> Any:
    """Opens a plan's form, types over some fields and sends it; None unticks a box."""
    fields = fields_of(browser.get(f"/admin/plans/{plan_id}/draft"))
    fields.update(typed)
    data = {name: value for name, value in fields.items() if value is not None}
    return browser.post(f"/admin/plans/{plan_id}/draft", data=data)


def publish(browser: Any, plan_id: str, visible: str = "1") -> Any:
    """Presses "Publish" on the preview as it is shown now; the answer."""
    page = browser.get(f"/admin/plans/{plan_id}/preview").get_data(as_text=True)
    version = re.search(r'name="version" value="(\d+)"', page)
    data = {"version": version[1] if version else "0", "visible": visible}
    return browser.post(f"/admin/plans/{plan_id}/publication", data=data)


def draft_new(browser: Any, **typed: Any) -> str:
    """Drafts a new plan; its id."""
    attempt = fields_of(browser.get("/admin/plans/new"))["attempt"]
    answer = browser.post("/admin/plans", data={**TYPED, "attempt": attempt, **typed})
    assert answer.status_code == 303, text_of(answer)
    return answer.location.rsplit("/", 1)[1]


def add_price(browser: Any, plan_id: str, **typed: Any) -> Any:
    data = {"count": "1", "interval": "month", **typed}
    return browser.post(f"/admin/plans/{plan_id}/prices", data=data)


def cards(answer: Any) -> dict[str, str]:
    """Each plan's card on the plans page, by its name."""
    found = re.findall(r"(?s)<article.*?</article>", answer.get_data(as_text=True))
    named = {}
    for each in found:
        name = html.unescape(re.search(r"(?s)<h2[^>]*>(.*?)</h2>", each)[1])
        named[name] = " ".join(html.unescape(re.sub(r"<[^>]+>", " ", each)).split())
    return named
