"""Charts as pictures: SVG that stands in the page, prints, and needs no script.

Drawn by pygal. What it adds for its own script and style is taken out again, because the content
security policy allows neither inline; its classes stay, and static/css/charts.css gives them our
colours, in dark mode and in print too. Each chart is drawn twice, for wide and for narrow screens,
where letters drawn for a wide one would be too small to read; only one of the two is shown.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import count
from typing import Any
from xml.etree import ElementTree

import pygal
from markupsafe import Markup
from pygal.style import Style

WIDE, NARROW = (960, 264), (400, 272)
# Intervals between the lines that values are read by.
INTERVALS = 4
# Letters' size in the drawing's own units, which pygal leaves room for.
STYLE = Style(font_family="inherit", label_font_size=13, major_label_font_size=13)
NICE = (1, 2, 5, 10)


@dataclass(frozen=True)
class Series:
    """Values by label, as whole numbers; `key` is its class in the picture and its legend."""

    key: str
    name: str
    values: Sequence[int]


@dataclass(frozen=True)
class Chart:
    """What is drawn: `title` and `summary` are read out; `written` writes a value in full,
    `tick` in few letters."""

    id: str
    title: str
    summary: str
    labels: Sequence[str]
    series: Sequence[Series]
    written: Callable[[int], str]
    tick: Callable[[int], str]

    @property
    def is_empty(self) -> bool:
        return not any(any(one.values) for one in self.series)


def area(chart: Chart) -> Markup:
    """A line over the area below it, the last point marked."""
    return _both(chart, lambda size: _area(chart, size))


def stacked(chart: Chart) -> Markup:
    """Bars of several parts, those below zero downwards."""
    return _both(chart, lambda size: _bars(chart, size))


def _both(chart: Chart, draw: Callable[[tuple[int, int]], Any]) -> Markup:
    drawn = (("wide", WIDE), ("narrow", NARROW))
    return Markup("").join(_picture(chart, name, draw(size)) for name, size in drawn)


def _area(chart: Chart, size: tuple[int, int]) -> Any:
    return pygal.Line(fill=True, dots_size=4, **_options(chart, size, stacks=False))


def _bars(chart: Chart, size: tuple[int, int]) -> Any:
    return pygal.StackedBar(**_options(chart, size, stacks=True))


def _options(chart: Chart, size: tuple[int, int], *, stacks: bool) -> dict[str, Any]:
    width, height = size
    every = max(1, -(-len(chart.labels) // (7 if width == WIDE[0] else 4)))
    labels = list(chart.labels)
    return {
        "width": width,
        "height": height,
        "js": [],
        "style": STYLE,
        "no_prefix": True,
        "show_legend": False,
        "margin": 8,
        "margin_right": 20,
        "truncate_label": -1,
        # Every so many, so that the last one, which is now, has its name.
        "x_labels_major": labels[::-1][::every],
        "show_minor_x_labels": False,
        "show_x_guides": False,
        "x_labels": labels,
        "y_labels": [
            {"value": value, "label": chart.tick(value)}
            for value in ticks(chart.series, stacks=stacks)
        ],
        "formatter": chart.written,
    }


def ticks(series: Sequence[Series], *, stacks: bool) -> list[int]:
    """Round numbers from the least to the most that is drawn, zero among them."""
    columns = list(zip(*(one.values for one in series), strict=True))
    if stacks:
        high = max((sum(v for v in column if v > 0) for column in columns), default=0)
        low = min((sum(v for v in column if v < 0) for column in columns), default=0)
    else:
        high = max((max(column) for column in columns), default=0)
        low = min((min(column) for column in columns), default=0)
    high, low = max(high, 0), min(low, 0)
    step = _step(max(high - low, 1))
    # Floor division rounds away from zero below it, as its negative does above.
    return [step * place for place in range(low // step, -(-high // step) + 1)]


def _step(span: int) -> int:
    """The least round number by which at most INTERVALS steps cover the span, at least 1."""
    least = -(-span // INTERVALS)
    power = 10 ** (len(str(least)) - 1)
    return next(power * nice for nice in NICE if power * nice >= least)


def _picture(chart: Chart, size: str, drawing: Any) -> Markup:
    for one in chart.series:
        drawing.add(one.name, list(one.values))
    root = drawing.render_tree()
    _strip(root)
    for place, one in zip(count(), chart.series):
        for group in root.iter("g"):
            if f"serie-{place}" in group.get("class", "").split():
                group.set("class", f"{group.get('class')} series-{one.key}")
    _name(root, chart, size)
    return Markup(ElementTree.tostring(root, encoding="unicode", short_empty_elements=True))  # noqa: S704


def _strip(root: Any) -> None:
    """Takes out scripts, styles, comments, and what only pygal's script would use."""
    for parent in list(root.iter()):
        for child in list(parent):
            classes = child.get("class", "") if isinstance(child.tag, str) else ""
            if not isinstance(child.tag, str) or child.tag in {"defs", "script", "title"}:
                parent.remove(child)
            elif child.tag == "desc":
                if classes == "value":
                    # A browser shows the title of a shape beside the pointer.
                    child.tag = "title"
                    child.attrib.clear()
                else:
                    parent.remove(child)
            elif classes in {"titles", "plot text-overlay", "plot tooltip-overlay"}:
                parent.remove(child)
    for element in root.iter():
        element.attrib.pop("style", None)
        element.attrib.pop("id", None)


def _name(root: Any, chart: Chart, size: str) -> None:
    name = f"chart-{chart.id}-{size}"
    root.attrib.update(
        {
            "class": f"chart chart-{size} chart-{chart.id}",
            "role": "img",
            "aria-labelledby": f"{name}-title",
            "aria-describedby": f"{name}-summary",
            "focusable": "false",
        }
    )
    for place, (tag, part, text) in enumerate(
        (("title", "title", chart.title), ("desc", "summary", chart.summary))
    ):
        element = ElementTree.Element(tag, {"id": f"{name}-{part}"})
        element.text = text
        root.insert(place, element)
