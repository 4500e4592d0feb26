"""Size and speed of models in C: flash and memory, and the time of a step on this machine.

    python benchmarks/device.py
    python benchmarks/device.py --units 8 64 --inputs 64

Flash is that of the object file for a Cortex-M4 with -Os, where arm-linux-gnueabihf-gcc is installed; else of the
constants alone. A step is timed with the machine's own compiler, -O3 -march=native: the fastest of 300 runs of 200
steps.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import tempfile
from pathlib import Path

import numpy as np

from unrolled.config import ModelConfig
from unrolled.data.sequences import Sequences
from unrolled.export.c.export import export_c
from unrolled.export.exported import ExportedC
from unrolled.model.model import Model, ModelFacts
from unrolled.network.network import Network

ARM = "arm-linux-gnueabihf-"
CLASSES = ("a", "b", "c", "d")
TIMER = """
#include <stdio.h>
#include <time.h>
#include "net.h"
int main(void)
{
    static net_state state;
    net_value values[NET_CHANNELS] = {0};
    net_share shares[NET_CLASSES];
    double best = 1e9;
    for (int run = 0; run < 300; run++) {
        struct timespec from, to;
        net_reset(&state);
        clock_gettime(CLOCK_MONOTONIC, &from);
        for (int step = 0; step < 200; step++)
            net_step(&state, values);
        clock_gettime(CLOCK_MONOTONIC, &to);
        const double took = (double)(to.tv_sec - from.tv_sec) * 1e6 + (double)(to.tv_nsec - from.tv_nsec) / 1e3;
        best = took < best ? took : best;
    }
    printf("%.2f %d", best / 200, net_probabilities(&state, shares));
    return 0;
}
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--units", type=int, nargs="+", default=[8, 16, 32, 64, 128], help="units (8 to 128)")
    parser.add_argument("--inputs", type=int, default=3, help="channels (3, as of an accelerometer)")
    arguments = parser.parse_args()
    print("| cell | units | weights | flash: float, int8 | state | a step: float, int8 |\n|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        for cell in ("gru", "lstm"):
            for units in arguments.units:
                print(row(Path(folder), cell, units, arguments.inputs), flush=True)


def row(folder: Path, cell: str, units: int, inputs: int) -> str:
    """The figures of one model, as a row of a table."""
    config = ModelConfig.model_validate({"cell": cell, "hidden_size": units})
    channels = tuple(f"channel {number}" for number in range(inputs))
    model = Model(Network(config, inputs, 4).eval(), ModelFacts(classes=CLASSES, channels=channels, model=config))
    values = [np.random.default_rng(number).normal(size=(9, inputs)) for number in range(8)]
    data = Sequences.from_list(values, [*CLASSES, *CLASSES], channels=channels)
    float32, int8 = export_c(model, folder / "net.c", run=False), None
    sizes = [flash(float32, folder)]
    times = [step_time(float32, folder)]
    int8 = export_c(model, folder / "net.c", int8_data=data)
    sizes.append(flash(int8, folder))
    times.append(step_time(int8, folder))
    weights = sum(weight.numel() for weight in model.network.parameters())
    return (
        f"| {cell} | {units} | {weights:,} | {sizes[0]:,}, {sizes[1]:,} bytes | {float32.state_bytes:,} bytes | "
        f"{times[0]:.2f}, {times[1]:.2f} µs |"
    )


def flash(exported: ExportedC, folder: Path) -> int:
    """Bytes of code and constants."""
    if not shutil.which(f"{ARM}gcc"):
        return exported.flash_bytes
    target, code = ["-mthumb", "-mcpu=cortex-m4", "-mfpu=fpv4-sp-d16"], folder / "net.o"
    subprocess.run([f"{ARM}gcc", "-std=c99", "-Os", *target, "-c", str(exported.path), "-o", str(code)], check=True)
    found = subprocess.run([f"{ARM}size", str(code)], check=True, capture_output=True, text=True).stdout
    text, data, _ = found.splitlines()[1].split()[:3]
    return int(text) + int(data)


def step_time(exported: ExportedC, folder: Path) -> float:
    """Microseconds of a step."""
    timer, program = folder / "timer.c", folder / "timer"
    timer.write_text(TIMER)
    command = ["cc", "-std=gnu99", "-O3", "-march=native", f"-I{folder}", str(timer), str(exported.path), "-o"]
    subprocess.run([*command, str(program)], check=True)
    return float(subprocess.run([str(program)], check=True, capture_output=True, text=True).stdout.split()[0])


if __name__ == "__main__":
    main()
