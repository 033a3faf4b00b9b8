"""Consistent judging: a judge is sampled several times, reasons that say the same are one, and a critic's confidence weighs the vote.

What is paid for beyond the samples is one question about each distinct reason, and nothing at all where the samples agree.
"""

from __future__ import annotations

import asyncio
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.cluster.hierarchy import fcluster, linkage
from scipy.spatial.distance import squareform

from criterial.core.fence import Block
from criterial.core.method import Method
from criterial.core.ports import Answer, Decider, DeciderInFront, DecisionReply, DecisionRequest, Question, Usage
from criterial.core.scale import Level
from criterial.core.task import Case, Response
from criterial.core.verdict import Verdict
from criterial.errors import ConfigError
from criterial.judge.pointwise import Pointwise, pointwise

__all__ = ["METHOD", "Consistent", "clusters", "consistent", "representatives", "sample_repeat", "vectors_of", "vote_weights"]

_CRITIC = (
    "Somebody has judged this by one criterion already, and gave a reason. Say whether that verdict is right, "
    "by the material and not by how sure the reason sounds."
)
_WORD = re.compile(r"\w+")
_STRIDE = 1 << 20


@dataclass(frozen=True)
class Consistent(Pointwise):
    """Options of `consistent`."""

    n: int = 8
    """How many samples, 2 or more; the paper takes 20. They differ as the judge's temperature lets them."""
    delta: float = 0.15
    """Cosine distance, 0 to 1, up to which the reasons for one answer count as the same."""
    gamma: float = 0.5
    """How much the number of samples behind a reason counts, 0 to 1: its weight is multiplied by their number to this power."""
    temperature: float = 0.2
    """Of the softmax over confidences: the lower, the more the most confident decides."""
    critic: bool = True
    """Whether the judge is asked if a reasoned verdict is right; without, all reasons count alike."""

    def __post_init__(self) -> None:
        if self.n < 2:
            raise ConfigError(f"n is 2 samples or more, not {self.n}")
        for name, value in (("delta", self.delta), ("gamma", self.gamma)):
            if not 0.0 <= value <= 1.0:
                raise ConfigError(f"{name} is 0 to 1, not {value:g}")
        if not 0.0 < self.temperature <= 1e6:
            raise ConfigError(f"temperature is more than 0 and finite, not {self.temperature:g}")


async def consistent(case: Case, response: Response, decider: Decider, repeat: int = 0, options: Consistent | None = None) -> list[Verdict]:
    """Return a verdict on every criterion of a case's rubric for one response: the weighted vote of several samples of the judge.

    Parameters
    ----------
    case : Case
        Task and rubric.
    response : Response
        The response to judge.
    decider : Decider
        Who is sampled, and asked as the critic.
    repeat : int
        Which repeat, from 0; its samples are repeats of their own to the judge (`sample_repeat`).
    options : Consistent, optional
        How the samples are weighed, and what the judge is shown.

    Returns
    -------
    list of Verdict
        In the rubric's order, each with the share of every level in the vote as its probabilities. A criterion is decided where at
        least half of the samples that came decided it; otherwise it is what most of the others say. Where the calls of more than half
        of the samples broke off, it fails for their cause.

    References
    ----------
    VecCISC, arXiv 2605.08070 (card veccisc).
    """
    options = options or Consistent()
    return await pointwise(case, response, _Sampling(decider, options), repeat, options)


def sample_repeat(repeat: int, sample: int) -> int:
    """Return the repeat under which the judge is asked for a sample.

    Parameters
    ----------
    repeat : int
        Which repeat of the method, from 0.
    sample : int
        Which of its samples, from 0.

    Returns
    -------
    int
        Different for all samples of all repeats. The first is the repeat itself, so what is on record of it is not asked again, and more
        samples add to those that are. It is odd where the repeat is, for odd repeats show a pair the other way round.
    """
    return repeat + sample * _STRIDE


def vectors_of(texts: Sequence[str]) -> NDArray[np.float64]:
    """Return texts as unit vectors, so that those near each other in wording are near in cosine.

    Parameters
    ----------
    texts : sequence of str
        T texts, at least one.

    Returns
    -------
    (T, D) float
        Term frequency times inverse document frequency, ln((1 + T) / (1 + f)) + 1, of words and of the three-character pieces of
        each; case does not count. Texts without words are alike.
    """
    counts = [Counter(_terms(text)) for text in texts]
    places = {term: i for i, term in enumerate(sorted(set().union(*counts)))}
    found_TD = np.zeros((len(texts), len(places)))
    for row, count in zip(found_TD, counts, strict=True):
        row[[places[t] for t in count]] = list(count.values())
    rarity_D = np.log((1 + len(texts)) / (1 + (found_TD > 0).sum(axis=0))) + 1
    weighed_TD = found_TD * rarity_D
    unit_TD: NDArray[np.float64] = weighed_TD / np.linalg.norm(weighed_TD, axis=1, keepdims=True)
    return unit_TD


