"""Verdicts from elsewhere: how many a second become a verdict table, from JSON lines and from Parquet, and what only parsing them takes.

    python benchmarks/ingest.py [--verdicts 1000000]

Half of the lines carry a reason with quotes in it, a fifth the probabilities of both levels. The floor is `json.loads` of each line, and
`pyarrow.parquet.read_table`. Every measurement runs in a process of its own; its memory is the peak of the process, cases included.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
from apart import apart, tell
from million import cases

from criterial.formats.export import export_verdicts
from criterial.formats.load import read_verdict_table
from criterial.run.loading import load_cases

FILES = ("v.jsonl", "v.parquet")


def write(folder: Path, verdicts: int) -> None:
    """Write the same verdicts as JSON lines and as Parquet."""
    work = cases(verdicts)
    with (folder / FILES[0]).open("w") as file:
        number = 0
        for case in work:
            for response in case["responses"]:
                for criterion in case["rubric"]:
                    number += 1
                    line: dict[str, Any] = {
                        "task": case["id"],
                        "response": response["id"],
                        "criterion": criterion["id"],
                        "judge": "human",
                        "value": "met" if number % 3 else "not met",
                    }
                    if number % 2:
                        line["reason"] = f'It says "{number}", which the reference has too.'
                    if number % 5 == 0:
                        line["probs"] = [0.25, 0.75]
                    file.write(json.dumps(line) + "\n")
    export_verdicts(read_verdict_table(folder / FILES[0], load_cases(work))[1], folder / FILES[1])


def read(path: Path, verdicts: int, floor: bool) -> float:
    """Return the seconds that reading a file takes."""
    loaded = load_cases([] if floor else cases(verdicts))
    began = time.perf_counter()
    if not floor:
        table = read_verdict_table(path, loaded)[1]
        assert int((table.state_LN > 0).sum()) == verdicts
    elif path.suffix == ".parquet":
        assert len(pq.read_table(path)) == verdicts
    else:
        with path.open() as file:
            assert len([json.loads(line) for line in file]) == verdicts
    return time.perf_counter() - began


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--verdicts", type=int, default=1_000_000)
    parser.add_argument("--read", type=Path)
    parser.add_argument("--floor", action="store_true")
    given = parser.parse_args()
    if given.read:
        tell(read(given.read, given.verdicts, given.floor))
        return
    print(f"{'file':10} {'MB':>5} {'':>6} {'seconds':>8} {'a second':>9} {'peak MB':>8}")
    with tempfile.TemporaryDirectory() as folder:
        write(Path(folder), given.verdicts)
        for name in FILES:
            file = Path(folder) / name
            for floor in (["--floor"], []):
                seconds, peak = apart("--verdicts", str(given.verdicts), "--read", str(file), *floor)
                told = f"{name:10} {file.stat().st_size / 1e6:5.0f} {'floor' if floor else 'table':>6}"
                print(f"{told} {seconds:8.2f} {given.verdicts / seconds:9.0f} {peak:8.0f}", flush=True)


if __name__ == "__main__":
    main()
