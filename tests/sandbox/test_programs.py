"""Programs as criteria: planted passes and failures, forged successes, limits, and runs that are kept and not made again."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

import criterial
from criterial.audit.lint import lint
from criterial.core.criterion import Check, Criterion
from criterial.core.ports import Answer, Block, DecisionRequest, Ended, Input, Limits
from criterial.core.rubric import Rubric
from criterial.core.scale import Choice, Level, Likert, Numeric, Ordinal
from criterial.core.verdict import State, Verdict
from criterial.errors import ConfigError, SandboxUnavailable, StoreError
from criterial.judge.checks import check_options
from criterial.judge.program import Program, value_of
from criterial.model.scripted import ScriptedDecider
from criterial.run.existing import open_run
from criterial.sandbox.programs import SandboxDecider
from tests.helpers_cli import Command
from tests.sandbox.helpers_sandbox import named_programs, need_sandbox

DOUBLE = """
from solution import double
def test_number():
    assert double(2) == 4
def test_text():
    assert double("ab") == "abab"
def test_nothing():
    assert double(0) == 0
def test_refuses():
    try:
        double(None)
    except TypeError:
        pass
    else:
        assert False
"""
RIGHT = "def double(x):\n    return x + x\n"


def answers(codes: Sequence[str], **options: Any) -> list[Answer]:
    """Return the answer of one program about each of several codes, run a few at once."""
    decider, program = SandboxDecider(need_sandbox()), Program(**{"language": "python", **options})

    async def ask() -> list[Answer]:
        slots = asyncio.Semaphore(4)

        async def one(code: str) -> Answer:
            async with slots:
                return (await decider.decide(DecisionRequest(Input("", (Block("code", code),)), (program.question("c"),)))).answers[0]

        return await asyncio.gather(*map(one, codes))

    return asyncio.run(ask())


def test_right_code_passes_and_wrong_code_fails_the_tests_that_it_breaks() -> None:
    planted = {
        RIGHT: 1.0,
        "def double(x):\n    return x * 2\n": 1.0,
        "def double(x):\n    return 2 * x if x is not None else None\n": 0.75,
        "def double(x):\n    return x ** 2\n": 0.75,
        "def double(x):\n    return 5\n": 0.0,
        "def triple(x):\n    return x\n": 0.0,
        "def double(x) return": 0.0,
    }
    found = answers(list(planted), tests=DOUBLE)
    assert [a.number for a in found] == list(planted.values())
    assert all(a.outcome == "decided" for a in found)
    assert found[0].reason == "4 of 4 tests pass"
    assert "test_text: TypeError" in found[3].reason
    assert "cannot import name 'double'" in found[5].reason
    assert "SyntaxError" in found[6].reason


FORGED = named_programs("forged.txt")[1]
CLOSE = """
import solution, unittest
class TestDouble(unittest.TestCase):
    def test_number(self):
        self.assertEqual(solution.double(2), 4)
    def test_close(self):
        assert abs(solution.double(3) - 6) < 1e-6
    def test_between(self):
        assert 7.9 < solution.double(4) < 8.1
    def test_all(self):
        assert all(map(lambda x: solution.double(x) == 2 * x, [7, 8, 9]))
"""


def test_no_code_can_claim_a_success() -> None:
    found = dict(zip(FORGED, answers(list(FORGED.values()), tests=CLOSE), strict=True))
    assert {name: a for name, a in found.items() if a.outcome != "decided" or a.number != 0.0} == {}
    assert answers([RIGHT], tests=CLOSE)[0].number == 1.0  # and these tests can be passed


LIBRARY = """
class Empty(Exception): pass
class Stack:
    def __init__(self): self.items = []
    def push(self, item): self.items.append(item)
    def pop(self):
        if not self.items: raise Empty("nothing there")
        return self.items.pop()
    def __len__(self): return len(self.items)
    def __contains__(self, item): return item in self.items
    def __eq__(self, other): return self.items == other.items
