"""What is switched on, kept in the store's settings: it survives a restart, counts included.

Chance is drawn from a seed and a count, so that the same seed on the same calls hits the same ones.
"""

from __future__ import annotations

import json
import math
import random
import re
import secrets
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from sandbox.errors import ApiError
from sandbox.protocol.routing import ENDPOINTS
from sandbox.store import store

SETTING = "chaos"
METHODS = ("GET", "POST", "DELETE", "*")
EVERYWHERE = "*"
# What a fault does to a call, and whether the call's work is done all the same.
ANSWERS = {
    "500": "answer 500, nothing done",
    "500_kept": "answer 500 and keep it under the idempotency key, nothing done",
    "rate_limit": "answer 429 rate_limit, nothing done",
    "lock_timeout": "answer 429 lock_timeout, nothing done",
    "timeout": "close the connection after a while, nothing done",
    "hang": "do the work, hold the answer back for a while",
    "lost": "do the work, lose the answer",
}
SLOW = frozenset({"timeout", "hang"})
LONGEST = {"late_seconds": 86_400, "stop_seconds": 86_400, "seconds": 120, "calls": 100_000}
LARGEST_SEED = 2**31 - 1


@dataclass
class Deliveries:
    """How webhooks are delivered. Moments are the machine's unix seconds."""

    late_seconds: int = 0
    twice: bool = False
    reversed: bool = False
    drop_percent: int = 0
    lost_for_good: bool = False
    stopped: bool = False
    stopped_until: float | None = None
    sent: int = 0
    repeated: int = 0
    dropped: int = 0
    lost: int = 0

    def is_stopped(self) -> bool:
        """Whether nothing may leave now; a stop for some seconds ends by itself."""
        return self.stopped and (self.stopped_until is None or time.time() < self.stopped_until)

    @property
    def seconds_stopped(self) -> int | None:
        """How long the stop goes on; None when it does until somebody ends it, or is over."""
        if not self.is_stopped() or self.stopped_until is None:
            return None
        return math.ceil(self.stopped_until - time.time())

    @property
    def is_on(self) -> bool:
        return bool(
            self.late_seconds
            or self.twice
            or self.reversed
            or self.drop_percent
            or self.is_stopped()
        )


@dataclass
class Fault:
    """What goes wrong with the calls of some endpoints, for the next `calls` or until off."""

    id: int
    method: str
    path: str
    answer: str
    seconds: int
    calls: int | None = None
    percent: int = 100
    seen: int = 0
    done: int = 0

    @property
    def is_on(self) -> bool:
        return self.calls is None or self.done < self.calls

    def fits(self, method: str, path: str) -> bool:
        """Whether a call is among those that the fault is for; "*" stands for part of a segment."""
        if self.method not in ("*", method):
            return False
        return self.path == EVERYWHERE or _fits(self.path, path)


def _fits(pattern: str, text: str) -> bool:
    return re.fullmatch(re.escape(pattern).replace(r"\*", "[^/]+"), text) is not None


@dataclass
class Chaos:
    """Every switch; `drawn` counts the lots that were drawn from the seed."""

    seed: int = field(default_factory=lambda: secrets.randbelow(10_000))
    deliveries: Deliveries = field(default_factory=Deliveries)
    faults: list[Fault] = field(default_factory=list)
    drawn: dict[str, int] = field(default_factory=dict)

    @property
    def is_on(self) -> bool:
        return self.deliveries.is_on or any(fault.is_on for fault in self.faults)

    def hits(self, stream: str, percent: int) -> bool:
        """Draw the next lot of a stream: true for `percent` of them in the long run."""
        if percent >= 100:
            return True
        number = self.drawn[stream] = self.drawn.get(stream, 0) + 1
        return random.Random(f"{self.seed}/{stream}/{number}").random() * 100 < percent  # noqa: S311

    def fault(self, id: int) -> Fault | None:
        return next((fault for fault in self.faults if fault.id == id), None)


def load() -> Chaos:
    """The switches as they stand, in the open transaction."""
    saved = store.setting(SETTING)
    if not saved:
        return Chaos()
    given = json.loads(saved)
    return Chaos(
        seed=given["seed"],
        deliveries=Deliveries(**given["deliveries"]),
        faults=[Fault(**fault) for fault in given["faults"]],
        drawn=given["drawn"],
    )


def save(chaos: Chaos) -> None:
    store.set_setting(SETTING, json.dumps(asdict(chaos)))


