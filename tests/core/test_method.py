"""A method is found by name, here or in another installed package, and takes its own options and no others."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from criterial.catalogue import entries, find
from criterial.core.method import Method, load
from criterial.errors import ConfigError, DuplicateMethod, UnknownMethod
from criterial.score.weighted import METHOD, Weighted


@dataclass(frozen=True)
class Knobs:
    size: int = 3
    share: float = 0.5
    names: tuple[str, ...] = ()


CARD = Method("mine", "score", print, "prints", Knobs)
BARE = Method("bare", "score", print, "prints")


def test_a_method_is_the_module_of_its_name() -> None:
    assert load("score", "weighted") is METHOD
    assert load("judge", "pointwise").room == "judge"


@pytest.mark.parametrize(
    "name", ["nothing", "cells", "", "Weighted", "../score", "weighted.METHOD", "_private", "w-x", "os.path", "x" * 500]
)
def test_what_is_no_method_is_unknown_even_where_it_is_a_module(name: str) -> None:
    with pytest.raises(UnknownMethod, match="criterial methods") as caught:
        load("score", name)
    assert len(str(caught.value)) < 200


def installed(folder: Path, name: str, entry: str, code: str) -> None:
    """Lay out a distribution as an installer would, with one entry point."""
    folder.joinpath(f"{name}.py").write_text(code)
    info = folder / f"{name}-1.0.dist-info"
    info.mkdir()
    info.joinpath("METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
    info.joinpath("entry_points.txt").write_text(f"[criterial.methods]\n{entry}\n")


def test_another_package_brings_a_method_by_being_installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    code = 'from criterial.core.method import Method\nCARD = Method("outside", "score", print, "prints")\nOTHER = 5\n'
    installed(tmp_path, "outside_methods", "score.outside = outside_methods:CARD\nscore.odd = outside_methods:OTHER", code)
    monkeypatch.syspath_prepend(str(tmp_path))
    found = load("score", "outside")
    assert found is sys.modules["outside_methods"].CARD
    assert find("score.outside") is found
    with pytest.raises(UnknownMethod):
        load("judge", "outside")
    with pytest.raises(UnknownMethod):
        load("score", "odd")  # an entry point that is no card
    del sys.modules["outside_methods"]


def test_two_packages_that_claim_one_name_are_both_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    installed(tmp_path, "rival_methods", "score.weighted = rival_methods:CARD", "CARD = None\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(DuplicateMethod, match=r"criterial.score.weighted:METHOD and by rival_methods:CARD"):
        entries()


def test_nothing_of_an_unknown_name_is_found() -> None:
    with pytest.raises(UnknownMethod, match=r"'score.nothing'"):
        find("score.nothing")


def test_options_left_out_stand_at_their_defaults_and_given_ones_are_read_as_their_types() -> None:
    assert CARD.with_options({}) == Knobs()
    assert CARD.with_options({"size": 5}) == Knobs(size=5)
    assert CARD.with_options({"size": "5", "share": 1, "names": ["a"]}) == Knobs(5, 1.0, ("a",))
    assert METHOD.with_options({"clip": "none", "normalise": False}) == Weighted(clip="none", normalise=False)


def test_a_method_without_options_takes_none() -> None:
    assert BARE.with_options({}) is None
    with pytest.raises(ConfigError, match=r"score.bare takes no options, but was given size"):
        BARE.with_options({"size": 1})


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"colour": 1}, r"score.mine has no option colour; its options are size, share, names"),
        ({"size": 1, "a": 1, "b": 2}, "no option a, b"),
        ({"size": "many"}, r"score.mine: size: .*integer"),
        ({"size": 1.5}, "size"),
        ({"names": 5}, "names"),
        ({"share": None}, "share"),
    ],
)
def test_an_option_that_is_unknown_or_does_not_fit_is_refused_by_name(given: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        CARD.with_options(given)


def test_a_room_that_does_not_exist_has_no_methods() -> None:
    with pytest.raises(UnknownMethod):
        load("attic", "weighted")


@pytest.mark.parametrize("options", [{"partial": 2.0}, {"partial": -1.0}, {"floor": float("nan")}], ids=repr)
def test_options_that_make_no_score_are_refused(options: dict[str, float]) -> None:
    with pytest.raises(ConfigError):
        METHOD.with_options(options)
