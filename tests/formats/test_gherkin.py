"""Gherkin: the grammar as the reference parser has it, and scenarios as cases whose criteria are the Thens."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from criterial.errors import FormatError
from criterial.formats.gherkin_text import parse_gherkin
from criterial.formats.load import FORMATS, read_cases
from criterial.formats.reading import Document
from tests.helpers_files import real, write

NAME = "gherkin/features.jsonl.gz"
FEATURE = '''@shop
Feature: Refunds
  How the bot answers.

  Background:
    Given a bot of a shop

  # a comment
  @fast @en #and another
  Scenario: Late parcel
    When a customer writes
      """
      Where is
        my parcel?
      """
    Then the answer says sorry
    And it names a day
    But not an hour

  Rule: Money
    @money
    Scenario Outline: Refund of <sum>
      Given an order of <sum>
      Then it offers:
        | what   | how much |
        | refund | <sum>    |
      When the customer insists
      Then it stays kind

      @small
      Examples: few
        | sum |
        | 5   |
      Examples:
        | sum    |
        | 9 \\| 2 |
'''


def read(where: Path, text: str, name: str = "shop.feature") -> list[Any]:
    return read_cases(write(where, name, text))


def test_a_scenario_is_a_task_of_what_is_given_and_done_with_the_thens_as_criteria(tmp_path: Path) -> None:
    late, first, second = read(tmp_path, FEATURE)
    assert (late.task.id, late.rubric.title, late.responses) == ("shop/Late parcel", "Late parcel", ())
    assert late.task.messages[0].content == "Given a bot of a shop\nWhen a customer writes\nWhere is\n  my parcel?"
    assert (late.task.tags, late.task.context) == (("shop", "fast", "en"), "Refunds\n\nHow the bot answers.")
    assert [(c.id, c.text, c.category) for c in late.rubric.criteria] == [
        ("step-3", "the answer says sorry", ("Refunds",)),
        ("step-4", "it names a day", ("Refunds",)),
        ("step-5", "not an hour", ("Refunds",)),
    ]
    assert (first.task.id, first.task.tags) == ("shop/Refund of 5", ("shop", "money", "small"))
    assert (second.task.id, second.task.tags) == ("shop/Refund of 9 | 2", ("shop", "money"))
    assert first.task.messages[0].content == "Given a bot of a shop\nGiven an order of 5\nWhen the customer insists"
    assert first.task.context == "Refunds\n\nHow the bot answers.\n\nMoney"
    assert [c.text for c in first.rubric.criteria] == [
        "it offers:\n| what | how much |\n| refund | 5 |",
        "After “the customer insists”: it stays kind",
    ]
    assert first.rubric.criteria[0].category == ("Refunds", "Money")


def test_scenarios_of_one_name_get_ids_of_their_own(tmp_path: Path) -> None:
    text = "Feature: F\n" + "Scenario: S\nThen it is kind\n" * 2 + "Scenario:\nThen it is short\n"
    assert [(c.task.id, c.task.messages[0].content) for c in read(tmp_path, text)] == [
        ("shop/S", "S"),
        ("shop/S#2", "S"),
        ("shop/scenario", "F"),
    ]


def test_a_folder_of_features_and_a_compressed_one_are_read(tmp_path: Path) -> None:
    write(tmp_path, "b.feature", FEATURE)
    write(tmp_path, "a.feature.gz", FEATURE)
    assert [c.task.id.partition("/")[0] for c in read_cases(tmp_path)] == ["a"] * 3 + ["b"] * 3


@pytest.mark.parametrize(
    ("text", "says", "line"),
    [
        ("Feature: F\nScenario: S\nGiven x\n", "has no Then", 2),
        ("Feature: F\nScenario: S\nThen\n", "says nothing", 3),
        ("Feature: F\nScenario Outline: S\nThen <x>\nExamples:\n| x |\n", "have no rows", 4),
        ("\n# language: fr\nFonctionnalité: F\n", "in the language 'fr'", 2),
        ("Scenario: S\nThen x\n", "expected a feature", 1),
        ("Feature: F\nScenario: S\nThen x\nnonsense\n", "expected a scenario", 4),
        ("Feature: F\nScenario: S\nThen x\n| a |\n| a | b |\n", "inconsistent cell count", 5),
        ("Feature: F\nScenario: S\nThen x\n| a\n", "inconsistent cell count", 4),
        ('Feature: F\nScenario: S\nThen x\n"""\nopen\n', "is not closed", 4),
        ("Feature: F\n@a b\nScenario: S\n", "may not be empty or contain whitespace", 2),
        ("Feature: F\nScenario: S\nThen x\n@a\n", "belong to nothing", 5),
        ("Feature: F\nScenario: S\nThen x\nBackground:\nGiven y\n", "expected a scenario", 4),
    ],
)
def test_a_line_that_does_not_fit_is_named(text: str, says: str, line: int, tmp_path: Path) -> None:
    with pytest.raises(FormatError, match=says) as caught:
        read(tmp_path, text)
    assert (caught.value.line, caught.value.file) == (line, str(tmp_path / "shop.feature"))


