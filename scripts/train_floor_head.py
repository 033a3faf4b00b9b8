"""Train the head of the embedded judge on the development parts of shared/data, and say how well it does on what it has not seen.

    python scripts/train_floor_head.py [--shared ../shared] [--write]

Three kinds of human labels, each with the same total weight: REALSumm (does a summary state a content unit), SAF (is a short
answer fully correct, as coverage of the reference), WiCE (is a claim supported by cited text). Printed are: agreement on
held-out documents of each kind; on each kind when the head never saw it; and then with 50 labels of it
(`criterial judge calibrate`). With --write the head goes to src/criterial/model/floor_head.json.
"""

from __future__ import annotations

import argparse
import ast
import gzip
import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from criterial.formats.load import read_cases
from criterial.maths.agreement import auroc, counts_of, kappa_of
from criterial.maths.bootstrap import cluster_weights
from criterial.model.encoder import load_encoder
from criterial.model.floor_features import Text, features
from criterial.model.floor_head import Head, fit_head
from criterial.model.floor_router import claim_of

Array = np.ndarray[Any, np.dtype[Any]]
_LONGEST = 12_000


def lines(path: Path) -> Iterator[dict[str, Any]]:
    with gzip.open(path, "rt", encoding="utf-8") as file:
        yield from map(json.loads, file)


def realsumm(data: Path) -> Iterator[tuple[str, str, bool, str]]:
    for case in read_cases(data / "realsumm_scu"):
        criteria = {c.id: c.text for c in case.rubric.criteria}
        responses = {r.id: r.text for r in case.responses}
        for verdict in case.verdicts:
            yield criteria[verdict.criterion], responses[verdict.response], bool(verdict.value), case.task.id


def saf(data: Path) -> Iterator[tuple[str, str, bool, str]]:
    references = {q["question_id"]: q["references"][0] for q in lines(data / "saf_short_answers/questions.jsonl.gz")}
    for row in lines(data / "saf_short_answers/answers.jsonl.gz"):
        if row["lang"] == "english" and row["answer"].strip():
            yield references[row["question_id"]], row["answer"], row["human_score"] >= 0.999, row["question_id"]


def wice(data: Path) -> Iterator[tuple[str, str, bool, str]]:
    for row in lines(data / "wice/claims.jsonl.gz"):
        evidence = row["evidence"] if isinstance(row["evidence"], list) else ast.literal_eval(row["evidence"])
        text = " ".join(e for e in evidence if not e.startswith("(meta"))
        if len(text) <= _LONGEST:
            yield row["claim"], text, row["label"] == "supported", row["id"]


def gather(data: Path) -> tuple[Array, Array, Array, Array]:
    """Return features, labels, groups and kinds of all labels."""
    encoder = load_encoder(2)

    @cache
    def read(text: str) -> Text:
        return Text(encoder.encode(text))

    rows: list[tuple[Array, bool, str, str]] = []
    sources: dict[str, Callable[[Path], Iterator[tuple[str, str, bool, str]]]] = {"realsumm": realsumm, "saf": saf, "wice": wice}
    for kind, source in sources.items():
        for criterion, response, met, group in source(data):
            rows.append((features([read(claim_of(criterion))], read(response))[0], met, f"{kind}/{group}", kind))
        print(f"{kind}: {sum(r[3] == kind for r in rows)} labels", flush=True)
    return (
        np.array([r[0] for r in rows]),
        np.array([r[1] for r in rows], float),
        np.array([r[2] for r in rows]),
        np.array([r[3] for r in rows]),
    )


def balance(kind: Array) -> Array:
    """Return weights that give every kind the same total."""
    weight = np.array([1.0 / (kind == k).sum() for k in kind])
    balanced: Array = weight * len(weight) / weight.sum()
    return balanced


