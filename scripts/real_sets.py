"""Read the real benchmark sets and print what is in them, and our figures beside those of the raw lines and the published ones.

    python scripts/real_sets.py ../shared/data

"raw lines" is the same figure from the files' own lines, read and counted by nothing of this package. "published" is over the whole
of a set, of which the folder holds the development part, so it is near ours and not equal.
"""

from __future__ import annotations

import argparse
import gzip
import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from real_figures import Figure, Row, Sheet, by_system, lines, mean, scored, shown
from real_votes import bigbench, dices, gherkin, judgebench, llmbar, llmfao, pandalm, scholarqa, sureal, wice, zeroeval

from criterial.audit.lint import lint
from criterial.core.rubric import Rubric
from criterial.core.task import Case
from criterial.formats.load import read_cases

# ---------------------------------------------------------------------------------------------------------------- criteria with verdicts


def realsumm(data: Path) -> Sheet:
    cases = read_cases(data / "realsumm_scu")
    marks: dict[str, list[float]] = defaultdict(list)
    for row in lines(data / "realsumm_scu/verdicts.jsonl.gz"):
        marks[f"{row['doc_id']}/{row['system']}"].append(row["present"])
    scores = scored(cases)
    off = max(abs((s.value or 0.0) - mean(marks[s.response])) for s in scores)
    table = scores.table
    rate = mean(v.value or 0.0 for v in table.verdicts())
    figures = [
        Figure("largest difference of a summary's score from its share of content units", off, 0.0),
        Figure("share of units present", rate, mean(m for ms in marks.values() for m in ms), ".457"),
    ]
    best: dict[str, list[float]] = defaultdict(list)
    for row, ms in marks.items():
        best[row.partition("/")[2]].append(mean(ms))
    for name, system in list(by_system(cases).items())[:3]:
        figures.append(Figure(f"pyramid score of {name}", system.mean.value or 0.0, mean(best[name])))
    return Sheet("realsumm_scu", cases, figures)


def inner(node: Row) -> Iterator[Row]:
    """Yield the inner nodes of a tree; leaves that stand twice do not matter here."""
    if node["sub_tasks"]:
        yield node
        for child in node["sub_tasks"]:
            yield from inner(child)


ROOTS = {
    "rice": ".185681",
    "stay-on-topic-with-classifier-free-guidance": ".481530",
    "all-in-one": ".713935",
    "semantic-self-consistency": ".910000",
    "pinn": ".834215",
}


def paperbench(data: Path) -> Sheet:
    found: list[Case] = []
    figures = []
    for path in sorted((data / "paperbench").glob("human_graded.*.json.gz")):
        (case,) = read_cases(path)
        found.append(case)
        with gzip.open(path, "rt", encoding="utf-8") as file:
            tree = json.load(file)
        (one,) = scored([case])
        nodes = list(inner(tree))
        off = max(abs((one.parts[f"node:{n['id']}"].value or 0.0) - n["score"]) for n in nodes)
        paper = path.name.split(".")[1]
        figures.append(Figure(f"{paper}: score of the root", one.value or 0.0, tree["score"], ROOTS.get(paper, "")))
        figures.append(Figure(f"{paper}: largest difference at {len(nodes)} inner nodes", round(off, 9), 0.0))
    return Sheet("paperbench", found, figures)


LABELS = ("Content", "Linguistic", "Style", "Format", "Number")


def infobench(data: Path, language: str, published: str) -> Sheet:
    path = data / f"infobench/{language}_gpt4_output_gpt4_verdicts.jsonl.gz"
    cases = read_cases(path)
    marks: list[tuple[list[str], bool]] = []
    for row in lines(path):
        if len(row["eval"]) == len(row["decomposed_questions"]):
            marks += [(kinds, mark) for kinds, mark in zip(row["question_label"], row["eval"], strict=False) if mark is not None]
    figures = [Figure("requirement ratio", pooled(cases), mean(m for _, m in marks), published)]
    for label in LABELS:
        part = [only(c, f"label:{label}") for c in cases if any(f"label:{label}" in k.tags for k in c.rubric.criteria)]
        figures.append(Figure(f"requirement ratio, {label}", pooled(part), mean(m for kinds, m in marks if label in kinds)))
    return Sheet(path.name.removesuffix(".jsonl.gz"), cases, figures)


def pooled(cases: Sequence[Case]) -> float:
    (system,) = by_system(cases).values()
    return system.pooled.value or 0.0


def only(case: Case, tag: str) -> Case:
    """Return a case under those of its criteria that have a tag."""
    criteria = tuple(c for c in case.rubric.criteria if tag in c.tags)
    kept = {c.id for c in criteria}
    return replace(case, rubric=Rubric(criteria), verdicts=tuple(v for v in case.verdicts if v.criterion in kept))


def roscoe(data: Path) -> Sheet:
    cases = read_cases(data / "roscoe")
    rows = {level: lines(data / f"roscoe/{level}.jsonl.gz") for level in ("overall", "stepwise")}
    told: dict[str, list[float]] = defaultdict(list)
    for row in (*rows["overall"], *rows["stepwise"]):
        for name, mark in row["verdicts"].items():
            told[name].append({"yes": 1.0, "no": 0.0}.get(mark, mark))
    found: dict[str, list[float]] = defaultdict(list)
    for case in cases:
        for verdict in case.verdicts:
            found[verdict.criterion].append(verdict.value or 0.0)
    graded = {c.id for c in cases[0].rubric.criteria if c.scale.type == "likert"}
    return Sheet(
        "roscoe",
        cases,
        [Figure(f"{'mean mark' if name in graded else 'share yes'}, {name}", mean(v), mean(told[name])) for name, v in found.items()],
    )


