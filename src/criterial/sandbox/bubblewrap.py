"""The sandbox of Linux's own means: namespaces by bubblewrap, limits by the kernel, a filter of system calls, and a watch from outside.

Traps that shape it. The limit on processes does not hold for root, so root's sandboxes run as users that exist for one run alone. It counts
all processes of a user, so it is set inside the new user namespace, where only the sandbox's own count. The limit on memory is one
process's, so the sum is watched from outside. The root folder, ``/dev`` and shared memory would be disks without a bound, so the root is
made read-only, ``/dev`` holds four devices, and the filter refuses the rest.
"""

from __future__ import annotations

import asyncio
import json
import math
import os
import resource
import secrets
import shutil
import signal
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Literal

from criterial.core.ports import Ended, Limits
from criterial.errors import SandboxUnavailable
from criterial.sandbox.seccomp import seccomp_filter

__all__ = ["Bubblewrap"]

_MB = 1 << 20
_PROGRAMS = ("bwrap", "prlimit", "setpriv")
_FIRST_USER, _USERS = 2_000_000_000, 100_000_000  # beyond what systems, containers and systemd give out
_PROCESSES, _FILES, _DISK, _OUTPUT = 32, 64, 32 * _MB, 1 * _MB
_FOLDER = "/tmp"  # noqa: S108 - of the sandbox alone
_CLOCK = 3
_BETWEEN_LOOKS = 0.05
_GRACE = 10.0
_OUT_OF_TIME = 128 + signal.SIGXCPU


