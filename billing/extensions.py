"""Flask's extensions, made once and bound to the application in `create_app`."""

from __future__ import annotations

from flask import has_request_context, request, session
from flask_babel import Babel
from flask_limiter import Limiter
from flask_limiter.util import get_remote_address
from flask_mailman import Mail
from flask_migrate import Migrate
from flask_security import Security
from flask_talisman import Talisman
from flask_wtf import CSRFProtect

from billing.mails import SecurityMails
from billing.passkeys import PasskeyRules

LOCALES = ("en_GB", "en_US", "de_DE", "fr_FR", "es_ES", "it_IT", "nl_NL", "sv_SE", "pt_BR", "ja_JP")

babel = Babel()
csrf = CSRFProtect()
limiter = Limiter(get_remote_address, headers_enabled=True)
mail = Mail()
migrate = Migrate()
security = Security(mail_util_cls=SecurityMails, webauthn_util_cls=PasskeyRules)
talisman = Talisman()


def reader_locale() -> str | None:
    """The locale for money and dates: what the browser prefers of those we know.

    None, which is the default, where nobody reads a page: in a command.
    """
    if not has_request_context():
        return None
    wanted = request.accept_languages.best_match(
        [code.replace("_", "-") for code in LOCALES], default="en-US"
    )
    return (session.get("locale") or wanted).replace("-", "_")
