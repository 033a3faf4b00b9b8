"""Programs as questions: a decider that answers them by running code in a sandbox, and one that keeps them away from models.

How a program is asked for is fixed by `criterial.judge.program`: the code is the input's one block, the question's text is the program's
options as JSON, and the answer is the share of tests that pass.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import socket
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from criterial.core.ports import Answer, Decider, DeciderInFront, DecisionReply, DecisionRequest, Ended, Limits, Question, Sandbox, Usage
from criterial.core.table import CHECK
from criterial.errors import SandboxUnavailable

__all__ = ["ProgramDecider", "SandboxDecider"]

_REMOTE = Path(__file__).with_name("remote.py").read_bytes()
_PYTHON = ("python3", "-I")
_COMMANDS = {"python": (*_PYTHON, "solution.py"), "sh": ("sh", "solution.py")}
_LEAVE = 1.0
_LINES: tuple[dict[str, type], ...] = ({"broken": str}, {"tests": int}, {"test": str, "passed": bool, "why": str})
"""Lines of a report of tests: what they hold."""


class ProgramDecider(DeciderInFront):
    """A decider in front of two: programs go to the one that runs them, all other questions to the judge.

    Parameters
    ----------
    inner : Decider
        The judge.
    programs : Decider
        Who runs programs. It has an identity of its own, so that another judge runs none of them anew.
    """

    def __init__(self, inner: Decider, programs: Decider) -> None:
        super().__init__(inner)
        self._programs = programs

    async def decide(self, request: DecisionRequest) -> DecisionReply:
        """Hand a request on to whom it is for, as `Decider.decide`."""
        return await (self._programs if request.runs_code else self._inner).decide(request)


class SandboxDecider:
    """Answers programs by running them. It costs nothing.

    Parameters
    ----------
    sandbox : Sandbox
        Where they run.
    """

    name = CHECK
    calibrated = True
    questions_per_call = 1

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox
        self.identity = f"{sandbox.identity}/{hashlib.sha256(_REMOTE).hexdigest()[:16]}"

    async def decide(self, request: DecisionRequest) -> DecisionReply:
        """Run the programs of a request.

        Parameters
        ----------
        request : DecisionRequest
            Code, and questions of kind ``program``.

        Returns
        -------
        DecisionReply
            The share of tests that pass. A sandbox that cannot start, and tests that cannot run, are failed answers.
        """
        code = request.input.blocks[0].text.encode("utf-8", "surrogatepass")
        return DecisionReply(tuple([await self._answer(q, code) for q in request.questions]))

    async def _answer(self, question: Question, code: bytes) -> Answer:
        program: Mapping[str, Any] = json.loads(question.text)
        limits = Limits(float(program["seconds"]), int(program["megabytes"]))
        try:
            return await (self._tested if program["tests"] else self._compared)(program, code, limits)
        except SandboxUnavailable as error:
            return Answer("failed", cause="check_error", reason=error.message)

    async def _compared(self, program: Mapping[str, Any], code: bytes, limits: Limits) -> Answer:
        """Run the code as a program of its own and compare what it writes."""
        command = _COMMANDS[program["language"]]
        ended = await self._sandbox.run({"solution.py": code}, command, str(program["stdin"]).encode("utf-8", "surrogatepass"), limits)
        fault = _fault(ended, limits) or _difference(ended.stdout.decode(errors="replace"), str(program["expected"]))
        return Answer("decided", number=0.0 if fault else 1.0, reason=fault or "writes what is expected")

    async def _tested(self, program: Mapping[str, Any], code: bytes, limits: Limits) -> Answer:
        """Run tests in one sandbox and the code in another, with a line between them."""
        ours, theirs = socket.socketpair()
        with ours, theirs:
            answering = asyncio.create_task(
                self._sandbox.run({"remote.py": _REMOTE, "solution.py": code}, (*_PYTHON, "remote.py", "code"), theirs.fileno(), limits)
            )
            answering.add_done_callback(lambda _: _hang_up(theirs))
            files = {"remote.py": _REMOTE, "tests.py": str(program["tests"]).encode("utf-8", "surrogatepass")}
            try:
                tested = await self._sandbox.run(files, (*_PYTHON, "remote.py", "tests"), ours.fileno(), limits)
                _hang_up(ours)
                await asyncio.wait([answering], timeout=_LEAVE)
            finally:
                answering.cancel()
                await asyncio.gather(answering, return_exceptions=True)
        answered = None if answering.cancelled() else answering.result()
        return _marked(tested, answered, limits)

    def estimate(self, request: DecisionRequest) -> Usage:
        """Return nothing: a request to run programs here costs nothing."""
        return Usage()

    async def close(self) -> None:
        """Do nothing: a sandbox ends with its program."""


def _hang_up(line: socket.socket) -> None:
    if line.fileno() >= 0:
        line.shutdown(socket.SHUT_RDWR)


def _marked(tested: Ended, answered: Ended | None, limits: Limits) -> Answer:
    """Return the answer that a report of tests makes. Only the tests' own sandbox writes it."""
    said = _report(tested.stdout)
    if said is None:
        return Answer("failed", cause="check_error", reason="the tests write into their own report")
    broken = next((s["broken"] for s in said if "broken" in s), "")
    if broken:
        return Answer("failed", cause="check_error", reason=broken)
    total = next((s["tests"] for s in said if "tests" in s), 1)
    passed = sum(s.get("passed", False) for s in said)
    faults = [f"{s['test']}: {s['why']}" for s in said if s.get("passed") is False][:1]
    if passed < total:
        faults += dict.fromkeys(_fault(ended, limits) for ended in (answered, tested) if ended is not None)
    counted = f"{passed} of {total} test{' passes' if total == 1 else 's pass'}"
    return Answer("decided", number=passed / total, reason="; ".join(filter(None, [counted, *faults])))


def _report(written: bytes) -> list[dict[str, Any]] | None:
    """Return the lines of a report of tests; None where others stand between them."""
    try:
        lines = [json.loads(line) for line in written.splitlines(keepends=True) if line.endswith(b"\n")]
    except ValueError:
        return None
    if not all(isinstance(line, dict) and {k: type(v) for k, v in line.items()} in _LINES for line in lines):
        return None
    totals = [line["tests"] for line in lines if "tests" in line]
    sound = len(totals) <= 1 and min(totals, default=1) >= 1 and sum("passed" in line for line in lines) <= sum(totals)
    return lines if sound else None


def _fault(ended: Ended, limits: Limits) -> str:
    """Return how a program came to grief, or nothing."""
    over = {
        "time": f"it was ended: it took more than {limits.seconds:g} s",
        "memory": f"it was ended: it took more than {limits.megabytes} MB",
        "output": "it was ended: it wrote too much",
    }
    if ended.broken_off:
        return over[ended.broken_off]
    if ended.status > 128:
        return f"it was ended by signal {ended.status - 128}"
    if ended.status:
        last = ended.stderr.decode(errors="replace").strip().splitlines()
        return f"it ended with status {ended.status}{f': {last[-1][:200]}' if last else ''}"
    return ""


def _difference(written: str, expected: str) -> str:
    """Return where two texts differ, blanks at the ends of lines and of the text not counted, or nothing."""
    ours, theirs = ([line.rstrip() for line in text.rstrip().splitlines()] for text in (written, expected))
    if ours == theirs:
        return ""
    for place, (got, wanted) in enumerate(zip(ours, theirs, strict=False), 1):
        if got != wanted:
            return f"line {place} is {got[:80]!r}, and {wanted[:80]!r} is expected"
    return f"it writes {len(ours)} lines, and {len(theirs)} are expected"
