"""The tiers of QuarkMedBench: its published table, truncation on both sides of its edge, and padding that does not pay."""

from __future__ import annotations

import pytest

from criterial.core.scale import Level, Numeric, Ordinal
from criterial.errors import ConfigError
from criterial.score.tiers import METHOD
from tests.helpers_tables import crit, rubric, score_of, scores

GRADES = Ordinal((Level("not met"), Level("partly"), Level("fully")))
SHARE = Numeric(0.0, 1.0)
MASSES = {"essential": 1.0, "important": 1.015, "highlight": 0.910, "pitfall": -0.575}


def test_the_published_score_comes_out_of_the_published_rates() -> None:
    # the report's dimension table, GPT-5: E 92.23, I 81.54, H 56.04, P -4.30 and a total of 79.84; the masses are fitted to all its rows
    made = rubric(*(crit(t, m, tier=t, scale=SHARE) for t, m in MASSES.items()), policy="tiers", truncate=None)
    found = score_of(made, [0.9223, 0.8154, 0.5604, 0.0430]).value
    assert 100 * (found or 0.0) == pytest.approx(79.84, abs=0.12)
    assert 100 * (2 * 0.9223 + 0.8154 + 0.5604 - 2 * 0.0430) / 4 != pytest.approx(79.84, abs=1.0)


def four(**options: object) -> object:
    return rubric(
        crit("e1", 5.0, tier="essential", scale=GRADES),
        crit("e2", 5.0, tier="essential", scale=GRADES),
        crit("i", 3.0, tier="important", scale=GRADES),
        crit("h", 2.0, tier="highlight", scale=GRADES),
        crit("p", -4.0, tier="pitfall", scale=GRADES),
        policy="tiers",
        **options,
    )


def test_all_merits_and_no_pitfall_is_one_and_pitfalls_alone_are_below_zero_unless_clipped() -> None:
    whole, damage = scores(four(clip=False), [[2, 2, 2, 2, 0], [0, 0, 0, 0, 2]])
    assert whole.value == 1.0
    assert damage.value == pytest.approx(-2 * 4 / (2 * 10 + 3 + 2))
    assert scores(four(), [[0, 0, 0, 0, 2]])[0].value == 0.0


def test_the_bonus_is_forfeited_just_below_the_ratio_and_not_at_it() -> None:
    at, below = scores(four(), [[2, 0, 2, 2, 0], [1, 0, 2, 2, 0]])
    assert at.value == pytest.approx((2 * 5 + 3 + 2) / 25)
    assert below.value == pytest.approx(2 * 2.5 / 25)
    assert below.acted == ("truncate important: 1 -> 0", "truncate highlight: 1 -> 0")
    harmed = score_of(four(), [2, 2, 2, 2, 2])
    assert harmed.value == pytest.approx((20 - 8) / 25)


def test_satisfied_highlights_over_and_over_raise_the_base_score_and_not_the_saturated_one() -> None:
    def padded(copies: int, **options: object) -> float:
        more = [crit(f"h{k}", 2.0, tier="highlight", scale=GRADES) for k in range(copies)]
        made = rubric(
            crit("e", 4.0, tier="essential", scale=GRADES), crit("f", 4.0, tier="essential", scale=GRADES), *more, policy="tiers", **options
        )
        found = score_of(made, [2, 0, *[2] * copies]).value
        assert found is not None
        return found

    assert padded(10) > padded(1)
    assert padded(10, times=0.25) <= padded(1, times=0.25)


def test_the_cap_on_bonus_tiers_acts_on_them_alone() -> None:
    found = score_of(four(most=0.6), [2, 2, 2, 2, 0])
    assert found.value == pytest.approx((20 + 0.6 * 5) / 25)
    assert found.acted == ("cap important: 1 -> 0.6", "cap highlight: 1 -> 0.6")


def test_other_weights_change_what_decides() -> None:
    even = {"essential": 1.0, "important": 1.0, "highlight": 1.0, "pitfall": 1.0}
    core, rest = [2, 1, 0, 0, 0], [1, 1, 2, 1, 0]
    default, flat = (scores(four(**o), [core, rest]) for o in ({}, {"weights": even}))
    assert [s.value for s in default] == pytest.approx([15 / 25, 14 / 25])
    assert [s.value for s in flat] == pytest.approx([7.5 / 15, 9 / 15])


@pytest.mark.parametrize(
    "options", [{"truncate": 2.0}, {"most": -1.0}, {"weights": {"essential": -1.0}}, {"bonus": ["essential"]}], ids=repr
)
def test_options_that_mean_nothing_are_refused(options: dict[str, object]) -> None:
    with pytest.raises(ConfigError):
        METHOD.with_options(options)
