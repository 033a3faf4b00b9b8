"""What a table saved earlier spares: rows that are settled are taken from it whole, and not looked up answer by answer.

The record of answers decides what is known; the table is only a faster way to read it, so it counts where it cannot say anything else:
it was saved by this very code, for this run (whose name covers judges, options and cases), and no function of the user's had a say in it.
"""

from __future__ import annotations

import numpy as np

from criterial.core.criterion import Check
from criterial.core.method import load
from criterial.core.rubric import Rubric
from criterial.core.verdict import State
from criterial.run.keeping import code_digest
from criterial.run.sitting import Known, Work
from criterial.store.runs import code_of_table, read_table

__all__ = ["known_rows"]


def known_rows(work: Work) -> Known | None:
    """Return the rows of a run that are settled, from the table that was saved last.

    Parameters
    ----------
    work : Work
        What there is to do.

    Returns
    -------
    Known or None
        None where there is no table, or it cannot be relied on.
    """
    method = load("judge", work.options.method).call
    if not method.__module__.startswith("criterial.") or code_of_table(work.database, work.run) != code_digest():
        return None
    table = read_table(work.database, work.run, work.cases)
    if table is None or list(table.layers) != work.layers or not len(table.responses):
        return None
    answered_LN = np.isin(table.state_LN, (State.DECIDED, State.ABSTAINED, State.NOT_APPLICABLE))
    rows_LR = np.logical_and.reduceat(answered_LN, table.start_R, axis=1)
    own_R = np.array([_asks_the_user(r) for r in table.rubrics])[table.rubric_R]
    return Known(table, rows_LR & ~own_R)


def _asks_the_user(rubric: Rubric) -> bool:
    """Return whether a function of the user's decides something, which may have changed."""
    return any(isinstance(c, Check) and c.kind == "python" for k in rubric.criteria for c in (k.check, k.applies_when))
