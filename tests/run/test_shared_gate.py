"""One gate for several workers: slots, budget and stop sign hold over all of them, and a dead worker keeps nothing."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from criterial.core.ports import Answer, DecisionReply, Usage
from criterial.errors import JudgeError
from criterial.run.admission import Budget
from criterial.run.shared_gate import News, RemoteGate, SharedGate


class _Remote:
    """Calls an object's methods as an actor's handle does."""

    def __init__(self, target: Any) -> None:
        self._target = target

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._target, name)

        class Call:
            @staticmethod
            def remote(*arguments: Any) -> asyncio.Task[Any]:
                return asyncio.ensure_future(method(*arguments))

        return Call


_REPLY = DecisionReply((Answer("decided", (0.0, 1.0)),), Usage(1, money=0.5))


async def _work(gate: RemoteGate, calls: int, in_flight: list[int], most: list[int]) -> list[str]:
    """Make calls side by side, and return why any was refused."""

    async def call() -> str:
        try:
            slot = await gate.enter(lambda: Usage(1, money=0.5))
        except JudgeError as refused:
            return refused.cause
        in_flight[0] += 1
        most[0] = max(most[0], in_flight[0])
        await asyncio.sleep(0.002)
        in_flight[0] -= 1
        gate.leave(slot, _REPLY)
        return ""

    return await asyncio.gather(*(call() for _ in range(calls)))


async def _slots_hold(budgeted: bool) -> None:
    shared = SharedGate(5, Budget(calls=10_000) if budgeted else None)
    workers = [RemoteGate(_Remote(shared), f"w{i}", budgeted, ConnectionError) for i in range(3)]
    in_flight, most = [0], [0]
    refused = await asyncio.gather(*(_work(w, 60, in_flight, most) for w in workers))
    assert not any(why for one in refused for why in one)
    assert most[0] == 5
    for worker in workers:
        worker.finish()
    await asyncio.sleep(0.01)
    told = await shared.told()
    assert told.spent == Usage(180, money=90.0)
    assert not any(shared._held.values())  # every slot came back


@pytest.mark.parametrize("budgeted", [False, True])
def test_slots_hold_over_all_workers_and_all_is_booked(budgeted: bool) -> None:
    asyncio.run(_slots_hold(budgeted))


def test_a_budget_holds_over_all_workers() -> None:
    async def body() -> None:
        shared = SharedGate(4, Budget(money=10.0))
        workers = [RemoteGate(_Remote(shared), f"w{i}", True, ConnectionError) for i in range(3)]
        in_flight, most = [0], [0]
        told_each = await asyncio.gather(*(_work(w, 20, in_flight, most) for w in workers))
        refused = [why for one in told_each for why in one]
        await asyncio.sleep(0.01)
        told = await shared.told()
        assert told.spent.money is not None and told.spent.money <= 10.0
        assert told.stopped == "budget" and set(refused) == {"", "budget"}
        assert refused.count("") == told.spent.calls >= 17  # what was reserved for calls in flight when it ended is not spent

    asyncio.run(body())


@pytest.mark.parametrize("way", ["it says hello again", "it is silent"])
def test_a_dead_worker_keeps_no_slot(way: str) -> None:
    async def body() -> None:
        shared = SharedGate(2, silent=0.05)
        await shared.hello("w/1")
        held = [await shared.enter("w/1", Usage()), await shared.enter("w/1", Usage())]
        in_line = asyncio.ensure_future(shared.enter("w/1", Usage()))
        waiting = asyncio.ensure_future(shared.enter("v/1", Usage()))
        await asyncio.sleep(0.01)
        assert not in_line.done() and not waiting.done()
        if way == "it is silent":
            await asyncio.sleep(0.06)
        else:
            await shared.hello("w/2")
        for _ in range(3):  # the call in line is let in, and its slot is freed in turn
            await shared.told()
            await asyncio.sleep(0)
        assert isinstance(await asyncio.wait_for(waiting, 1.0), int)
        await shared.hear("w/1", News(tickets=[t for t in held if isinstance(t, int)]))  # a late word of it changes nothing
        second = asyncio.ensure_future(shared.enter("v/1", Usage()))
        third = asyncio.ensure_future(shared.enter("v/1", Usage()))
        await asyncio.sleep(0.01)
        assert second.done() and not third.done()
        third.cancel()

    asyncio.run(body())


def test_a_stop_reaches_every_worker_and_a_gate_that_is_gone_stops_too() -> None:
    async def body() -> None:
        shared = SharedGate(2)
        worker = RemoteGate(_Remote(shared), "w", False, ConnectionError)
        slots = [await worker.enter(Usage), await worker.enter(Usage)]
        waiting = asyncio.ensure_future(worker.enter(Usage))
        await shared.stop("stopped")
        for slot in slots:
            worker.leave(slot._replace(since=slot.since - 10.0), _REPLY)
        with pytest.raises(JudgeError, match="stopped"):
            await asyncio.wait_for(waiting, 1.0)

        async def gone(*_: Any) -> None:
            raise ConnectionError

        shared.enter = gone  # type: ignore[method-assign]
        with pytest.raises(JudgeError, match="stopped"):
            await asyncio.wait_for(worker.enter(Usage), 1.0)

    asyncio.run(body())


def test_calls_that_all_fail_for_good_stop_the_run() -> None:
    async def body() -> None:
        shared = SharedGate(2)
        workers = [RemoteGate(_Remote(shared), f"w{i}", False, ConnectionError) for i in range(2)]
        refused = DecisionReply((Answer("failed", cause="auth", reason="key refused"),), Usage(1))
        for _ in range(4):
            for worker in workers:
                slot = await worker.enter(Usage)
                worker.leave(slot._replace(since=0.0), refused)
                await asyncio.sleep(0)
        await asyncio.sleep(0.01)
        assert "key refused" in (await shared.told()).stopped

    asyncio.run(body())
