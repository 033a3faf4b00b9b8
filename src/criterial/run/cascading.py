"""The threshold of a cascade from the verdicts of runs and files."""

from __future__ import annotations

from pathlib import Path

from criterial.audit.cascading import CascadeFit, CascadeOptions, fit_cascade
from criterial.core.table import VerdictTable
from criterial.errors import ConfigError
from criterial.run.auditing import chosen_layers, labels_of
from criterial.run.ranking import Source, verdicts_of

__all__ = ["cascade_of"]


def cascade_of(
    cheap: Source,
    dear: Source | None = None,
    labels: str | Path | None = None,
    cheap_judge: str = "",
    dear_judge: str = "",
    options: CascadeOptions | None = None,
    store: str | None = None,
    format: str | None = None,
) -> CascadeFit:
    """Return the threshold of a cascade.

    Parameters
    ----------
    cheap : Run, path or str
        Verdicts of the cheap judge.
    dear : Run, path or str, optional
        Verdicts of the dear judge on the same cases; left out, those of ``cheap`` hold both.
    labels : path, optional
        People's verdicts, which then count as right in place of the dear judge's.
    cheap_judge : str
        Which judge is cheap, where there are several; ``*`` stands for anything.
    dear_judge : str
        Which is dear, or who is right.
    options : CascadeOptions, optional
        What is to be kept to.
    store : str, optional
        URL of the store that runs are in.
    format : str, optional
        Format of files.

    Returns
    -------
    CascadeFit

    Raises
    ------
    CriterialError
        If something cannot be read, or it cannot be told who is cheap and who is right.
    """
    _, cases, table = verdicts_of(cheap, store, format)
    first = _one(table, cheap_judge, "cheap")
    if labels is not None:
        return fit_cascade(first, labels_of(labels, cases, table), "labels", options)
    second = table if dear is None else verdicts_of(dear, store, format)[2]
    if dear is None and not dear_judge:
        raise ConfigError("what is right? Pass a run of the dear judge, --dear NAME, or --labels FILE")
    right = chosen_layers(second, [dear_judge], "the dear judge") if dear_judge else _one(second, "", "dear")
    return fit_cascade(first, right, ", ".join(dict.fromkeys(layer.judge for layer in right.layers)), options)


def _one(table: VerdictTable, name: str, what: str) -> VerdictTable:
    if name:
        return chosen_layers(table, [name], f"the {what} judge")
    judges = list(dict.fromkeys(layer.judge for layer in table.layers))
    if len(judges) > 1:
        raise ConfigError(f"which of {', '.join(judges[:8])} is the {what} judge? Say so with --{what} NAME")
    return table
