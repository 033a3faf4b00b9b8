"""Whether what is known links all systems, so that their strengths can be compared and are finite."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy import sparse
from scipy.sparse.csgraph import connected_components

from criterial.errors import ConfigError

__all__ = ["strongly_linked"]


def strongly_linked(systems: Sequence[str], ahead_SS: sparse.csr_array, prior: bool) -> bool:
    """Return whether a chain of wins and ties leads from every system to every other, which is when strengths are finite.

    Parameters
    ----------
    systems : sequence of str
        Names, S of them.
    ahead_SS : (S, S) sparse
        Not 0 where the one was ahead of the other, or level with it.
    prior : bool
        Whether a prior bounds strengths, and makes groups that never met comparable.

    Returns
    -------
    bool

    Raises
    ------
    ConfigError
        If some systems never met the others, not even through third ones, and there is no prior.
    """
    if connected_components(ahead_SS, connection="strong")[0] == 1:
        return True
    groups, of_S = connected_components(ahead_SS, directed=False)
    if groups > 1 and not prior:
        apart = [systems[int(np.flatnonzero(of_S == g)[0])] for g in range(2)]
        raise ConfigError(f"{apart[0]!r} and {apart[1]!r} are in groups of systems that never met: rank each group by itself")
    return False
