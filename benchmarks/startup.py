"""What starting costs: importing the package, asking for help, and the memory of a run, each against a bare interpreter.

    python benchmarks/startup.py [--rounds 10]

Times are medians of fresh processes. Memory is the peak of a process that scores 10^4 responses x 10 criteria from verdicts at hand.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import time

RUN = """
import resource
import criterial as cr
rubric = cr.Rubric(tuple(cr.Criterion(f"c{i}", f"criterion {i}") for i in range(10)))
cases = [cr.Case(cr.Task(f"t{t}", (cr.Message("user", "p"),)), rubric, tuple(
    cr.Response(f"r{t}.{r}", (cr.Message("assistant", "a"),), f"s{r}") for r in range(10))) for t in range(1000)]
verdicts = [cr.Verdict(r.id, c.id, value=float((i + j) % 2), task=k.task.id) for k in cases for i, r in enumerate(k.responses)
            for j, c in enumerate(rubric.criteria)]
table = cr.table_of(cases, verdicts)
from criterial.score.scoring import score
assert len(score(table)) == 10_000
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)
"""


def seconds(command: list[str], rounds: int) -> float:
    """Return the median wall time of a command."""
    times = []
    for _ in range(rounds):
        begun = time.perf_counter()
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        times.append(time.perf_counter() - begun)
    return statistics.median(times)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=10)
    rounds = parser.parse_args().rounds
    bare = seconds([sys.executable, "-c", "pass"], rounds)
    imported = seconds([sys.executable, "-c", "import criterial"], rounds)
    helped = seconds([sys.executable, "-m", "criterial.cli", "--help"], rounds)
    memory = subprocess.run([sys.executable, "-c", RUN], check=True, capture_output=True, text=True).stdout.strip()
    print(f"{'bare interpreter':42}{bare:8.3f} s")
    print(f"{'import criterial (bar 0.150 s more)':42}{imported:8.3f} s  {imported - bare:+.3f}")
    print(f"{'criterial --help (bar 0.500 s)':42}{helped:8.3f} s")
    print(f"{'10^5 verdicts as objects, table and scores':42}{memory:>8} MB at most")


if __name__ == "__main__":
    main()
