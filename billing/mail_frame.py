"""How a mail is shown inside a page: in a frame of its own, under policies of its own."""

from __future__ import annotations

# Of the page around the frame.
FRAMED = {
    "default-src": "'self'",
    "img-src": ["'self'", "data:"],
    "frame-src": "'self'",
    "form-action": "'self'",
    "frame-ancestors": "'none'",
    "base-uri": "'none'",
}
# Mails carry their styles in the tags, as mail programs want them; nothing else may load or run.
MAIL = {
    "default-src": "'none'",
    "style-src": "'unsafe-inline'",
    "img-src": "data:",
    "frame-ancestors": "'self'",
    "sandbox": "allow-top-navigation-by-user-activation",
}