def _terms(text: str) -> Iterator[str]:
    words = _WORD.findall(text.casefold()) or [""]
    for word in words:
        yield word
        padded = f" {word} "
        yield from (padded[i : i + 3] for i in range(len(padded) - 2))


def clusters(unit_TD: NDArray[np.float64], answer_T: NDArray[np.int64], delta: float) -> NDArray[np.int64]:
    """Return the cluster of each trace: traces of one answer whose vectors are near each other, by average linkage.

    Parameters
    ----------
    unit_TD : (T, D) float
        A unit vector a trace.
    answer_T : (T,) int
        The answer of each.
    delta : float
        Cosine distance at which the tree is cut; 0 joins equal vectors alone.

    Returns
    -------
    (T,) int
        From 0 up without a gap. No cluster holds two answers.
    """
    cluster_T = np.zeros(len(answer_T), dtype=np.int64)
    used = 0
    for answer in np.unique(answer_T):
        members = np.flatnonzero(answer_T == answer)
        if len(members) > 1:
            near = unit_TD[members] @ unit_TD[members].T
            apart = squareform(np.round(np.clip(1.0 - near, 0.0, 2.0), 12), checks=False)
            cluster_T[members] = used + fcluster(linkage(apart, "average"), delta, "distance") - 1
        else:
            cluster_T[members] = used
        used = int(cluster_T[members].max()) + 1
    return cluster_T


