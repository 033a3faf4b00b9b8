"""How many requests an endpoint is sent at once: fewer after it refuses, more again as it answers."""

from __future__ import annotations

import asyncio
from collections import deque

__all__ = ["Limiter"]

_SHRINK = 0.7
_GROW = 4.0


class Limiter:
    """A window of requests in flight that adapts (additive increase, multiplicative decrease); ``async with`` holds a place in it.

    One stands for one endpoint and model. Answers that come from the journal never meet it.

    Parameters
    ----------
    most : int
        The widest that the window may be, and how wide it starts.
    """

    def __init__(self, most: int) -> None:
        self.most = most
        self.window = float(most)
        self.in_flight = 0
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._shrunk_at = float("-inf")

    async def __aenter__(self) -> None:
        """Take one place in the window, waiting in line for it."""
        if self.in_flight < int(self.window) and not self._waiting:
            self.in_flight += 1
            return
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        try:
            await turn  # whoever wakes us has counted us in
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self._leave()
            raise

    async def __aexit__(self, *_: object) -> None:
        self._leave()

    def _leave(self) -> None:
        self.in_flight -= 1
        while self._waiting and self.in_flight < max(1, int(self.window)):
            turn = self._waiting.popleft()
            if not turn.done():
                self.in_flight += 1
                turn.set_result(None)

    def answered(self) -> None:
        """Note that the endpoint answered: the window grows by a few places a round trip."""
        self.window = min(float(self.most), self.window + _GROW / self.window)

    def refused(self, wait: float) -> bool:
        """Note that the endpoint refused for rate or load: the window shrinks, at most once in the time it asked for.

        Parameters
        ----------
        wait : float
            Seconds that the endpoint asked to be left alone.

        Returns
        -------
        bool
            Whether it shrank.
        """
        now = asyncio.get_running_loop().time()
        if now - self._shrunk_at < max(wait, 0.2):
            return False
        self._shrunk_at = now
        self.window = max(1.0, self.window * _SHRINK)
        return True
