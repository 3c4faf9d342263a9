"""Our settings as Flask and its extensions want them."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

from config import Settings

PERMISSIONS = ("camera", "geolocation", "microphone", "usb")


def values(settings: Settings) -> dict[str, Any]:
    """Configuration for Flask, SQLAlchemy, mail, forms and rate limits."""
    secure = settings.site_url.startswith("https://")
    return {
        "SETTINGS": settings,
        "SECRET_KEY": settings.secret_key,
        "TESTING": settings.testing,
        "SQLALCHEMY_DATABASE_URI": settings.database_url,
        # An error of the database reaches the log; the values of its statement must not.
        "SQLALCHEMY_ENGINE_OPTIONS": {"hide_parameters": True},
        # A card form is small; nothing else is uploaded. Webhooks are at most a few hundred KB.
        "MAX_CONTENT_LENGTH": 1024 * 1024,
        # This machine's names too, for health checks; links in mails are made from SITE_URL.
        "TRUSTED_HOSTS": [urlsplit(settings.site_url).hostname, "127.0.0.1", "localhost"],
        "SESSION_COOKIE_NAME": "__Host-session" if secure else "session",
        "SESSION_COOKIE_SECURE": secure,
        "SESSION_COOKIE_HTTPONLY": True,
        "SESSION_COOKIE_SAMESITE": "Lax",
        "PERMANENT_SESSION_LIFETIME": timedelta(days=14),
        "REMEMBER_COOKIE_SECURE": secure,
        "REMEMBER_COOKIE_HTTPONLY": True,
        "REMEMBER_COOKIE_SAMESITE": "Lax",
        # A form left open over lunch still works; the session itself bounds its life.
        "WTF_CSRF_TIME_LIMIT": None,
        "RATELIMIT_STORAGE_URI": "memory://",
        "RATELIMIT_ENABLED": not settings.testing,
        "BABEL_DEFAULT_LOCALE": "en_GB",
        **_mail(settings),
    }


def _mail(settings: Settings) -> dict[str, Any]:
    mail = settings.mail
    backend = "locmem" if settings.testing else "file" if mail.folder else "smtp"
    return {
        "MAIL_BACKEND": backend,
        "MAIL_FILE_PATH": str(mail.folder) if mail.folder else None,
        "MAIL_SERVER": mail.server,
        "MAIL_PORT": mail.port,
        "MAIL_USERNAME": mail.username,
        "MAIL_PASSWORD": mail.password,
        "MAIL_USE_TLS": mail.use_tls,
        "MAIL_TIMEOUT": 10,
        "MAIL_DEFAULT_SENDER": mail.sender,
    }


def security_headers(settings: Settings) -> dict[str, Any]:
    """Talisman's arguments: a content policy without any `unsafe-*`, HSTS where there is TLS."""
    secure = settings.site_url.startswith("https://")
    sources = settings.stripe_sources
    images = ["'self'", "data:", *sources.images]
    if settings.brand.logo_url:
        logo = urlsplit(settings.brand.logo_url)
        images.append(f"{logo.scheme}://{logo.netloc}")
    return {
        "force_https": secure,
        "strict_transport_security": secure,
        "session_cookie_secure": secure,
        "frame_options": "DENY",
        "referrer_policy": "strict-origin-when-cross-origin",
        "permissions_policy": dict.fromkeys(PERMISSIONS, "()"),
        "content_security_policy": {
            "default-src": "'self'",
            "script-src": ["'self'", *sources.scripts],
            "style-src": "'self'",
            "img-src": images,
            "frame-src": list(sources.frames),
            "connect-src": ["'self'", *sources.connections],
            # Browsers check redirects after a form, and ours lead to Stripe's pages.
            "form-action": ["'self'", *sources.pages],
            "frame-ancestors": "'none'",
            "base-uri": "'none'",
            "object-src": "'none'",
        },
    }
