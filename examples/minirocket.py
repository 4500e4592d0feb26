"""aeon's MiniRocket beside an LSTM on JapaneseVowels: which is better, by how much, at what cost?

    python -m pip install aeon
    python examples/minirocket.py

MiniRocket (Dempster, Schmidt and Webb 2021, arXiv 2012.08791) needs sequences of at least 9 steps; JapaneseVowels has
some of 7, so all are filled up with zeros to the longest (29 steps): `channels-first` does that.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import unrolled


def main(runs: Path = Path("runs"), **options: Any) -> unrolled.Comparison:
    """Trains the network, fits MiniRocket, compares both on the same test sequences."""
    from aeon.classification.convolution_based import MiniRocketClassifier

    run = unrolled.train("japanese-vowels", runs=runs, **options)
    rocket = unrolled.ReferenceClassifier("MiniRocket", MiniRocketClassifier(random_state=0), features="channels-first")
    found = unrolled.compare([run.folder.path], against=[rocket])
    for row in found.rows:
        print(f"{row.name:<24} {100 * row.accuracy:.2f} %   trained in {row.training_seconds:.1f} s")
    print(found.pairs[0].sentence)
    unrolled.write_comparison(found, runs / "minirocket")
    return found


if __name__ == "__main__":
    main()
