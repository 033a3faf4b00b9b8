"""Kappa and AUROC are scikit-learn's, ties and weights included, and undefined where they say nothing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import cohen_kappa_score, roc_auc_score

from criterial.maths.agreement import auroc, counts_of, kappa_of
from tests.helpers_tables import MANY

PAIRS = st.lists(st.tuples(st.booleans(), st.booleans()), min_size=1, max_size=30)


def columns(pairs: list[tuple[bool, bool]]) -> tuple[np.ndarray, np.ndarray]:
    judged, label = zip(*pairs, strict=True)
    return np.array(judged, dtype=np.bool_), np.array(label, dtype=np.bool_)


@given(PAIRS)
@MANY
def test_kappa_is_scikit_learns(pairs: list[tuple[bool, bool]]) -> None:
    judged, label = columns(pairs)
    (found,) = kappa_of(counts_of(judged, label).sum(axis=0, keepdims=True))
    if len(set(judged) | set(label)) == 1:
        assert np.isnan(found)
    else:
        assert found == pytest.approx(cohen_kappa_score(judged, label), abs=1e-12)


def test_every_item_is_counted_in_one_of_four_places() -> None:
    judged, label = columns([(True, True), (True, False), (False, True), (False, False)])
    assert (counts_of(judged, label) == np.eye(4)).all()


@st.composite
def ranked(draw: Callable[..., Any]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Draw scores with many ties, labels of both kinds, and whole weights that leave some of each."""
    size = draw(st.integers(2, 25))
    scores = draw(st.lists(st.sampled_from([-1.5, 0.0, 0.25, 0.5, 1.0]) | st.floats(-5, 5), min_size=size, max_size=size))
    labels = [True, False, *draw(st.lists(st.booleans(), min_size=size - 2, max_size=size - 2))]
    weights = [1, 2, *draw(st.lists(st.integers(0, 3), min_size=size - 2, max_size=size - 2))]
    return np.array(scores), np.array(labels), np.array(weights, dtype=np.float64)


@given(ranked())
@MANY
def test_auroc_is_scikit_learns_with_ties_and_weights(drawn: tuple[np.ndarray, np.ndarray, np.ndarray]) -> None:
    score, label, weight = drawn
    assert auroc(score, label) == pytest.approx([roc_auc_score(label, score)], abs=1e-12)
    both = auroc(score, label, np.stack([weight, np.ones(len(score))]))
    assert both == pytest.approx([roc_auc_score(label, score, sample_weight=weight), roc_auc_score(label, score)], abs=1e-12)


@given(ranked())
@MANY
def test_a_weight_is_as_many_copies_of_its_item(drawn: tuple[np.ndarray, np.ndarray, np.ndarray]) -> None:
    score, label, weight = drawn
    times = weight.astype(np.int64)
    assert auroc(score, label, weight[None]) == pytest.approx(auroc(np.repeat(score, times), np.repeat(label, times)), abs=1e-12)


@given(ranked())
@MANY
def test_turning_scores_or_labels_round_turns_auroc_round(drawn: tuple[np.ndarray, np.ndarray, np.ndarray]) -> None:
    score, label, _ = drawn
    (area,) = auroc(score, label)
    assert auroc(-score, label) == pytest.approx([1 - area])
    assert auroc(score, ~label) == pytest.approx([1 - area])


@pytest.mark.parametrize(
    ("score", "label", "area"),
    [([1, 2, 3, 4], [0, 0, 1, 1], 1.0), ([1, 1, 1], [0, 1, 0], 0.5), ([2, 1], [0, 1], 0.0), ([1, 2, 2, 3], [0, 1, 0, 1], 0.875)],
)
def test_auroc_of_known_rankings(score: list[float], label: list[int], area: float) -> None:
    assert auroc(np.array(score, dtype=np.float64), np.array(label, dtype=np.bool_)).tolist() == [area]


@pytest.mark.parametrize("label", [[True, True], [False, False], []])
def test_auroc_is_undefined_where_labels_are_all_of_one_kind(label: list[bool]) -> None:
    assert np.isnan(auroc(np.arange(float(len(label))), np.array(label, dtype=np.bool_))).all()


def test_auroc_is_undefined_in_a_resample_that_drew_one_kind_alone() -> None:
    weights = np.array([[1.0, 0.0], [1.0, 1.0]])
    found = auroc(np.array([0.0, 1.0]), np.array([False, True]), weights)
    assert np.isnan(found[0])
    assert found[1] == 1.0
