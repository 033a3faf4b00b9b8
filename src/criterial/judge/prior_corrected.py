"""Prior-corrected judging: what a judge says of a criterion with the response withheld is taken off what it says of the response.

A judge that says yes to some criteria whatever it is shown says so of a filler too. Where its probabilities are known, that habit
can be measured without a label, and subtracted.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from criterial.core.fence import Block
from criterial.core.method import Method
from criterial.core.ports import Answer, Decider, DeciderInFront, DecisionReply, DecisionRequest, Question
from criterial.core.task import Case, Response
from criterial.core.verdict import Verdict
from criterial.errors import ConfigError
from criterial.judge.pointwise import Pointwise, pointwise

__all__ = ["METHOD", "PriorCorrected", "prior_corrected", "prior_of", "without_prior"]

_RESPONSES = ("response", "first", "second")
"""Labels of the blocks that are withheld."""
_LEAST = 1e-4
"""Probabilities nearer to 0 or 1 are not told apart: no judge knows its own so well, and their ratio would decide."""
_SILENT = ("missing", "refusal")
"""Causes of a failed prior that are the judge's own silence on a filler, and not a call that broke."""


@dataclass(frozen=True)
class PriorCorrected(Pointwise):
    """Options of `prior_corrected`."""

    alpha: float = 1.0
    """How much of the prior's log-odds is taken off, 0 to 1; 0 is `pointwise` and asks nothing more."""
    fillers: tuple[str, ...] = ("N/A", "[withheld]", "...")
    """What stands in the response's place where the prior is asked for, each in a request of its own."""

    def __post_init__(self) -> None:
        if not 0.0 <= self.alpha <= 1.0:
            raise ConfigError(f"alpha is 0 to 1, not {self.alpha:g}")
        if not self.fillers or len(set(self.fillers)) < len(self.fillers):
            raise ConfigError("fillers are one text or more, none of them twice")


async def prior_corrected(
    case: Case, response: Response, decider: Decider, repeat: int = 0, options: PriorCorrected | None = None
) -> list[Verdict]:
    """Return a verdict on every criterion of a case's rubric for one response, less what the judge says with the response withheld.

    Parameters
    ----------
    case : Case
        Task and rubric.
    response : Response
        The response to judge.
    decider : Decider
        Who judges. The requests for the prior are the same for all responses of a case, so that a journal pays them once a repeat.
    repeat : int
        Which repeat, from 0.
    options : PriorCorrected, optional
        How much is taken off, and what the judge is shown.

    Returns
    -------
    list of Verdict
        In the rubric's order. A verdict without probabilities, or on whose criterion the judge has no prior, stays as it is, and its
        reason says so. Where the calls for the prior broke off, the verdict fails for their cause: it would not be the same measure.

    References
    ----------
    Candidate prior normalisation of BLiM, arXiv 2507.23284 (card blim), carried to verdicts.
    """
    options = options or PriorCorrected()
    asked = decider if options.alpha == 0 else _Correcting(decider, options)
    return await pointwise(case, response, asked, repeat, options)


