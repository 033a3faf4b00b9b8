"""The check `coherence`: whether a text's sentences stand in a telling order, without any model.

Sentences become vectors by the words and pieces of words that they share, and the path of these is held against its own shuffles, and
against texts that are known to be well ordered.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from reprlib import repr as brief
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

import numpy as np
from numpy.typing import NDArray

from criterial.judge.check_kind import Kind, Outcome, Subject, need, need_flag
from criterial.maths.bridge import misfits, order_evidence, window_roughness

if TYPE_CHECKING:
    from scipy.sparse import csr_array

__all__ = ["Coherence", "sentences_of"]

Floats = NDArray[np.float64]
_FENCE = re.compile(r"^[ \t]*(```|~~~).*?(?:^[ \t]*\1|\Z)", re.DOTALL | re.MULTILINE)
_TABLE = re.compile(r"^[ \t]*\|.*$|^.*\|.*\|.*$", re.MULTILINE)
_HEADING = re.compile(r"^[ \t]*#.*$", re.MULTILINE)
_BULLET = re.compile(r"^[ \t]*(?:[-*\u2022]|\d+[.)])[ \t]+", re.MULTILINE)
_END = re.compile(
    r"\n+|(?<=[.!?])(?<!\b[A-Za-z]\.)[\"'\u201d\u2019)\]*_]*\s+(?=[^\W\d_a-z]|[\"'\u201c\u2018(\[*_\d])|(?<=[\u3002\uff01\uff1f])"
)
_WORD = re.compile(r"[^\W_]+")
_LEAST = 4  # sentences
_LETTERS = 8  # a shorter line is a label
_PIECE = 4
_SHOWN = 80
_RANK = 1e-10  # directions of less are rounding


def sentences_of(text: str) -> list[str]:
    """Return the sentences of a text; bullets are some, and code blocks, tables, headings and labels are not.

    Parameters
    ----------
    text : str
        Plain text or Markdown.

    Returns
    -------
    list of str
        In their order. A point ends no sentence before a small letter or after a single one, as in "e.g. this" and "J. Doe".
    """
    for skipped in (_FENCE, _TABLE, _HEADING):
        text = skipped.sub("\n", text)
    found = (s.strip() for s in _END.split(_BULLET.sub("", text)))
    return [s for s in found if sum(map(len, _WORD.findall(s))) >= _LETTERS]


class _Space(NamedTuple):
    """Where sentences lie by the words and pieces of words that they share."""

    place: dict[str, int]
    weight_V: Floats
    axes_VD: Floats

    def path(self, sentences: Sequence[str]) -> Floats:
        """Return the vectors of sentences."""
        return np.asarray(_weighted(sentences, self.place, self.weight_V) @ self.axes_VD)


def _terms(sentence: str) -> Counter[str]:
    words = _WORD.findall(sentence.casefold())
    padded = [f"<{w}>" for w in words]
    return Counter(words + [w[i : i + _PIECE] for w in padded for i in range(max(1, len(w) - _PIECE + 1))])


def _weighted(sentences: Sequence[str], place: dict[str, int], weight_V: Floats) -> csr_array:
    """Return TF-IDF vectors of length 1, or 0 where no term is known."""
    from scipy.sparse import csr_array  # slow to import, and needed by this check alone

    counted = [(row, place[t], n) for row, s in enumerate(sentences) for t, n in _terms(s).items() if t in place]
    row_N, column_N, count_N = np.array(counted, dtype=np.int64).reshape(-1, 3).T
    value_N = (1.0 + np.log(count_N)) * weight_V[column_N]
    length_R = np.sqrt(np.bincount(row_N, value_N**2, minlength=len(sentences)))
    return csr_array((value_N / length_R[row_N], (row_N, column_N)), shape=(len(sentences), len(place)))


def _space(sentences: Sequence[str], dims: int) -> _Space:
    """Return the space of the strongest directions in which sentences differ."""
    from scipy.sparse.linalg import LinearOperator, eigsh

    seen = Counter(t for s in sentences for t in _terms(s))
    place = {t: i for i, t in enumerate(seen)}
    weight_V = 1.0 + np.log((1 + len(sentences)) / (1 + np.fromiter(seen.values(), dtype=np.float64, count=len(seen))))
    matrix_RV = _weighted(sentences, place, weight_V)
    alike = LinearOperator((len(sentences),) * 2, matvec=lambda v_R: matrix_RV @ (matrix_RV.T @ v_R), dtype=np.float64)
    # a fixed start makes the same text the same vectors every time
    square_D, side_RD = eigsh(alike, k=min(dims, len(sentences) - 1), v0=np.ones(len(sentences)))
    kept_D = square_D > _RANK * square_D.max()
    return _Space(place, weight_V, np.asarray(matrix_RV.T @ side_RD[:, kept_D] / np.sqrt(square_D[kept_D])))


class _Reference(NamedTuple):
    """Texts that are known to be well ordered."""

    space: _Space
    rough_K: Floats


def _readable(texts: Any) -> list[list[str]]:
    return [s for t in texts if len(s := sentences_of(t)) >= _LEAST]


@dataclass(frozen=True)
class Coherence(Kind):
    """Options of ``coherence``."""

    says: ClassVar[str] = "whether (with graded: how far) the sentences stand in a telling order, forwards or backwards"

    reference: list[str] | None = None
    """Well-ordered texts of the same kind, at least two of four sentences; without them a text is held against its own shuffles."""
    min: float | None = None
    """The least share with which the criterion is met; None is 0.05 with a reference and 0.5 without."""
    graded: bool = False
    """Whether the value is the share itself, for a scale of numbers from 0 to 1."""
    dims: int = 16
    """Dimensions of sentence vectors, 8 to 32."""
    shuffles: int = 200
    """How many shuffles of the sentences."""

    def __post_init__(self) -> None:
        if self.reference is not None:
            sound = isinstance(self.reference, list) and all(isinstance(t, str) for t in self.reference)
            need(sound and len(_readable(self.reference)) >= 2, "reference is a list of texts, of which at least two have four sentences")
        known = isinstance(self.min, (int, float)) and not isinstance(self.min, bool)
        need(self.min is None or (known and 0 <= self.min <= 1), f"min is a share from 0 to 1, not {brief(self.min)}")
        need_flag("graded", self.graded)
        for name, value, least, most in (("dims", self.dims, 8, 32), ("shuffles", self.shuffles, 20, 10_000)):
            whole = type(value) is int and least <= value <= most
            need(whole, f"{name} is a whole number from {least} to {most}, not {brief(value)}")

    def __call__(self, subject: Subject) -> Outcome:
        """Return the share of reference texts, or else of the text's own shuffles, that are rougher than the text."""
        sentences = sentences_of(subject.response.text)
        if len(sentences) < _LEAST:
            return None, f"{len(sentences)} sentences are too few to have an order: it takes {_LEAST}"
        known = self._known
        path_TD = (known.space if known else _space(sentences, self.dims)).path(sentences)
        rough = window_roughness(path_TD)
        if rough <= 0:
            return None, "the sentences share no words with the reference" if known else "all sentences are the same"
        order = order_evidence(path_TD, self.shuffles)
        worst = sentences[int(misfits(path_TD).argmax())]
        told = f"rougher than its order: {order:.0%} of shuffles; fits its neighbours least: {worst[:_SHOWN]!r}"
        share, least = order, 0.5
        if known:
            share, least = float((known.rough_K >= rough).mean()), 0.05
            ratio = rough / known.rough_K.mean()
            told = f"{ratio:.2f} times as rough as the {len(known.rough_K)} reference texts, {share:.0%} of which are rougher; {told}"
        least = least if self.min is None else self.min
        return share if self.graded else share >= least, told

    @cached_property
    def _known(self) -> _Reference | None:
        if self.reference is None:
            return None
        texts = _readable(self.reference)
        space = _space([s for text in texts for s in text], self.dims)
        return _Reference(space, np.array([window_roughness(space.path(text)) for text in texts]))
