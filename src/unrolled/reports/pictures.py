"""A matplotlib figure as a part of the page: SVG that follows the page's colours, or PNG if that is smaller."""

from __future__ import annotations

import base64
import io
import re
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from markupsafe import Markup, escape

from unrolled.drawing import COLOURS, GREY, GRID, INK, quietly, to_png

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MAX_SVG = 120_000
"""Characters from which on a figure is a PNG: about what such a PNG has."""

_ROLES = {INK: "var(--ink)", GREY: "var(--grey)", GRID: "var(--grid)", "#000000": "var(--ink)"} | {
    colour: f"var(--c{index})" for index, colour in enumerate(COLOURS)
}
_FONT = "system-ui, sans-serif"
_SETTINGS: Any = {
    "svg.fonttype": "none",
    "svg.hashsalt": "unrolled",
    "font.size": 9,
    "axes.edgecolor": INK,
    "axes.labelcolor": INK,
    "text.color": INK,
    "xtick.color": INK,
    "ytick.color": INK,
}


@dataclass(frozen=True)
class Picture:
    """A picture on the page.

    Attributes:
        markup: an ``svg`` or ``img`` element with its alternative text.
        caption: the text below it.
    """

    markup: Markup
    caption: str = ""


class Album:
    """Makes the pictures of one page; the ids in each picture get a prefix of their own."""

    def __init__(self) -> None:
        self.count = 0

    def add(self, figure: Figure, alt: str, caption: str = "") -> Picture:
        """Turns a figure into a picture.

        Args:
            figure: drawn within `plainly_styled`.
            alt: the alternative text.
            caption: the text below the picture.
        """
        self.count += 1
        svg = _to_svg(figure)
        if len(svg) > MAX_SVG:
            return Picture(_as_png(figure, alt), caption)
        return Picture(_as_svg(svg, f"f{self.count}", alt), caption)


def plainly_styled() -> AbstractContextManager[None]:
    """Matplotlib's settings for the page's figures."""
    import matplotlib as mpl

    return mpl.rc_context(_SETTINGS)


def _to_svg(figure: Figure) -> str:
    buffer = io.StringIO()
    with plainly_styled(), quietly():  # the browser's fonts have letters that matplotlib's font lacks
        figure.savefig(buffer, format="svg", transparent=True, metadata={"Date": None, "Creator": None})
    text = buffer.getvalue()
    return text[text.index("<svg") :]


def _as_svg(svg: str, prefix: str, alt: str) -> Markup:
    """The SVG with the page's colours and fonts, prefixed ids, and its alternative text.

    matplotlib escapes text, so an angle bracket always belongs to a tag.
    """
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg, count=1, flags=re.DOTALL)
    svg = re.sub(r'(<[^<>]*?\s)id="', rf'\1id="{prefix}-', svg)
    svg = re.sub(r'(<[^<>]*?)(url\(#|href="#)', rf"\1\2{prefix}-", svg)
    svg = re.sub(r'(<[^<>]*?\sstyle=")([^"]*)"', lambda found: f'{found[1]}{_themed(found[2])}"', svg)
    head = re.match(r'<svg[^>]*?viewBox="0 0 ([\d.]+) ([\d.]+)"[^>]*>', svg)
    assert head is not None  # noqa: S101  # matplotlib writes one
    width, height = float(head[1]), float(head[2])
    opening = (
        f'<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" role="img" '
        f'aria-label="{escape(alt)}" viewBox="0 0 {width:g} {height:g}" '
        f'style="max-width:{width * 4 / 3:.0f}px">'
    )
    return Markup(opening + svg[head.end() :])  # noqa: S704  # matplotlib's own, its texts escaped


def _themed(style: str) -> str:
    style = re.sub(r"(fill|stroke): (#[0-9a-f]{6})", lambda f: f"{f[1]}: {_ROLES.get(f[2], f[2])}", style)
    return re.sub(r"'[^;]*sans-serif", _FONT, style)


def _as_png(figure: Figure, alt: str) -> Markup:
    with plainly_styled():
        data = base64.b64encode(to_png(figure, 130)).decode()
    style = f"max-width:{figure.get_figwidth() * 96:.0f}px"
    return Markup('<img class="paper" src="data:image/png;base64,{}" alt="{}" style="{}">').format(data, alt, style)