def up_to(n): yield from range(n)
def sort(items): items.sort()
def each(function, items): return [function(i) for i in items]
def greet(): print("hello")
def odd(): return {1: (2.5, b"x"), "s": {3}, None: [float("inf"), 2 + 1j, frozenset([1])]}
"""


def test_tests_use_code_as_if_it_were_beside_them() -> None:
    tests = """
import contextlib, io, unittest
from solution import *
import solution
class TestStack(unittest.TestCase):
    def setUp(self): self.stack = Stack()
    def test_it_gives_back(self):
        self.stack.push(3)
        self.assertEqual(len(self.stack), 1)
        self.assertIn(3, self.stack)
        self.assertIsInstance(self.stack, Stack)
        self.assertEqual(self.stack.items, [3])
        self.assertEqual(self.stack.pop(), 3)
        self.assertEqual(self.stack, solution.Stack())
    def test_it_refuses(self):
        with self.assertRaises(Empty): self.stack.pop()
class TestFunctions:
    def test_generators(self): assert list(up_to(3)) == [0, 1, 2]
    def test_changes_in_place(self):
        items = [3, 1, 2]
        sort(items)
        assert items == [1, 2, 3]
    def test_functions_are_called_back(self): assert each(lambda i: {i: i}, [1, 2]) == [{1: 1}, {2: 2}]
    def test_prints(self):
        with contextlib.redirect_stdout(io.StringIO()) as said: greet()
        assert said.getvalue() == "hello\\n"
    def test_data(self): assert odd() == {1: (2.5, b"x"), "s": {3}, None: [float("inf"), 2 + 1j, frozenset([1])]}
