"""Figures of the real sets of pairs and of votes, beside those of the raw lines and the published ones (see real_sets.py)."""

from __future__ import annotations

import gzip
import json
from collections import Counter, defaultdict
from collections.abc import Sequence
from pathlib import Path

from real_figures import Figure, Sheet, by_system, lines, mean, scored, shown

from criterial.core.verdict import Preference
from criterial.formats.load import read_cases
from criterial.formats.pairs import read_preferences

__all__ = ["bigbench", "dices", "gherkin", "judgebench", "llmbar", "llmfao", "pandalm", "scholarqa", "sureal", "wice", "zeroeval"]

# ---------------------------------------------------------------------------------------------------------------- pairs


def winner(said: Preference) -> str:
    return {"a": said.a, "b": said.b}.get(said.winner, "tie")


def llmbar(data: Path) -> Sheet:
    cases, found = read_preferences(data / "llmbar")
    labels = {r["item_id"]: str(r["human_label"]) for r in lines(data / "llmbar/pairs.jsonl.gz")}
    outcomes = lines(data / "llmbar/judge_outcomes.jsonl.gz")
    subset = "LLMBar/Natural#"
    said: dict[tuple[str, int], dict[str, str]] = defaultdict(dict)
    for one in found:
        if one.task.startswith(subset):
            said[one.judge, one.repeat][one.task] = winner(one)
    figures = []
    people = said["human", 0]
    for judge, right, same in (("GPT-4", ".955", ""), ("ChatGPT", ".815", ".71"), ("Falcon", ".74", ".52")):
        rows = [r for r in outcomes if (r["judge"], r["strategy"]) == (judge, "Vanilla") and r["item_id"].startswith(subset)]
        one, two = (said[f"{judge}/Vanilla", repeat] for repeat in (0, 1))
        ours = mean(choice.get(task) == label for choice in (one, two) for task, label in people.items())
        raw = mean(r[key] == labels[r["item_id"]] for r in rows for key in ("winner", "winner_swapped"))
        figures.append(Figure(f"accuracy of {judge}, Vanilla, on Natural", ours, raw, right))
        agree = mean(one.get(task) == two.get(task) for task in people)
        figures.append(Figure(f"{judge}: both orders agree", agree, mean(r["winner"] == r["winner_swapped"] for r in rows), same))
    return Sheet("llmbar", cases, figures)


def kappa(one: Sequence[str], two: Sequence[str]) -> float:
    seen = mean(a == b for a, b in zip(one, two, strict=True))
    first, second = Counter(one), Counter(two)
    chance = sum(first[k] * second[k] for k in first) / len(one) ** 2
    return (seen - chance) / (1 - chance)


def pandalm(data: Path) -> Sheet:
    path = data / "pandalm/pairs.jsonl.gz"
    cases, found = read_preferences(path)
    rows = lines(path)
    word = {"0": "tie", "Tie": "tie", "1": "a", "2": "b"}
    said: dict[str, dict[str, str]] = defaultdict(dict)
    for one in found:
        said[one.judge][one.task] = one.winner
    people = [said[f"annotator-{n}"] for n in (1, 2, 3)]
    raw = [[word[str(r["human_votes"][n])] for r in rows] for n in range(3)]
    figures = []
    for (a, b), published in (((0, 1), ".852"), ((0, 2), ".879"), ((1, 2), ".862")):
        ours = kappa([people[a][c.task.id] for c in cases], [people[b][c.task.id] for c in cases])
        figures.append(Figure(f"kappa of annotators {a + 1} and {b + 1}", ours, kappa(raw[a], raw[b]), published))
    majority = {c.task.id: Counter(p[c.task.id] for p in people).most_common(1)[0][0] for c in cases}
    votes = [Counter(column).most_common(1)[0][0] for column in zip(*raw, strict=True)]
    figures.append(Figure("share of pairs on which all annotators agree", mean(len({p[t] for p in people}) == 1 for t in majority)))
    for judge, published in (("gpt-3.5-turbo", ".693"), ("pandalm-7b", ".668")):
        told = mean(word.get(str(r[f"judge_{judge}"])) == vote for r, vote in zip(rows, votes, strict=True))
        figures.append(
            Figure(f"{judge}: agrees with the majority", mean(said[judge].get(t) == w for t, w in majority.items()), told, published)
        )
    return Sheet("pandalm", cases, figures)


