"""The dry run of methods that ask more than a question a verdict, or one question for several responses."""

from __future__ import annotations

from pathlib import Path

import pytest

import criterial as cr
from criterial.model.scripted import ScriptedProvider
from tests.helpers_runs import planted_cases


@pytest.mark.parametrize("method", ["pointwise", "two_step", "prior_corrected"])
def test_a_dry_run_counts_equal_questions_once(method: str, tmp_path: Path) -> None:
    cases = planted_cases(tasks=3)
    kind = "chat" if method == "two_step" else "decisions"
    store = f"sqlite:///{tmp_path}/s.sqlite"
    with ScriptedProvider() as provider:
        judge, options = f"{kind}:m@{provider.url}", {"store": store, "method": method}
        before = cr.plan(cases, judge, **options)
        run = cr.grade(cases, judge, **options)
        after = cr.plan(cases, judge, **options)
    assert before.calls == run.usage.calls > 0
    assert (after.calls, after.asked, after.known) == (0, 0, before.asked)
    assert f"{before.asked} to ask for" in before.lines()[0]
