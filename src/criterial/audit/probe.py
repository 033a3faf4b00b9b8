"""Probes: cases are changed in a way that should not matter, or that should; what a judge makes of the change is read off two tables."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from criterial.audit.matched import raters_of
from criterial.core.ports import Usage
from criterial.core.score import Estimate
from criterial.core.table import VerdictTable
from criterial.core.task import Case, Message, Response
from criterial.score.estimates import mean_estimate
from criterial.score.pairs import OrderEffect

__all__ = ["Probe", "ProbeResult", "Probed", "Variant", "dealt", "marks_of", "paired_cells", "read_probe", "with_texts"]

Floats = NDArray[np.float64]
Figures = Callable[[VerdictTable, Mapping[str, VerdictTable]], Sequence[tuple[str, Estimate]]]
_SAME = 1e-9
_TOLERATED = 0.05


@dataclass(frozen=True)
class Variant:
    """One way in which the cases were changed."""

    name: str
    """What was done to them, in a few words."""
    cases: tuple[Case, ...]
    """The changed cases, without verdicts; ids stay. Cases that the change does not touch are left out."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "cases", tuple(replace(c, verdicts=()) for c in self.cases))


@dataclass(frozen=True)
class Probe:
    """What is asked of a judge."""

    variants: tuple[Variant, ...]
    """Changed cases; those in which there is nothing to change are dropped."""
    expects: Literal["same", "nothing", "less"]
    """What a sound judge does: says the ``same``, credits ``nothing``, or credits ``less``."""
    together: int | None = None
    """Most criteria in a call; None leaves that as it is."""
    anew: bool = False
    """Whether it changes what stands together in a call and not what is asked, so that answers on record are those of other calls."""
    empty: bool = False
    """Whether responses that say nothing go to the judge, though a program would settle them: it is the judge that is probed."""
    figures: Figures | None = None
    """Further figures of the tables, by the probe itself."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "variants", tuple(v for v in self.variants if v.cases))


@dataclass(frozen=True)
class ProbeResult:
    """What a judge made of one variant."""

    probe: str
    """Name of the probe."""
    variant: str
    """Name of the variant."""
    expects: str
    """``same``, ``nothing`` or ``less``."""
    sound: bool | None
    """Whether the judge does what is expected within what is tolerated; None where that cannot be said."""
    key: Estimate
    """The figure that decides: verdicts changed, credited, or credit lost."""
    raised: Estimate
    """Share of verdicts that were not met and became met."""
    lowered: Estimate
    """Share of verdicts that were met and are no longer."""
    shift: Estimate
    """Mean change of credit."""
    undecided: Estimate
    """Share of verdicts that were decided and are no longer."""
    extra: tuple[tuple[str, Estimate], ...] = ()
    """Further figures."""


@dataclass(frozen=True)
class Probed:
    """What probes found."""

    judge: str
    """The judge's name."""
    run: str
    """The run of the cases as they were."""
    results: tuple[ProbeResult, ...]
    """One a variant of each probe."""
    left_out: tuple[str, ...]
    """Probes that had nothing to change."""
    own: Estimate | None
    """How often two repeats of the judge differ by themselves; None with one repeat."""
    order: OrderEffect | None
    """What the order of pairs does, where there are pairs and two repeats."""
    complete: bool
    """Whether every verdict that was asked for came, or why not is a verdict's own cause and not a budget or a stop."""
    usage: Usage
    """What was spent."""


def dealt(case: Case, response: Response, number: int) -> int:
    """Return which of several things a response gets: by its ids alone, the same in every process.

    Parameters
    ----------
    case : Case
        The case.
    response : Response
        The response.
    number : int
        How many there are.

    Returns
    -------
    int
        From 0 to number - 1.
    """
    seed = hashlib.sha256(f"{case.task.id}\0{response.id}".encode()).digest()
    return int.from_bytes(seed[:8], "big") % number


def with_texts(cases: Sequence[Case], change: Callable[[Case, Response, str], str]) -> tuple[Case, ...]:
    """Return cases with the assistant's words changed; those in which nothing changes are left out.

    Parameters
    ----------
    cases : sequence of Case
        The cases.
    change : callable
        From case, response and the words of one turn to other words.

    Returns
    -------
    tuple of Case
    """
    return tuple(_changed(cases, change))


def _changed(cases: Sequence[Case], change: Callable[[Case, Response, str], str]) -> Iterator[Case]:
    for case in cases:
        responses = tuple(_response(case, r, change) for r in case.responses)
        if responses != case.responses:
            yield replace(case, responses=responses)


