"""One portal and one sandbox for many tests: each test finds both as if they were new.

Making an application costs ten times what most tests need; forgetting what one did costs little.
"""

from __future__ import annotations

from flask import Flask
from flask.testing import FlaskClient

import config
from billing import create_app
from models import db
from sandbox import Sandbox, events
from sandbox import create_app as create_sandbox
from sandbox.store import Storage
from tests.databases import Database


class SharedPortal:
    """The application on a database that `renew` empties."""

    def __init__(self, settings: config.Settings, client: type[FlaskClient], database: Database):
        self.settings = settings
        self.database = database
        self.app = create_app(settings)
        self.app.test_client_class = client
        with self.app.app_context():
            database.prepare()
        self._config = dict(self.app.config)

    def renew(self) -> Flask:
        """The application with empty tables and its first configuration."""
        self.forget_database()
        with self.app.app_context():
            self.database.empty()
        self.app.config.clear()
        self.app.config.update(self._config)
        self.app.extensions.pop("stripe", None)
        return self.app

    def forget_database(self) -> None:
        """Ends what is open; on SQLite the file is gone."""
        with self.app.app_context():
            db.session.remove()
            self.database.forget()


class SharedSandbox:
    """The sandbox on a memory of its own for each test."""

    def __init__(self) -> None:
        self.app = create_sandbox(":memory:", deliver=False)

    def renew(self) -> Sandbox:
        """The application with nothing in it."""
        self.app.close()
        self.app.storage = Storage(":memory:")
        events.attach(self.app.storage)
        return self.app
