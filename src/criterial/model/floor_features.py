"""What the embedded judge sees of a criterion and a response: how far the one is covered by the other.

Meaning is matched token by token (late interaction, "MaxSim"): each content token of the criterion looks for its nearest token in the
response. Beside it stand exact words, word pairs, numbers, names and negations, which vectors blur.
"""

from __future__ import annotations

import math
import re
from functools import lru_cache
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from criterial.model.encoder import Encoded

__all__ = ["FEATURES", "features", "has_words"]

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


def features(claim: Encoded, response: Encoded) -> NDArray[np.float64]:
    """Return the features of one criterion and one response.

    Parameters
    ----------
    claim : Encoded
        What the criterion wants to see (`criterial.model.floor_router.claim_of`).
    response : Encoded
        The response.

    Returns
    -------
    (F,) float
        Finite, in the order of `FEATURES`.
    """
    content_T = _content(claim)
    wanted, found = _words(claim.text), frozenset(_words(response.text))
    if not len(response.id_T) or not content_T.any():
        return np.array([0.0] * 11 + [0.0, 0.0, 0.0, 0.0, math.log1p(len(wanted)), math.log1p(len(found))])
    similarity = claim.vector_TD[content_T] @ response.vector_TD.T
    best = similarity.max(axis=1)
    rarity = np.log1p(np.maximum(claim.id_T[content_T] - 1995, 1)).astype(np.float64)
    window_best = _by_window(similarity, response)
    numbers, names = set(_NUMBER.findall(claim.text)), _names(claim.text)
    number_recall = len(numbers & set(_NUMBER.findall(response.text))) / len(numbers) if numbers else 1.0
    name_recall = len([n for n in names if n in found]) / len(names) if names else 1.0
    windows = [frozenset(_words(t)) for t in _window_texts(response)]
    return np.array(
        [
            best.mean(),
            float(best @ rarity / rarity.sum()),
            np.sort(best)[: max(1, len(best) // 4)].mean(),
            best.min(),
            window_best,
            float((claim.window_WD @ response.window_WD.T).max()),
            _recall(wanted, found),
            _recall([w for w in wanted if len(w) > 5], found),
            max(_recall(wanted, w) for w in windows) if windows else 0.0,
            _pair_recall(wanted, _words(response.text)),
            number_recall,
            float(number_recall < 1.0),
            name_recall,
            float(name_recall < 1.0),
            float(bool(_NEGATION.search(claim.text)) != bool(_NEGATION.search(_best_window(similarity, response)))),
            math.log1p(len(wanted)),
            math.log1p(len(found)),
        ],
        dtype=np.float64,
    )


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


def _content(encoded: Encoded) -> NDArray[np.bool_]:
    """Return which tokens carry content; all of them where none does."""
    words = [encoded.text[s:e].lower() for s, e in zip(encoded.start_T, encoded.end_T, strict=True)]
    keep = np.array([w not in _STOP and any(c.isalnum() for c in w) for w in words], dtype=np.bool_)
    return keep if keep.any() else np.ones(len(words), dtype=np.bool_)


@lru_cache(maxsize=50_000)
def _words(text: str) -> tuple[str, ...]:
    return tuple(_stem(w) for w in (m.group().lower() for m in _WORD.finditer(text)) if w not in _STOP)


def _stem(word: str) -> str:
    """Return a word without its commonest endings: enough to match plural, tense and adverb."""
    for ending in ("ations", "ation", "ingly", "ings", "ing", "edly", "ies", "ed", "es", "ly", "s", "'s"):
        if word.endswith(ending) and len(word) - len(ending) >= 3:
            return word[: -len(ending)]
    return word


def _names(text: str) -> list[str]:
    """Return the stems of capitalised words that do not begin a sentence."""
    return [_stem(m.group(1).lower()) for m in re.finditer(r"(?<=[^.!?:]\s)([A-Z][^\W_]+)", text) if m.group(1).lower() not in _STOP]


def _recall(wanted: tuple[str, ...] | list[str], found: frozenset[str]) -> float:
    return sum(w in found for w in wanted) / len(wanted) if wanted else 1.0


def _pair_recall(wanted: tuple[str, ...], words: tuple[str, ...]) -> float:
    pairs = set(pairwise(wanted))
    return len(pairs & set(pairwise(words))) / len(pairs) if pairs else 1.0


def _by_window(similarity: NDArray[np.float32], response: Encoded) -> float:
    """Return the best mean similarity that one window gives on its own."""
    starts = np.flatnonzero(np.diff(response.window_T, prepend=-1))
    return float(np.maximum.reduceat(similarity, starts, axis=1).mean(axis=0).max())


def _window_texts(response: Encoded) -> list[str]:
    starts = np.flatnonzero(np.diff(response.window_T, prepend=-1))
    ends = np.append(starts[1:], len(response.id_T)) - 1
    return [response.text[response.start_T[a] : response.end_T[b]] for a, b in zip(starts, ends, strict=True)]


def _best_window(similarity: NDArray[np.float32], response: Encoded) -> str:
    starts = np.flatnonzero(np.diff(response.window_T, prepend=-1))
    best = int(np.maximum.reduceat(similarity, starts, axis=1).mean(axis=0).argmax())
    return _window_texts(response)[best]
