"""Products of matrices on one thread while the embedded judge answers: its own are small, and a pool's threads would spin between them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from threading import Lock
from typing import Any

from criterial.errors import MissingExtra

__all__ = ["ONE_BLAS_THREAD", "OneBlasThread", "one_thread"]


class OneBlasThread:
    """A context in which the process's BLAS takes one thread; coroutines enter it side by side, and the last one out restores what was.

    The judge answers several requests at once, so that threads of BLAS have no core to themselves: with two of them, a response took
    twice the CPU and the judge gave 25 responses a second in place of 39 (``benchmarks/embedded.py``). `threadpoolctl` lets one thread
    of a process set OpenBLAS's limit: it is entered in the event loop's, and where another holds the limit, nothing changes but speed.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._inside = 0
        self._controller: Any = None
        self._limit: Any = None

    def __enter__(self) -> None:
        with self._lock:
            if self._controller is None:
                self._controller = _controller()
            if not self._inside:
                self._limit = self._controller.limit(limits=1, user_api="blas")
            self._inside += 1

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._inside -= 1
            if not self._inside:
                self._limit.restore_original_limits()


def _controller() -> Any:
    """Return what sets the threads of the BLAS that NumPy has loaded; it looks for it once, which takes a while."""
    try:
        from threadpoolctl import ThreadpoolController
    except ImportError as error:
        raise MissingExtra("threadpoolctl", "embedded", "the embedded judge") from error
    return ThreadpoolController()


ONE_BLAS_THREAD = OneBlasThread()
"""The process's own: BLAS belongs to the process."""


@contextmanager
def one_thread() -> Iterator[None]:
    """Keep products of matrices to one thread for as long as the context is open, where `threadpoolctl` is installed.

    For fits whose matrices are small: on two busy cores the threads of BLAS spin between them, and a fit takes up to ten times longer.

    Yields
    ------
    None
    """
    with ExitStack() as stack:
        with suppress(MissingExtra):
            stack.enter_context(ONE_BLAS_THREAD)
        yield
