"""Mutants: of small faults planted in the rooms that scores and bills rest on, the share that their tests notice.

    pip install cosmic-ray
    python scripts/mutants.py score --count 200 [--seed 1] [--processes 2]

Cosmic Ray makes the mutants (another comparison, another number, no `not`, a loop that is never entered); a sample of them is run against
the room's own tests, each in a copy of the package. A mutant is killed when a test fails or the tests do not end. Lines with
annotations are left out: those are never evaluated. Survivors are printed, to be read: some are equivalent, the others are tests to write.
"""

from __future__ import annotations

import argparse
import ast
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from difflib import unified_diff
from pathlib import Path
from queue import SimpleQueue
from typing import NamedTuple

from cosmic_ray.ast import ast_nodes, get_ast  # type: ignore[import-not-found]
from cosmic_ray.mutating import mutate_code  # type: ignore[import-not-found]
from cosmic_ray.plugins import get_operator, operator_names  # type: ignore[import-not-found]

from criterial.maths.intervals import wilson

ROOT = Path(__file__).resolve().parent.parent
ROOMS = {
    "score": (["score"], ["tests/score", "tests/contracts/test_score_methods.py"]),
    "journal": (["store/journal.py", "store/journaled.py"], ["tests/store", "tests/run/test_resume.py"]),
}
"""Files of the package, and the tests that answer for them."""


class Mutant(NamedTuple):
    """One fault."""

    file: Path
    operator: str
    occurrence: int


def annotated(source: str) -> set[int]:
    """Return the lines that hold annotations: of parameters, of results, of fields."""
    found = [getattr(n, name, None) for n in ast.walk(ast.parse(source)) for name in ("annotation", "returns")]
    return {line for note in found if note for line in range(note.lineno, note.end_lineno + 1)}


def mutants(file: Path) -> Iterator[Mutant]:
    """Yield every fault that can be planted in a file."""
    source = file.read_text()
    tree, skipped = get_ast(source), annotated(source)
    for name in operator_names():
        operator = get_operator(name)
        if operator.arguments():
            continue
        places = [start for node in ast_nodes(tree) for start, _ in operator().mutation_positions(node)]
        yield from (Mutant(file, name, number) for number, place in enumerate(places) if place[0] not in skipped)


def survives(mutant: Mutant, tests: list[str], copy: Path, seconds: float) -> str | None:
    """Return what a mutant changed if the tests pass with it in a copy of the package."""
    there = copy / mutant.file.relative_to(ROOT / "src")
    before = there.read_text()
    after = mutate_code(before, get_operator(mutant.operator)(), mutant.occurrence)
    there.write_text(after)
    try:
        done = run(tests, copy, seconds)
    finally:
        there.write_text(before)
    if done != 0:
        return None
    name = str(mutant.file.relative_to(ROOT))
    return "".join(line for line in unified_diff(before.splitlines(True), after.splitlines(True), name, name, n=0) if line[:3] != "---")


def run(tests: list[str], copy: Path, seconds: float) -> int | None:
    """Return the exit status of the tests against a copy of the package; None where they did not end."""
    command = [sys.executable, "-B", "-m", "pytest", "-x", "-p", "no:cacheprovider", *tests]
    environment = {**os.environ, "PYTHONPATH": str(copy), "PYTHONDONTWRITEBYTECODE": "1"}
    with tempfile.TemporaryDirectory() as scratch:
        command += [f"--basetemp={scratch}/t"]
        started = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL, start_new_session=True)
        try:
            return started.wait(seconds)
        except subprocess.TimeoutExpired:
            os.killpg(started.pid, signal.SIGKILL)
            return None


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("room", choices=ROOMS)
    parser.add_argument("--count", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--processes", type=int, default=2)
    given = parser.parse_args()
    places, tests = ROOMS[given.room]
    package = ROOT / "src" / "criterial"
    files = [f for place in places for f in (sorted((package / place).glob("*.py")) if (package / place).is_dir() else [package / place])]
    known = [mutant for file in files for mutant in mutants(file)]
    drawn = random.Random(given.seed).sample(known, min(given.count, len(known)))
    copies: SimpleQueue[Path] = SimpleQueue()
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(given.processes) as pool:
        for number in range(given.processes):
            copies.put(Path(shutil.copytree(ROOT / "src", f"{folder}/{number}", ignore=shutil.ignore_patterns("__pycache__"))))
        first = copies.get()
        began = time.monotonic()
        if run(tests, first, 600) != 0:
            sys.exit("the tests fail without any mutant")
        seconds = 3 * (time.monotonic() - began) + 10
        copies.put(first)

        def judged(mutant: Mutant) -> str | None:
            copy = copies.get()
            try:
                return survives(mutant, tests, copy, seconds)
            finally:
                copies.put(copy)

        left = []
        for number, diff in enumerate(pool.map(judged, drawn), 1):
            if diff:
                left.append(diff)
                print(f"survivor {len(left)} of {number}\n{diff}", flush=True)
    low, high = wilson(len(drawn) - len(left), len(drawn))
    share = (len(drawn) - len(left)) / len(drawn)
    print(f"{len(drawn)} of {len(known)} mutants of {given.room}: {share:.3f} [{low:.3f}, {high:.3f}] killed, {len(left)} survived")


if __name__ == "__main__":
    main()
