"""What a sandbox costs: starting Python in it over starting Python bare, and programs a second, two at a time.

python benchmarks/sandbox.py
"""

from __future__ import annotations

import asyncio
import statistics
import time
from collections.abc import Awaitable, Callable

from criterial.core.ports import Block, DecisionRequest, Input
from criterial.judge.program import Program
from criterial.sandbox.find import find_sandbox
from criterial.sandbox.programs import SandboxDecider

ROUNDS = 40
COMMAND = ("/usr/bin/python3", "-I", "/dev/null")
TESTS = "from solution import double\ndef test_double():\n    assert double(2) == 4\n"


async def bare() -> None:
    """Start the same interpreter without a sandbox."""
    process = await asyncio.create_subprocess_exec(*COMMAND, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE)
    await process.communicate()


async def median(run: Callable[[], Awaitable[object]]) -> float:
    """Return the median of the times that a coroutine takes, in milliseconds."""
    times = []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        await run()
        times.append(1e3 * (time.perf_counter() - began))
    return statistics.median(times)


async def a_second(run: Callable[[], Awaitable[object]], at_once: int = 2) -> float:
    """Return how often a coroutine ends in a second."""

    async def work() -> None:
        for _ in range(ROUNDS // at_once):
            await run()

    began = time.perf_counter()
    await asyncio.gather(*(work() for _ in range(at_once)))
    return ROUNDS / (time.perf_counter() - began)


async def main() -> None:
    sandbox = await find_sandbox()
    decider = SandboxDecider(sandbox)
    question = Program("python", tests=TESTS).question("c")
    request = DecisionRequest(Input("", (Block("code", "def double(x): return 2 * x"),)), (question,))
    plain = await median(bare)
    boxed = await median(lambda: sandbox.run({}, COMMAND))
    print(f"python bare {plain:.1f} ms, in the sandbox {boxed:.1f} ms: {boxed / plain:.2f} times, {boxed - plain:.1f} ms more")
    print(f"code and tests, each in a sandbox: {await median(lambda: decider.decide(request)):.1f} ms")
    print(f"two at once: {await a_second(lambda: sandbox.run({}, COMMAND)):.0f} runs/s")
    print(f"two at once, code and tests: {await a_second(lambda: decider.decide(request)):.0f} verdicts/s")


if __name__ == "__main__":
    asyncio.run(main())
