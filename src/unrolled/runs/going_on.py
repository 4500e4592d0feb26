"""A run that goes on: from its last checkpoint, to its end or for longer than it was meant to."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from unrolled.data import Dataset, Frame, Sequences
from unrolled.data.files import SILENT, Notes, Observer
from unrolled.runs.completing import Say, Surroundings, complete
from unrolled.runs.datasets import check_same_data, read
from unrolled.runs.extending import extend, extended
from unrolled.runs.finished import Run
from unrolled.runs.folder import RunFolder
from unrolled.runs.preparing import Prepared, prepare
from unrolled.runs.starting import start_of
from unrolled.runtime import StopRequest, using_threads


def go_on(
    folder: RunFolder,
    data: Sequences | Dataset | Frame | None,
    around: Surroundings,
    *,
    reading: Observer = SILENT,
    options: Mapping[str, Any] | None = None,
    enough: StopRequest | None = None,
) -> Run:
    """Trains from the last checkpoint on.

    Args:
        folder: of the run, locked.
        data: the sequences that `train` got, if it got any.
        around: who follows the training.
        reading: observes the reading of files.
        options: new values for some fields of the length.
        enough: the request to end the training early; by default that which stands in the folder.
    """
    folder.finish_request.unlink(missing_ok=True)
    recipe, facts = folder.read_config()
    options = options or {}
    longer = extended(recipe, options)
    with using_threads(None):
        start = start_of(folder, facts)
        dataset, whole = read(recipe, data, Notes(around.say, reading), None if start is None else start.model)
        check_same_data(folder, dataset, facts["data"])
        prepared = prepare(folder, longer, dataset, whole, start)
        _say_what_changed(prepared.conditions(), facts, around.say)
        _restore(prepared, around.say)
        if options:
            former = facts.get("plan") or prepare(folder, recipe, dataset, whole, start).length()
            _extend(prepared, facts, former["steps"], options, around.say)
        return complete(prepared, around, enough or StopRequest(folder.finish_request.exists))


def _restore(prepared: Prepared, say: Say) -> None:
    """Goes back to the last checkpoint, if there is one."""
    state, checkpoints = prepared.training.state, prepared.folder.checkpoints
    if checkpoints.newest() is None:
        say("no checkpoint was taken yet; starting from the first step")
        return
    checkpoint, warning = checkpoints.load_last()
    if warning:
        say(f"warning: {warning}")
    state.restore(checkpoint)
    say(f"going on after step {state.step:,}")


def _extend(
    prepared: Prepared, facts: Mapping[str, Any], former_steps: int, options: Mapping[str, Any], say: Say
) -> None:
    """Makes a training at its checkpoint longer, and records it in the run's config.json."""
    training = prepared.training
    notes = extend(training, prepared.plan, former_steps, options)
    for line in notes:
        say(line)
    step = {"after_step": training.state.step, "options": dict(options), "notes": notes}
    later = {"plan": prepared.length(), "extended": [*facts.get("extended", []), step]}
    prepared.folder.write_config(training.recipe, {**facts, **later})


def _say_what_changed(found: Mapping[str, Any], recorded: Mapping[str, Any], say: Say) -> None:
    """Warns if the conditions of a run have changed, which is no error but may change the last bits of the weights."""
    changed = changed_conditions(found, recorded)
    if changed:
        say(
            f"warning: the run began with {'; '.join(changed)}. It goes on, but its weights can differ in their last "
            "bits from those of a run that was never stopped."
        )


def changed_conditions(found: Mapping[str, Any], recorded: Mapping[str, Any]) -> list[str]:
    """The versions, device, processor and kernel that are not those that a run recorded, in words."""
    now, then = ({**part.get("versions", {}), **part} for part in (found, recorded))
    names = (*found["versions"], "device", "processor", "kernel")
    return [f"{name} {then[name]}, now {now[name]}" for name in names if name in then and then[name] != now[name]]