@pytest.mark.parametrize("text", ["", "\n # only this\n", "Feature: F\n"])
def test_a_file_without_scenarios_has_no_cases(text: str, tmp_path: Path) -> None:
    with pytest.raises(FormatError, match="no cases in it"):
        read(tmp_path, text)


def test_it_is_recognised_by_its_name_alone(tmp_path: Path) -> None:
    first = Document(write(tmp_path, "x.feature", FEATURE)).first
    assert [f.name for f in FORMATS.values() if f.matches(first)] == ["gherkin"]
    with pytest.raises(FormatError, match="not a Gherkin file") as caught:
        read_cases(write(tmp_path, "x.jsonl", {"gherkin": FEATURE}))
    assert caught.value.line == 1


# ---------------------------------------------------------------------------------------------------------------- the real files


def rows(table: list[dict[str, Any]]) -> list[list[str]]:
    return [[cell["value"] for cell in row["cells"]] for row in table]


def expected(children: list[dict[str, Any]], before: list[Any]) -> list[Any]:
    """Return the scenarios of the reference parser's tree: name, steps with what is attached, examples."""
    found: list[Any] = []
    for child in children:
        if "background" in child:
            before = before + [step(s) for s in child["background"]["steps"]]
        elif "rule" in child:
            found += expected(child["rule"]["children"], before)
        else:
            scenario = child["scenario"]
            tables = [rows([*([e["tableHeader"]] if "tableHeader" in e else []), *e["tableBody"]]) for e in scenario["examples"]]
            found.append((scenario["name"], before + [step(s) for s in scenario["steps"]], tables))
    return found


def step(told: dict[str, Any]) -> Any:
    return told["text"], rows(told["dataTable"]["rows"]) if "dataTable" in told else [], told.get("docString", {}).get("content")


def test_real_files_are_parsed_as_by_the_reference_parser_and_its_bad_ones_refused() -> None:
    with gzip.open(real(NAME), "rt", encoding="utf-8") as file:
        lines = [json.loads(line) for line in file]
    compared = refused = 0
    for line in lines:
        tree = line.get("expected_ast", {}).get("gherkinDocument", {}).get("feature")
        if tree and tree["language"] == "en":
            found = parse_gherkin(line["text"])
            assert found is not None
            told = [
                (s.name, [(t.text, [list(r) for r in t.table], t.block) for t in s.steps], [[list(r) for r in e.table] for e in s.examples])
                for s in found.scenarios
            ]
            assert told == expected(tree["children"], []), line["path"]
            compared += 1
        if "expected_errors" in line:
            with pytest.raises(FormatError) as caught:
                parse_gherkin(line["text"])
            told_line = line["expected_errors"][0]["parseError"]["source"]["location"]["line"]
            assert caught.value.line is not None and caught.value.line <= told_line  # an open text or tag is told where it begins
            refused += 1
    assert (compared, refused) == (35, 10)


def test_most_real_files_are_in_english_and_fit_the_grammar() -> None:
    with gzip.open(real(NAME), "rt", encoding="utf-8") as file:
        texts = [json.loads(line)["text"] for line in file]
    parsed, faults = [], []
    for text in texts:
        try:
            parsed.append(parse_gherkin(text))
        except FormatError as error:
            faults.append(error.message)
    features = [f for f in parsed if f is not None]
    assert (len(texts), len(features), sum(len(f.scenarios) for f in features)) == (461, 393, 1494)
    assert (sum("in the language" in f for f in faults), len(faults)) == (53, 53 + 10 + 2)
