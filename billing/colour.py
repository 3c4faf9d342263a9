"""Brand colours that can be read: contrast as WCAG 2.2 defines it ("contrast ratio")."""

from __future__ import annotations

from colorsys import hls_to_rgb, rgb_to_hls

WHITE = "#ffffff"
BLACK = "#000000"
# What text in the brand's colour is laid on: the sheets' ground, sunken and raised surfaces.
LIGHT_GROUNDS = ("#f0eeea", "#ffffff")
DARK_GROUNDS = ("#131312", "#1b1b19", "#2b2a27")
READABLE = 4.6  # AA asks 4.5 for text; the rest is for rounding
READABLE_ON_DARK = 6.5  # thin light letters on black need more to look the same
STEPS = 100


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
    hue, lightness, saturation = rgb_to_hls(*(channel / 255 for channel in _channels(colour)))
    end, minimum = (1.0, READABLE_ON_DARK) if dark else (0.0, READABLE)
    for step in range(STEPS + 1):
        shade = _from_hls(
            hue,
            lightness + (end - lightness) * step / STEPS,
            # Vivid colours glare on a dark ground.
            min(saturation, 0.65) if dark else saturation,
        )
        grounds = (
            (*DARK_GROUNDS, mix(DARK_GROUNDS[0], shade, 0.19))
            if dark
            else (*LIGHT_GROUNDS, mix(WHITE, colour, 0.13))
        )
        if all(contrast(shade, ground) >= minimum for ground in grounds[:-1]) and (
            contrast(shade, grounds[-1]) >= READABLE
        ):
            return shade
    return WHITE if dark else BLACK


def _from_hls(hue: float, lightness: float, saturation: float) -> str:
    channels = hls_to_rgb(hue, lightness, saturation)
    return "#" + "".join(f"{round(channel * 255):02x}" for channel in channels)