def prior_of(prior_FL: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the prior that several fillers amount to: the mean of their log-odds.

    Parameters
    ----------
    prior_FL : (F, L) float
        Probabilities with the response withheld, a row a filler; at least one. They are kept 1e-4 away from 0 and 1.

    Returns
    -------
    (L,) float
        Probabilities, proportional to the geometric mean.
    """
    return _softmax(_logs(prior_FL).mean(axis=0))


def without_prior(probs_L: NDArray[np.float64], prior_FL: NDArray[np.float64], alpha: float = 1.0) -> NDArray[np.float64]:
    """Return probabilities of levels less a prior.

    Parameters
    ----------
    probs_L : (L,) float
        Probabilities as judged, like the prior kept 1e-4 away from 0 and 1.
    prior_FL : (F, L) float
        Probabilities with the response withheld, a row a filler; at least one.
    alpha : float
        How much of the mean of the fillers' log-odds is taken off.

    Returns
    -------
    (L,) float
        Proportional to probs / prior^alpha: with alpha = 1 the exponential of the pointwise mutual information.
    """
    # rounded, so that what is even stays even and goes to the lower score
    return _softmax(np.round(_logs(probs_L) - alpha * _logs(prior_FL).mean(axis=0), 12))


def _logs(probs: NDArray[np.float64]) -> NDArray[np.float64]:
    logs: NDArray[np.float64] = np.log(np.clip(probs, _LEAST, 1.0 - _LEAST))
    return logs


def _softmax(score_L: NDArray[np.float64]) -> NDArray[np.float64]:
    raised_L = np.exp(score_L - score_L.max())
    share_L: NDArray[np.float64] = raised_L / raised_L.sum()
    return share_L


class _Correcting(DeciderInFront):
    """A decider whose probabilities are those of another, less its prior."""

    def __init__(self, inner: Decider, options: PriorCorrected) -> None:
        super().__init__(inner)
        self._alpha, self._fillers = options.alpha, options.fillers

    async def decide(self, request: DecisionRequest) -> DecisionReply:
        reply = await self._inner.decide(request)
        if request.runs_code:
            return reply
        asked = tuple(q for q in request.questions if q.levels)
        if not (_shows_response(request) and asked and _may_be_graded(reply.answers)):
            return replace(reply, answers=tuple(map(_not_corrected, reply.answers)))
        priors = await asyncio.gather(*(self._inner.decide(_withheld(request, asked, text)) for text in self._fillers))
        by_name = {q.name: [p.answers[i] for p in priors] for i, q in enumerate(asked)}
        answers = (self._corrected(q, a, by_name.get(q.name, ())) for q, a in zip(request.questions, reply.answers, strict=True))
        return DecisionReply(tuple(answers), sum((p.usage for p in priors), reply.usage))

    def _corrected(self, question: Question, answer: Answer, priors: Sequence[Answer]) -> Answer:
        if not _is_graded(answer):
            return _not_corrected(answer)
        given = [p.probs for p in priors if _is_graded(p) and len(p.probs) == len(answer.probs)]
        broken = next((p for p in priors if p.outcome == "failed" and p.cause not in _SILENT), None)
        if broken is not None:
            return Answer("failed", cause=broken.cause, reason=f"no prior: {broken.reason}".rstrip(": "))
        if not given:
            return _noted(answer, "not corrected: the judge has no prior")
        prior_FL = np.array(given, dtype=np.float64)
        prior_L = prior_of(prior_FL)
        likeliest = int(prior_L.argmax())
        note = f"corrected for a prior of {prior_L[likeliest]:.2f} on {question.levels[likeliest].label}"
        probs_L = without_prior(np.array(answer.probs, dtype=np.float64), prior_FL, self._alpha)
        return _noted(replace(answer, probs=tuple(probs_L.tolist())), note)


def _shows_response(request: DecisionRequest) -> bool:
    return any(b.label in _RESPONSES for b in request.input.blocks)


def _is_graded(answer: Answer) -> bool:
    return answer.outcome == "decided" and answer.graded


def _may_be_graded(answers: Sequence[Answer]) -> bool:
    """Return whether a prior is of use; where nothing is decided nobody knows, and a dry run counts it."""
    return any(map(_is_graded, answers)) or not any(a.outcome == "decided" for a in answers)


def _withheld(request: DecisionRequest, questions: tuple[Question, ...], filler: str) -> DecisionRequest:
    """Return the request with a filler for each response: nothing in it, nor in its label, is of the response."""
    shown = request.input
    blocks = tuple(Block(b.label, filler) if b.label in _RESPONSES else b for b in shown.blocks)
    return DecisionRequest(replace(shown, blocks=blocks, label=(shown.label[0], "")), questions)


def _not_corrected(answer: Answer) -> Answer:
    if answer.outcome != "decided":
        return answer
    return _noted(answer, "not corrected: no response was shown" if answer.graded else "not corrected: no probabilities")


def _noted(answer: Answer, note: str) -> Answer:
    return replace(answer, reason=f"{answer.reason} [{note}]".lstrip())


METHOD = Method(
    name="prior_corrected",
    room="judge",
    call=prior_corrected,
    options=PriorCorrected,
    says="takes off what the judge says of each criterion with the response withheld",
    needs=("decider",),
    cites="BLiM, candidate prior normalisation, arXiv 2507.23284 (card blim)",
)
