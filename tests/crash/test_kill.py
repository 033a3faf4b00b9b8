"""kill -9 and Ctrl-C at random moments: nothing acknowledged is lost, and at most the calls in flight are repeated, all listed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import criterial as cr
from tests.crash.faulty_disk import KINDS, sqlite_library
from tests.helpers_runs import planted_cases

CONCURRENCY = 8
STEP = int(os.environ.get("CRITERIAL_STEP", "37"))


@pytest.fixture
def provider() -> Iterator[str]:
    """URL of a scripted provider in a process of its own, which outlives what is killed."""
    command = [sys.executable, "-m", "criterial.model.scripted", "--latency", "0.01"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        yield process.stdout.readline().strip()
        process.terminate()


def launch(**config: Any) -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, "-m", "tests.crash.launcher"], input=json.dumps(config), capture_output=True, text=True, timeout=900, check=False
    )
    assert done.returncode == 0, done.stderr[-3000:]
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


@pytest.fixture
def cases(tmp_path: Path) -> Path:
    path = tmp_path / "cases.jsonl"
    path.write_text("\n".join(json.dumps(c) for c in planted_cases(tasks=20, criteria=5, responses=2)))
    return path


def test_kill_9_at_200_moments_loses_nothing_and_repeats_at_most_what_was_in_flight(provider: str, cases: Path, tmp_path: Path) -> None:
    # reliability.md figure 1, the moments inside a resume included: each run is killed several times before it ends.
    settings = cr.JudgeSettings(criteria_per_call=1)
    reference = cr.grade(cases, f"chat:m@{provider}", store="sqlite://", settings=settings).report(tmp_path / "reference.md").read_text()
    found = launch(
        mode="kills",
        seed=1,
        kills=200,
        longest=0.5,
        concurrency=CONCURRENCY,
        url=provider,
        cases=str(cases),
        folder=str(tmp_path),
        reference=reference,
    )
    assert found["kills"] >= 200
    assert found["runs"] >= 10
    assert set(found["exit"]) == {0}, (tmp_path / "output").read_text()[-2000:]
    assert {k: found[k] for k in ("lost", "unsound", "unlisted", "different")} == {"lost": 0, "unsound": 0, "unlisted": 0, "different": 0}
    assert found["most_repeats"] <= CONCURRENCY


def test_an_interrupt_ends_soon_keeps_what_is_done_and_says_how_to_go_on(provider: str, cases: Path, tmp_path: Path) -> None:
    # reliability.md figure 15.
    found = launch(
        mode="interrupts", seed=2, times=25, twice=False, shortest=0.1, longest=0.9, url=provider, cases=str(cases), folder=str(tmp_path)
    )
    ends = [e for e in found["ends"] if not e["early"]]
    assert len(ends) >= 15
    for end in ends:
        assert end["ended"] and end["seconds"] <= 5.0 and end["sound"] == "ok"
        if end["status"] == 0:  # it was at its end when the signal came
            continue
        assert end["status"] in (130, -2, -15), end["output"]
        if end["status"] == 130:
            assert "run the same command again to go on" in end["output"]
            shown = json.loads(end["output"][end["output"].index("{") : end["output"].rindex("}") + 1])
            assert shown["stopped"] == "stopped" and shown["verdicts"]["decided"] == end["kept"]
    assert sum(e["status"] == 130 and e["kept"] > 0 for e in ends) >= 5


def test_a_second_interrupt_leaves_at_once(provider: str, cases: Path, tmp_path: Path) -> None:
    found = launch(
        mode="interrupts", seed=3, times=8, twice=True, shortest=0.3, longest=0.6, url=provider, cases=str(cases), folder=str(tmp_path)
    )
    ends = [e for e in found["ends"] if not e["early"]]
    assert ends and all(e["ended"] and e["seconds"] < 1.5 and e["sound"] == "ok" for e in ends), ends


def test_a_disk_that_is_full_after_n_bytes_ends_in_a_named_error_and_the_run_goes_on(provider: str, tmp_path: Path) -> None:
    # reliability.md figure 3, for n bytes in steps: the limit is on the size of a file, which SQLite meets as a write that fails.
    cases = tmp_path / "cases.jsonl"
    cases.write_text("\n".join(json.dumps(c) for c in planted_cases(tasks=5, criteria=5, responses=2)))
    settings = cr.JudgeSettings(criteria_per_call=1)
    reference = cr.grade(cases, f"chat:m@{provider}", store="sqlite://", settings=settings).report(tmp_path / "reference.md").read_text()
    found = launch(mode="full", step=20_000, url=provider, cases=str(cases), folder=str(tmp_path), reference=reference)
    *failed, last = found["ends"]
    assert last["status"] == 0 and len(failed) >= 8
    for end in failed:
        assert end["ended"] and end["status"] == 2 and "Traceback" not in end["output"], end
        assert f"full-{end['bytes']}.sqlite" in end["output"] and "make room there" in end["output"], end
    for end in found["ends"]:
        assert end["again_ended"] and end["again"] == 0 and end["sound"] == "ok" and end["same"] and end["lost"] == 0, end
    assert sum(e["kept"] > 0 for e in failed) >= 3


def test_the_nth_operation_fails_for_ever_larger_n_until_a_run_does_not_meet_it(provider: str, tmp_path: Path) -> None:
    # reliability.md figure 3. The first are those that make the store; of the others one in STEP, or all: CRITERIAL_STEP=1.
    try:
        sqlite_library()
    except OSError as error:
        pytest.skip(str(error))
    cases = tmp_path / "cases.jsonl"
    cases.write_text("\n".join(json.dumps(c) for c in planted_cases(tasks=1, criteria=3, responses=2)))
    settings = cr.JudgeSettings(criteria_per_call=1)
    reference = cr.grade(cases, f"chat:m@{provider}", store="sqlite://", settings=settings).report(tmp_path / "reference.md").read_text()
    config = {"kinds": list(KINDS), "first": 4, "step": STEP, "url": provider, "cases": str(cases), "folder": str(tmp_path)}
    ends = launch(mode="faults", reference=reference, **config)["ends"]
    for end in ends:
        assert end["ended"] and "Traceback" not in end["output"], end
        assert end["again"] == 0 and end["same"] and end["lost"] == 0 and end["sound"] == "ok", end
        if end["status"]:
            assert end["status"] == 2 and f"{end['kind']}-{end['nth']}/run.sqlite: " in end["output"] and "; " in end["output"], end
        else:
            assert end["whole"], end
    for kind in KINDS:
        *met, last = (e for e in ends if e["kind"] == kind)
        assert (last["met"], last["status"]) == ("", 0) and len(met) >= 5 and all(e["met"] for e in met)
        failed = [e for e in met if e["status"]]
        assert failed if kind in ("EIO", "ENOSPC") else not failed  # SQLite itself goes on where it was interrupted or cut short
