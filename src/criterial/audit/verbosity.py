"""Verbosity: responses grow longer by sentences that say nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from criterial.audit.probe import Probe, Variant, with_texts
from criterial.core.method import Method
from criterial.core.task import Case
from criterial.errors import ConfigError

__all__ = ["METHOD", "Verbosity", "verbosity"]

_NOTHING = (
    "It is worth taking a moment to consider this with care.",
    "There is always more that could be said about a matter like this one.",
    "As with many questions, it helps to look at it calmly and from more than one side.",
    "This is set out here as clearly as possible.",
    "The points above belong together and should be read as a whole.",
)


@dataclass(frozen=True)
class Verbosity:
    """Options of `verbosity`."""

    times: float = 2.0
    """How long a response becomes, in times its length."""

    def __post_init__(self) -> None:
        if not 1.0 < self.times <= 20.0:
            raise ConfigError(f"times is more than 1 and at most 20, not {self.times:g}")


def verbosity(cases: Sequence[Case], options: Verbosity | None = None) -> Probe:
    """Return responses that are longer and say no more.

    Parameters
    ----------
    cases : sequence of Case
        The cases.
    options : Verbosity, optional
        See there.

    Returns
    -------
    Probe
    """
    options = options or Verbosity()

    def longer(text: str) -> str:
        words, added, size = len(text.split()), list[str](), 0
        while words + size < options.times * words:
            added.append(_NOTHING[len(added) % len(_NOTHING)])
            size += len(added[-1].split())
        return f"{text}\n\n{' '.join(added)}" if added else text

    changed = with_texts(cases, lambda case, response, text: longer(text))
    return Probe((Variant(f"{options.times:g} times as long, no more said", changed),), "same")


METHOD = Method(name="verbosity", room="audit", call=verbosity, options=Verbosity, says="whether sentences that say nothing move the judge")
