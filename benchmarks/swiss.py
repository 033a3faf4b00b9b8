"""How fast Swiss-system contests are: 10^5 contests of 16 systems over 12 benchmarks, and a whole ranking with its intervals."""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np

from criterial.compare.evidence import Mark, evidence_of
from criterial.compare.swiss import Swiss, swiss
from criterial.compare.swiss_contests import play, rounds_of

CONTESTS, SUITES, SYSTEMS, ITEMS = 100_000, 12, 16, 50


def seconds(work: Callable[[], object]) -> float:
    """Return the seconds of CPU that work takes."""
    began = time.process_time()
    work()
    return time.process_time() - began


def main() -> None:
    """Print the table."""
    rng = np.random.default_rng(0)
    score = rng.random((1, SUITES, SYSTEMS))
    rounds = rounds_of(score, np.ones(score.shape, dtype=np.bool_))
    print(f"{CONTESTS:,} contests of {SYSTEMS} systems over {SUITES} benchmarks    CPU seconds   bar")
    for pairing in ("bye", "float_down"):
        for eliminate in (0, 2):
            spent = seconds(lambda p=pairing, e=eliminate: play(rounds, CONTESTS, e, p, np.random.default_rng(0)))
            print(f"{pairing:10} eliminate {eliminate} {spent:34.2f}   4.0")
    marks = [Mark(f"s{s}", f"i{i}", float(rng.random()), f"b{k}") for k in range(SUITES) for s in range(SYSTEMS) for i in range(ITEMS)]
    evidence = evidence_of(marks, [])
    for wins in ("binary", "probabilistic"):
        spent = seconds(lambda w=wins: swiss(evidence, Swiss(wins=w)))
        print(f"ranking with intervals and orders, {wins:13} {spent:9.2f}")


if __name__ == "__main__":
    main()
