"""Agreement tables of the public sets in ../shared/data: people among themselves, judges and metrics against people, noise ceilings.

python scripts/real_agreement.py ../shared/data
"""

from __future__ import annotations

import gzip
import json
import sys
from collections.abc import Iterator, Sequence
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np

from criterial.audit.agreement import Measure
from criterial.audit.judge import JudgeAudit, JudgeAuditOptions
from criterial.core.builder import table_of
from criterial.core.score import Estimate
from criterial.maths.association import pearson, spearman
from criterial.maths.ceiling import VoteScale, against_ceiling, votes_of
from criterial.maths.raters import fleiss, tally
from criterial.maths.sums import Figure, Sums
from criterial.run.auditing import audit
from criterial.run.existing import given_verdicts
from criterial.run.loading import load_cases
from criterial.score.estimates import as_estimate, bootstrap_estimates

Row = tuple[str, str, Estimate, str]
QUICK = JudgeAuditOptions(resamples=1000)


def lines(path: Path) -> Iterator[dict[str, Any]]:
    """Yield the objects of a packed file of JSON lines."""
    with gzip.open(path, "rt", encoding="utf-8") as file:
        yield from map(json.loads, file)


def figure(measures: Sequence[Measure], name: str) -> Estimate:
    """Return one figure by name."""
    return next(m.figure for m in measures if m.name == name)


def pandalm(data: Path) -> Iterator[Row]:
    """Three people and two judges on the same pairs."""
    published = {("annotator-1", "annotator-2"): ".852", ("annotator-1", "annotator-3"): ".879", ("annotator-2", "annotator-3"): ".862"}
    for one, two in combinations(("annotator-1", "annotator-2", "annotator-3"), 2):
        (found,) = audit(data / "pandalm", people=[one], judges=[two], options=QUICK)
        yield "pandalm", f"kappa of {one} and {two}", figure(found.measures, "kappa"), published[one, two]
    judges = audit(data / "pandalm", people=["annotator-*"], options=QUICK)
    yield "pandalm", "Fleiss' kappa of the three", figure(judges[0].people, "Fleiss' kappa"), ""
    for found in judges:
        yield "pandalm", f"accuracy of {found.judge}", figure(found.measures, "accuracy"), ""
        yield "pandalm", f"kappa of {found.judge}", figure(found.measures, "kappa"), ""


def realsumm(data: Path) -> Iterator[Row]:
    """Three or four votes on each content unit."""
    rows = list(lines(data / "realsumm_scu" / "verdicts.jsonl.gz"))
    most = max(len(r["votes"]) for r in rows)
    known_JI = np.array([[k < len(r["votes"]) for r in rows] for k in range(most)])
    value_JI = np.array([[float(r["votes"][k]) if k < len(r["votes"]) else 0.0 for r in rows] for k in range(most)])
    _, document_I = np.unique([r["doc_id"] for r in rows], return_inverse=True)
    three_I = known_JI.sum(axis=0) == 3
    for name, keep_I, published in (("of three votes", three_I, ".704"), ("of all votes", np.ones(len(rows), dtype=bool), "")):
        counts_IL, level_L = tally(value_JI[:, keep_I], known_JI[:, keep_I])
        (found,) = bootstrap_estimates([fleiss(counts_IL, level_L)], document_I[keep_I], noun="documents")
        yield "realsumm_scu", f"Fleiss' kappa {name}", found, published


def gherkin(data: Path) -> Iterator[Row]:
    """Three people on pairs of steps."""
    (found,) = audit(data / "gherkin" / "labeled_pairs_overlap.jsonl.gz", people=["annotator-*"], judges=["consensus"], options=QUICK)
    yield "gherkin", "Fleiss' kappa of three people", figure(found.people, "Fleiss' kappa"), ".844"


