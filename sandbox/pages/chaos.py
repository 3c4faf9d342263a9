"""The switches of chaos: JSON for programs, forms on the front page, a strip on every page."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlsplit

from flask import Blueprint, Response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from sandbox.chaos import deliveries, switches, wording
from sandbox.chaos.switches import Chaos
from sandbox.errors import ApiError
from sandbox.pages.origin import from_here
from sandbox.protocol.routing import ENDPOINTS
from sandbox.store import to_json

bp = Blueprint("chaos", __name__, url_prefix="/sandbox/chaos")
Answer = AnyResponse | str | tuple[str, int]
REFUSED = "Only the sandbox's own pages may do this.\n", 403

for function in (wording.done, wording.what, wording.where):
    bp.add_app_template_filter(function, f"fault_{function.__name__}")
for function in (wording.delivered, wording.summary):
    bp.add_app_template_filter(function, f"chaos_{function.__name__}")


@bp.app_context_processor
def shared() -> dict[str, Any]:
    """What the strip and the panel show."""
    return {
        "chaos": switches.load(),
        "chaos_answers": wording.CHOICES,
        "chaos_methods": switches.METHODS,
        "chaos_paths": sorted({_pattern(one.rule) for one in ENDPOINTS}),
    }


def _pattern(rule: str) -> str:
    return "/".join("*" if part.startswith("<") else part for part in rule.split("/"))


# For programs --------------------------------------------------------------------------------


@bp.get("")
def show() -> Response:
    """Every switch with its counts."""
    return _json(switches.load())


@bp.post("")
def change() -> Answer:
    """Turn switches by JSON: `off` first of all, then `seed`, `deliveries`, and `faults`, which
    replace those there were.

    No page elsewhere can send this: a browser asks before it sends JSON across origins, and it
    gets no leave.
    """
    given = request.get_json(silent=True) if request.is_json else None
    if not isinstance(given, dict):
        raise ApiError(400, "Send a JSON object, with its Content-Type.")
    _only_known(given)
    chaos = Chaos() if given.get("off") is True else switches.load()
    if "seed" in given:
        switches.set_seed(chaos, given)
    if "deliveries" in given:
        switches.change_deliveries(chaos, _object(given["deliveries"], "deliveries"))
    if "faults" in given:
        if not isinstance(given["faults"], list):
            raise ApiError(400, "faults is a list.", param="faults")
        chaos.faults = []
        for one in given["faults"]:
            switches.add_fault(chaos, _object(one, "faults"))
    _keep(chaos)
    return _json(chaos)


def _only_known(given: Mapping[str, Any]) -> None:
    known = ("off", "seed", "deliveries", "faults")
    for name in given:
        if name not in known:
            raise ApiError(400, f"Unknown: {name}. Known: {', '.join(known)}.", param=name)


def _object(value: Any, name: str) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise ApiError(400, f"{name} holds objects.", param=name)
    return value


def _json(chaos: Chaos) -> Response:
    shown = {"on": chaos.is_on, "summary": wording.summary(chaos), **switches.shown(chaos)}
    return Response(to_json(shown), content_type="application/json")


# For people ----------------------------------------------------------------------------------


@bp.post("/deliveries")
def set_deliveries() -> Answer:
    form: dict[str, Any] = {
        name: request.form.get(name, "") for name in ("late_seconds", "drop_percent")
    }
    for name in ("twice", "reversed", "stopped"):
        form[name] = name in request.form
    form["lost_for_good"] = request.form.get("dropped") == "lost"
    form["stop_seconds"] = request.form.get("stop_seconds", "")
    return _turned(lambda chaos: switches.change_deliveries(chaos, form))


@bp.post("/faults")
def add_fault() -> Answer:
    names = ("method", "path", "answer", "seconds", "calls", "percent")
    form = {name: request.form.get(name, "") for name in names}
    return _turned(lambda chaos: switches.add_fault(chaos, form))


@bp.post("/faults/<int:id>/off")
def end_fault(id: int) -> Answer:
    def end(chaos: Chaos) -> None:
        chaos.faults = [fault for fault in chaos.faults if fault.id != id]

    return _turned(end)


@bp.post("/seed")
def set_seed() -> Answer:
    return _turned(lambda chaos: switches.set_seed(chaos, {"seed": request.form.get("seed", "")}))


@bp.post("/off")
def off() -> Answer:
    """Turn all off, and back to the page it was asked for on."""
    if not from_here():
        return REFUSED
    _keep(Chaos())
    came_from = urlsplit(request.headers.get("Referer", ""))
    if came_from.netloc != request.host or came_from.path.startswith("/sandbox/chaos"):
        return _to_panel()
    query = f"?{came_from.query}" if came_from.query else ""
    return redirect(f"/{came_from.path.lstrip('/')}{query}", 303)


def _turned(turn: Callable[[Chaos], object]) -> Answer:
    """Turn a switch as a form asks, or show the form again with what is wrong."""
    if not from_here():
        return REFUSED
    chaos = switches.load()
    try:
        turn(chaos)
    except ApiError as error:
        page = render_template("sandbox/front/chaos.html", chaos_problem=error)
        return page, 422
    _keep(chaos)
    return _to_panel()


def _keep(chaos: Chaos) -> None:
    switches.save(chaos)
    deliveries.release()


def _to_panel() -> AnyResponse:
    return redirect(url_for("front.index", _anchor="chaos"), 303)
