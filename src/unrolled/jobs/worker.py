"""A process that does one job after another for another process; see `unrolled.jobs.parallel`.

Jobs come as lines of JSON on the standard input, answers leave as lines of JSON on the standard output. What anything
else prints goes to the standard error. When the input ends, because the other process has ended in whatever
way, a training that is going on saves a checkpoint, and this process ends too.
"""

from __future__ import annotations

import json
import os
import queue
import signal
import sys
import threading
from typing import Any, TextIO

from unrolled.errors import InterruptedRunError, UnrolledError


def main() -> None:
    """Does jobs until the input ends."""
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8", buffering=1)
    os.dup2(2, 1)
    jobs: queue.SimpleQueue[str | None] = queue.SimpleQueue()
    threading.Thread(target=_listen, args=(jobs,), daemon=True).start()
    _find("train")  # its imports take seconds, in which the other process may still be reading data
    while (line := jobs.get()) is not None:
        job = json.loads(line)
        _do(job["job"], job["arguments"], answers)


def _listen(jobs: queue.SimpleQueue[str | None]) -> None:
    for line in sys.stdin:
        jobs.put(line)
    jobs.put(None)
    os.kill(os.getpid(), signal.SIGTERM)  # a training takes it as the wish to stop; nothing else is worth going on


def _do(name: str, arguments: dict[str, Any], answers: TextIO) -> None:
    def tell(**message: Any) -> None:
        answers.write(json.dumps(message) + "\n")

    try:
        tell(done=_find(name)(**arguments, moved=lambda share: tell(moved=share)))
    except InterruptedRunError as stop:
        tell(stopped=str(stop))
    except UnrolledError as error:
        tell(failed=str(error))


def _find(name: str) -> Any:
    """The function of a job; there are no others."""
    if name == "train":
        from unrolled.comparison import train_one

        return train_one
    if name == "trial":
        from unrolled.tuning import run_trial

        return run_trial
    raise KeyError(name)


if __name__ == "__main__":
    main()
