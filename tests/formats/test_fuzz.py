"""Thousands of mutants of sound files of every kind: each is read, or refused with the file's name, in time and within memory.

`CRITERIAL_FUZZ=100000` makes as many as the promise is about.
"""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from criterial.errors import FormatError
from criterial.formats.names import NAMES
from tests.formats import fuzz
from tests.formats.seeds import KNOWN, SEEDS, Seed, either_way
from tests.helpers_files import case, write

COUNT = int(os.environ.get("CRITERIAL_FUZZ", "4000"))
ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("name", SEEDS)
def test_a_sound_file_is_read(name: str, tmp_path: Path) -> None:
    assert fuzz.tried(SEEDS[name], fuzz.place(SEEDS[name], tmp_path)) is None


def test_every_format_is_fuzzed() -> None:
    assert {seed.format for seed in SEEDS.values()} == {"", *NAMES}


def test_mutants_are_read_or_refused_in_time_and_within_memory() -> None:
    """In a process of their own, so that its memory is theirs."""
    command = [sys.executable, "-W", "error", "-m", "tests.formats.fuzz", str(COUNT)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    print({key: value for key, value in found.items() if key != "told"})
    assert not found["told"], "\n".join(found["told"])
    assert found["read"] + found["refused"] == COUNT and min(found["read"], found["refused"]) > COUNT / 10
    assert found["with a line"] > 0.9 * found["refused"]
    assert found["megabytes"] < 256


def test_a_mutant_is_the_same_every_time() -> None:
    for name, file in (("native", "native.jsonl"), ("table.parquet", "c.parquet"), ("image gif", "p.gif")):
        made = [fuzz.mutant(SEEDS[name], file, number) for number in range(9)]
        assert made == [fuzz.mutant(SEEDS[name], file, number) for number in range(9)]
        assert len(set(made)) > 6


@pytest.mark.parametrize("name", ["c.json", "c.yaml", "c.toml", "c.csv", "c.parquet", "c.json.gz"])
def test_random_bytes_are_refused(name: str, tmp_path: Path) -> None:
    chance, seed = random.Random(name), SEEDS["native"]
    for size in range(60):
        assert fuzz.tried(seed, write(tmp_path, name, chance.randbytes(size))) is not None


def test_the_fuzzer_would_notice_a_traceback_a_hang_and_an_error_without_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The control."""
    monkeypatch.setattr(fuzz, "MOST_SECONDS", 0.05)

    def without(path: Path) -> None:
        raise FormatError("no name")

    def endless(path: Path) -> None:
        while True:
            pass

    before = signal.signal(signal.SIGPROF, fuzz.too_long)
    try:
        for read, fault in ((lambda p: {}["x"], KeyError), (without, AssertionError), (endless, fuzz.Hang)):
            with pytest.raises(fault):
                fuzz.tried(Seed({"c.json": "{}"}, read), tmp_path / "c.json")
    finally:
        signal.signal(signal.SIGPROF, before)


# ------------------------------------------------------------------------------------------------------------ what the fuzzer once found

LONG = "x" * 100_000


@pytest.mark.parametrize(
    "line", [f'{{"response": "{LONG}", "criterion": "c1", "value": 1}}', f'{{"response": "r", "criterion": "c1", "{LONG}": 1}}']
)
def test_what_an_error_quotes_is_cut(line: str, tmp_path: Path) -> None:
    error = fuzz.tried(SEEDS["verdicts"], write(tmp_path, "v.jsonl", line))
    assert error is not None and error.line == 1 and 100 < len(str(error)) < 2000


def test_verdicts_in_columns_tell_the_first_fault_and_not_the_last(tmp_path: Path) -> None:
    path = write(tmp_path, "v.jsonl", '{"response": "r", "criterion": "c1", "velue": 1}\n{"response": NaN}\n')
    with pytest.raises(FormatError, match="velue") as told:
        either_way(path)
    assert told.value.line == 1


@pytest.mark.parametrize("name", ["task", "state", "repeat"])
def test_verdicts_in_columns_do_not_take_null_for_what_is_not_there(name: str, tmp_path: Path) -> None:
    """Refused one by one, it was let through in columns."""
    line = {"task": "t", "response": "r", "criterion": "c1", "value": 1, "state": "decided", "repeat": 0, name: None}
    with pytest.raises(FormatError):
        either_way(write(tmp_path, "v.jsonl", line))


def test_a_verdict_that_stands_twice_in_realsumm_is_told_with_its_line(tmp_path: Path) -> None:
    seed = SEEDS["folder realsumm"]
    path = fuzz.place(seed, tmp_path)
    write(path, "verdicts.jsonl", [seed.files["verdicts.jsonl"][0]] * 2)
    error = fuzz.tried(seed, path)
    assert error is not None and error.line == 2 and error.file.endswith("verdicts.jsonl")


def test_a_second_verdict_on_a_cell_names_its_file(tmp_path: Path) -> None:
    path = write(tmp_path, "v.jsonl", [{"response": "r", "criterion": "c1", "value": 1}] * 2)
    with pytest.raises(FormatError, match="two verdicts") as told:
        either_way(path)
    assert told.value.file == str(path) and KNOWN == [case("a")]