def _response(case: Case, response: Response, change: Callable[[Case, Response, str], str]) -> Response:
    def turn(message: Message) -> Message:
        return replace(message, content=change(case, response, message.content)) if message.role == "assistant" else message

    return replace(response, messages=tuple(turn(m) for m in response.messages))


def read_probe(name: str, probe: Probe, base: VerdictTable, tables: Mapping[str, VerdictTable], own: Estimate | None) -> list[ProbeResult]:
    """Return what a judge made of a probe.

    Parameters
    ----------
    name : str
        The probe's name.
    probe : Probe
        The probe.
    base : VerdictTable
        Verdicts on the cases as they were.
    tables : mapping of str to VerdictTable
        Verdicts on each variant.
    own : Estimate or None
        How often two repeats of the judge differ by themselves; taken off what counts as changed.

    Returns
    -------
    list of ProbeResult
        One a variant. Verdicts that a check gave are left out: no judge gave them.
    """
    extra = tuple(probe.figures(base, tables)) if probe.figures is not None else ()
    out = []
    for place, variant in enumerate(probe.variants):
        found = _read(name, probe, variant, base, tables[variant.name], own)
        out.append(replace(found, extra=extra) if place == 0 else found)
    return out


def paired_cells(base: VerdictTable, changed: VerdictTable) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the places of the cells that two tables share, by task, response and criterion.

    Parameters
    ----------
    base : VerdictTable
        One table.
    changed : VerdictTable
        Another, of some of the same rows; its criteria may stand in another order.

    Returns
    -------
    tuple of ((N,) int, (N,) int)
        Places in each.
    """
    of_base = {key: i for i, key in enumerate(_keys(base))}
    places = [(of_base[key], i) for i, key in enumerate(_keys(changed)) if key in of_base]
    one, two = zip(*places, strict=True) if places else ((), ())
    return np.array(one, dtype=np.int64), np.array(two, dtype=np.int64)


def _keys(table: VerdictTable) -> Iterator[tuple[str, str, str]]:
    for row, column in zip(table.row_N.tolist(), table.column_N.tolist(), strict=True):
        yield table.tasks[table.task_R[row]], table.responses[row], table.criteria[column].id


def _read(name: str, probe: Probe, variant: Variant, base: VerdictTable, changed: VerdictTable, own: Estimate | None) -> ProbeResult:
    one_N, two_N = paired_cells(base, changed)
    mark_N, known_N = marks_of(base, one_N)
    after_N, still_N = marks_of(changed, two_N)
    task_N = base.task_R[base.row_N[one_N]]
    both_N = known_N & still_N
    before, after, task = mark_N[both_N], after_N[both_N], task_N[both_N]
    met, now = before >= 0.5, after >= 0.5
    differ = (np.abs(before - after) > _SAME).astype(np.float64)
    key = {
        "same": lambda: mean_estimate(differ, task, unit=True),
        "nothing": lambda: mean_estimate(after_N[still_N], task_N[still_N], unit=True),
        "less": lambda: mean_estimate(before - after, task),
    }[probe.expects]()
    return ProbeResult(
        probe=name,
        variant=variant.name,
        expects=probe.expects,
        sound=_sound(probe.expects, key, own),
        key=key,
        raised=mean_estimate(now[~met].astype(np.float64), task[~met], unit=True),
        lowered=mean_estimate((~now[met]).astype(np.float64), task[met], unit=True),
        shift=mean_estimate(after - before, task),
        undecided=mean_estimate((~still_N[known_N]).astype(np.float64), task_N[known_N], unit=True),
    )


def marks_of(table: VerdictTable, cells_N: NDArray[np.int64]) -> tuple[Floats, NDArray[np.bool_]]:
    """Return the marks of some cells in the first layer, and where a judge gave them.

    Parameters
    ----------
    table : VerdictTable
        Any.
    cells_N : (N,) int
        Places of cells.

    Returns
    -------
    tuple of ((N,) float, (N,) bool)
    """
    mark_JN, known_JN = raters_of(table)
    return mark_JN[0][cells_N], (known_JN[0] & ~table.checked_LN[0])[cells_N]


def _sound(expects: str, key: Estimate, own: Estimate | None) -> bool | None:
    if key.low is None or key.high is None:
        return None
    if expects == "less":
        return None if key.low <= 0.0 < key.high else key.low > 0.0
    most = _TOLERATED + ((own.value or 0.0) if own is not None and expects == "same" else 0.0)
    if key.high <= most:
        return True
    return False if key.low > most else None