def llmbar(data: Path) -> Iterator[Row]:
    """Sixty-five judges in both orders; the best, the median and the worst."""
    found = sorted(audit(data / "llmbar", people=["human"], options=JudgeAuditOptions(resamples=200)), key=accuracy)
    outcomes = sum(a.labelled for a in found)
    yield "llmbar", f"judges, {outcomes:,} verdicts", Estimate(float(len(found)), None, None, outcomes, "a count"), ""
    for name, one in (("best", found[-1]), ("median", found[len(found) // 2]), ("worst", found[0])):
        yield "llmbar", f"accuracy of {one.judge}, the {name}", figure(one.measures, "accuracy"), ""
        position = next(b.figure for b in one.biases if b.name == "position")
        yield "llmbar", f"points to the first, {one.judge}", position, ""


def accuracy(one: JudgeAudit) -> float:
    """Return a judge's accuracy."""
    return figure(one.measures, "accuracy").value or 0.0


def frank(data: Path) -> Iterator[Row]:
    """Automatic metrics against people's factuality."""
    people = {(r["hash"], r["model_name"]): float(r["Factuality"]) for r in lines(data / "frank" / "human_annotations.jsonl.gz")}
    rows = [r for r in lines(data / "frank" / "metric_scores.jsonl.gz") if (r["hash"], r["model_name"]) in people]
    label_I = np.array([people[r["hash"], r["model_name"]] for r in rows])
    _, text_I = np.unique([r["hash"] for r in rows], return_inverse=True)
    names = sorted(n for n, v in rows[0].items() if isinstance(v, float))
    figures: dict[str, Sums] = {}
    for name in names:
        known_I = np.array([isinstance(r.get(name), (int, float)) for r in rows])
        score_I = np.array([float(r[name]) if k else 0.0 for r, k in zip(rows, known_I, strict=True)])
        figures[f"Pearson of {name}"] = pearson(score_I, label_I, known_I)
        figures[f"Spearman of {name}"] = spearman(score_I, label_I, known_I)
    for name, found in zip(figures, bootstrap_estimates(list(figures.values()), text_I, 1000, noun="texts"), strict=True):
        yield "frank", name, found, ""


def ceilings(data: Path) -> Iterator[Row]:
    """A half of the raters as a judge of the other half, and the most that any judge could reach."""
    for name, folder, scale in (("dices", "dices", VoteScale(0, 1, 2)), ("mos_video, five points", "mos_video", VoteScale(1, 5, 5))):
        cases, verdicts = given_verdicts(load_cases(data / folder))
        table = table_of(cases, verdicts)
        keep_N = np.array([type(c.scale).__name__ != "Numeric" for c in table.criteria])[table.column_N]
        value_JI, known_JI = table.value_LN[:, keep_N], (table.state_LN == 1)[:, keep_N]
        rng = np.random.default_rng(0)
        half_J = rng.permutation(len(value_JI)) < len(value_JI) // 2
        judge = votes_of(value_JI[half_J], known_JI[half_J])
        others = votes_of(value_JI[~half_J], known_JI[~half_J])
        both_I = (judge.count_I > 0) & (others.count_I > 0)
        kept = votes_of(value_JI[~half_J][:, both_I], known_JI[~half_J][:, both_I])
        found = against_ceiling(judge.mean_I[both_I], kept, np.arange(int(both_I.sum())), scale)
        yield name, "Pearson of one half of raters with the other", told(found.pcc), ""
        yield name, "the most that any judge can reach", told(found.bound), ""


def told(found: Figure) -> Estimate:
    """Return a figure over items."""
    return as_estimate(found, "items")


def main() -> None:
    """Print the table."""
    data = Path(sys.argv[1])
    print("| set | figure | here [95 %] | published on the whole set |\n|---|---|---|---|")
    for source in (pandalm, realsumm, gherkin, llmbar, frank, ceilings):
        for name, what, found, published in source(data):
            shown = "undefined" if found.value is None else f"{found.value:.3f}" if abs(found.value) < 10 else f"{found.value:.0f}"
            between = "" if found.low is None else f" [{found.low:.3f}, {found.high:.3f}]"
            print(f"| {name} | {what} | {shown}{between} | {published} |")


if __name__ == "__main__":
    main()
