"""`FloorJudge`, the judge that works offline: it tells whether a response covers what a criterion mentions, and abstains from all else."""

from __future__ import annotations

import asyncio
import os
from collections import OrderedDict
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Lock

import numpy as np
from numpy.typing import NDArray

from criterial.core.digest import digest, short
from criterial.core.ports import Answer, DecisionReply, DecisionRequest, Question, Usage
from criterial.errors import ConfigError
from criterial.model.encoder import Encoded, Encoder, load_encoder
from criterial.model.floor_features import FEATURES, features
from criterial.model.floor_head import Head, default_head, fit_head, read_head
from criterial.model.floor_router import OTHER_SCRIPT, claim_of, other_script, route

__all__ = ["FloorJudge", "calibrate"]

_VERSION = 2
_LEAST_LABELS = 10
_KEPT_TOKENS = 100_000
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
        self._kept: OrderedDict[str, Encoded] = OrderedDict()
        self._kept_tokens = 0
        self._lock = Lock()
        self._threads = ThreadPoolExecutor(min(4, os.cpu_count() or 1), thread_name_prefix="criterial-embedded")
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
        loop = asyncio.get_running_loop()
        answers = await loop.run_in_executor(self._threads, self._answers, request)
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
        """End the threads."""
        self._threads.shutdown()

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
        return self._covered(claim_of(claim), response)

    def _covered(self, claim: str, response: str) -> float:
        return float(self._head.probability(features(self._encoded(claim), self._encoded(response))))

    def _answers(self, request: DecisionRequest) -> list[Answer]:
        response = next((b.text for b in request.input.blocks if b.label == "response"), None)
        foreign = response is not None and other_script(response)
        return [self._answer(q, response, bool(request.input.media), foreign) for q in request.questions]

    def _answer(self, question: Question, response: str | None, media: bool, foreign: bool) -> Answer:
        path = route(question, response is not None, media)
        if not path.claim or response is None or foreign:
            return Answer("abstained", cause="unsupported", reason=f"The embedded judge left this alone: {path.reason or OTHER_SCRIPT}.")
        covered = self._covered(path.claim, response)
        met = 1.0 - covered if path.inverted else covered
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

    def _encoded(self, text: str) -> Encoded:
        with self._lock:
            known = self._kept.get(text)
            if known is not None:
                self._kept.move_to_end(text)
                return known
        made = self._encoder.encode(text)
        with self._lock:
            if text not in self._kept:
                self._kept[text] = made
                self._kept_tokens += len(made.id_T)
            while self._kept_tokens > _KEPT_TOKENS and len(self._kept) > 1:
                self._kept_tokens -= len(self._kept.popitem(last=False)[1].id_T)
        return made


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
            rows.append(features(judge._encoded(path.claim), judge._encoded(response)))
            met.append(float(label != path.inverted))
    if len(rows) < _LEAST_LABELS:
        raise ConfigError(
            f"{len(rows)} of {len(labels)} labels are on criteria that the embedded judge may decide; it needs {_LEAST_LABELS}. "
            "Phrase criteria as what the response says: 'The response states that ...'"
        )
    return fit_head(np.array(rows), np.array(met), judge._head), len(rows)
