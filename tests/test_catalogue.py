"""A method is one file, one test, one page and one line of the catalogue, and a name belongs to one package."""

from __future__ import annotations

import importlib
from importlib import metadata
from pathlib import Path

import pytest

import criterial
from criterial import catalogue
from criterial.core.method import Method, load
from criterial.errors import ConfigError, DuplicateMethod, UnknownMethod
from criterial.formats.format import Format

ROOT = Path(criterial.__file__).parent
PROJECT = Path(__file__).resolve().parents[1]


def cards() -> dict[str, Method | Format]:
    """Return every card that stands in a module of the package, by room and name."""
    found: dict[str, Method | Format] = {}
    for path in sorted(ROOT.glob("*/*.py")):
        text = path.read_text(encoding="utf-8")
        for attribute in ("METHOD", "FORMAT"):
            if f"\n{attribute} = " in text:
                card = getattr(importlib.import_module(f"criterial.{path.parent.name}.{path.stem}"), attribute)
                found[f"{path.parent.name}.{card.name}"] = card
    return found


def test_the_catalogue_lists_every_card_and_no_other() -> None:
    assert sorted(catalogue.TABLE) == sorted(cards())
    for name, card in cards().items():
        assert catalogue.find(name) is card


@pytest.mark.parametrize("name", sorted(catalogue.TABLE))
def test_a_method_has_a_file_a_test_and_a_page_of_its_name(name: str) -> None:
    room, _, method = name.partition(".")
    assert (ROOT / room / f"{method}.py").is_file()
    assert (PROJECT / "docs" / "methods" / room / f"{method}.md").is_file()
    tests = "\n".join(p.read_text(encoding="utf-8") for p in (PROJECT / "tests").rglob("test_*.py"))
    assert f"criterial.{room}.{method}" in tests or f'"{method}"' in tests or f"{room}.{method}" in tests


@pytest.mark.parametrize("name", [n for n in sorted(catalogue.TABLE) if not n.startswith("formats.")])
def test_a_card_fits_its_place(name: str) -> None:
    card = catalogue.find(name)
    assert f"{card.room}.{card.name}" == name
    assert load(card.room, card.name) is card
    assert card.says and card.says[0].islower() and not card.says.endswith(".")


@pytest.mark.parametrize("name", ["nothing", "../os", "os.path", "", "weighted; import os", "__init__", "cells"])
def test_a_name_from_a_file_loads_no_other_module(name: str) -> None:
    with pytest.raises(UnknownMethod):
        load("score", name)


def test_another_packages_method_is_found_and_a_clash_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    class Entry:
        def __init__(self, name: str) -> None:
            self.name, self.value = name, "other.package:METHOD"

        def load(self) -> Method:
            return Method("mine", "score", print, "mine")

    def entry_points(group: str, name: str | None = None) -> list[Entry]:
        assert group == "criterial.methods"
        return [e for e in offered if name in (None, e.name)]

    offered = [Entry("score.mine")]
    monkeypatch.setattr(metadata, "entry_points", entry_points)
    assert load("score", "mine").says == "mine"
    assert catalogue.entries()["score.mine"] == "other.package:METHOD"
    offered.append(Entry("score.weighted"))
    with pytest.raises(DuplicateMethod, match=r"criterial\.score\.weighted.*other\.package"):
        catalogue.entries()


def test_options_are_checked_by_name_and_type() -> None:
    card = load("score", "weighted")
    assert card.with_options({}) == card.options()  # type: ignore[misc]
    assert card.with_options({"clip": "mean"}).clip == "mean"
    for wrong in ({"clib": "mean"}, {"clip": "sometimes"}, {"partial": "half"}):
        with pytest.raises(ConfigError, match=next(iter(wrong))):
            card.with_options(wrong)
    with pytest.raises(ConfigError, match="takes no options"):
        load("report", "html").with_options({"x": 1})


def test_nothing_unknown_is_found() -> None:
    with pytest.raises(UnknownMethod, match="criterial methods"):
        catalogue.find("score.nothing")
