"""The engine on Ray against the local one: seconds by verdicts and workers, and the model of cost that they make.

    python benchmarks/ray_engine.py [--most 1000000] [--store URL]

The judge answers at once inside each worker, so what is timed is this project, Ray and the store. The model

    seconds = start + verdicts * (driver + worker / workers)

is fitted to the runs of up to a tenth of the most verdicts, and checked on those of the most. A run on Ray is worth it from where it takes
less time than the local one; with a judge that takes time, both also take calls * latency / concurrency at least.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from scipy.optimize import nnls

import criterial as cr

HERE = Path(__file__).resolve().parent


def run(verdicts: int, workers: int, store: str) -> float:
    """Return the seconds that grading takes; 0 workers is the local engine."""
    sys.path.insert(0, str(HERE))
    os.environ["PYTHONPATH"] = str(HERE)  # for Ray's workers
    from million import CRITERIA, Instant, cases

    work = cases(verdicts)
    placed = {"engine": "ray", "workers": workers} if workers else {}
    began = time.perf_counter()
    made = cr.grade(work, Instant(), store=store, settings=cr.JudgeSettings(concurrency=64), **placed)
    seconds = time.perf_counter() - began
    assert made.usage.calls == verdicts // CRITERIA
    assert made.verdicts["decided"] == verdicts
    return seconds


def measured(verdicts: int, workers: int, store: str | None) -> float:
    """Return the seconds of a run in a process of its own, on a store of its own unless one is named."""
    with tempfile.TemporaryDirectory() as folder:
        url = store or f"sqlite:///{folder}/store.sqlite"
        command = [sys.executable, __file__, "--verdicts", str(verdicts), "--workers", str(workers), "--store", url]
        return float(json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()[-1]))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--most", type=int, default=1_000_000)
    parser.add_argument("--store")
    parser.add_argument("--verdicts", type=int)
    parser.add_argument("--workers", type=int, default=0)
    given = parser.parse_args()
    if given.verdicts:
        print(json.dumps(run(given.verdicts, given.workers, given.store)))
        return
    sizes = [given.most // 100, given.most // 10, given.most]
    found = {}
    print(f"{'verdicts':>10} {'workers':>8} {'seconds':>9} {'a second':>9}")
    for verdicts in sizes:
        for workers in (0, 1, 2):
            found[verdicts, workers] = seconds = measured(verdicts, workers, given.store)
            print(f"{verdicts:10} {workers or 'local':>8} {seconds:9.1f} {verdicts / seconds:9.0f}", flush=True)
    fit = [(v, w) for v, w in found if w and v < given.most]
    terms = np.array([[1.0, v, v / w] for v, w in fit])
    taken = np.array([found[k] for k in fit])
    start, driver, worker = nnls(terms / taken[:, None], np.ones(len(fit)))[0]  # errors as shares, so that short runs count too
    print(f"seconds = {start:.1f} + verdicts * ({driver * 1e6:.0f} us + {worker * 1e6:.0f} us / workers), fitted to the smaller runs")
    for workers in (1, 2):
        told = start + given.most * (driver + worker / workers)
        print(f"{given.most} verdicts, {workers} workers: {told:.1f} s by the model, {found[given.most, workers]:.1f} s measured")
    local = found[given.most, 0] / given.most
    for workers in (2, 4, 8, 32):
        gain = local - driver - worker / workers
        print(f"{workers} workers: " + (f"faster than local from {start / gain:,.0f} verdicts" if gain > 0 else "never faster than local"))


if __name__ == "__main__":
    main()
