"""What the embedded judge sees of a criterion and a response: how far the one is covered by the other.

Meaning is matched token by token (late interaction, "MaxSim"): each content token of the criterion looks for its nearest token in the
response. Beside it stand exact words, word pairs, numbers, names and negations, which vectors blur.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from functools import cached_property
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from criterial.model.encoder import Encoded

__all__ = ["FEATURES", "Text", "features", "has_words"]

FEATURES: tuple[str, ...] = (
    "maxsim_mean",
    "maxsim_rare",
    "maxsim_low",
    "maxsim_min",
    "window_maxsim",
    "window_cosine",
    "word_recall",
    "rare_recall",
    "window_recall",
    "pair_recall",
    "number_recall",
    "number_missing",
    "name_recall",
    "name_missing",
    "negation_differs",
    "log_criterion",
    "log_response",
)
"""Names of the features, in their order."""

_WORD = re.compile(r"[^\W_]+(?:['\u2019.,-][^\W_]+)*")
_NUMBER = re.compile(r"\d+(?:[.,]\d+)*")
_NAME = re.compile(r"(?<=[^.!?:]\s)([A-Z][^\W_]+)")
_NEGATION = re.compile(r"\b(?:not|no|never|none|nor|neither|without|cannot|\w+n['\u2019]t)\b", re.I)
_STOP = frozenset(
    """a about above after again all also am an and any are as at be because been before being below between both but by can
    could did do does doing down during each few for from further had has have having he her here hers him his how i if in
    into is it its itself just may me might more most must my no nor not now of off on once only or other our out over own
    same shall she should so some such than that the their them then there these they this those through to too under until
    up very was we were what when where which while who whom why will with would you your
    response answer summary text output model""".split()
)
"""Words without content, and those by which a claim means the response itself."""


class Text:
    """An encoded text with all that is asked of it as a criterion's claim or as a response, each worked out once.

    Parameters
    ----------
    encoded : Encoded
        The text's token vectors.
    """

    def __init__(self, encoded: Encoded) -> None:
        self.encoded = encoded

    @cached_property
    def content_TD(self) -> NDArray[np.float32]:
        """Vectors of the tokens that carry content; of all where none does."""
        vectors: NDArray[np.float32] = self.encoded.vector_TD[self._content_T]
        return vectors

    @cached_property
    def vector_DT(self) -> NDArray[np.float32]:
        """The token vectors as columns, laid out as products read them: a third of the time."""
        return np.ascontiguousarray(self.encoded.vector_TD.T)

    @cached_property
    def rarity_T(self) -> NDArray[np.float64]:
        """How rare each content token is, as shares."""
        rarity = np.log1p(np.maximum(self.encoded.id_T[self._content_T] - 1995, 1)).astype(np.float64)
        shares: NDArray[np.float64] = rarity / rarity.sum()
        return shares

    @cached_property
    def words(self) -> tuple[str, ...]:
        """Stems of the words with content."""
        return _words(self.encoded.text)

    @cached_property
    def long_words(self) -> tuple[str, ...]:
        """Those of more than five letters."""
        return tuple(w for w in self.words if len(w) > 5)

    @cached_property
    def pairs(self) -> frozenset[tuple[str, str]]:
        """Stems that follow one another."""
        return frozenset(pairwise(self.words))

    @cached_property
    def numbers(self) -> frozenset[str]:
        """Numbers in figures."""
        return frozenset(_NUMBER.findall(self.encoded.text))

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Stems of capitalised words that do not begin a sentence."""
        return _names(self.encoded.text)

    @cached_property
    def negates(self) -> bool:
        """Whether a negation stands in the text."""
        return bool(_NEGATION.search(self.encoded.text))

    @cached_property
    def window_starts(self) -> NDArray[np.int64]:
        """Index of each window's first token."""
        return np.flatnonzero(np.diff(self.encoded.window_T, prepend=-1))

    @cached_property
    def negates_W(self) -> NDArray[np.bool_]:
        """Whether a negation stands in each window."""
        return np.array([bool(_NEGATION.search(t)) for t in self._window_texts], dtype=np.bool_)

    @cached_property
    def number_of(self) -> dict[str, int]:
        """Number of each stem, in the order of `present_VX`."""
        return {word: i for i, word in enumerate(dict.fromkeys(self.words))}

    @cached_property
    def present_VX(self) -> NDArray[np.int64]:
        """Which stems stand in the whole text (first column) and in each window; the last row is that of all other stems."""
        where = np.zeros((len(self.number_of) + 1, len(self._window_texts) + 1), dtype=np.int64)
        where[:-1, 0] = 1
        for column, text in enumerate(self._window_texts, start=1):
            where[[self.number_of.get(w, -1) for w in _words(text)], column] = 1
        where[-1] = 0  # a word that a window cuts in two
        return where

    @cached_property
    def _window_texts(self) -> tuple[str, ...]:
        ends = np.append(self.window_starts[1:], len(self.encoded.id_T)) - 1
        spans = zip(self.encoded.start_T[self.window_starts], self.encoded.end_T[ends], strict=True)
        return tuple(self.encoded.text[a:b] for a, b in spans)

    @cached_property
    def _content_T(self) -> NDArray[np.bool_]:
        text, spans = self.encoded.text, zip(self.encoded.start_T, self.encoded.end_T, strict=True)
        words = [text[s:e].lower() for s, e in spans]
        keep = np.array([w not in _STOP and any(c.isalnum() for c in w) for w in words], dtype=np.bool_)
        return keep if keep.any() else np.ones(len(words), dtype=np.bool_)


