"""A progress bar as every command shows one: on a line of its own, and gone at its end."""

from __future__ import annotations

import sys

from rich.console import Console
from rich.progress import BarColumn, Progress, ProgressColumn, TextColumn, TimeRemainingColumn


def bar(console: Console, before: str, *after: str | ProgressColumn, width: int = 20) -> Progress:
    """A bar with the time that is left behind it; one task is to be added.

    Args:
        console: where it is drawn.
        before: what stands before the bar, from the task's fields, as `rich` writes them.
        after: what stands between the bar and the time.
        width: of the bar, in characters.
    """
    texts = [TextColumn(part) if isinstance(part, str) else part for part in (before, *after)]
    return Progress(
        texts[0],
        BarColumn(bar_width=width),
        *texts[1:],
        TimeRemainingColumn(compact=True),
        console=console,
        transient=True,
        redirect_stdout=sys.stdout.isatty(),  # a file that takes the output must not lose it to the terminal
    )
