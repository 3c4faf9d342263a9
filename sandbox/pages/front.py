"""The front page."""

from flask import Blueprint

bp = Blueprint("front", __name__)


@bp.get("/")
def index() -> str:
    return ""