def shown(chaos: Chaos) -> dict[str, Any]:
    """The switches and counts for a program to read."""
    to = chaos.deliveries
    stopped = to.is_stopped()
    stop = {"stopped": stopped, "stopped_until": to.stopped_until if stopped else None}
    return {
        "seed": chaos.seed,
        "deliveries": asdict(to) | stop,
        "faults": [asdict(fault) | {"on": fault.is_on} for fault in chaos.faults],
    }


# What somebody asks for ----------------------------------------------------------------------


def change_deliveries(chaos: Chaos, given: Mapping[str, Any]) -> None:
    """Set the named switches; ApiError 400 for a value that makes no sense.

    `stop_seconds` beside `stopped` makes the stop end by itself.
    """
    known = ("late_seconds", "twice", "reversed", "drop_percent", "lost_for_good", "stopped")
    _only(given, *known, "stop_seconds")
    to = chaos.deliveries
    if "late_seconds" in given:
        to.late_seconds = _whole(given, "late_seconds", 0, LONGEST["late_seconds"]) or 0
    if "drop_percent" in given:
        to.drop_percent = _whole(given, "drop_percent", 0, 100) or 0
    for name in ("twice", "reversed", "lost_for_good"):
        if name in given:
            setattr(to, name, _yes(given, name))
    seconds = _whole(given, "stop_seconds", 1, LONGEST["stop_seconds"])
    if "stopped" in given:
        to.stopped = _yes(given, "stopped")
        to.stopped_until = time.time() + seconds if to.stopped and seconds else None


def add_fault(chaos: Chaos, given: Mapping[str, Any]) -> Fault:
    """Switch a fault on; ApiError 400 when it could never strike or makes no sense."""
    _only(given, "method", "path", "answer", "seconds", "calls", "percent")
    method = str(given.get("method") or "*").upper()
    path = str(given.get("path") or EVERYWHERE).strip()
    answer = str(given.get("answer") or "")
    if method not in METHODS:
        raise ApiError(400, f"The method is one of {', '.join(METHODS)}.", param="method")
    if answer not in ANSWERS:
        raise ApiError(400, f"The answer is one of {', '.join(ANSWERS)}.", param="answer")
    if path != EVERYWHERE and not any(_could_fit(method, path, e) for e in ENDPOINTS):
        raise ApiError(
            400,
            f"No endpoint here is like {method} {path}. Write the path of one, with * for what "
            "varies, such as /v1/invoices/*/pay, or * alone for all.",
            param="path",
        )
    seconds = _whole(given, "seconds", 0, LONGEST["seconds"])
    fault = Fault(
        id=max((one.id for one in chaos.faults), default=0) + 1,
        method=method,
        path=path,
        answer=answer,
        seconds=10 if seconds is None else seconds,
        calls=_whole(given, "calls", 1, LONGEST["calls"]),
        percent=_whole(given, "percent", 1, 100) or 100,
    )
    chaos.faults.append(fault)
    return fault


def set_seed(chaos: Chaos, given: Mapping[str, Any]) -> None:
    """Draw from this seed, from the beginning."""
    seed = _whole(given, "seed", 0, LARGEST_SEED)
    if seed is None:
        raise ApiError(400, "The seed is a whole number.", param="seed")
    chaos.seed, chaos.drawn = seed, {}


def _could_fit(method: str, path: str, endpoint: Any) -> bool:
    asked, rule = path.split("/")[1:], endpoint.rule.split("/")[1:]
    return (
        method in ("*", endpoint.method)
        and len(asked) == len(rule)
        and all(
            there.startswith("<") or _fits(wanted, there)
            for wanted, there in zip(asked, rule, strict=True)
        )
    )


def _only(given: Mapping[str, Any], *known: str) -> None:
    for name in given:
        if name not in known:
            raise ApiError(400, f"Unknown: {name}. Known: {', '.join(known)}.", param=name)


def _whole(given: Mapping[str, Any], name: str, least: int, most: int) -> int | None:
    """A whole number that was given as one or as its text; None when it was left empty."""
    value = given.get(name)
    if value is None or value == "":
        return None
    text = str(value).strip()
    if isinstance(value, bool) or not re.fullmatch(r"[0-9]{1,10}", text):
        number = None
    else:
        number = int(text)
    if number is None or not least <= number <= most:
        label = name.replace("_", " ").capitalize()
        raise ApiError(400, f"{label}: a whole number from {least} to {most}.", param=name)
    return number


def _yes(given: Mapping[str, Any], name: str) -> bool:
    if not isinstance(given[name], bool):
        raise ApiError(400, f"{name} is true or false.", param=name)
    return given[name]
