"""Small sound files of every kind that is read, each with what reads it: what the fuzzer begins with."""

from __future__ import annotations

import base64
import gzip
import io
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from criterial.core.builder import table_of
from criterial.core.table import VerdictTable
from criterial.errors import CriterialError
from criterial.formats.labels import read_labels
from criterial.formats.leaderboard import read_leaderboard
from criterial.formats.load import read_cases, read_responses, read_rubric, read_verdict_table, read_verdicts
from criterial.formats.pairing import preferences_of
from tests.formats import (
    test_bigbench_mistake,
    test_deepresearch_bench,
    test_dices,
    test_frank,
    test_gherkin,
    test_gherkin_pairs,
    test_ifeval,
    test_judgebench,
    test_llmbar,
    test_llmfao,
    test_openrubrics,
    test_pandalm,
    test_profbench,
    test_qworld,
    test_rar,
    test_roscoe,
    test_rubric_spec,
    test_rusca,
    test_saf,
    test_scholarqa,
    test_sureal,
    test_table,
    test_tinker,
    test_verifiers,
    test_wice,
    test_wildbench,
    test_writingbench,
    test_zeroeval,
)
from tests.formats.samples import NATIVE, REALSUMM, SINGLE, UNGRADED
from tests.helpers_files import DUMPERS, case
from tests.helpers_images import GIF, JPEG, PNG, WEBP, gif

__all__ = ["KNOWN", "SEEDS", "Seed", "either_way", "encoded"]


class Seed(NamedTuple):
    """Files that are read together."""

    files: Mapping[str, Any]
    """Content of each by its name: bytes, a text, or plain data."""
    read: Callable[[Path], object]
    """Reads the folder of them, or the one file where there is no more."""
    format: str = ""
    """Name of the format of cases; empty where they are none."""
    is_set: bool = False
    """Whether the folder is what is read."""


def encoded(file: str, content: Any) -> bytes:
    """Return content as the bytes of a file of that name."""
    inner = file.removesuffix(".gz")
    if isinstance(content, bytes):
        raw = content
    elif isinstance(content, str):
        raw = content.encode("utf-8", "surrogatepass")
    elif inner.endswith(".parquet"):
        raw = _parquet(content)
    elif inner.endswith((".csv", ".tsv")):
        raw = test_table.as_csv(content, "\t" if inner.endswith(".tsv") else ",", _columns(content)).encode("utf-8", "surrogatepass")
    else:
        raw = DUMPERS[Path(inner).suffix](content).encode("utf-8", "surrogatepass")
    return gzip.compress(raw) if file.endswith(".gz") else raw


def _columns(rows: list[dict[str, Any]]) -> list[str]:
    return list(dict.fromkeys(key for row in rows for key in row))


def _parquet(rows: list[dict[str, Any]]) -> bytes:
    out = io.BytesIO()
    pq.write_table(pa.Table.from_pylist([{name: row.get(name) for name in _columns(rows)} for row in rows]), out)
    return out.getvalue()


def _cases(path: Path, name: str | None = None) -> None:
    """Read cases, put their verdicts into a table, and take the preferences of pairs."""
    found = read_cases(path, name)
    table_of(found, [v for c in found for v in c.verdicts])
    if name in ("llmbar", "pandalm", "judgebench", "llmfao", "scholarqa"):
        preferences_of(found)


def either_way(path: Path) -> None:
    """Read verdicts one by one and in columns: the same table, or the same error."""
    slow, fast = _outcome(lambda: table_of(*read_verdicts(path, KNOWN))), _outcome(lambda: read_verdict_table(path, KNOWN)[1])
    if isinstance(fast, CriterialError):
        assert isinstance(slow, CriterialError) and str(slow) in (str(fast), getattr(fast, "message", "")), (
            f"{fast!r}, one by one: {slow!r}"
        )
        raise fast
    assert isinstance(slow, VerdictTable), f"in columns a table, one by one: {slow!r}"
    assert (fast.layers, fast.reasons) == (slow.layers, slow.reasons)
    for name in ("state_LN", "value_LN", "cause_LN", "probs_LNK", "checked_LN"):
        np.testing.assert_array_equal(getattr(fast, name), getattr(slow, name), err_msg=name)