def features(claims: Sequence[Text], response: Text) -> NDArray[np.float64]:
    """Return the features of criteria and one response.

    Parameters
    ----------
    claims : sequence of Text
        What each criterion wants to see (`criterial.model.floor_router.claim_of`), C of them.
    response : Text
        The response.

    Returns
    -------
    (C, F) float
        Finite, in the order of `FEATURES`; each row is the same to the last bit whatever else is asked.
    """
    out = np.zeros((len(claims), len(FEATURES)))
    out[:, -2] = [math.log1p(len(c.words)) for c in claims]
    out[:, -1] = math.log1p(len(response.number_of))
    full = [i for i, c in enumerate(claims) if len(c.encoded.id_T)]
    if full and len(response.encoded.id_T):
        asked = [claims[i] for i in full]
        meaning, negation = _by_meaning(asked, response)
        out[full, : meaning.shape[1]] = meaning
        out[full, meaning.shape[1] : -3] = _by_words(asked, response)
        out[full, -3] = negation
    return out


def _by_meaning(claims: Sequence[Text], response: Text) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Return what the vectors tell, and whether a negation stands on one side only: in the claim or in the window that is nearest to it."""
    size_C = np.array([len(c.content_TD) for c in claims])
    start_C = np.cumsum(size_C) - size_C
    similarity = np.empty((int(size_C.sum()), len(response.encoded.id_T)), dtype=np.float32)
    cosine_C = np.empty(len(claims))
    # One product a claim: rows of a common product could differ in the last bit with what else is in it.
    for i, claim in enumerate(claims):
        np.matmul(claim.content_TD, response.vector_DT, out=similarity[start_C[i] : start_C[i] + size_C[i]])
        cosine_C[i] = (claim.encoded.window_WD @ response.encoded.window_WD.T).max()
    near_TW = np.maximum.reduceat(similarity, response.window_starts, axis=1).astype(np.float64)
    best_T = near_TW.max(axis=1)
    near_CW = np.add.reduceat(near_TW, start_C, axis=0) / size_C[:, None]
    owner_T = np.repeat(np.arange(len(claims)), size_C)
    rising_T = best_T[np.lexsort((best_T, owner_T))]
    lowest_C = np.maximum(1, size_C // 4)
    low_T = np.arange(len(best_T)) - start_C[owner_T] < lowest_C[owner_T]
    columns = (
        np.add.reduceat(best_T, start_C) / size_C,
        np.add.reduceat(best_T * np.concatenate([c.rarity_T for c in claims]), start_C),
        np.add.reduceat(np.where(low_T, rising_T, 0.0), start_C) / lowest_C,
        rising_T[start_C],
        near_CW.max(axis=1),
        cosine_C,
    )
    return np.stack(columns, axis=1), response.negates_W[near_CW.argmax(axis=1)] != np.array([c.negates for c in claims])


def _by_words(claims: Sequence[Text], response: Text) -> NDArray[np.float64]:
    """Return what exact words, word pairs, numbers and names tell."""
    word_CX = _recall([c.words for c in claims], response)
    number_C = np.array([_share(c.numbers, response.numbers) for c in claims])
    name_C = _recall([c.names for c in claims], response)[:, 0]
    columns = (
        word_CX[:, 0],
        _recall([c.long_words for c in claims], response)[:, 0],
        word_CX[:, 1:].max(axis=1),
        np.array([_share(c.pairs, response.pairs) for c in claims]),
        number_C,
        number_C < 1.0,
        name_C,
        name_C < 1.0,
    )
    return np.stack(columns, axis=1)


def _recall(wanted: Sequence[tuple[str, ...]], response: Text) -> NDArray[np.float64]:
    """Return which share of each list's stems the response has, and each of its windows; all of none."""
    number_of, size_C = response.number_of, np.array([len(w) for w in wanted])
    found_NX = response.present_VX[[number_of.get(word, -1) for words in wanted for word in words]]
    until_NX = np.concatenate([np.zeros((1, found_NX.shape[1]), dtype=np.int64), np.cumsum(found_NX, axis=0)])
    end_C = np.cumsum(size_C)
    share_CX: NDArray[np.float64] = (until_NX[end_C] - until_NX[end_C - size_C]) / np.maximum(size_C, 1)[:, None]
    share_CX[size_C == 0] = 1.0
    return share_CX


def _share(wanted: frozenset[Any], found: frozenset[Any]) -> float:
    return len(wanted & found) / len(wanted) if wanted else 1.0


def has_words(text: str) -> bool:
    """Return whether a text has words that say something, so that it can be covered.

    Parameters
    ----------
    text : str
        Any.

    Returns
    -------
    bool
    """
    return bool(_words(text))


def _words(text: str) -> tuple[str, ...]:
    return tuple(_stem(w) for w in (m.group().lower() for m in _WORD.finditer(text)) if w not in _STOP)


def _stem(word: str) -> str:
    """Return a word without its commonest endings: enough to match plural, tense and adverb."""
    for ending in ("ations", "ation", "ingly", "ings", "ing", "edly", "ies", "ed", "es", "ly", "s", "'s"):
        if word.endswith(ending) and len(word) - len(ending) >= 3:
            return word[: -len(ending)]
    return word


def _names(text: str) -> tuple[str, ...]:
    found = (m.group(1).lower() for m in _NAME.finditer(text))
    return tuple(_stem(w) for w in found if w not in _STOP)
