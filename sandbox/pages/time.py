"""Time on the front page and by the sandbox's own API: where the clocks stand, and moving them."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

from flask import Blueprint, Response, g, redirect, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from sandbox import advancing, clock
from sandbox.engine import clocks
from sandbox.engine import time as engine_time
from sandbox.engine.calendar import DAY, after, moment
from sandbox.errors import ApiError
from sandbox.pages import front
from sandbox.pages.origin import from_here
from sandbox.protocol.timing import KIND, of_clock
from sandbox.store import store, to_json

bp = Blueprint("time", __name__)
Answer = AnyResponse | tuple[str, int]
# Test clocks shown on the front page; each has its controls on its own page, too.
SHOWN = 3
REFRESH = "2"  # seconds between looks at a move that is being played
KEYS = {"advance", "clock", "next", "to"}


class Refused(Exception):
    """A move that cannot be made, worded for a person."""


# The API ----------------------------------------------------------------------------------------


@bp.get("/sandbox/clock")
def show() -> Response:
    return _json(_standing(clock.OWN))


@bp.post("/sandbox/clock")
def move() -> Response:
    """Move a clock: `advance` by seconds, `to` a unix second, or to what is due `next`; `clock`
    names a test clock. 202 while it is being played, 200 when it is there."""
    given = _given()
    name = given.get("clock", clock.OWN)
    if name != clock.OWN:
        store.need(KIND, name, "clock")
    advancing.begin(name, _target(name, given))
    return _json(_standing(name), 202 if advancing.of(name) else 200)


@bp.post("/sandbox/clock/stop")
def stop() -> Response:
    name = _given().get("clock", clock.OWN)
    if name != clock.OWN:
        store.need(KIND, name, "clock")
    advancing.stop(name)
    return _json(_standing(name))


@bp.errorhandler(ApiError)
def refused(error: ApiError) -> Response:
    return _json(error.body(), error.status)


def _given() -> dict[str, Any]:
    """The JSON that was sent: another site's page cannot send it unasked, as it can a form."""
    given = request.get_json(silent=True) if request.is_json else None
    if not isinstance(given, dict):
        raise ApiError(400, 'Send a JSON object, such as {"advance": 86400}.')
    unknown = sorted(given.keys() - KEYS)
    if unknown:
        raise ApiError(400, f"Received unknown parameter: {unknown[0]}", param=unknown[0])
    return given


def _target(name: str, given: dict[str, Any]) -> int:
    wanted = [key for key in ("advance", "to", "next") if key in given]
    if len(wanted) != 1:
        raise ApiError(400, "Give exactly one of `advance` (seconds), `to` (unix time), `next`.")
    key = wanted[0]
    if key == "next":
        coming = _coming(name)
        if coming is None:
            raise ApiError(400, "Nothing is due, ever: there is no next event.", param="next")
        return coming["at"]
    value = given[key]
    if not isinstance(value, int) or isinstance(value, bool):
        raise ApiError(400, f"Invalid integer: {value}", param=key)
    if key == "to":
        return value
    if value <= 0:
        raise ApiError(
            400, f"Time moves forward only: it cannot advance by {value} seconds.", param=key
        )
    return advancing.reached(name) + value


def _standing(name: str) -> dict[str, Any]:
    """Where a clock stands: `now`, what comes `next`, and the move that is `playing`, all in unix
    seconds; `ahead` is the sandbox's lead over the machine's clock in seconds."""
    move = advancing.of(name)
    shown: dict[str, Any] = {
        "clock": name or None,
        "now": advancing.reached(name),
        "ahead": clock.ahead() if name == clock.OWN else None,
        "next": _coming(name),
        "playing": None,
        "failure": move and move.failure,
    }
    if move and not move.failure:
        shown["playing"] = {"target": move.target, "steps": move.steps, "about": move.about}
    return shown


