"""Modality: the images withheld, the text withheld, or both: which of them do the verdicts rest on."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from criterial.audit.matched import raters_of
from criterial.audit.probe import Probe, Variant, paired_cells
from criterial.core.method import Method
from criterial.core.score import Estimate
from criterial.core.table import VerdictTable
from criterial.core.task import Case, Message
from criterial.score.estimates import mean_estimate

__all__ = ["CLASSES", "METHOD", "classes_of", "importance", "modality"]

Flags = NDArray[np.bool_]
CLASSES = ("text alone", "image alone", "either", "both together", "conflict", "neither", "nothing at all")
"""What a verdict can rest on; ``nothing at all`` is right with everything withheld."""
_TEXT, _IMAGE, _NOTHING = "images withheld", "text withheld", "both withheld"
_FILLER = "[withheld]"


def modality(cases: Sequence[Case], options: None = None) -> Probe:
    """Return cases with images, with the response's text, and with both withheld.

    Parameters
    ----------
    cases : sequence of Case
        The cases; those without images are left out.
    options : None
        There are none.

    Returns
    -------
    Probe
        With the importance of each modality and the shares of `CLASSES`; what the judge says of everything counts as the truth.

    References
    ----------
    Modality importance score, arXiv 2408.12763 (card mis).
    """
    seen = [c for c in cases if any(m.media for m in (*c.task.messages, *(m for r in c.responses for m in r.messages)))]
    ways: dict[str, Callable[[Message], Message]] = {
        _TEXT: lambda m: replace(m, media=()),
        _IMAGE: lambda m: replace(m, content=_FILLER) if m.role == "assistant" else m,
        _NOTHING: lambda m: replace(m, media=(), content=_FILLER if m.role == "assistant" else m.content),
    }
    return Probe(tuple(Variant(name, tuple(_withheld(seen, way))) for name, way in ways.items()) if seen else (), "less", figures=_figures)


def _withheld(cases: Sequence[Case], way: Callable[[Message], Message]) -> Iterator[Case]:
    for case in cases:
        task = replace(case.task, messages=tuple(way(m) for m in case.task.messages))
        responses = tuple(replace(r, messages=tuple(way(m) for m in r.messages)) for r in case.responses)
        yield replace(case, task=task, responses=responses)


def importance(text_N: Flags, image_N: Flags, both_N: Flags) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return how much each modality matters to each verdict.

    Parameters
    ----------
    text_N : (N,) bool
        Whether the verdict is right with the text alone.
    image_N : (N,) bool
        Whether it is right with the image alone.
    both_N : (N,) bool
        Whether it is right with both.

    Returns
    -------
    image_N : (N,) float
        (image + both) / 2 - text, in [-1, 1].
    text_N : (N,) float
        (text + both) / 2 - image.
    """
    t, i, b = (a.astype(np.float64) for a in (text_N, image_N, both_N))
    return (i + b) / 2 - t, (t + b) / 2 - i


def classes_of(text_N: Flags, image_N: Flags, both_N: Flags, nothing_N: Flags) -> NDArray[np.int64]:
    """Return what each verdict rests on.

    Parameters
    ----------
    text_N, image_N, both_N, nothing_N : (N,) bool
        Whether it is right with the text, with the image, with both, and with neither.

    Returns
    -------
    (N,) int
        Index into `CLASSES`.
    """
    one = [text_N & ~image_N, image_N & ~text_N, text_N & image_N, ~text_N & ~image_N]
    ways = [nothing_N, ~both_N & (text_N | image_N), one[0], one[1], one[2], one[3] & both_N]
    return np.asarray(np.select(ways, [6, 4, 0, 1, 2, 3], 5))


def _figures(base: VerdictTable, tables: Mapping[str, VerdictTable]) -> Sequence[tuple[str, Estimate]]:
    cells_N, _ = paired_cells(base, tables[_TEXT])
    mark_JN, known_JN = raters_of(base)
    truth_N, known_N = mark_JN[0][cells_N], (known_JN[0] & ~base.checked_LN[0])[cells_N]
    right = {}
    for name in (_TEXT, _IMAGE, _NOTHING):
        _, places = paired_cells(base, tables[name])
        said_JN, there_JN = raters_of(tables[name])
        right[name] = (np.abs(said_JN[0][places] - truth_N) < 1e-9) & there_JN[0][places]
    task_N = base.task_R[base.row_N[cells_N]][known_N]
    text_N, image_N, nothing_N = (right[name][known_N] for name in (_TEXT, _IMAGE, _NOTHING))
    both_N = np.ones(len(text_N), dtype=np.bool_)
    of_image_N, of_text_N = importance(text_N, image_N, both_N)
    class_N = classes_of(text_N, image_N, both_N, nothing_N)
    shares = [(f"rests on {name}", mean_estimate((class_N == i).astype(np.float64), task_N, unit=True)) for i, name in enumerate(CLASSES)]
    return [
        ("importance of images", mean_estimate(of_image_N, task_N)),
        ("importance of text", mean_estimate(of_text_N, task_N)),
        *((name, share) for name, share in shares if share.value),
    ]


METHOD = Method(
    name="modality",
    room="audit",
    call=modality,
    says="whether verdicts rest on the images, the text, both or neither",
    cites="modality importance score, arXiv 2408.12763 (card mis)",
)