"""
    assert answers([LIBRARY], tests=tests)[0].reason == "7 of 7 tests pass"


def test_what_a_program_writes_is_compared() -> None:
    codes = ["print(int(input()) * 2)", "print(int(input()) * 3)", "import sys; print(42); sys.exit(3)", "while True: print(1)"]
    found = answers(codes, stdin="21\n", expected="42\n\n")
    assert [a.number for a in found] == [1.0, 0.0, 0.0, 0.0]
    assert [a.reason for a in found] == [
        "writes what is expected",
        "line 1 is '63', and '42' is expected",
        "it ended with status 3",
        "it was ended: it wrote too much",
    ]
    assert answers(["read x; echo $((x * 2))"], language="sh", stdin="21\n", expected="42")[0].number == 1.0


def test_code_that_hangs_or_takes_too_much_has_not_passed_and_is_told() -> None:
    codes = {
        "def double(x):\n    while True: pass": "took more than 1 s",
        "import time\ndef double(x): time.sleep(60)": "took more than 1 s",
        "def double(x): return bytearray(10**9)": "MemoryError",
        "import os, time\ndef double(x):\n    for _ in range(9): os.fork() or [b'x' * (60 << 20), time.sleep(9)]": "more than 256 MB",
        "import os\ndef double(x): os.kill(os.getpid(), 9)": "ended by signal 9",
        "def double(x): return double(x)": "RecursionError",
    }
    found = answers(list(codes), tests=DOUBLE, seconds=1, megabytes=256)
    assert [(a.outcome, a.number) for a in found if "TypeError" not in a.reason] == [("decided", 0.0)] * len(codes)
    assert [a.reason for a, told in zip(found, codes.values(), strict=True) if told not in a.reason] == []


def test_tests_that_cannot_run_are_a_failure_and_no_mark() -> None:
    answer = answers([RIGHT], tests="import absent\nassert absent")[0]
    assert (answer.outcome, answer.cause, answer.number) == ("failed", "check_error", None)
    # but code that raises the same where it is called has not passed
    assert answers(["def double(x): import absent"], tests="import solution\nassert solution.double(1) == 2")[0].number == 0.0


def writing(line: bytes, to: str = "range(3, 64)") -> str:
    """Return the beginning of tests that write a line to every file that may be open, as these numbers."""
    return f"import os\nfor to in {to}:\n    try: os.write(to, {line!r})\n    except OSError: pass\n"


@pytest.mark.parametrize("line", [b'{"tests": 0}\n', b'{"tests": -1}\n'])
def test_a_report_of_no_tests_is_a_failure_and_no_mark(line: bytes) -> None:
    answer = answers([RIGHT], tests=f"{writing(line)}os._exit(0)\nassert line")[0]
    assert (answer.outcome, answer.cause, answer.number) == ("failed", "check_error", None)


@pytest.mark.parametrize(
    "line",
    [b"5\n", b"[]\n", b"{\n", b"\xff\n", b'{"passed": false}\n', b'{"tests": 1}\n', b'{"test": "x", "passed": true, "why": ""}\n' * 9],
    ids=["a number", "a list", "no JSON", "no text", "half a line of it", "another number of tests", "more passes than tests"],
)
def test_tests_that_write_into_their_own_report_are_a_failure_and_no_mark(line: bytes) -> None:
    printed, planted = (answers([RIGHT], tests=before + DOUBLE)[0] for before in (writing(line, "[1, 2]"), writing(line)))
    assert (printed.outcome, printed.number) == ("decided", 1.0)
    assert (planted.outcome, planted.cause, planted.number) == ("failed", "check_error", None)


def test_a_share_is_laid_on_a_scale_and_rounded_down() -> None:
    steps = Ordinal((Level("poor"), Level("fair"), Level("good")))
    for scale, share, value in [
        (Criterion("c", "x").scale, 1.0, 1.0),
        (Criterion("c", "x").scale, 0.99, 0.0),
        (Numeric(0, 10), 0.25, 2.5),
        (Numeric(0, 3, integer=True), 2 / 3, 2.0),
        (Numeric(5, 10, integer=True), 0.5, 7.0),
        (steps, 0.5, 1.0),
        (steps, 0.99, 1.0),
        (Likert(5), 0.0, 1.0),
        (Likert(5), 1.0, 5.0),
    ]:
        assert value_of(scale, Answer("decided", number=share)) == value


# ------------------------------------------------------------------------------------------------------------ options


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({}, "the check program needs language"),
        ({"language": "cobol"}, "language is one of python, sh"),
        ({"language": "python"}, "give tests, or expected"),
        ({"language": "python", "tests": "assert 1", "expected": ""}, "give tests, or expected"),
        ({"language": "python", "tests": "assert 1", "stdin": "x"}, "stdin goes with expected"),
        ({"language": "sh", "tests": "assert 1"}, "tests are written in python"),
        ({"language": "python", "tests": "assert ("}, "the tests cannot be parsed"),
        ({"language": "python", "tests": "import solution"}, "the tests hold no assert"),
        ({"language": "python", "tests": "def test_a(tmp_path):\n    assert tmp_path"}, "test_a is no plain function"),
        ({"language": "python", "tests": "async def test_a():\n    assert 1"}, "test_a is no plain function"),
        ({"language": "python", "tests": 5}, "tests is a text"),
        ({"language": "python", "expected": "1", "seconds": 0}, "seconds is more than 0"),
        ({"language": "python", "expected": "1", "megabytes": 8}, "megabytes is a whole number from 64"),
        ({"language": "python", "tests": "assert 1", "image": "x"}, "does not know image"),
    ],
)
def test_options_that_cannot_work_are_told_before_anything_runs(options: dict[str, Any], told: str) -> None:
    assert told in check_options(Check("program", options))
    assert any(told in f.message for f in lint(Rubric((Criterion("c", "Doubles", check=Check("program", options)),))))


def test_a_program_is_no_condition_and_chooses_among_no_values() -> None:
    check = Check("program", {"language": "python", "expected": "1"})
    for criterion, told in [
        (Criterion("c", "x", applies_when=check), "cannot be a condition"),
        (Criterion("c", "x", check=check, scale=Choice((Level("a"), Level("b")))), "scale without order"),
        (Criterion("c", "x", check=check, scope="task"), "the scope is task"),
    ]:
        assert [told in f.message for f in lint(Rubric((criterion,))) if f.code == "check"] == [True]
        with pytest.raises(ConfigError, match=told):
            criterial.grade(cases_of(criterion), Planted())


def cases_of(*criteria: Criterion, responses: Sequence[str] = ("y",)) -> list[criterial.Case]:
    turns = (criterial.Message("user", "Write double(x)."),)
    made = tuple(criterial.Response(f"r{i}", (criterial.Message("assistant", text),)) for i, text in enumerate(responses))
    return [criterial.Case(criterial.Task("t", turns), Rubric(criteria), made)]


# ------------------------------------------------------------------------------------------------------------ runs


class Planted(ScriptedDecider):
    """A judge that says yes to everything."""

    def __init__(self, name: str = "planted") -> None:
        super().__init__([Verdict(f"r{i}", c, value=1.0, task="t") for i in range(5) for c in ("says", "also")], name)


class Counted:
    """A sandbox that counts what it runs, and is slow or broken where a test wants it."""

    level = "counted"

    def __init__(self, broken: bool = False) -> None:
        self.inner, self.runs, self.identity, self.broken = need_sandbox(), 0, "counted", broken

    async def run(
        self, files: Mapping[str, bytes], command: Sequence[str], stdin: bytes | int = b"", limits: Limits | None = None
    ) -> Ended:
        self.runs += 1
        if self.broken:
            raise SandboxUnavailable("planted")
        return await self.inner.run(files, command, stdin, limits)


GATE = Criterion("runs", "Prints 42", effect="gate", check=Check("program", {"language": "python", "expected": "42"}))
SAYS = Criterion("says", "Says why")
TEXTS = ("```python\nprint(42)\n```", "```python\nprint(41)\n```", "```python\nprint(42)\n```", "```js\nx\n```")


def test_a_program_gates_the_model_and_is_run_once_for_all_judges_and_repeats(tmp_path: Path) -> None:
    cases, sandbox = cases_of(GATE, SAYS, responses=TEXTS), Counted()
    options: dict[str, Any] = {"store": f"sqlite:///{tmp_path}/s.sqlite", "sandbox": sandbox, "repeats": 2}
    judges = [Planted("one"), Planted("two")]
    assert criterial.plan(cases, judges, **options).programs == 2
    assert sandbox.runs == 0
    run = criterial.grade(cases, judges, **options)
    values = {(v.response, v.criterion, v.judge): v.value for v in run.table.verdicts() if v.criterion == "runs"}
    assert values == {(f"r{i}", "runs", "check"): value for i, value in enumerate((1.0, 0.0, 1.0, 0.0))}
    spared = {v.response for v in run.table.verdicts() if v.cause == "not_asked"}
    assert spared == {"r1", "r3"}
    assert sandbox.runs == 2, "equal code is run once"
    again = criterial.grade(cases, [Planted("three")], **options)
    assert sandbox.runs == 2, "another judge runs nothing anew"
    assert (run.usage.calls, again.usage.calls) == (4, 2)  # equal responses are asked about once, each repeat anew
    planned = criterial.plan(cases, judges, **options)
    assert (planned.programs, planned.asked, planned.calls) == (0, 0, 0)


def test_a_sandbox_that_breaks_is_a_failed_verdict_and_asked_again(tmp_path: Path) -> None:
    cases = cases_of(GATE, responses=TEXTS[:1])
    store = f"sqlite:///{tmp_path}/s.sqlite"
    broken = criterial.grade(cases, Planted(), store=store, sandbox=Counted(broken=True))
    verdict = next(broken.table.verdicts())
    assert (verdict.state, verdict.cause, verdict.value, verdict.reason) == (State.FAILED, "check_error", None, "planted")
    assert next(criterial.grade(cases, Planted(), store=store, sandbox=Counted()).table.verdicts()).value == 1.0


def test_a_judge_without_a_sandbox_leaves_a_program_undecided() -> None:
    from criterial.judge.pointwise import pointwise

    case = cases_of(GATE, responses=TEXTS)[0]
    verdict = asyncio.run(pointwise(case, case.responses[0], Planted()))[0]
    assert (verdict.state, verdict.value) == (State.FAILED, None)


def write_cases(path: Path, code: str, count: int = 1) -> Path:
    check = {"kind": "program", "language": "python", "expected": "42"}
    rubric = [{"id": "runs", "text": "Prints 42", "check": check}]
    responses = [{"id": f"r{i}", "text": f"```python\n{code}\n# {i}\n```"} for i in range(count)]
    path.write_text(json.dumps({"id": "t", "prompt": "Print 42", "rubric": rubric, "responses": responses}) + "\n")
    return path


def test_the_command_names_the_sandbox_and_grades(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    need_sandbox()
    command = Command(capsys)
    said = json.loads(command("grade", str(write_cases(tmp_path / "c.jsonl", "print(42)")), "--judge", "embedded", "--json"))
    assert said["systems"][0]["mean"] == 1.0
    assert "programs run in a sandbox, full: no network" in command.err


def test_without_a_sandbox_nothing_begins(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    cases, command = write_cases(tmp_path / "c.jsonl", "print(42)"), Command(capsys)
    monkeypatch.setenv("PATH", str(tmp_path))
    command("grade", str(cases), status=2)
    assert "bwrap is not installed" in command.err
    assert "hint: install bubblewrap" in command.err
    refuses = "echo 'bwrap: No permissions to create new namespace' >&2; exit 1"
    for name, body in (("bwrap", refuses), ("prlimit", 'shift 7; exec "$@"'), ("setpriv", 'shift 5; exec "$@"')):
        (tmp_path / name).write_text(f"#!/bin/sh\n{body}\n")
        (tmp_path / name).chmod(0o755)
    command("grade", str(cases), status=2)
    assert "No permissions to create new namespace" in command.err
    assert "user namespaces" in command.err
    (tmp_path / "bwrap").write_text("#!/bin/sh\nexit 0\n")  # one that claims success and runs nothing
    command("grade", str(cases), status=2)
    assert "could not be started" in command.err


def test_a_run_that_is_killed_leaves_no_program_and_goes_on_where_it_was(tmp_path: Path) -> None:
    need_sandbox()
    cases = write_cases(tmp_path / "c.jsonl", "import time; time.sleep(0.3); print(42)", count=12)
    store = f"sqlite:///{tmp_path}/s.sqlite"
    line = [sys.executable, "-m", "criterial.cli", "grade", str(cases), "--store", store, "--quiet"]
    begun = subprocess.Popen(line, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 60
    held: list[int] = []
    while not (held and _known(store)) and time.monotonic() < deadline:
        time.sleep(0.05)
        held = _sandboxes_of(begun.pid)
    begun.send_signal(signal.SIGKILL)
    begun.wait()
    time.sleep(1)
    assert held, "nothing was running when it was killed"
    assert [pid for pid in held if _is_alive(pid)] == []
    known = _known(store)
    assert known == [1.0] * len(known)
    assert 0 < len(known) < 12
    subprocess.run(line, check=True, capture_output=True)
    assert [v.value for v in open_run("last", store).table.verdicts()] == [1.0] * 12


def _known(store: str) -> list[float | None]:
    """Return the values that are on record."""
    try:
        return [v.value for v in open_run("last", store).table.verdicts() if v.state == State.DECIDED]
    except StoreError:
        return []


def _is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def _sandboxes_of(pid: int) -> list[int]:
    """Return the processes below one, at any depth."""
    found, waiting = [], [pid]
    while waiting:
        for children in Path(f"/proc/{waiting.pop()}/task").glob("*/children"):
            try:
                below = [int(c) for c in children.read_text().split()]
            except OSError:
                continue
            found += below
            waiting += below
    return found


def test_to_cancel_ends_a_program() -> None:
    sandbox = need_sandbox()

    async def cancelled_after(seconds: float) -> list[int]:
        running = asyncio.create_task(sandbox.run({"x.py": b"import time; time.sleep(60)"}, ["python3", "-I", "x.py"]))
        await asyncio.sleep(seconds)
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        assert running.cancelled()
        return _sandboxes_of(os.getpid())

    before = set(_sandboxes_of(os.getpid()))
    began = time.monotonic()
    for step in range(60):  # through every stage of its start: one that is missed goes on for its 60 s
        assert set(asyncio.run(cancelled_after(step * 5e-4))) <= before
    assert time.monotonic() - began < 50
