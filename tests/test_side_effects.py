"""What a library function leaves as it was: the process belongs to the program, and only an entry changes it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("optuna")
pytest.importorskip("onnxruntime")

PROGRAM = r"""
import difflib, gc, json, logging, os, random, signal, sys, threading, warnings

import matplotlib, onnxruntime.quantization, optuna, sklearn.ensemble  # what these change themselves is theirs
import joblib, numpy as np, torch, torch._inductor.runtime.cache_dir_utils, uvicorn

torch._inductor.runtime.cache_dir_utils.cache_dir()  # an export imports it, and it sets a variable

warnings.simplefilter("default")
warnings.filterwarnings("ignore", message="a filter of the program")
logging.getLogger("unrolled").setLevel(logging.DEBUG)
torch.set_num_threads(2)
gc.set_threshold(500, 9, 9)
sys.setswitchinterval(0.004)
signal.signal(signal.SIGTERM, lambda *_: None)
np.random.seed(3)
torch.manual_seed(4)


def process():
    loggers = {name: logging.getLogger(name) for name in ("", "unrolled", "unrolled.serving", "uvicorn", "optuna")}
    return {
        "signals": [str(signal.getsignal(number)) for number in signal.valid_signals()],
        "blocked signals": sorted(signal.pthread_sigmask(signal.SIG_BLOCK, [])),
        "environment": dict(os.environ),
        "directory": os.getcwd(),
        "loggers": {
            name: [one.level, one.propagate, one.disabled, str(one.handlers), str(one.filters)]
            for name, one in loggers.items()
        },
        "optuna": optuna.logging.get_verbosity(),
        "collector": [gc.get_threshold(), gc.isenabled(), gc.get_freeze_count()],
        "switch interval": sys.getswitchinterval(),
        "recursion limit": sys.getrecursionlimit(),
        "threads": [torch.get_num_threads(), torch.get_num_interop_threads()],
        "python": hash(random.getstate()),
        "dtype": str(torch.get_default_dtype()),
        "deterministic": torch.are_deterministic_algorithms_enabled(),
        "gradients": torch.is_grad_enabled(),
        "warnings": [str(entry) for entry in warnings.filters] + [str(warnings.showwarning)],
        "numpy": [hash(str(np.random.get_state())), np.geterr()],
        "torch": hash(torch.get_rng_state().numpy().tobytes()),
        "matplotlib": [matplotlib.get_backend(), str(dict(matplotlib.rcParams))],
        "output": [str(sys.stdout), str(sys.stderr), str(sys.excepthook), str(threading.excepthook)],
    }


def lines(state):
    return json.dumps(state, indent=1).splitlines()


def check(what):
    after = process()
    found = [line for line in difflib.ndiff(lines(before), lines(after)) if line[0] in "+-"]
    assert not found, f"{what} changed\n" + "\n".join(found)[:3000]


before = process()
import unrolled
import unrolled.export
import unrolled.reports
import unrolled.tuning
from unrolled import serve

check("import")
rng = np.random.default_rng(0)
labels = np.arange(60) % 2
X = rng.normal(labels[:, None], 1, (60, 6))
np.savez("own.npz", X=X, y=labels)
short = {"max_epochs": 2, "hidden_size": 4, "frame_steps": 1}
run = unrolled.train("own.npz", dropout=0.1, noise=0.1, num_layers=2, tensorboard=False, **short)
check("train")
unrolled.resume(run.folder.path)
check("resume")
unrolled.report(run.folder.path)
check("report")
model = unrolled.load(run.folder.path)
data = unrolled.read("own.npz")
check("load, read")
unrolled.evaluate(model, data)
check("evaluate")
model.predict(X[:3])
check("predict")
for jobs in (1, 2):
    unrolled.compare_settings("own.npz", {"cell": ["rnn", "gru"]}, jobs=jobs, runs=f"runs-{jobs}", **short)
    check(f"compare, {jobs} at a time")
    unrolled.tune("own.npz", trials=2, jobs=jobs, name=f"of-{jobs}", **short)
    check(f"tune, {jobs} at a time")
from unrolled.export import export_onnx

lstm = unrolled.train("own.npz", cell="lstm", name="lstm", report=False, **short).model
export_onnx(lstm, "model.onnx", int8_data=data)
check("export")
np.random.seed(3)  # an estimator without a random_state may draw from it
unrolled.SequenceClassifier(hidden_size=4, max_epochs=2, random_state=0).fit(X, labels).predict_proba(X)
check("the estimator")
timer = threading.Timer(3, lambda: os.kill(os.getpid(), signal.SIGTERM))
serve({"own": run.folder.path}, port=0, say=lambda line: timer.start() if line.startswith("serving on") else None)
timer.join()
check("serve")
print("nothing changed")
"""


@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
def test_public_functions_leave_the_process_as_it_was(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        env=os.environ | {"MPLBACKEND": "agg"},
    )
    assert "nothing changed" in done.stdout, done.stderr[-4000:]
