"""The command line, for tests of commands."""

from __future__ import annotations

import pytest

from tests.helpers_cli import Command


@pytest.fixture
def criterial(capsys: pytest.CaptureFixture[str]) -> Command:
    return Command(capsys)
