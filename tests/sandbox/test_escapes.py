"""Figure 20 of the reliability plan: no escape succeeds, as root or as a user, and no process is alive a second later."""

from __future__ import annotations

import asyncio
import json
import os
import secrets
import shutil
import socket
import subprocess
import sys
import time
import traceback
import warnings
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from criterial.core.ports import Limits
from criterial.sandbox.find import find_sandbox
from tests.sandbox.helpers_sandbox import named_programs, need_sandbox

FIRST, ESCAPES = named_programs("escapes.txt")
LIMITS = Limits(seconds=1, megabytes=256)
AT_ONCE = 6
USER = 54321
ENDED_AT = {
    "memory of many processes": "memory",
    "burn time": "time",
    "sleep": "time",
    "write without end": "output",
}


def program(name: str, words: Mapping[str, object]) -> bytes:
    """Return an escape as a program, with what it is after on this host."""
    text = FIRST + "\n" + ESCAPES[name]
    for word, value in words.items():
        text = text.replace(word, str(value))
    return text.encode()


class Host:
    """What escapes are after: listeners, canaries in files, environment and a descriptor."""

    def __init__(self, stack: ExitStack) -> None:
        self.canary = f"canary-{secrets.token_hex(8)}"
        self.listener = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
        port = self.listener.getsockname()[1]
        self.datagrams = stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
        self.datagrams.bind(("127.0.0.1", port))
        self.unix = stack.enter_context(socket.socket(socket.AF_UNIX))
        self.unix.bind(f"\0{self.canary}-socket")
        self.unix.listen()
        self.files = (Path("/tmp") / f"{self.canary}.txt", Path.home() / f".{self.canary}")
        for file in self.files:
            file.write_text(self.canary)
            stack.callback(file.unlink)
        leaked = os.open(self.files[0], os.O_RDONLY)
        os.set_inheritable(leaked, True)
        stack.callback(os.close, leaked)
        self.words = {
            "HOSTFILE": self.files[0],
            "HOMEFILE": self.files[1],
            "CANARY": self.canary,
            "PORT": port,
            "PARENT": os.getpid(),
        }

    def traces(self) -> list[str]:
        """Return what escapes have left outside."""
        left = [f"file {p}" for folder in ("/tmp", "/usr", "/") for p in Path(folder).glob(f"*{self.canary}*") if p not in self.files]
        for line in (self.listener, self.datagrams, self.unix):
            line.setblocking(False)
            try:
                line.recv(1) if line is self.datagrams else line.accept()
            except BlockingIOError:
                continue
            left.append(f"a connection by {line}")
        return left

    def processes(self) -> list[str]:
        """Return the processes that still run an escape: all carry the canary on their command line."""
        return [p.parent.name for p in Path("/proc").glob("[0-9]*/cmdline") if self.canary.encode() in _read(p)]


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""


@pytest.fixture
def host(monkeypatch: pytest.MonkeyPatch) -> Iterator[Host]:
    with ExitStack() as stack:
        made = Host(stack)
        monkeypatch.setenv("OPENAI_API_KEY", made.canary)
        yield made


def as_user(body: Callable[[], Awaitable[Any]]) -> Any:
    """Return what a coroutine returns in a process of a user without rights."""
    reads, writes = os.pipe()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # the child starts no thread that this one holds a lock of
        child = os.fork()
    if child == 0:
        try:
            os.close(reads)
            os.setgroups([])
            os.setresgid(USER, USER, USER)
            os.setresuid(USER, USER, USER)
            os.write(writes, json.dumps(asyncio.run(body())).encode())
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(0)
    os.close(writes)
    with os.fdopen(reads) as said:
        text = said.read()
    os.waitpid(child, 0)
    return json.loads(text)


async def all_escapes(host: Host) -> dict[str, list[Any]]:
    """Return status, limit and output of every escape, several run at once."""
    sandbox = await find_sandbox()
    slots = asyncio.Semaphore(AT_ONCE)

    async def attempt(name: str) -> list[Any]:
        async with slots:
            code = {"escape.py": program(name, host.words)}
            ended = await sandbox.run(code, ["python3", "-I", "escape.py", host.canary], limits=LIMITS)
            return [ended.status, ended.broken_off, len(ended.stdout), ended.stdout[:200].decode(), ended.stderr[-300:].decode()]

    return dict(zip(ESCAPES, await asyncio.gather(*map(attempt, ESCAPES)), strict=True))


@pytest.mark.parametrize("who", ["root", "user"])
def test_no_escape_succeeds_and_nothing_is_left_running(who: str, host: Host) -> None:
    need_sandbox()
    if who == "root" and os.geteuid() != 0:
        pytest.skip("ESCAPES AS ROOT: this is not root")
    other = who == "user" and os.geteuid() == 0
    ended = as_user(lambda: all_escapes(host)) if other else asyncio.run(all_escapes(host))
    time.sleep(1)
    assert host.processes() == []
    assert host.traces() == []
    assert len(ended) >= 40
    assert {name: e for name, e in ended.items() if "ESCAPED" in e[3]} == {}
    assert {name: ended[name][1] for name in ENDED_AT} == ENDED_AT
    assert max(e[2] for e in ended.values()) <= 1 << 20
    broken = {name: e for name, e in ended.items() if "SyntaxError" in e[4] or "NameError" in e[4]}
    assert broken == {}, "an escape that is no program proves nothing"


IN_THE_OPEN = [
    "connect to a listener of the host",
    "send a datagram to the host",
    "an abstract socket of the host",
    "read root's home",
    "read the host's /tmp",
    "read anything of /etc",
    "follow a link out",
    "climb out of the root",
    "see a process of the host",
    "trace a child",
    "memory of one process",
    "files in memory",
    "a descriptor of the host",
    "a canary in the environment",
    "raise its own limits",
]


@pytest.mark.parametrize("name", IN_THE_OPEN)
def test_the_escapes_succeed_where_there_is_no_sandbox(name: str, host: Host, tmp_path: Path) -> None:
    # what always fails would prove nothing of a sandbox
    file = tmp_path / "escape.py"
    file.write_bytes(program(name, host.words).replace(b"/tmp/link", str(tmp_path / "link").encode()))
    python = shutil.which("python3", path="/usr/bin:/usr/local/bin") or sys.executable
    done = subprocess.run([python, "-I", str(file)], capture_output=True, close_fds=False, timeout=30, cwd=tmp_path, check=False)
    if name == "trace a child" and b"ESCAPED" not in done.stdout:
        pytest.skip("TRACING: this machine refuses it to everybody")
    assert b"ESCAPED" in done.stdout or host.traces(), done.stderr.decode()
