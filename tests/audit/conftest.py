"""The command line, for tests of audits as commands."""

from tests.cli.conftest import criterial

__all__ = ["criterial"]