def judgebench(data: Path) -> Sheet:
    cases, found = read_preferences(data / "judgebench")
    rows = {r["question_id"]: r["chosen"] for r in lines(data / "judgebench/pairs.jsonl.gz")}
    text = {r.id: r.text for c in cases for r in c.responses}
    figures = [Figure("share of pairs whose right answer wins", mean(text.get(winner(p), "") == rows[p.task] for p in found), 1.0)]
    first = mean(p.winner == "a" for p in found)
    return Sheet("judgebench", cases, [*figures, Figure("share of pairs whose right answer stands first", first)])


def llmfao(data: Path) -> Sheet:
    cases, found = read_preferences(data / "llmfao")
    figures = []
    rates: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    for who in ("crowd", "gpt4", "gpt3"):
        rows = lines(data / f"llmfao/{who}_votes.jsonl.gz")
        mine = [p for p in found if (p.judge.startswith("worker-") if who == "crowd" else p.judge == who)]
        figures.append(Figure(f"share of ties, {who}", mean(p.winner == "tie" for p in mine), mean(r["winner"] == "tie" for r in rows)))
        for row in rows:
            left = {"left": 1.0, "right": 0.0}.get(row["winner"], 0.5)
            rates[who][row["left"]].append(left)
            rates[who][row["right"]].append(1.0 - left)
    for who in ("gpt4", "gpt3"):
        for name, system in list(by_system(cases, lambda v, who=who: v.judge == who).items())[:3]:  # type: ignore[misc]
            figures.append(Figure(f"win rate of {name} by {who}", system.mean.value or 0.0, mean(rates[who][name])))
    return Sheet("llmfao", cases, figures)


def scholarqa(data: Path) -> Sheet:
    cases, found = read_preferences(data / "scholarqa_cs2")
    said: dict[str, dict[str, str]] = defaultdict(dict)
    for one in found:
        said[one.judge][one.task] = winner(one)
    told: dict[str, dict[tuple[str, str, frozenset[str]], str]] = defaultdict(dict)
    for part in ("dev", "test"):
        for who in (1, 2):
            with gzip.open(data / f"scholarqa_cs2/pairwise_{part}_assigned_ann{who}.json.gz", "rt", encoding="utf-8") as file:
                for row in json.load(file):
                    a, b = row["preference_ranking_norm"]
                    key = (part, row["question"], frozenset(row["models"]))
                    told[f"annotator-{who}"][key] = "tie" if a == b else row["models"][a < b]
    both = [[(by["annotator-1"][k], by["annotator-2"][k]) for k in by["annotator-1"]] for by in (said, told)]
    return Sheet(
        "scholarqa_cs2",
        cases,
        [
            Figure("assigned: annotators agree", *(mean(a == b for a, b in pairs) for pairs in both), ".55"),
            Figure("assigned: the same, half where one ties", *(mean(half(a, b) for a, b in pairs) for pairs in both)),
        ],
    )


def half(one: str, two: str) -> float:
    return 1.0 if one == two else 0.5 if "tie" in (one, two) else 0.0


def zeroeval(data: Path) -> Sheet:
    cases = read_cases(data / "zeroeval_matrix")
    figures = []
    for name in ("gsm", "crux", "math-l5"):
        marks: dict[str, list[int]] = defaultdict(list)
        for row in lines(data / f"zeroeval_matrix/{name}.responses.jsonl.gz"):
            marks[row["model"]].append(row["correct"])
        with (data / f"zeroeval_matrix/{name}.published.json").open(encoding="utf-8") as file:
            published = {r["model"]: r["published_accuracy"] / 100 for r in json.load(file)}
        found = by_system([c for c in cases if f"benchmark:{name}" in c.task.tags])
        for model in ("claude-3-5-sonnet-20241022", "gpt-4o-mini-2024-07-18", "gemma-2-2b-it"):
            if model in found:
                right = shown(published[model]) if model in published else ""
                figures.append(Figure(f"{name}: accuracy of {model}", found[model].mean.value or 0.0, mean(marks[model]), right))
    return Sheet("zeroeval_matrix", cases, figures)


# ---------------------------------------------------------------------------------------------------------------- votes and labels


