"""criterial.judge.calibrated: probabilities go through the curve, and nothing else is touched."""

from __future__ import annotations

import json

import numpy as np
import pytest

import criterial as cr
from criterial.audit.calibrating import method_text
from criterial.cli.options import parse_choice
from criterial.errors import ConfigError
from criterial.judge.calibrated import Calibrated
from criterial.maths.calibration import fit_isotonic, fit_platt
from criterial.model.scripted import ScriptedProvider
from tests.helpers_runs import planted_cases


def yes_or_no(run: cr.Run) -> np.ndarray:
    return np.array([isinstance(c.scale, cr.Binary) for c in run.table.criteria])[run.table.column_N]


def probabilities(run: cr.Run) -> np.ndarray:
    return run.table.probs_LNK[0][yes_or_no(run), 1]


def test_a_line_on_log_odds_moves_probabilities_and_verdicts_at_no_call(tmp_path: object) -> None:
    cases, store = planted_cases(tasks=4), f"sqlite:///{tmp_path}/s.sqlite"
    with ScriptedProvider() as provider:
        judge = f"decisions:m@{provider.url}"
        plain = cr.grade(cases, judge, store=store)
        moved = cr.grade(cases, judge, store=store, method="calibrated", method_options={"slope": 0.5, "intercept": -1.0})
        same = cr.grade(cases, judge, store=store, method="calibrated")
    assert moved.usage.calls == same.usage.calls == 0
    p, q = (np.clip(probabilities(r), 1e-6, 1 - 1e-6) for r in (plain, moved))
    np.testing.assert_allclose(np.log(q / (1 - q)), 0.5 * np.log(p / (1 - p)) - 1.0, atol=1e-3)
    np.testing.assert_array_equal(moved.table.value_LN[0][yes_or_no(moved)], (q > 0.5).astype(float))
    np.testing.assert_allclose(probabilities(same), probabilities(plain), atol=1e-6)


def test_what_an_audit_prints_is_what_a_run_takes() -> None:
    rng = np.random.default_rng(0)
    p = rng.random(300)
    label = (rng.random(300) < p**2).astype(float)
    for curve in (fit_platt(p, label), fit_isotonic(p, label)):
        name, options = parse_choice(method_text(curve))
        assert name == "calibrated"
        given = Calibrated(**{k: tuple(v) if isinstance(v, list) else v for k, v in options.items()})
        np.testing.assert_allclose(given.curve.apply(p), curve.apply(p), atol=1e-3)
        assert json.dumps(options)


def test_three_levels_and_verdicts_without_probabilities_stay() -> None:
    scale = {"type": "ordinal", "levels": ["bad", "fair", "good"]}
    case = {"id": "t", "prompt": "p", "rubric": [{"id": "a", "text": "a", "scale": scale}], "responses": [{"id": "r", "text": "x"}]}
    with ScriptedProvider() as provider:
        judge = f"decisions:m@{provider.url}"
        plain, moved = (
            cr.grade([case], judge, store="sqlite://", method=m, method_options=o)
            for m, o in (("pointwise", {}), ("calibrated", {"intercept": 9.0}))
        )
    np.testing.assert_array_equal(plain.table.value_LN, moved.table.value_LN)


@pytest.mark.parametrize(
    "wrong", [{"score": (0.1, 0.2), "p": (0.5,)}, {"score": (0.2, 0.1), "p": (0.1, 0.2)}, {"score": (0.1,), "p": (1.5,)}]
)
def test_a_curve_that_is_none_is_refused(wrong: dict[str, tuple[float, ...]]) -> None:
    with pytest.raises(ConfigError):
        Calibrated(**wrong)
