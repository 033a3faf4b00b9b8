"""`FloorJudge`, the judge that works offline: it tells whether a response covers what a criterion mentions, and abstains from all else."""

from __future__ import annotations

import asyncio
import os
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Lock

import numpy as np
from numpy.typing import NDArray

from criterial.core.digest import digest, short
from criterial.core.ports import Answer, DecisionReply, DecisionRequest, Question, Usage
from criterial.errors import ConfigError
from criterial.model.blas import ONE_BLAS_THREAD
from criterial.model.encoder import Encoder, load_encoder
from criterial.model.floor_features import FEATURES, Text, features
from criterial.model.floor_head import Head, default_head, fit_head, read_head
from criterial.model.floor_router import OTHER_SCRIPT, Route, claim_of, other_script, route

__all__ = ["FloorJudge", "calibrate"]

_VERSION = 2
_LEAST_LABELS = 10
_KEPT_TOKENS = 50_000
"""Tokens whose vectors are kept: about 150 MB."""


class FloorJudge:
    """The embedded judge: token-level matching of a small frozen encoder with a logistic head.

    Parameters
    ----------
    head : Path or None
        A head made by ``criterial judge calibrate``; None takes the one that the package brings along.
    encoder : Encoder, optional
        The encoder; the process's own where it is left out.

    Raises
    ------
    MissingExtra
        If the packages of the extra ``embedded`` are not there.
    ConfigError
        If the head cannot be read.
    """

    questions_per_call = 1000

    def __init__(self, head: Path | None = None, encoder: Encoder | None = None) -> None:
        self._head: Head = read_head(head) if head is not None else default_head()
        self._encoder = encoder or load_encoder()
        self._kept: OrderedDict[str, Text] = OrderedDict()
        self._kept_tokens = 0
        self._lock = Lock()
        self._threads: ThreadPoolExecutor | None = None
        self.calibrated = self._head.calibrated
        self.name = "embedded" if head is None else f"embedded:{head.name}"
        self.identity = f"embedded v{_VERSION} {self._encoder.identity} {short(digest(FEATURES, self._head.to_dict()))}"

    async def decide(self, request: DecisionRequest) -> DecisionReply:
        """Answer the questions that ask whether the response says something; abstain from the others, with the reason.

        Parameters
        ----------
        request : DecisionRequest
            Input and questions.

        Returns
        -------
        DecisionReply
        """
        if self._threads is None:
            self._threads = ThreadPoolExecutor(min(4, os.cpu_count() or 1), thread_name_prefix="criterial-embedded")
        with ONE_BLAS_THREAD:
            answers = await asyncio.get_running_loop().run_in_executor(self._threads, self._answers, request)
        return DecisionReply(tuple(answers), Usage(1))

    def estimate(self, request: DecisionRequest) -> Usage:
        """Return one call that costs nothing.

        Parameters
        ----------
        request : DecisionRequest
            Any.

        Returns
        -------
        Usage
        """
        return Usage(1)

    async def close(self) -> None:
        """End the threads; the next request starts others."""
        if self._threads is not None:
            self._threads.shutdown()
            self._threads = None

    def probability(self, claim: str, response: str) -> float:
        """Return how likely it is that a response covers a claim.

        Parameters
        ----------
        claim : str
            What the response should say, or a criterion that asks for it.
        response : str
            The response.

        Returns
        -------
        float
            In (0, 1).
        """
        return self._covered([claim_of(claim)], response)[0]

    def _covered(self, claims: Sequence[str], response: str) -> list[float]:
        found = features([self._text(c) for c in claims], self._text(response))
        return [float(p) for p in self._head.probability(found)]

    def _answers(self, request: DecisionRequest) -> list[Answer]:
        response = next((b.text for b in request.input.blocks if b.label == "response"), None)
        routes = [route(q, response is not None, bool(request.input.media)) for q in request.questions]
        if response is None or other_script(response):
            return [_left_alone(r.reason or OTHER_SCRIPT) for r in routes]
        return list(self._judged(routes, response))

    def _judged(self, routes: Sequence[Route], response: str) -> Iterator[Answer]:
        covered = iter(self._covered([r.claim for r in routes if r.claim], response))
        for path in routes:
            yield self._answer(next(covered), path.inverted) if path.claim else _left_alone(path.reason)

    def _answer(self, covered: float, inverted: bool) -> Answer:
        met = 1.0 - covered if inverted else covered
        probs = (1.0 - met, met)
        low, high = self._head.band
        if low < met < high:
            reason = f"The response's coverage of this is unclear (probability {met:.2f}, between {low:g} and {high:g})."
            return Answer("abstained", probs, graded=True, cause="uncertain", reason=reason)
        said = "covers" if covered > 0.5 else "does not cover"
        return Answer(
            "decided",
            probs,
            graded=True,
            reason=f"The response {said} what the criterion mentions (probability of coverage {covered:.2f}).",
        )

    def _text(self, text: str) -> Text:
        with self._lock:
            known = self._kept.get(text)
            if known is not None:
                self._kept.move_to_end(text)
                return known
        made = Text(self._encoder.encode(text))
        with self._lock:
            if text not in self._kept:
                self._kept[text] = made
                self._kept_tokens += len(made.encoded.id_T)
            while self._kept_tokens > _KEPT_TOKENS and len(self._kept) > 1:
                self._kept_tokens -= len(self._kept.popitem(last=False)[1].encoded.id_T)
        return made


def _left_alone(why: str) -> Answer:
    return Answer("abstained", cause="unsupported", reason=f"The embedded judge left this alone: {why}.")


def calibrate(labels: Sequence[tuple[str, str, bool]], encoder: Encoder | None = None) -> tuple[Head, int]:
    """Return a head fitted to labels of the user's own, near the one that the package brings along.

    Parameters
    ----------
    labels : sequence of (str, str, bool)
        Criterion, response and whether people hold it met. About 50 are enough.
    encoder : Encoder, optional
        The encoder; the process's own where it is left out.

    Returns
    -------
    tuple of (Head, int)
        The head, and how many labels it could use: those of criteria that the embedded judge may decide and responses that it can read.

    Raises
    ------
    ConfigError
        If it can use fewer than 10, or they are all of one kind.
    """
    judge = FloorJudge(None, encoder)
    rows: list[NDArray[np.float64]] = []
    met: list[float] = []
    for criterion, response, label in labels:
        path = route(Question("", "predicate", criterion), True, False)
        if path.claim and not other_script(response):
            rows.append(features([judge._text(path.claim)], judge._text(response))[0])
            met.append(float(label != path.inverted))
    if len(rows) < _LEAST_LABELS:
        raise ConfigError(
            f"{len(rows)} of {len(labels)} labels are on criteria that the embedded judge may decide; it needs {_LEAST_LABELS}. "
            "Phrase criteria as what the response says: 'The response states that ...'"
        )
    return fit_head(np.array(rows), np.array(met), judge._head), len(rows)
