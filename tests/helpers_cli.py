"""The command line in this process."""

from __future__ import annotations

import pytest

from criterial.cli.main import main


class Command:
    """Runs the command line in this process."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self._capsys = capsys

    def __call__(self, *arguments: str, status: int = 0) -> str:
        self._capsys.readouterr()
        with pytest.raises(SystemExit) as left:
            main(arguments)
        out, self.err = self._capsys.readouterr()
        code = left.value.code or 0
        assert code == status, f"{code}: {out}{self.err}"
        return out
