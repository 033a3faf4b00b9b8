"""Which files of the package can open a connection at all: it is these, and a new one has to be added here on purpose."""

from __future__ import annotations

import ast
from pathlib import Path

import criterial

ROOT = Path(criterial.__file__).parent
CONNECTING = {
    "aiohttp",
    "socket",
    "ssl",
    "http",
    "urllib.request",
    "urllib3",
    "requests",
    "httpx",
    "ftplib",
    "smtplib",
    "websockets",
    "huggingface_hub",
}


def test_only_endpoints_and_fetching_import_what_connects() -> None:
    found: dict[str, set[str]] = {}
    for path in ROOT.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = [a.name for a in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            if used := {n for n in names for c in CONNECTING if n == c or n.startswith(f"{c}.")}:
                found.setdefault(str(path.relative_to(ROOT)), set()).update(used)
    assert found == {
        "formats/fetch_policy.py": {"socket"},  # looks names up
        "formats/fetching.py": {"aiohttp", "aiohttp.abc", "socket"},
        "model/endpoint.py": {"aiohttp"},
        "model/scripted.py": {"aiohttp"},  # a server for tests
        "sandbox/find.py": {"socket"},  # a listener that its probe must not reach
        "sandbox/programs.py": {"socket"},  # a pair of sockets between two sandboxes
        "sandbox/remote.py": {"socket"},  # the ends of that pair
    }
