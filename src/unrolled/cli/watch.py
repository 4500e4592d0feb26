"""``unrolled watch``"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated, Any

import typer

app = typer.Typer(rich_markup_mode="markdown", add_completion=False, pretty_exceptions_enable=False)

_LOOK_SECONDS = 0.5
_STEP_SECONDS = 5.0
"""Where an epoch takes longer, a line of its updates is printed."""


@app.command()
def watch(
    run: Annotated[Path, typer.Argument(help="The folder of a run.", metavar="RUN")],
) -> None:
    """Follow a run from another terminal: a line for each epoch, until its training ends.

    Ctrl-C ends the watching, not the training.
    """
    from unrolled.cli.console import out
    from unrolled.runs import RunFolder, metrics_of, state_of

    console, folder = out(), RunFolder.open(run)
    plan = folder.read_config()[1].get("plan", {})
    step, printed = 0, time.monotonic()
    while True:
        state = state_of(run)  # before the lines, so that none is missed at the end
        newest: dict[str, Any] = {}
        for line in metrics_of(folder):
            if line["event"] == "epoch" and line["step"] > step:
                console.print(_epoch_line(line, plan))
                step, printed, newest = line["step"], time.monotonic(), {}
            elif line["event"] == "step" and line["step"] > step:
                newest = line
        if state.state != "training":
            break
        if newest and time.monotonic() - printed > _STEP_SECONDS:
            console.print(f"  step {newest['step']:,}{_of(plan, 'steps')}  loss {newest['loss']:.4f}")
            step, printed = newest["step"], time.monotonic()
        time.sleep(_LOOK_SECONDS)
    ended = state.ended or f"is {state.state} after step {state.step:,}"
    console.print(f"the training {ended}\n{state.state:9} {state.command}")


def _epoch_line(line: dict[str, Any], plan: dict[str, int]) -> str:
    from unrolled.cli.console import in_time

    text = f"epoch {line['epoch']:,}{_of(plan, 'epochs')}  loss {line['train_loss']:.4f}"
    if line.get("validation_loss") is not None:
        best = " (best)" if line["improved"] else ""
        right = 100 * line["validation_accuracy"]
        text += f"  validation: loss {line['validation_loss']:.4f}, accuracy {right:.2f} %{best}"
    if "steps" in plan:
        left = line["seconds"] / line["step"] * max(plan["steps"] - line["step"], 0)
        text += f"  {in_time(left)} left" if left else ""
    return text


def _of(plan: dict[str, int], name: str) -> str:
    return f"/{plan[name]:,}" if name in plan else ""
