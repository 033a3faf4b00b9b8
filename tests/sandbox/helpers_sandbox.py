"""A sandbox that is found once, or the reason why these tests skip."""

from __future__ import annotations

import asyncio
from functools import cache
from pathlib import Path

import pytest

from criterial.core.ports import Sandbox
from criterial.errors import SandboxUnavailable
from criterial.sandbox.find import find_sandbox


@cache
def found() -> Sandbox | str:
    """Return the sandbox of this machine, or why there is none."""
    try:
        return asyncio.run(find_sandbox())
    except SandboxUnavailable as error:
        return str(error)


def need_sandbox() -> Sandbox:
    """Return the sandbox, or skip by name."""
    sandbox = found()
    if isinstance(sandbox, str):
        pytest.skip(f"NO SANDBOX: {sandbox}")
    return sandbox


def named_programs(file: str) -> tuple[str, dict[str, str]]:
    """Return what stands before the first program of a file beside this one, and its programs by name."""
    first, *pieces = Path(__file__).with_name(file).read_text(encoding="utf-8").split("\n#: ")
    return first, {name: code for name, _, code in (piece.partition("\n") for piece in pieces)}