def saf(data: Path) -> Sheet:
    cases = read_cases(data / "saf_short_answers")
    rows = lines(data / "saf_short_answers/answers.jsonl.gz")
    scores = {(s.task, s.response): s.value or 0.0 for s in scored(cases)}
    figures = [Figure("mean score", mean(scores.values()), mean(r["human_score"] for r in rows))]
    for lang in ("english", "german"):
        tasks = {c.task.id for c in cases if f"lang:{lang}" in c.task.tags}
        ours = mean(v for (task, _), v in scores.items() if task in tasks)
        figures.append(Figure(f"mean score, {lang}", ours, mean(r["human_score"] for r in rows if r["lang"] == lang)))
    return Sheet("saf_short_answers", cases, figures)


def frank(data: Path) -> Sheet:
    path = data / "frank/human_annotations.jsonl.gz"
    cases = read_cases(path)
    told: dict[str, list[float]] = defaultdict(list)
    for row in lines(path):
        told[row["model_name"]].append(row["Factuality"])
    figures = [Figure(f"mean factuality of {n}", s.mean.value or 0.0, mean(told[n])) for n, s in by_system(cases).items()]
    return Sheet("frank", cases, figures)


def wildbench(data: Path) -> Sheet:
    path = data / "wildbench_scores/scores.jsonl.gz"
    cases = read_cases(path)
    told: dict[tuple[str, str], list[int]] = defaultdict(list)
    for row in lines(path):
        told[f"{row['judge']}/{row['version']}", row["model"]].append(row["score_1_10"])
    figures = []
    for judge in sorted({v.judge for c in cases for v in c.verdicts}):
        for name, system in by_system(cases, lambda v, judge=judge: v.judge == judge).items():  # type: ignore[misc]
            figures.append(Figure(f"mean mark of {name} by {judge}", 1 + 9 * (system.mean.value or 0.0), mean(told[judge, name])))
    return Sheet("wildbench_scores", cases, figures)


def prometheus(data: Path) -> Sheet:
    path = data / "prometheus_bench/ordinal_gpt4.jsonl.gz"
    cases = read_cases(path)
    marks: dict[tuple[str, str], set[float | None]] = defaultdict(set)
    for case in cases:
        for verdict in case.verdicts:
            marks[case.task.id, verdict.response].add(verdict.value)
    told = mean(len(set(r["gpt4_scores"])) == 1 for r in lines(path))
    ours = mean(len(m) == 1 for m in marks.values())
    return Sheet(
        "prometheus_bench", cases, [Figure("share of responses with three equal scores", ours, told, f"{340 / 640:.3f}".lstrip("0"))]
    )


def healthbench(data: Path) -> Sheet:
    cases = read_cases(data / "healthbench_500/tasks.jsonl.gz")
    counts = Counter((f.severity, f.code) for c in cases for f in lint(c.rubric))
    negative = sum(r["points"] < 0 for row in lines(data / "healthbench_500/tasks.jsonl.gz") for r in row["rubrics"])
    ours = sum(c.weight < 0 for case in cases for c in case.rubric.criteria)
    figures = [Figure("criteria with negative points", ours, negative)]
    return Sheet(
        "healthbench_500", cases, figures + [Figure(f"lint: {severity} {code}", n) for (severity, code), n in counts.most_common()]
    )


# ---------------------------------------------------------------------------------------------------------------- the table


def sheets(data: Path) -> Iterator[Sheet]:
    yield realsumm(data)
    yield paperbench(data)
    yield infobench(data, "en", ".876")
    yield infobench(data, "ko", "")
    yield llmbar(data)
    yield pandalm(data)
    yield judgebench(data)
    yield llmfao(data)
    yield scholarqa(data)
    yield zeroeval(data)
    yield saf(data)
    yield roscoe(data)
    yield frank(data)
    yield wildbench(data)
    yield prometheus(data)
    yield healthbench(data)
    yield dices(data)
    yield sureal(data)
    yield wice(data)
    yield bigbench(data)
    yield gherkin(data)


def table(found: Iterable[Sheet]) -> Iterator[str]:
    yield "| set | cases | responses | criteria | verdicts | figure | ours | raw lines | published |"
    yield "|---|---|---|---|---|---|---|---|---|"
    for sheet in found:
        rubrics = {c.rubric.digest: c.rubric for c in sheet.cases}.values()
        counts = [
            len(sheet.cases),
            sum(len(c.responses) for c in sheet.cases),
            sum(len(r.criteria) for r in rubrics),
            sum(len(c.verdicts) for c in sheet.cases),
        ]
        head = f"| {sheet.name} | {' | '.join(map(str, counts))} |"
        for figure in sheet.figures:
            yield f"{head} {figure.what} | {shown(figure.ours)} | {shown(figure.raw)} | {figure.published} |"
            head = "| | | | | |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, help="the folder shared/data")
    for line in table(sheets(parser.parse_args().data)):
        print(line, flush=True)


if __name__ == "__main__":
    main()
