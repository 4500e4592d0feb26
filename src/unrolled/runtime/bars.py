"""The progress bar of all commands: on a line of its own, and removed at its end."""

from __future__ import annotations

import sys

from rich.console import Console
from rich.progress import BarColumn, Progress, ProgressColumn, TextColumn, TimeRemainingColumn


def bar(console: Console, before: str, *after: str | ProgressColumn, width: int = 20) -> Progress:
    """A bar followed by the remaining time; the caller adds one task.

    Args:
        console: where the bar is drawn.
        before: text before the bar, with the task's fields in `rich`'s format.
        after: texts and columns between the bar and the remaining time.
        width: width of the bar, in characters.
    """
    texts = [TextColumn(part) if isinstance(part, str) else part for part in (before, *after)]
    return Progress(
        texts[0],
        BarColumn(bar_width=width),
        *texts[1:],
        TimeRemainingColumn(compact=True),
        console=console,
        transient=True,
        redirect_stdout=sys.stdout.isatty(),  # redirected output must stay in its file
    )