class Bubblewrap:
    """Runs programs under bubblewrap. Whether that works here is for `criterial.sandbox.find.find_sandbox` to try.

    Parameters
    ----------
    interpreter : str
        Version of the Python inside, for `identity`.

    Raises
    ------
    SandboxUnavailable
        If one of the programs that it is made of is not installed, or the filter is not known for this machine.
    """

    def __init__(self, interpreter: str = "") -> None:
        missing = [p for p in _PROGRAMS if shutil.which(p) is None]
        if missing:
            raise SandboxUnavailable(
                f"{missing[0]} is not installed, and the sandbox is made of it",
                "install bubblewrap 0.7 or newer and util-linux (apt-get install bubblewrap util-linux); both are for Linux alone",
            )
        filters = seccomp_filter()
        if filters is None:
            raise SandboxUnavailable("the filter of system calls is written for x86_64 and aarch64 alone", "run it on one of these")
        self._filter = filters
        self._programs = {p: str(shutil.which(p)) for p in _PROGRAMS}
        self._is_root = os.geteuid() == 0
        self.identity = f"bubblewrap/python {interpreter}"

    @property
    def level(self) -> str:
        """What is enforced, as `Sandbox.level`."""
        user = "a user that exists for the run alone" if self._is_root else "your user's number without rights"
        return (
            f"full: no network, own processes and files over a read-only /usr, {user}, a filter of system calls, "
            "limits on memory, processes, time, disk and output"
        )

    async def run(
        self, files: Mapping[str, bytes], command: Sequence[str], stdin: bytes | int = b"", limits: Limits | None = None
    ) -> Ended:
        """Run a command over files that exist for it alone, as `Sandbox.run`."""
        limits = limits or Limits()
        with ExitStack() as descriptors:
            told, telling = os.pipe()
            descriptors.callback(os.close, told)
            os.set_blocking(told, False)
            with ExitStack() as handed_over:
                handed_over.callback(os.close, telling)
                given = {name: _readable(content, handed_over) for name, content in files.items()}
                source = _readable(stdin, handed_over) if isinstance(stdin, bytes) else stdin
                filters = _readable(self._filter, handed_over)
                line = [
                    *self._outside(limits),
                    *("--json-status-fd", str(telling), "--seccomp", str(filters)),
                    *(part for name, fd in given.items() for part in ("--file", str(fd), f"{_FOLDER}/{name}")),
                    *("--remount-ro", "/", "--", "prlimit", f"--nproc={_most_processes()}", *command),
                ]
                running = await _started(line, source, (telling, filters, *given.values()), told)
            try:
                out, err = await running.to_the_end(limits)
            finally:
                await running.gone()
        status = running.process.returncode
        assert status is not None
        broken_off = running.broken_off or ("time" if status == _OUT_OF_TIME else "")
        if not running.has_begun and not broken_off:
            raise SandboxUnavailable(f"the program could not be started: {err.decode(errors='replace').strip()[:300]}")
        return Ended(status if status >= 0 else 128 - status, out, err, broken_off)

    def _outside(self, limits: Limits) -> Iterator[str]:
        """Yield the command that makes the sandbox, but for what differs from file to file."""
        if self._is_root:
            user = str(_FIRST_USER + secrets.randbelow(_USERS))
            yield from (self._programs["setpriv"], f"--reuid={user}", f"--regid={user}", "--clear-groups")
            yield from ("--inh-caps=-all", "--bounding-set=-all")
        seconds = max(1, math.ceil(limits.seconds))
        yield from (self._programs["prlimit"], f"--as={limits.megabytes * _MB}", f"--cpu={seconds}:{seconds + 1}")
        yield from (f"--fsize={_DISK}", f"--nofile={_FILES}", "--core=0", "--memlock=0", "--msgqueue=0")
        yield from (self._programs["bwrap"], "--unshare-user", "--unshare-all", "--die-with-parent", "--new-session")
        yield from ("--cap-drop", "ALL", "--hostname", "sandbox")
        yield "--clearenv"
        for name, value in (("PATH", "/usr/local/bin:/usr/bin:/bin"), ("HOME", _FOLDER), ("LANG", "C.UTF-8")):
            yield from ("--setenv", name, value)
        yield from ("--ro-bind", "/usr", "/usr", "--ro-bind-try", "/etc/ld.so.cache", "/etc/ld.so.cache")
        for folder in ("/bin", "/sbin", "/lib", "/lib32", "/lib64"):
            if Path(folder).is_symlink():
                yield from ("--symlink", os.readlink(folder), folder)
            elif Path(folder).is_dir():
                yield from ("--ro-bind", folder, folder)
        for device in ("/dev/null", "/dev/zero", "/dev/random", "/dev/urandom"):
            yield from ("--dev-bind", device, device)
        yield from ("--size", str(_DISK), "--tmpfs", _FOLDER, "--chdir", _FOLDER)


def _most_processes() -> int:
    allowed = resource.getrlimit(resource.RLIMIT_NPROC)[1]
    return _PROCESSES if allowed == resource.RLIM_INFINITY else min(_PROCESSES, allowed)


def _readable(content: bytes, stack: ExitStack) -> int:
    """Return a descriptor that gives some bytes and takes none."""
    writable = os.memfd_create("criterial")
    try:
        with open(writable, "wb", closefd=False) as file:
            file.write(content)
        readable = os.open(f"/proc/self/fd/{writable}", os.O_RDONLY)
    finally:
        os.close(writable)
    stack.callback(os.close, readable)
    return readable


async def _started(line: Sequence[str], stdin: int, inherited: Sequence[int], told: int) -> _Running:
    """Start a sandbox; who is cancelled meanwhile ends it."""
    pipe = asyncio.subprocess.PIPE
    starting = asyncio.ensure_future(
        asyncio.create_subprocess_exec(*line, stdin=stdin, stdout=pipe, stderr=pipe, pass_fds=inherited, env={}, start_new_session=True)
    )
    try:
        return _Running(await asyncio.shield(starting), told)
    except asyncio.CancelledError:
        running = _Running(await starting, told)
        running.end()
        await running.gone()
        raise


