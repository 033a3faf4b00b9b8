"""What all tests share: no network beyond this machine, a store of their own, and real servers where they can be had."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from tests.helpers_shared import SHARED

_ALWAYS: dict[str, Any] = {"deadline": None, "suppress_health_check": [HealthCheck.too_slow]}
# The suite tries the same inputs every time, so that a change is judged by what it changes; `make explore` tries new ones.
settings.register_profile("same", derandomize=True, **_ALWAYS)
settings.register_profile("explore", print_blob=True, **_ALWAYS)
settings.load_profile(os.environ.get("CRITERIAL_INPUTS", "same"))


@pytest.fixture(autouse=True)
def _only_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """Refuse every connection that leaves the loopback interface: no test may need a network, and no code may use one by surprise."""
    real = socket.socket.connect

    def connect(self: socket.socket, address: Any) -> None:
        host = address[0] if isinstance(address, tuple) else ""
        if self.family in (socket.AF_INET, socket.AF_INET6) and not (str(host).startswith("127.") or host in ("::1", "localhost")):
            raise AssertionError(f"a test reached for {host}")
        real(self, address)

    monkeypatch.setattr(socket.socket, "connect", connect)


@pytest.fixture(autouse=True)
def _own_surroundings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Give every test its own store, and no keys or addresses of whoever runs it."""
    for name in ("CRITERIAL_API_KEY", "OPENAI_API_KEY", "CRITERIAL_BASE_URL", "OPENAI_BASE_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("CRITERIAL_STORE", f"sqlite:///{tmp_path}/default-store.sqlite")


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of real data beside the project."""
    if not SHARED.is_dir():
        pytest.skip(f"real data is not there: {SHARED}")
    return SHARED


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """URL of a database on a real PostgreSQL server that is started for the tests."""
    programs = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    if not programs:
        pytest.skip("PostgreSQL is not installed (apt-get install postgresql)")
    bin_folder = programs[-1].parent
    folder = tmp_path_factory.mktemp("postgres")
    as_user: list[str] = []
    if os.getuid() == 0:  # the server refuses to run as root
        for parent in (folder, *folder.parents[:-2]):
            parent.chmod(parent.stat().st_mode | 0o011)
        shutil.chown(folder, "postgres", "postgres")
        as_user = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"]
    data = folder / "data"
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    subprocess.run(
        [*as_user, str(bin_folder / "initdb"), "-D", str(data), "-A", "trust", "-U", "criterial"], check=True, capture_output=True
    )
    options = f"-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories='' -c fsync=off"
    control = [*as_user, str(bin_folder / "pg_ctl"), "-D", str(data)]
    started = subprocess.run([*control, "-w", "-t", "300", "-o", options, "-l", str(folder / "log"), "start"], stdout=subprocess.DEVNULL)
    assert started.returncode == 0, (folder / "log").read_text()
    try:
        yield f"postgresql://criterial@127.0.0.1:{port}/postgres"
    finally:
        subprocess.run([*control, "-m", "immediate", "stop"], check=False, stdout=subprocess.DEVNULL)