def _coming(name: str) -> dict[str, Any] | None:
    """What is due next on a clock."""
    with of_clock(name):
        found = engine_time.next_event()
    return found and dict(zip(("at", "what", "kind", "id"), found, strict=True))


def _json(value: Any, status: int = 200) -> Response:
    return Response(to_json(value), status, content_type="application/json")


# The front page ---------------------------------------------------------------------------------


@bp.post("/time")
def move_by_form() -> Answer:
    """Move a clock from the front page; only a page of the sandbox itself may ask for it."""
    if not from_here():
        return "Only the sandbox's own pages may do this.\n", 403
    name = request.form.get("clock", clock.OWN)
    if name != clock.OWN:
        store.get(KIND, name)
    try:
        if request.form.get("move") == "stop":
            advancing.stop(name)
        else:
            advancing.begin(name, _chosen(name))
    except Refused as refusal:
        return _again(str(refusal))
    except ApiError as error:
        return _again(_worded(name, error))
    return redirect(url_for("front.index", _anchor="time"), 303)


def _again(message: str) -> Answer:
    g.time_refusal = message
    return front.index(), 422


def _chosen(name: str) -> int:
    now, by = advancing.reached(name), request.form.get("move")
    if by == "day":
        return now + DAY
    if by == "month":
        return after(now, "month", 1)
    if by == "next":
        coming = _coming(name)
        if coming is None:
            raise Refused("Nothing is due, so there is no next event to go to.")
        # What is due in this very second is played by going a second further.
        return max(coming["at"], now + 1)
    try:
        chosen = date.fromisoformat(request.form.get("date", ""))
    except ValueError:
        raise Refused("Choose a date to go to.") from None
    # At the time of day that it is now, so that a month later is a month later.
    target = int(datetime.combine(chosen, moment(now).time(), UTC).timestamp())
    if target <= now:
        raise Refused(
            f"Time moves forward only: it is {_day(now)} already, so it cannot go to "
            f"{_day(target)}."
        )
    return target


def _worded(name: str, error: ApiError) -> str:
    if error.status == 429:
        return "This clock is on its way already. Wait until it is there, or stop it first."
    if name != clock.OWN and error.param == "frozen_time":
        furthest = clocks.furthest(store.get(KIND, name))
        return (
            "A test clock moves at most two intervals of its shortest subscription at once, as "
            f"with Stripe. The furthest it can go now is {_day(furthest)}."
        )
    return error.message


def _day(timestamp: int) -> str:
    at = moment(timestamp)
    return f"{at.day} {at:%B %Y}"


@bp.app_template_global()
def time_panel() -> dict[str, Any]:
    """What the panel shows: the sandbox's own clock, the latest test clocks, what was refused."""
    found = store.scan(KIND, {}, newest_first=True, limit=SHOWN)
    return {
        "own": clock_standing(),
        "test_clocks": [clock_standing(test_clock) for test_clock in found],
        "more": max(store.count(KIND) - SHOWN, 0),
        "refusal": g.get("time_refusal"),
    }


@bp.app_template_global()
def clock_standing(test_clock: dict[str, Any] | None = None) -> dict[str, Any]:
    """What the controls of a clock show."""
    name = test_clock["id"] if test_clock else clock.OWN
    move = advancing.of(name)
    now = advancing.reached(name)
    playing = move if move and not move.failure else None
    g.playing = g.get("playing") or playing is not None
    return {
        "id": name,
        "name": test_clock["name"] if test_clock else None,
        "status": test_clock["status"] if test_clock else None,
        "now": now,
        "today": moment(now).date().isoformat(),
        "ahead": None if test_clock else clock.ahead(),
        "next": _coming(name),
        "move": playing,
        "failure": move.failure if move else None,
    }


@bp.after_app_request
def look_again(response: Response) -> Response:
    """While a move is played its pages are loaded again every two seconds."""
    if g.get("playing") and request.method == "GET":
        response.headers["Refresh"] = REFRESH
    return response
