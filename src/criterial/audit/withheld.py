"""Withheld: what a judge says of each criterion when there is no response at all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from criterial.audit.matched import criterion_names
from criterial.audit.probe import Probe, Variant, with_texts
from criterial.core.method import Method
from criterial.core.score import Estimate
from criterial.core.table import VerdictTable
from criterial.core.task import Case

__all__ = ["METHOD", "withheld"]

_FILLER = "[withheld]"
_LEAST = 1e-4


def withheld(cases: Sequence[Case], options: None = None) -> Probe:
    """Return cases whose responses are withheld.

    Parameters
    ----------
    cases : sequence of Case
        The cases.
    options : None
        There are none.

    Returns
    -------
    Probe
        With the spread of what the judge says over criteria, where it gives probabilities.

    References
    ----------
    BLiM, arXiv 2507.23284 (card blim): a prior that differs between criteria is a bias; `judge.prior_corrected` takes it off.
    """
    changed = with_texts(cases, lambda case, response, text: _FILLER)
    return Probe((Variant("the response withheld", changed),), "nothing", empty=True, figures=_spread)


def _spread(base: VerdictTable, tables: Mapping[str, VerdictTable]) -> Sequence[tuple[str, Estimate]]:
    (table,) = tables.values()
    if table.probs_LNK.shape[2] < 2:
        return ()
    two_N = (table.probs_LNK[0].sum(axis=1) > 0) & (table.probs_LNK[0][:, 2:].sum(axis=1) == 0)
    yes_N = np.clip(table.probs_LNK[0][two_N, 1].astype(np.float64), _LEAST, 1 - _LEAST)
    _, of_C = criterion_names(table)
    _, of_N = np.unique(of_C[table.column_N[two_N]], return_inverse=True)
    if not len(of_N) or of_N.max() < 1:
        return ()
    mean_C = np.bincount(of_N, np.log(yes_N / (1 - yes_N))) / np.bincount(of_N)
    spread = float(mean_C.std(ddof=1))
    half = 1.96 / np.sqrt(2 * (len(mean_C) - 1))
    figure = Estimate(spread, spread * np.exp(-half), spread * np.exp(half), len(mean_C), f"over {len(mean_C)} criteria, as of normal ones")
    return [("spread of the prior log-odds of yes over criteria (sd)", figure)]


METHOD = Method(
    name="withheld",
    room="audit",
    call=withheld,
    says="what the judge says of each criterion with the response withheld",
    cites="BLiM, arXiv 2507.23284 (card blim)",
)