class _Running:
    """A sandbox that runs; `told` is where bubblewrap says which process is the first inside, and how it ended."""

    def __init__(self, process: asyncio.subprocess.Process, told: int) -> None:
        self.process = process
        self.broken_off: Literal["", "time", "memory", "output"] = ""
        self.has_begun = False
        self._told = told
        self._heard = b""
        self._first: int | None = None
        self._is_ended = False
        asyncio.get_running_loop().add_reader(told, self._hear)

    def _hear(self) -> None:
        try:
            said = os.read(self._told, 1 << 12)
        except BlockingIOError:
            return
        if not said:
            asyncio.get_running_loop().remove_reader(self._told)
        *lines, self._heard = (self._heard + said).split(b"\n")
        for line in map(json.loads, lines):
            self.has_begun |= "exit-code" in line
            if "child-pid" in line and self._first is None:
                with suppress(ProcessLookupError):
                    self._first = os.pidfd_open(line["child-pid"])
        if self._is_ended:
            self._end_first()

    def end(self, why: Literal["", "time", "memory", "output"] = "") -> None:
        """End it: with the first process of its namespace the kernel ends all others.

        That process dies with bubblewrap once it has said so to the kernel, and is in bubblewrap's group until it starts a session. Between
        the two it has a number, and is ended by that.
        """
        self._is_ended = True
        if self.process.returncode is None:
            self.broken_off = self.broken_off or why
            with suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)
        self._end_first()

    def _end_first(self) -> None:
        if self._first is not None:
            with suppress(ProcessLookupError):
                signal.pidfd_send_signal(self._first, signal.SIGKILL)

    async def to_the_end(self, limits: Limits) -> tuple[bytes, bytes]:
        """Return standard output and standard error once it has ended by itself or at a limit."""
        assert self.process.stdout is not None
        assert self.process.stderr is not None
        watching = asyncio.create_task(self._watch(limits))
        try:
            async with asyncio.timeout(_CLOCK * limits.seconds + _GRACE):
                out, err, _ = await asyncio.gather(self._read(self.process.stdout), self._read(self.process.stderr), self.process.wait())
        except TimeoutError:
            raise SandboxUnavailable("a program that was ended did not go away") from None
        finally:
            watching.cancel()
            self.end()
        return out, err

    async def _read(self, stream: asyncio.StreamReader) -> bytes:
        read = bytearray()
        while chunk := await stream.read(1 << 16):
            read += chunk[: _OUTPUT - len(read)]
            if len(read) == _OUTPUT:
                self.end("output")
        return bytes(read)

    async def _watch(self, limits: Limits) -> None:
        loop = asyncio.get_running_loop()
        deadline = loop.time() + _CLOCK * limits.seconds
        while not self.broken_off:
            await asyncio.sleep(_BETWEEN_LOOKS)
            if loop.time() > deadline:
                self.end("time")
            elif _memory_below(self.process.pid) > limits.megabytes * _MB:
                self.end("memory")

    async def gone(self) -> None:
        """Wait until every process of it is gone."""
        loop, ended = asyncio.get_running_loop(), asyncio.Event()
        try:
            await self.process.wait()
            self._hear()
        finally:
            loop.remove_reader(self._told)
        if self._first is None:
            return
        loop.add_reader(self._first, ended.set)
        try:
            await asyncio.wait_for(ended.wait(), _GRACE)
        finally:
            loop.remove_reader(self._first)
            os.close(self._first)


def _memory_below(pid: int) -> int:
    """Return how many bytes a process and all that came of it hold, files of programs not counted."""
    held, waiting = 0, [str(pid)]
    while waiting:
        process = waiting.pop()
        with suppress(OSError):  # it ended meanwhile
            for line in Path(f"/proc/{process}/status").read_text().splitlines():
                if line.startswith(("RssAnon:", "RssShmem:", "VmSwap:")):
                    held += int(line.split()[1]) << 10
            for thread in os.listdir(f"/proc/{process}/task"):
                waiting += Path(f"/proc/{process}/task/{thread}/children").read_text().split()
    return held
