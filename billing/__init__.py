"""The billing portal."""

from __future__ import annotations

from pathlib import Path

from flask import Flask
from flask_talisman import Talisman
from werkzeug.middleware.proxy_fix import ProxyFix

import billing.observers  # noqa: F401  registers whoever is told of the mirror's writes
from billing import cli, extensions, flask_config, null_characters, people, stripe_calls, templating
from billing import facts as facts  # watches what is written into the mirror
from billing import notices as notices  # mails what the outbox holds
from billing.row_number import RowNumber
from billing.site import Site
from billing.views import errors as error_pages
from billing.views import register_all
from config import Settings
from models import db


def create_app(settings: Settings) -> Flask:
    """The application for these settings."""
    app = Site(__name__)
    app.config.update(flask_config.values(settings))
    Path(app.instance_path).mkdir(exist_ok=True)
    if settings.trusted_proxies:
        hops = settings.trusted_proxies
        app.wsgi_app = ProxyFix(  # type: ignore[method-assign]
            app.wsgi_app, x_for=hops, x_proto=hops
        )
    null_characters.init_app(app)
    stripe_calls.init_app(app)
    db.init_app(app)
    extensions.migrate.init_app(app, db, render_as_batch=True)
    extensions.csrf.init_app(app)
    extensions.limiter.init_app(app)
    extensions.babel.init_app(app, locale_selector=extensions.reader_locale)
    extensions.mail.init_app(app)
    # Bound anew for each application: one instance would give all of them the last one's headers.
    Talisman(app, **flask_config.security_headers(settings))
    people.init_app(app)
    templating.init_app(app)
    app.url_map.converters["int"] = RowNumber
    register_all(app)
    error_pages.init_app(app)
    cli.init_app(app)
    return app
