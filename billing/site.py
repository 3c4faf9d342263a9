"""The application, whose absolute addresses are those of SITE_URL."""

from __future__ import annotations

from typing import Any
from urllib.parse import urljoin

from flask import Flask


class Site(Flask):
    """Flask, but a link that leaves the site, as in a mail, never repeats the Host header.

    A proxy may send its own name there, and a stranger any that is trusted for health checks.
    """

    def url_for(self, endpoint: str, **values: Any) -> str:
        if values.pop("_external", None):
            path = super().url_for(endpoint, _external=False, **values)
            return urljoin(self.config["SETTINGS"].site_url, path)
        return super().url_for(endpoint, **values)
