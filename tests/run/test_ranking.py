"""Ranking runs, files and both together; on real votes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import criterial as cr
from criterial.errors import ConfigError, CriterialError
from criterial.run.ranking import gather


def cases(system: str, scores: list[int], prompt: str = "p") -> list[dict]:
    rubric = {"criteria": [{"id": "c", "text": "is good"}]}
    return [
        {
            "id": f"t{i}",
            "prompt": f"{prompt} {i}",
            "rubric": rubric,
            "responses": [{"id": f"{system}{i}", "system": system, "text": "x", "verdicts": {"c": v}}],
        }
        for i, v in enumerate(scores)
    ]


def test_runs_of_one_system_each_meet_on_the_tasks_that_they_share() -> None:
    good, bad = (cr.score_verdicts(cases(name, marks)) for name, marks in (("good", [1] * 19 + [0]), ("bad", [0] * 15 + [1] * 5)))
    evidence = gather([good, bad.id])
    assert evidence.marks.known_SI.all() and len(evidence.marks.items) == 20 and len(evidence.marks.suites) == 1
    found = cr.rank(good, bad.id)
    assert found.systems == ("good", "bad") and found.comparisons[0].says == "significant"
    assert found.strengths[0].value == pytest.approx(0.95) and found.method == "mean"


def test_tasks_that_only_have_a_name_in_common_are_not_shared() -> None:
    one, other = cr.score_verdicts(cases("a", [1, 0])), cr.score_verdicts(cases("b", [1, 1], prompt="another"))
    evidence = gather([one, other])
    assert len(evidence.marks.items) == 4 and len(evidence.marks.suites) == 2
    with pytest.raises(ConfigError, match="no two systems met"):
        cr.rank(one, other, method="bradley_terry")


def test_a_csv_of_benchmarks_is_ranked_and_joins_others(tmp_path: Path) -> None:
    path = tmp_path / "board.csv"
    path.write_text("system,x,y,z\na,0.9,0.8,0.7\nb,0.5,0.6,0.65\n")
    found = cr.rank(path)
    assert found.systems == ("a", "b") and found.strengths[0].n == 3
    assert cr.rank(path, method="win_rate").strengths[0].value == 1.0


def test_a_missing_verdict_is_no_zero() -> None:
    given = cases("a", [1, 1, 0]) + []
    given[2]["responses"][0]["verdicts"] = {"c": {"state": "failed", "cause": "timeout"}}
    run = cr.score_verdicts(given + [{**c, "id": c["id"] + "b"} for c in cases("b", [1, 0, 0])])
    found = dict(zip(*(lambda r: (r.systems, r.strengths))(cr.rank(run)), strict=True))
    assert found["a"].value == 1.0 and found["a"].n == 2


def test_judges_are_chosen_by_name_and_an_unknown_one_is_told_who_there_is(shared: Path) -> None:
    crowd = gather([shared / "data" / "llmfao"], judges=["worker-*"])
    assert crowd.judged is not None
    assert len(crowd.judged.result_P) == 6216
    with pytest.raises(ConfigError, match="no verdict is by nobody: the judges are gpt3, gpt4, worker-0"):
        gather([shared / "data" / "llmfao"], judges=["nobody"])


def test_options_and_sources_are_checked() -> None:
    with pytest.raises(ConfigError, match="nothing to rank"):
        cr.rank()
    run = cr.score_verdicts(cases("a", [1, 0]) + [{**c, "id": c["id"] + "b"} for c in cases("b", [1, 0])])
    with pytest.raises(ConfigError, match="no option teis"):
        cr.rank(run, method="bradley_terry", teis="half")
    with pytest.raises(CriterialError, match="there is no run"):
        cr.rank("nosuchrun")


def test_gpt4_and_gpt3_rank_llmfao_about_equally_like_the_crowd(shared: Path) -> None:
    """Measured: Kendall's tau of Bradley-Terry strengths with the crowd's is .498 for GPT-4 and .490 for GPT-3, over 59 systems."""
    from scipy.stats import kendalltau

    rankings = {j: cr.rank(shared / "data" / "llmfao", judges=[j], scale="logit") for j in ("worker-*", "gpt4", "gpt3")}
    values = {j: dict(zip(r.systems, (s.value for s in r.strengths), strict=True)) for j, r in rankings.items()}
    common = sorted(set.intersection(*(set(v) for v in values.values())))
    tau = {j: kendalltau([values["worker-*"][s] for s in common], [values[j][s] for s in common]).statistic for j in ("gpt4", "gpt3")}
    assert len(common) == 59
    assert tau["gpt4"] == pytest.approx(0.498, abs=0.002) and tau["gpt3"] == pytest.approx(0.490, abs=0.002)
    assert all(np.isfinite([s.se for r in rankings.values() for s in r.strengths]))
