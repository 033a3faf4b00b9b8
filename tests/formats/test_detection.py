"""A file's format is recognised where only one fits; where none or several do, the reader says so and what to do."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from criterial.core.scale import credit_of
from criterial.errors import FormatError
from criterial.formats.load import FORMATS, read_cases
from criterial.formats.native import rubric_of
from criterial.formats.reading import Document
from tests.formats.samples import BIGGEN, GRADED, HEALTHBENCH, INFOBENCH, NATIVE, SINGLE, folder
from tests.helpers_files import write

OTHER = rubric_of(["Is another rubric"])


@pytest.mark.parametrize("name", SINGLE)
def test_each_sample_is_recognised_as_what_it_is(name: str, tmp_path: Path) -> None:
    file, content, format_name = SINGLE[name]
    path = write(tmp_path, file, content)
    assert [f.name for f in FORMATS.values() if f.matches(Document(path).first)] == [format_name]
    assert read_cases(path) == read_cases(path, format=format_name)


def test_a_folder_is_recognised(tmp_path: Path) -> None:
    assert read_cases(folder(tmp_path / "set")) == read_cases(tmp_path / "set", format="realsumm")


def test_every_format_says_what_it_is() -> None:
    assert {f.name for f in FORMATS.values()} == set(FORMATS)
    assert all(f.says and (f.cites or f.name == "native") for f in FORMATS.values())


@pytest.mark.parametrize(
    "content",
    [
        {},
        {"id": "t"},
        {"prompt": "p"},
        {"a": 1, "rubric": []},
        {"items": []},
        {"rubrics": []},
        {"instruction": "x"},
        {"decomposed_questions": ["x"]},
    ],
    ids=str,
)
def test_what_no_format_fits_is_refused_with_the_list_of_formats(content: Any, tmp_path: Path) -> None:
    with pytest.raises(FormatError, match="not a format that is known") as caught:
        read_cases(write(tmp_path, "c.jsonl", content))
    assert all(name in caught.value.hint for name in FORMATS)
    assert '"prompt"' in caught.value.hint
    assert caught.value.line == 1


@pytest.mark.parametrize(
    ("content", "names"),
    [
        ({**HEALTHBENCH, **INFOBENCH}, "healthbench or infobench"),
        ({**INFOBENCH, **BIGGEN}, "infobench or prometheus"),
        ({**HEALTHBENCH, **GRADED}, "healthbench or paperbench"),
        ({**NATIVE[0], **INFOBENCH}, "native or infobench"),
    ],
    ids=["health+info", "info+biggen", "health+paper", "native+info"],
)
def test_what_several_formats_fit_is_refused_with_their_names(content: Any, names: str, tmp_path: Path) -> None:
    with pytest.raises(FormatError, match=f"could be {names}") as caught:
        read_cases(write(tmp_path, "c.jsonl", content))
    assert caught.value.hint == "say which with --format"


def test_the_format_named_is_the_one_that_reads(tmp_path: Path) -> None:
    path = write(tmp_path, "c.jsonl", {**INFOBENCH, **BIGGEN})
    assert [len(read_cases(path, format=f)[0].rubric.criteria) for f in ("infobench", "prometheus")] == [3, 1]


def test_a_format_that_is_not_there_is_refused_with_those_that_are(tmp_path: Path) -> None:
    with pytest.raises(FormatError, match="no format 'healthbenhc'") as caught:
        read_cases(write(tmp_path, "c.jsonl", HEALTHBENCH), format="healthbenhc")
    assert "healthbench" in caught.value.hint


@pytest.mark.parametrize("name", [f for f in FORMATS if f != "realsumm"])
def test_a_wrong_format_by_name_is_a_format_error(name: str, tmp_path: Path) -> None:
    for number, (file, content, format_name) in enumerate(SINGLE.values()):
        if format_name != name:
            with pytest.raises(FormatError):
                read_cases(write(tmp_path, f"{number}{file}", content), format=name)


def test_a_folder_without_the_parts_is_no_format_and_a_file_is_no_folder(tmp_path: Path) -> None:
    with pytest.raises(FormatError, match="not a format that is known") as caught:
        read_cases(folder(tmp_path / "set", verdicts=None))
    assert caught.value.file == str(tmp_path / "set" / "documents.jsonl")
    with pytest.raises(FormatError, match="the folder has no"):
        read_cases(write(tmp_path, "c.jsonl", NATIVE), format="realsumm")


def test_the_part_that_is_missing_is_named_with_its_folder(tmp_path: Path) -> None:
    where = folder(tmp_path / "set", verdicts=None)
    with pytest.raises(FormatError, match=r"no verdicts\.jsonl") as caught:
        read_cases(where, format="realsumm")
    assert caught.value.file == str(where)


def test_a_folder_of_files_is_read_in_the_order_of_names_each_by_its_own_format(tmp_path: Path) -> None:
    where = tmp_path / "many"
    (where / "deeper.json").mkdir(parents=True)
    write(where, "b.jsonl.gz", [{**HEALTHBENCH, "prompt_id": "second"}])
    write(where, "c.yaml", [{**NATIVE[0], "id": "third"}])
    write(where, "a.json", [{**INFOBENCH, "id": "first"}])
    write(where, "notes.txt", "no cases")
    assert [c.task.id for c in read_cases(where)] == ["first", "second", "third"]
    with pytest.raises(FormatError, match="is missing") as caught:
        read_cases(where, format="infobench")
    assert caught.value.file == str(where / "b.jsonl.gz")


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("b.jsonl", [NATIVE[0]], "'n1' occurs twice"),
        ("b.jsonl", "", "not a format"),
        ("b.json", "[]", "not a format"),
        ("b.json", "{", "not JSON"),
    ],
)
def test_a_fault_in_a_folder_of_files_is_told_with_the_files_name(name: str, content: Any, says: str, tmp_path: Path) -> None:
    where = tmp_path / "many"
    where.mkdir()
    write(where, "a.jsonl", NATIVE)
    with pytest.raises(FormatError, match=says) as caught:
        read_cases(write(where, name, content).parent)
    assert caught.value.file == str(where / name)


def test_a_folder_without_files_of_cases_is_refused(tmp_path: Path) -> None:
    write(tmp_path, "notes.txt", "{}")
    with pytest.raises(FormatError, match="no files of cases in this folder") as caught:
        read_cases(tmp_path)
    assert ".jsonl" in caught.value.hint


@pytest.mark.parametrize("name", [f for f in FORMATS if f != "realsumm"])
def test_a_file_without_cases_is_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(FormatError, match="no cases in it"):
        read_cases(write(tmp_path, "c.jsonl", "\n"), format=name)


def samples(where: Path) -> Iterator[tuple[str, Path]]:
    """Yield every sample's name and path."""
    for number, (name, (file, content, _)) in enumerate(SINGLE.items()):
        yield name, write(where, f"{number}{file}", content)
    yield "realsumm", folder(where / "set")


@pytest.mark.parametrize("name", [*SINGLE, "realsumm"])
def test_a_rubric_for_all_cases_takes_the_place_of_their_own_with_its_verdicts(name: str, tmp_path: Path) -> None:
    path = dict(samples(tmp_path))[name]
    own = read_cases(path)
    given = read_cases(path, rubric=OTHER)
    assert [c.task for c in given] == [c.task for c in own]
    assert [c.responses for c in given] == [c.responses for c in own]
    assert all(c.rubric is OTHER and c.verdicts == () for c in given)


@pytest.mark.parametrize("name", [*SINGLE, "realsumm"])
def test_every_verdict_of_a_file_is_on_a_response_and_a_value_of_a_criterion_of_its_case(name: str, tmp_path: Path) -> None:
    for case in read_cases(dict(samples(tmp_path))[name]):
        for verdict in case.verdicts:
            criterion = case.rubric.criteria[case.rubric.index[verdict.criterion]]
            assert verdict.task == case.task.id
            assert verdict.response in {r.id for r in case.responses}
            assert verdict.value is None or 0 <= credit_of(criterion.scale, verdict.value) <= 1