def representatives(unit_TD: NDArray[np.float64], cluster_T: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the trace of each cluster that is nearest to its centre by cosine.

    Parameters
    ----------
    unit_TD : (T, D) float
        A unit vector a trace.
    cluster_T : (T,) int
        Their clusters, from 0 up.

    Returns
    -------
    (G,) int
        Index of a trace for each cluster; of traces equally near the first.
    """
    member_GT = np.arange(int(cluster_T.max()) + 1)[:, None] == cluster_T
    near_GT = np.where(member_GT, np.round((member_GT @ unit_TD) @ unit_TD.T, 9), -np.inf)
    nearest_G: NDArray[np.int64] = near_GT.argmax(axis=1)
    return nearest_G


def vote_weights(confidence_G: NDArray[np.float64], size_G: NDArray[np.int64], temperature: float, gamma: float) -> NDArray[np.float64]:
    """Return the weight of each cluster's vote.

    Parameters
    ----------
    confidence_G : (G,) float
        The critic's confidence in each representative.
    size_G : (G,) int
        How many traces each stands for.
    temperature : float
        Of the softmax over confidences, more than 0.
    gamma : float
        Power of the sizes.

    Returns
    -------
    (G,) float
        Proportional to exp(confidence / temperature) size^gamma; they sum to 1. With gamma = 1 and one confidence for all the vote is
        a plain majority's, with gamma = 0 and a cluster for each trace that of confidence-weighted self-consistency (CISC).
    """
    log_G = confidence_G / temperature + gamma * np.log(size_G)
    raised_G = np.exp(log_G - log_G.max())
    weight_G: NDArray[np.float64] = raised_G / raised_G.sum()
    return weight_G


class _Sampling(DeciderInFront):
    """A decider whose answer is the weighted vote of several of another's."""

    def __init__(self, inner: Decider, options: Consistent) -> None:
        super().__init__(inner)
        self._options = options

    async def decide(self, request: DecisionRequest) -> DecisionReply:
        if request.runs_code:
            return await self._inner.decide(request)
        asked = request.input
        numbers = [sample_repeat(asked.repeat, i) for i in range(self._options.n)]
        replies = await asyncio.gather(*(self._inner.decide(replace(request, input=replace(asked, repeat=k))) for k in numbers))
        each = [self._voted(request, q, [_sound(q, r.answers[i]) for r in replies]) for i, q in enumerate(request.questions)]
        voted = await asyncio.gather(*each)
        usage = sum((r.usage for r in replies), Usage())
        return DecisionReply(tuple(answer for answer, _ in voted), sum((spent for _, spent in voted), usage))

    async def _voted(self, request: DecisionRequest, question: Question, samples: Sequence[Answer]) -> tuple[Answer, Usage]:
        traces, nothing = _split(samples)
        if nothing:
            return _commonest(nothing), Usage()
        answer_T = np.unique([_chosen(a) for a in traces], return_inverse=True)[1].astype(np.int64)
        unit_TD = vectors_of([a.reason for a in traces])
        cluster_T = clusters(unit_TD, answer_T, self._options.delta)
        stand_G = representatives(unit_TD, cluster_T)
        apart = bool(answer_T.max() > 0)
        confidence_G, usage = np.ones(len(stand_G)), Usage()
        if self._options.critic and apart:
            confidence_G, usage = await self._confidence(request, question, [traces[t] for t in stand_G])
        weight_G = vote_weights(confidence_G, np.bincount(cluster_T), self._options.temperature, self._options.gamma)
        answer = _outcome(traces, cluster_T, stand_G, weight_G)
        if apart or any(map(_is_lost, samples)):
            votes = sum(_chosen(a) == _chosen(answer) for a in traces)
            answer = replace(answer, reason=f"{answer.reason} [{votes} of {len(samples)} samples]".lstrip())
        return answer, usage

    async def _confidence(
        self, request: DecisionRequest, question: Question, stands: Sequence[Answer]
    ) -> tuple[NDArray[np.float64], Usage]:
        """Return the critic's confidence in each reasoned verdict; where it has none, the mean of the others."""
        replies = await asyncio.gather(*(self._inner.decide(_criticism(request, question, a)) for a in stands))
        known = [r.answers[0].probs[1] for r in replies if r.answers[0].outcome == "decided"]
        usual = float(np.mean(known)) if known else 1.0
        told = [r.answers[0].probs[1] if r.answers[0].outcome == "decided" else usual for r in replies]
        return np.array(told, dtype=np.float64), sum((r.usage for r in replies), Usage())


def _is_lost(sample: Answer) -> bool:
    return sample.outcome == "failed" and sample.cause != "missing"


def _split(samples: Sequence[Answer]) -> tuple[list[Answer], list[Answer]]:
    """Return the samples that decided, in an order of their own; and those that say why there is no vote, where there is none."""
    lost = [a for a in samples if _is_lost(a)]
    if 2 * len(lost) > len(samples):
        return [], lost
    traces = [a for a in samples if a.outcome == "decided"]
    others = [a for a in samples if a.outcome in ("abstained", "not_applicable")]
    if not traces or len(traces) < len(others):
        return [], others or list(samples)
    # so that it does not matter in which order they came
    return sorted(traces, key=lambda a: (_chosen(a), a.reason, a.probs)), []


def _sound(question: Question, answer: Answer) -> Answer:
    """Return an answer, or what stands for one that does not fit its question."""
    fits = answer.number is not None if question.kind == "number" else len(answer.probs) == len(question.levels)
    return answer if fits or answer.outcome != "decided" else Answer("failed", cause="malformed")


def _chosen(answer: Answer) -> float:
    """Return a decided answer as a number: the number, or the index of the likeliest level."""
    return answer.number if answer.number is not None else float(np.argmax(answer.probs))


def _commonest(nothing: Sequence[Answer]) -> Answer:
    count = Counter((a.outcome, a.cause) for a in nothing)
    return max(nothing, key=lambda a: count[a.outcome, a.cause])


def _criticism(request: DecisionRequest, question: Question, verdict: Answer) -> DecisionRequest:
    """Return the question whether a reasoned verdict is right, about what was judged with the reason beside it."""
    label = f"{verdict.number:g}" if verdict.number is not None else question.levels[int(_chosen(verdict))].label
    text = f"The verdict on this criterion is {label!r}, for the reason given. That verdict is right.\nCriterion: {question.text}"
    asked = Question(f"critic of {question.name}", "predicate", text, (Level("no"), Level("yes")))
    shown = request.input
    blocks = (*shown.blocks, Block("reason", verdict.reason))
    return DecisionRequest(replace(shown, instructions=f"{shown.instructions}\n{_CRITIC}", blocks=blocks), (asked,))


def _outcome(traces: Sequence[Answer], cluster_T: NDArray[np.int64], stand_G: NDArray[np.int64], weight_G: NDArray[np.float64]) -> Answer:
    """Return the representative of most weight among those for the winning answer, with the vote as its probabilities."""
    stands = [traces[t] for t in stand_G]
    if stands[0].number is not None:
        votes = {n: sum(w for a, w in zip(stands, weight_G, strict=True) if a.number == n) for n in sorted({_chosen(a) for a in stands})}
        return _heaviest(stands, weight_G, max(votes, key=lambda n: round(votes[n], 12)))
    weight_T = (weight_G / np.bincount(cluster_T))[cluster_T]
    probs_TL = np.array([a.probs for a in traces], dtype=np.float64)
    # as a sum over differences: where all samples say the same, it is that to the last digit
    probs_L = np.abs(probs_TL[0] + np.round(weight_T @ (probs_TL - probs_TL[0]), 12))
    winner = _heaviest(stands, weight_G, float(probs_L.argmax()))
    return replace(winner, probs=tuple(probs_L.tolist()), graded=True)


def _heaviest(stands: Sequence[Answer], weight_G: NDArray[np.float64], answer: float) -> Answer:
    fits = [_chosen(a) == answer for a in stands]  # none, where spread-out samples agree on what is likeliest for none of them
    return stands[int(np.argmax(np.where(fits, weight_G + 1.0, weight_G)))]


METHOD = Method(
    name="consistent",
    room="judge",
    call=consistent,
    options=Consistent,
    says="samples the judge several times; a critic's confidence in each distinct reason weighs the vote",
    needs=("decider",),
    cites="VecCISC, arXiv 2605.08070 (card veccisc)",
)