def _outcome(read: Callable[[], VerdictTable]) -> VerdictTable | CriterialError:
    try:
        return read()
    except CriterialError as error:
        return error


def _shown(*media: str) -> dict[str, Any]:
    return {"id": "t", "prompt": "p", "media": list(media), "rubric": ["a"], "responses": [{"text": "x", "media": list(media)}]}


RUBRIC = {"criteria": [{"id": "a", "text": "x", "scale": {"type": "likert", "points": 3}}, "y"], "policy": "weighted"}
OPTIONS = [{"label": "a", "value": 0}, {"label": "b", "value": 1}]
SECTIONS = {"sections": [{"name": "s", "criteria": [{"requirement": "x", "options": OPTIONS}]}]}
RESPONSES = [{"task": "t", "system": "s", "text": "x"}, {"task": "t", "id": "y", "messages": [{"role": "assistant", "content": "z"}]}]
VERDICTS: list[dict[str, Any]] = [
    {"task": "t", "response": "r", "criterion": "c1", "value": 1, "probs": [0.1, 0.9], "judge": "j", "repeat": 1, "reason": "so"},
    {"task": "t", "response": "r", "criterion": "c1", "state": "failed", "cause": "timeout", "judge": "k", "calibrated": False},
]
TOLD = [{**{k: v for k, v in row.items() if k != "value"}, "value": "1" if "value" in row else None} for row in VERDICTS]
CELLS = [{**row, "value": row["value"] or "", **({"probs": "0.1 0.9"} if "probs" in row else {})} for row in TOLD]
LABELS = [{"criterion": "Is short", "response": "Yes.", "value": 1}, {"criterion": "Is kind", "response": "No.", "value": "unmet"}]
MARKS = [{"system": "a", "x": "0.5", "y": "1"}, {"system": "b", "x": "0.25"}]
LONG_MARKS = [{"model": "a", "item": "i", "suite": "s", "score": 0.5}, {"model": "b", "item": "i", "suite": "s", "score": 1.0}]
URLS = [f"data:image/{kind};base64,{base64.b64encode(data).decode()}" for kind, data in (("png", PNG), ("gif", GIF))]
KNOWN = [case("a")]
FOLDERS: dict[str, dict[str, Any]] = {
    "realsumm": {f"{name}.jsonl": rows for name, rows in REALSUMM.items()},
    "roscoe": {"overall.jsonl": test_roscoe.OVERALL, "stepwise.jsonl": test_roscoe.STEPS, "criteria.json": test_roscoe.CRITERIA},
    "saf": {"questions.jsonl": test_saf.QUESTIONS, "answers.jsonl": test_saf.ANSWERS},
    "llmbar": {"pairs.jsonl": [test_llmbar.PAIR], "judge_outcomes.jsonl": [test_llmbar.OUTCOME]},
    "frank": {"frank.jsonl": [test_frank.ROW]},
    "wildbench": {"wildbench.jsonl": [test_wildbench.ROW]},
    "pandalm": {"pandalm.jsonl": [test_pandalm.PANDA]},
    "dices": {f"{p}.jsonl": [r] for p, r in zip(test_dices.PARTS, (test_dices.CROWD, test_dices.EXPERT, test_dices.OTHER), strict=True)},
    "sureal": {"acr.jsonl": [test_sureal.MARKS], "dmos.jsonl": [test_sureal.DIFFERENCES]},
    "wice": {"wice.jsonl": [test_wice.ROW]},
    "bigbench_mistake": {"traces.jsonl": [test_bigbench_mistake.ROW]},
    "judgebench": {"pairs.jsonl": [test_judgebench.ROW]},
    "llmfao": {"pairs.jsonl": [test_llmfao.PAIR], "crowd_votes.jsonl": [test_llmfao.VOTE], "gpt4_votes.jsonl": [test_llmfao.MODEL_VOTE]},
    "scholarqa": {"pairwise_a.json": [test_scholarqa.WHOLE], "pairwise_b_ann1.json": [test_scholarqa.RATED]},
    "zeroeval": {"a.items.jsonl": [test_zeroeval.ITEM], "a.responses.jsonl": [test_zeroeval.ROW]},
    "gherkin_pairs": {"labelled.jsonl": [test_gherkin_pairs.LABELLED], "overlap.jsonl": [test_gherkin_pairs.OVERLAP]},
}
"""By format: the content of each file of its folder."""
FILES: dict[str, tuple[str, Any, str]] = {
    **SINGLE,
    "native.jsonl.gz": ("native.jsonl.gz", NATIVE, "native"),
    "autorubric.json.gz": ("auto.json.gz", SINGLE["autorubric"][1], "autorubric"),
    "deepresearch_bench": ("c.jsonl", [test_deepresearch_bench.LINE], "deepresearch_bench"),
    "writingbench": ("c.jsonl", [test_writingbench.LINE], "writingbench"),
    "ifeval": ("c.jsonl", [test_ifeval.LINE], "ifeval"),
    "gherkin": ("c.feature", test_gherkin.FEATURE, "gherkin"),
    "table.csv": ("c.csv", test_table.ROWS, "table"),
    "table.tsv": ("c.tsv.gz", test_table.ROWS, "table"),
    "table.parquet": ("c.parquet", test_table.ROWS, "table"),
    "table.jsonl": ("c.jsonl", test_table.ROWS, "table"),
    "openrubrics": ("c.jsonl", [test_openrubrics.LINE], "openrubrics"),
    "rar": ("c.jsonl", [test_rar.LINE], "rar"),
    "rar.parquet": ("c.parquet", [test_rar.LINE], "rar"),
    "rusca": ("c.jsonl", [test_rusca.LINE], "rusca"),
    "verifiers": ("c.toml", test_verifiers.FILE, "verifiers"),
    "rubric_spec": ("c.json", test_rubric_spec.FILE, "rubric_spec"),
    "rubric_spec.yaml": ("c.yaml", test_rubric_spec.FILE, "rubric_spec"),
    "tinker": ("c.jsonl", [test_tinker.LINE], "tinker"),
    "profbench": ("c.jsonl", [test_profbench.LINE], "profbench"),
    "qworld": ("c.json", test_qworld.OUTPUT, "qworld"),
    "qworld.jsonl": ("c.jsonl", [test_qworld.ROW], "qworld"),
}
"""Cases that are one file: its name, its content and its format."""
SEEDS: dict[str, Seed] = {
    **{name: Seed({file: content}, _cases, format) for name, (file, content, format) in FILES.items()},
    **{f"folder {name}": Seed(files, lambda p, n=name: _cases(p, n), name, is_set=True) for name, files in FOLDERS.items()},
    "rubric": Seed({"rubric.json": RUBRIC}, read_rubric),
    "rubric.yaml": Seed({"rubric.yaml": NATIVE[0]["rubric"]}, read_rubric),
    "rubric.toml": Seed({"rubric.toml": NATIVE[0]["rubric"]}, read_rubric),
    "autorubric rubric": Seed({"rubric.json": SECTIONS}, read_rubric),
    "tree rubric": Seed({"rubric.json": UNGRADED}, read_rubric),
    "responses": Seed({"responses.jsonl": RESPONSES}, lambda p: read_responses(p, KNOWN)),
    "responses.csv": Seed({"responses.csv": RESPONSES[:1]}, lambda p: read_responses(p, KNOWN)),
    "verdicts": Seed({"verdicts.jsonl": VERDICTS}, either_way),
    "verdicts.json": Seed({"verdicts.json": VERDICTS}, either_way),
    "verdicts.csv": Seed({"verdicts.csv": CELLS}, either_way),
    "verdicts.parquet": Seed({"verdicts.parquet": TOLD}, either_way),
    "labels": Seed({"labels.jsonl": LABELS}, read_labels),
    "marks": Seed({"marks.csv": MARKS}, read_leaderboard),
    "marks.parquet": Seed({"marks.parquet": LONG_MARKS}, read_leaderboard),
    "images in texts": Seed({"cases.json": _shown(*URLS)}, _cases, "native"),
    **{
        f"image {kind}": Seed({f"p.{kind}": data, "cases.json": _shown(f"p.{kind}")}, lambda p: _cases(p / "cases.json"), is_set=True)
        for kind, data in (("png", PNG), ("jpeg", JPEG), ("gif", gif(frames=3)), ("webp", WEBP))
    },
}
"""By name."""