def judged(p: Array, y: Array, band: tuple[float, float]) -> list[Callable[[Array | None], Array]]:
    """Return the figures as functions of bootstrap weights: AUROC, kappa at 1/2 and where decided, and the share decided."""
    sure = (p <= band[0]) | (p >= band[1])
    met, counts = y > 0.5, counts_of(p > 0.5, y > 0.5)

    def kappa(keep: Array) -> Callable[[Array | None], Array]:
        return lambda w: kappa_of((np.ones((1, len(p))) if w is None else w) @ (counts * keep[:, None]))

    def share(w: Array | None) -> Array:
        return np.array([sure.mean()]) if w is None else (w @ sure) / w.sum(axis=1)

    return [lambda w: auroc(p, met, w), kappa(np.ones(len(p))), kappa(sure.astype(float)), share]


def figures(p: Array, y: Array, group: Array, band: tuple[float, float]) -> list[str]:
    """Return each figure with its 95 % bootstrap interval over whole groups."""
    codes = np.unique(group, return_inverse=True)[1]
    shown = []
    for figure in judged(p, y, band):
        low, high = np.quantile(np.concatenate([figure(w) for w in cluster_weights(codes, 1000)]), [0.025, 0.975])
        shown.append(f"{float(figure(None)[0]):.3f} [{low:.3f}, {high:.3f}]")
    return shown


def folds(group: Array, count: int = 5, seed: int = 0) -> Iterator[Array]:
    """Yield masks of held-out items, whole groups at a time."""
    names = np.random.default_rng(seed).permutation(np.unique(group))
    for fold in np.array_split(names, count):
        yield np.isin(group, fold)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shared", type=Path, default=Path(__file__).resolve().parents[2] / "shared")
    parser.add_argument("--write", action="store_true")
    args = parser.parse_args()
    x, y, group, kind = gather(args.shared / "data")
    show("", ["AUROC", "kappa", "kappa where decided", "decided"])
    for name in np.unique(kind):
        mine = kind == name
        p = np.zeros(int(mine.sum()))
        for held in folds(group[mine]):
            train = ~mine
            train[np.flatnonzero(mine)[~held]] = True
            p[held] = fit_head(x[train], y[train], weight_I=balance(kind[train])).probability(x[mine][held])
        other = fit_head(x[~mine], y[~mine], weight_I=balance(kind[~mine]))
        show(f"{name}, held-out groups", figures(p, y[mine], group[mine], other.band))
        show(f"{name}, kind never seen", figures(other.probability(x[mine]), y[mine], group[mine], other.band))
        drawn = np.array([few(other, x[mine], y[mine], group[mine], seed) for seed in range(20)])
        low, high = np.quantile(drawn, [0.025, 0.975], axis=0)
        show(
            f"{name}, and 50 labels of it*", [f"{m:.3f} [{a:.3f}, {b:.3f}]" for m, a, b in zip(drawn.mean(axis=0), low, high, strict=True)]
        )
    print("intervals: 95 % bootstrap over groups; * mean and range of 19 in 20 over 20 draws of the 50 labels")
    head = replace(fit_head(x, y, weight_I=balance(kind)), note=f"REALSumm, SAF (English) and WiCE, development parts: {len(y)} labels")
    if args.write:
        path = Path(__file__).resolve().parents[1] / "src/criterial/model/floor_head.json"
        path.write_text(json.dumps(head.to_dict(), indent=1) + "\n", encoding="utf-8")
        print(f"wrote {path.name}")


def few(prior: Head, x: Array, y: Array, group: Array, seed: int, labels: int = 50) -> list[float]:
    """Return the figures after calibrating on labels of some groups, measured on the others."""
    rng = np.random.default_rng(seed)
    names = rng.permutation(np.unique(group))
    ours = np.isin(group, names[: len(names) // 2])
    chosen = rng.permutation(np.flatnonzero(ours))[:labels]
    head = fit_head(x[chosen], y[chosen], prior)
    return [float(figure(None)[0]) for figure in judged(head.probability(x[~ours]), y[~ours], head.band)]


def show(name: str, columns: list[str]) -> None:
    print(f"{name:30}" + "".join(f"{c:>24}" for c in columns), flush=True)


if __name__ == "__main__":
    main()
