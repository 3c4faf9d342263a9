"""Clocks on their way: a move is lived through step by step, not jumped over.

A step plays everything that is due at the next moment and is committed. Then the webhooks that
came of it are waited for, so that an application that listens learns each fact while it is true.
Moves are kept in the store: a sandbox that is started again goes on where it was.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

from flask import current_app

from sandbox import clock, events
from sandbox.background import Background
from sandbox.engine import clocks, collecting, items
from sandbox.engine import time as engine_time
from sandbox.engine.calendar import boundary
from sandbox.errors import ApiError
from sandbox.events import emit
from sandbox.protocol.timing import KIND, of_clock
from sandbox.store import store

if TYPE_CHECKING:
    from sandbox import Sandbox

# Seconds to wait for the webhooks of one step.
PATIENCE = 5.0
# Seconds that steps nobody listens to may take together before others get their turn.
SHARE = 0.1
IDLE = 60.0
log = logging.getLogger(__name__)


class Move(NamedTuple):
    """A clock's way from `begun` to `target` (unix seconds): the steps played so far and about how
    many there are; `failure` says why it stopped short."""

    clock: str
    begun: int
    target: int
    steps: int
    about: int
    failure: str | None

    @property
    def share(self) -> int:
        """How much of it is played, in percent."""
        return min(100 * self.steps // max(self.about, 1), 99)


def under_way() -> list[Move]:
    """Every move that is being played."""
    rows = store.sql("SELECT * FROM moves WHERE failure IS NULL ORDER BY rowid")
    return [Move(*row) for row in rows]


def of(name: str) -> Move | None:
    """The move of a clock: under way, or stopped by a failure."""
    row = store.sql("SELECT * FROM moves WHERE clock = ?", (name,)).fetchone()
    return Move(*row) if row else None


def reached(name: str) -> int:
    """Where a clock stands, in unix seconds."""
    if name != clock.OWN:
        return store.get(KIND, name)["frozen_time"]
    with clock.on(clock.OWN):
        return clock.now()


def begin(name: str, target: int) -> None:
    """Move a clock to `target` (unix seconds). The sandbox as a server plays it in the background;
    otherwise it is played when this returns.

    ApiError 400 for a move backwards or, with a test clock, too far; 429 while one is under way.
    """
    move = of(name)
    if move and not move.failure:
        raise ApiError(
            429,
            "This clock is being advanced already: it is on its way to "
            f"{move.target}. Wait until it is there, or stop it.",
            code="lock_timeout",
        )
    now = reached(name)
    if name != clock.OWN:
        clocks.check_target(store.get(KIND, name), target)
    elif target <= now:
        raise ApiError(
            400,
            f"Time moves forward only: the sandbox is at {now} already, so it cannot go to "
            f"{target}.",
            param="to",
        )
    store.sql(
        "INSERT OR REPLACE INTO moves (clock, begun, target, steps, about) VALUES (?, ?, ?, 0, ?)",
        (name, now, target, _about(name, target)),
    )
    if name != clock.OWN:
        _show(name, "advancing", {"advancing": {"target_frozen_time": target}})
    player = current_app.extensions.get("player")
    if player is not None:
        player.wake()
        return
    step(Move(name, now, target, 0, 0, None), enough=lambda: False)


def stop(name: str) -> None:
    """Let a clock stand still where its move has come to; nothing when there is none."""
    if of(name):
        _arrive(name, reached(name))


def forget(name: str) -> None:
    """Drop the move of a clock that is deleted."""
    store.sql("DELETE FROM moves WHERE clock = ?", (name,))


def step(move: Move, enough: Callable[[], bool]) -> None:
    """Play the next moments of a move, at least one, until `enough` says so or it is there."""
    name, now, steps = move.clock, reached(move.clock), 0
    with of_clock(name):
        for at, following in engine_time.play(move.target):
            now = max(now, at)
            if following is not None and following <= now:
                continue
            steps += 1
            if enough():
                _set(name, now)
                store.sql("UPDATE moves SET steps = steps + ? WHERE clock = ?", (steps, name))
                return
    _arrive(name, move.target)


def _arrive(name: str, at: int) -> None:
    _set(name, at)
    forget(name)
    if name != clock.OWN:
        _show(name, "ready", {})


def _set(name: str, at: int) -> None:
    if name == clock.OWN:
        clock.move_to(at)
        store.set_setting(clock.SETTING, str(clock.offset()))
    else:
        store.save(store.get(KIND, name) | {"frozen_time": at})


def _show(name: str, status: str, details: dict[str, Any]) -> None:
    test_clock = store.get(KIND, name) | {"status": status, "status_details": details}
    store.save(test_clock)
    emit(f"test_helpers.test_clock.{status}", test_clock)


def fail(name: str, why: str) -> None:
    """Note that a move cannot go on; its clock stands where the last step left it."""
    store.sql("UPDATE moves SET failure = ? WHERE clock = ?", (why, name))
    if name != clock.OWN:
        _show(name, "internal_failure", {})


def _about(name: str, target: int) -> int:
    """How many moments there will be: those known, and for the periods still to come their notice,
    their renewal and its charge."""
    known = store.due(name, target, limit=-1)
    renewed = {one.id for one in known if one.kind == "subscription"}
    moments = {one.at for one in known}
    for item in store.on_clock("subscription_item", name):
        if item["subscription"] not in renewed:
            continue
        end, n = item["current_period_end"], 0
        while (at := boundary(end, *items.interval(item), n)) <= target:
            moments |= {at, at + collecting.HOUR} | (
                {at - engine_time.RENEWAL_NOTICE} if n else set()
            )
            n += 1
    return sum(at <= target for at in moments)


class Player(Background):
    """Plays the moves that are under way, a step of each in turn."""

    def __init__(self, app: Sandbox) -> None:
        super().__init__("moves")
        self._app = app

    def work(self) -> float:
        with events.transaction():
            moves = under_way()
        for move in moves:
            if not self.stopped:
                self._play(move)
        return 0.0 if moves else IDLE

    def _play(self, move: Move) -> None:
        started = time.monotonic()
        before = 0

        def enough() -> bool:
            return events.newest() > before or time.monotonic() - started > SHARE

        # Whoever is told of the step finds the clock file written.
        with self._app.app_context(), self._app.storage.exclusive():
            try:
                with clock.undone_on_error(), events.transaction():
                    before = events.newest()
                    # Somebody may have stopped it, or deleted its clock, a moment ago.
                    if current := of(move.clock):
                        step(current, enough)
            except Exception as error:
                log.exception("A step towards %s failed", move.target)
                with events.transaction():
                    fail(move.clock, f"{type(error).__name__}: {error}")
            self._app.tell_time()
        events.wait_for(before, PATIENCE, lambda: self.stopped)
