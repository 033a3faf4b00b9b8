"""Files of pairs, with what judges and people prefer in them."""

from __future__ import annotations

from pathlib import Path

from criterial.core.task import Case
from criterial.core.verdict import Preference
from criterial.formats.load import read_cases
from criterial.formats.pairing import preferences_of

__all__ = ["read_preferences"]


def read_preferences(path: str | Path, format: str | None = None) -> tuple[list[Case], list[Preference]]:
    """Return the pairs of a file or folder, and every preference in it.

    Parameters
    ----------
    path : str or Path
        LLMBar, PandaLM, or native cases of two responses with the criterion ``preferred``.
    format : str, optional
        Name of its format; None recognises it.

    Returns
    -------
    tuple of (list of Case, list of Preference)
        A reply that could not be read stands in the cases as a failed verdict and among the preferences not at all.

    Raises
    ------
    FormatError
        If it cannot be read, or is not made of pairs.
    """
    cases = read_cases(path, format)
    return cases, preferences_of(cases)
