"""A host on the loopback interface that sends what it is told to, byte by byte, and notes who came."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager

Script = Callable[[str], AsyncIterator[bytes]]
"""From the target of a request to what is sent, piece by piece."""


class Server:
    """A listener at one address, in a thread of its own."""

    def __init__(self, script: Script, address: str, port: int = 0, tls: ssl.SSLContext | None = None) -> None:
        self.came: list[str] = []
        self.sent = 0
        self._script = script
        self._loop = asyncio.new_event_loop()
        ready = threading.Event()

        async def body() -> None:
            self._stop = asyncio.Event()
            server = await asyncio.start_server(self._serve, address, port, ssl=tls)
            self.port = server.sockets[0].getsockname()[1]
            ready.set()
            await self._stop.wait()
            server.close()
            for task in asyncio.all_tasks() - {asyncio.current_task()}:
                task.cancel()

        def run() -> None:
            self._loop.run_until_complete(body())
            self._loop.run_until_complete(asyncio.sleep(0.01))
            self._loop.close()

        self._thread = threading.Thread(target=run)
        self._thread.start()
        assert ready.wait(10)

    def close(self) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(10)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.came.append("")
        with contextlib.suppress(OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            self.came[-1] = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
            async for part in self._script(self.came[-1].split(" ")[1]):
                writer.write(part)
                await writer.drain()
                self.sent += len(part)
        writer.close()


@contextmanager
def serving(script: Script, address: str, port: int = 0, tls: ssl.SSLContext | None = None) -> Iterator[Server]:
    """Have a server for a while."""
    server = Server(script, address, port, tls)
    try:
        yield server
    finally:
        server.close()


def reply(body: bytes = b"", kind: str = "image/png", status: int = 200, **headers: str) -> bytes:
    """Return a whole reply."""
    said = {"Content-Type": kind, "Content-Length": str(len(body)), **{k.replace("_", "-"): v for k, v in headers.items()}}
    lines = [f"HTTP/1.1 {status} Said", *(f"{k}: {v}" for k, v in said.items()), "", ""]
    return "\r\n".join(lines).encode() + body


def once(sent: bytes) -> Script:
    """Return a script that sends the same to everybody."""

    async def script(_target: str) -> AsyncIterator[bytes]:
        yield sent

    return script
