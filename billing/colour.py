"""Brand colours that can be read: contrast as WCAG 2.2 defines it ("contrast ratio")."""

from __future__ import annotations

WHITE = "#ffffff"
BLACK = "#000000"
# What text in the brand's colour is laid on: the sheets' ground, sunken and raised surfaces.
LIGHT_GROUNDS = ("#f0eeea", "#ffffff")
DARK_GROUNDS = ("#131312", "#1b1b19", "#2b2a27")
READABLE = 4.6  # AA asks 4.5 for text; the rest is for rounding


def _channels(colour: str) -> tuple[int, int, int]:
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)


def luminance(colour: str) -> float:
    """Relative luminance of "#rrggbb", 0 for black to 1 for white."""
    red, green, blue = (
        value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4
        for value in (channel / 255 for channel in _channels(colour))
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    """The ratio of two colours, 1 (the same) to 21 (black on white)."""
    lighter, darker = sorted((luminance(one), luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def mix(colour: str, other: str, share: float) -> str:
    """`share` (0 to 1) of `other` in `colour`, in sRGB."""
    pairs = zip(_channels(colour), _channels(other), strict=True)
    return "#" + "".join(f"{round(a + (b - a) * share):02x}" for a, b in pairs)


def text_on(colour: str) -> str:
    """White where it can be read on `colour`, else black; one of them always can."""
    return WHITE if contrast(WHITE, colour) >= 4.5 else BLACK


def readable(colour: str, *, dark: bool) -> str:
    """The colour itself where text in it can be read, else the nearest shade that can.

    It holds on every surface of the light or dark scheme and on the tint made of the colour.
    """
    toward, grounds = (WHITE, DARK_GROUNDS) if dark else (BLACK, LIGHT_GROUNDS)
    for step in range(51):
        shade = mix(colour, toward, step / 50)
        tint = mix(DARK_GROUNDS[0], shade, 0.19) if dark else mix(WHITE, colour, 0.13)
        if all(contrast(shade, ground) >= READABLE for ground in (*grounds, tint)):
            return shade
    return toward