def dices(data: Path) -> Sheet:
    cases = read_cases(data / "dices")
    raw: dict[str, list[str]] = {}
    for name, group in (("dices_350_crowdsourced", "350"), ("dices_990", "990")):
        raw |= {f"{group}/{r['id']}": r["unsafe_votes"] for r in lines(data / f"dices/{name}.jsonl.gz")}
    experts = {f"350/{r['id']}": r["safety_gold_raw"] for r in lines(data / "dices/dices_350_expert.jsonl.gz")}
    votes = {c.task.id: [v.value for v in c.verdicts if v.judge == "crowd"] for c in cases}
    told = {c.task.id: v.value for c in cases for v in c.verdicts if v.judge == "expert"}
    figures = []
    for label, value, right in (("Yes", 1.0, ".416"), ("No", 0.0, ".251")):
        ours = mean(mean(v == 1.0 for v in votes[t]) for t, said in told.items() if said == value)
        theirs = mean(mean(v == "Yes" for v in raw[t]) for t, said in experts.items() if said == label)
        figures.append(Figure(f"share of all votes that call it unsafe where the expert says {label}", ours, theirs, right))
    mine = {s.task: s.value for s in scored(cases)}
    known = {t: [v == "Yes" for v in vs if v != "Unsure"] for t, vs in raw.items()}
    return Sheet(
        "dices", cases, [*figures, Figure("mean score", mean(v or 0.0 for v in mine.values()), mean(mean(v) for v in known.values()))]
    )


def sureal(data: Path) -> Sheet:
    cases = read_cases(data / "mos_video")
    marks = [r["votes"] for r in lines(data / "mos_video/votes_acr5.jsonl.gz")]
    worse = [[v for v in r["differential_votes"].values() if v is not None] for r in lines(data / "mos_video/votes_dmos100.jsonl.gz")]
    figures = []
    for name, kind, value, raw in (
        ("mean opinion score, 1 to 5", "quality", lambda v: 1 + 4 * v, marks),
        ("mean difference, -100 to 100", "degradation", lambda v: 200 * v - 100, worse),
    ):
        part = [c for c in cases if kind in c.rubric.index]
        figures.append(Figure(name, mean(value(s.value or 0.0) for s in scored(part)), mean(mean(v) for v in raw)))
    return Sheet("mos_video", cases, figures)


def wice(data: Path) -> Sheet:
    cases = read_cases(data / "wice")
    rows = lines(data / "wice/claims.jsonl.gz")
    return Sheet(
        "wice",
        cases,
        [
            Figure(f"share {label}", mean(v.value == n for c in cases for v in c.verdicts), mean(r["label"] == label for r in rows))
            for n, label in enumerate(("not_supported", "partially_supported", "supported"))
        ],
    )


def bigbench(data: Path) -> Sheet:
    cases = read_cases(data / "bigbench_mistake")
    rows = lines(data / "bigbench_mistake/traces.jsonl.gz")
    human = [[v.value for v in c.verdicts if v.judge == "human"] for c in cases]
    answers = mean(v.value or 0.0 for c in cases for v in c.verdicts if v.judge == "target")
    return Sheet(
        "bigbench_mistake",
        cases,
        [
            Figure("share without a mistake", mean(all(m) for m in human), mean(r["mistake_index"] is None for r in rows)),
            Figure("share with the right answer", answers, mean(r["answer"] == r["target"] for r in rows)),
        ],
    )


def gherkin(data: Path) -> Sheet:
    cases = read_cases(data / "gherkin/labeled_pairs.jsonl.gz")
    rows = lines(data / "gherkin/labeled_pairs.jsonl.gz")
    ours = [[v.value for v in c.verdicts if "annotator" in v.judge] for c in read_cases(data / "gherkin/labeled_pairs_overlap.jsonl.gz")]
    told = [[r[f"annotator_{n}"] for n in (1, 2, 3)] for r in lines(data / "gherkin/labeled_pairs_overlap.jsonl.gz")]
    return Sheet(
        "gherkin",
        cases,
        [
            Figure("share of duplicates", mean(v.value or 0.0 for c in cases for v in c.verdicts), mean(r["label"] for r in rows), ".484"),
            Figure("overlap: Fleiss' kappa of three people (published over both parts: .844)", fleiss(ours), fleiss(told)),
        ],
    )


def fleiss(rows: Sequence[Sequence[float | None]]) -> float:
    yes = [mean(r) for r in rows]  # type: ignore[arg-type]
    n, p = len(rows[0]), mean(yes)
    seen = mean((n * (y * y + (1 - y) ** 2) - 1) / (n - 1) for y in yes)
    chance = p * p + (1 - p) ** 2
    return (seen - chance) / (1 - chance)
