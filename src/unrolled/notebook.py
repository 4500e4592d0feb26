"""Results as HTML for a notebook: one piece of text, nothing fetched, no script, every name escaped."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from html import escape

MOST_ROWS = 30
"""Rows of a table that are shown."""

_LINE, _MARK = "#888", "#0072b2"
_WIDTH, _HEIGHT = 180, 14


def titled(title: str, *parts: str) -> str:
    """A title with pieces of HTML below it."""
    return f'<div style="line-height:1.5"><strong>{escape(title)}</strong>{"".join(parts)}</div>'


def lines(text: str) -> str:
    """Plain text, its lines kept."""
    return "".join(f"<div>{escape(line.strip())}</div>" for line in text.splitlines())


def shares(rows: Mapping[str, tuple[float, float, float]]) -> str:
    """Shares of 0 to 1, each with both ends of its interval, as numbers and as a drawing on one axis."""
    low = min((ends[1] for ends in rows.values()), default=0.0)
    start = 0.0 if low < 0.5 else 0.5 if low < 0.9 else 0.9
    cells = [
        (
            escape(name),
            f"{100 * value:.2f} %",
            f"{100 * low:.2f} to {100 * high:.2f} %",
            _interval(start, value, low, high),
        )
        for name, (value, low, high) in rows.items()
    ]
    return _table(("", "", "95 % interval", f"{100 * start:.0f} to 100 %"), cells)


def table(headers: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A table of text."""
    return _table(headers, [[escape(str(cell)) for cell in row] for row in rows])


def curve(values: Sequence[Sequence[float]], title: str) -> str:
    """Lines of numbers over equal steps, each on the scale of all; what is not finite is left out."""
    finite = [value for line in values for value in line if abs(value) < float("inf")]
    if not finite:
        return ""
    least, spread = min(finite), (max(finite) - min(finite)) or 1.0
    drawn = [_polyline(line, least, spread) for line in values]
    return (
        f'<svg width="{_WIDTH}" height="{3 * _HEIGHT}" role="img" aria-label="{escape(title)}"><title>{escape(title)}'
        f"</title>{''.join(drawn)}</svg>"
    )


def _polyline(line: Sequence[float], least: float, spread: float) -> str:
    tall, step = 3 * _HEIGHT - 4, (_WIDTH - 4) / max(len(line) - 1, 1)
    points = [
        f"{2 + index * step:.1f},{2 + tall * (1 - (value - least) / spread):.1f}"
        for index, value in enumerate(line)
        if abs(value) < float("inf")
    ]
    return f'<polyline points="{" ".join(points)}" fill="none" stroke="{_MARK}" stroke-width="1.2" opacity=".8"/>'


def _interval(start: float, value: float, low: float, high: float) -> str:
    middle = _HEIGHT // 2

    def place(share: float) -> str:
        return f"{3 + (_WIDTH - 6) * max(share - start, 0) / (1 - start):.1f}"

    return (
        f'<svg width="{_WIDTH}" height="{_HEIGHT}" role="img" aria-label="{100 * low:.1f} to {100 * high:.1f} %">'
        f'<line x1="3" x2="{_WIDTH - 3}" y1="{middle}" y2="{middle}" stroke="{_LINE}" stroke-width=".5"/>'
        f'<line x1="{place(low)}" x2="{place(high)}" y1="{middle}" y2="{middle}" stroke="{_MARK}" stroke-width="3"/>'
        f'<circle cx="{place(value)}" cy="{middle}" r="3.5" fill="{_MARK}"/></svg>'
    )


def _table(headers: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table of HTML."""
    head, *body = (
        "".join(f'<{kind} style="text-align:left">{cell}</{kind}>' for cell in row)
        for kind, row in [("th", list(map(escape, headers))), *(("td", row) for row in rows[:MOST_ROWS])]
    )
    more = f"<div>… and {len(rows) - MOST_ROWS:,} more</div>" if len(rows) > MOST_ROWS else ""
    filled = "".join(f"<tr>{row}</tr>" for row in body)
    return f"<table><thead><tr>{head}</tr></thead><tbody>{filled}</tbody></table>{more}"
