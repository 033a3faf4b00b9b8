"""Every code block of the README and the docs runs, each page from top to bottom in one folder, and every link leads somewhere."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

from criterial.formats.schema import SCHEMAS, json_schema
from criterial.model.scripted import ScriptedProvider
from tests.helpers_shared import SHARED

PROJECT = Path(__file__).resolve().parents[1]
PAGES = sorted([*PROJECT.glob("*.md"), *PROJECT.glob("docs/**/*.md"), *PROJECT.glob("benchmarks/*.md")])
_BLOCK = re.compile(r"(?:<!--(?P<mark>[^>]*)-->\n)?^```(?P<language>\w*) ?(?P<name>\S*)\n(?P<body>.*?)^```$", re.M | re.S)
_LINK = re.compile(r"\]\((?!https?:)(?P<target>[^)#\s]+)")


class Block(NamedTuple):
    """A fenced block: a file where it has a name, a script where it is sh or python."""

    language: str
    name: str
    body: str
    mark: str


def blocks_of(page: Path) -> list[Block]:
    found = _BLOCK.finditer(page.read_text(encoding="utf-8"))
    return [Block(m["language"], m["name"], m["body"], (m["mark"] or "").strip()) for m in found]


def runnable(page: Path) -> list[Block]:
    return [b for b in blocks_of(page) if (b.name or b.language in ("sh", "python")) and not b.mark.startswith("not run")]


def named(page: Path) -> str:
    return str(page.relative_to(PROJECT))


@pytest.mark.parametrize("page", [p for p in PAGES if runnable(p)], ids=named)
def test_the_code_of_a_page_runs(page: Path, tmp_path: Path) -> None:
    shutil.copytree(PROJECT / "examples", tmp_path / "examples")
    with ScriptedProvider() as provider:
        environment = {
            **os.environ,
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
            "PYTHONPATH": str(tmp_path),
            "ENDPOINT": provider.url,
            "SHARED": str(SHARED),
            "CRITERIAL_STORE": f"sqlite:///{tmp_path}/store.sqlite",
        }
        for block in runnable(page):
            if "../shared" in block.mark and not SHARED.is_dir():
                continue
            if block.name:
                (tmp_path / block.name).write_text(block.body, encoding="utf-8")
                continue
            program = ["sh", "-eu"] if block.language == "sh" else [sys.executable, "-W", "error", "-"]
            done = subprocess.run(program, input=block.body, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=240)
            assert done.returncode == 0, f"{block.body}\n{done.stdout}\n{done.stderr}"
            assert "Traceback" not in done.stderr


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_every_link_of_a_page_leads_to_a_file(page: Path) -> None:
    for match in _LINK.finditer(page.read_text(encoding="utf-8")):
        assert (page.parent / match["target"]).exists(), match["target"]


@pytest.mark.parametrize("name", SCHEMAS)
def test_the_published_schema_is_the_one_that_is_printed(name: str) -> None:
    published = json.loads((PROJECT / "docs" / "schema" / f"{name}.json").read_text(encoding="utf-8"))
    assert published == json_schema(name), f"criterial rubric schema {name} > docs/schema/{name}.json"


def test_no_page_names_a_path_of_a_machine() -> None:
    for page in PAGES:
        assert not re.search(r"(?<![\w.])/(?:home|root|work|tmp|Users)/", page.read_text(encoding="utf-8")), page
