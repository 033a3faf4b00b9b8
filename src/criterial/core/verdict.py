"""A verdict: the answer to one criterion about one response, or the reason why there is none."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import ClassVar

__all__ = ["CAUSES", "Preference", "State", "Verdict"]

CAUSES: dict[str, str] = {
    "missing": "no verdict was given or asked for",
    "rate_limit": "the provider refused for rate (429) until the attempts ran out",
    "overloaded": "the provider answered 5xx until the attempts ran out",
    "connection": "no connection, or it broke off",
    "timeout": "no answer within the deadline",
    "too_large": "the reply passed the size limit",
    "malformed": "the reply could not be read as an answer to what was asked",
    "refusal": "the judge declined to answer",
    "auth": "the provider refused the key (401, 403)",
    "bad_request": "the provider rejected the request (4xx)",
    "too_long": "the input is longer than the judge takes",
    "budget": "the budget ended before this call",
    "stopped": "the run was stopped before this call",
    "unsupported": "this judge cannot judge this kind of input or criterion",
    "not_asked": "a gate or a criterion that this one requires failed, so no model was asked",
    "check_error": "the programmatic check raised an error",
    "uncertain": "the judge's probability is too close to even",
    "cannot_assess": "the judge said that it cannot tell",
}
"""Every cause of a cell that is not decided, with its meaning."""


class State(IntEnum):
    """What is known of a cell. A value exists for `DECIDED` alone."""

    ABSENT = 0
    """Nothing was asked in this layer; never the state of a pooled cell."""
    DECIDED = 1
    """The judge answered."""
    ABSTAINED = 2
    """The judge said, or its rule says, that it cannot tell."""
    NOT_APPLICABLE = 3
    """The criterion does not apply to this response."""
    FAILED = 4
    """There is no verdict, and `Verdict.cause` says why."""


@dataclass(frozen=True)
class Verdict:
    """One cell of the verdict table."""

    __pydantic_config__: ClassVar[dict[str, object]] = {"extra": "forbid", "use_attribute_docstrings": True}

    response: str
    """The response's id."""
    criterion: str
    """The criterion's id."""
    state: State = State.DECIDED
    """Whether there is a value, and if not, what kind of nothing it is."""
    value: float | None = None
    """A value of the criterion's scale where decided, else None."""
    probs: tuple[float, ...] = ()
    """Probability of each level, in the order of `criterial.core.scale.levels_of`; empty where the judge gave none."""
    reason: str = ""
    """The judge's reason."""
    cause: str = ""
    """Why there is no value: one of `CAUSES`."""
    judge: str = ""
    """Who judged."""
    repeat: int = 0
    """Which repeat, from 0."""
    task: str = ""
    """The task's id; needed where response ids are not unique in the file."""
    calibrated: bool = True
    """False where the judge's threshold was never checked against people on this kind of criterion."""


@dataclass(frozen=True)
class Preference:
    """Which of two responses to one task is better."""

    task: str
    """The task's id."""
    a: str
    """Id of the response shown first."""
    b: str
    """Id of the response shown second."""
    winner: str
    """``a``, ``b`` or ``tie``."""
    probs: tuple[float, float, float] | None = None
    """Probabilities of a, b and tie."""
    criterion: str = ""
    """The criterion compared, or empty for the whole."""
    judge: str = ""
    """Who judged."""
    repeat: int = 0
    """Which repeat, from 0."""
