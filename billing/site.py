"""The application, whose absolute addresses are those of SITE_URL."""

from __future__ import annotations

from typing import Any
from urllib.parse import urljoin, urlsplit

from flask import Flask, Request
from werkzeug.routing import MapAdapter


class Site(Flask):
    """Flask, but a link that leaves the site, as in a mail, never repeats the Host header.

    A proxy may send its own name there, and a stranger any that is trusted for health checks.
    """

    def url_for(self, endpoint: str, **values: Any) -> str:
        if values.pop("_external", None):
            path = super().url_for(endpoint, _external=False, **values)
            return urljoin(self.config["SETTINGS"].site_url, path)
        return super().url_for(endpoint, **values)

    def create_url_adapter(self, request: Request | None) -> MapAdapter | None:
        """Where nobody asked for a page, as in the worker, addresses are the site's as well."""
        if request is not None:
            return super().create_url_adapter(request)
        site = urlsplit(self.config["SETTINGS"].site_url)
        return self.url_map.bind(site.netloc, url_scheme=site.scheme)
