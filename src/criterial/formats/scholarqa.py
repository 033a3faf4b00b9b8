"""ScholarQA-CS2's meta-evaluation: pairs of research reports with people's preferences and the scores of people and metrics.

A file is one set of pairs, or one annotator's answers to it; in a folder, the annotators of a set are judges of the same cases. The
reports themselves are not part of the files. The scores stand beside the preference as criteria of weight 0: a response's score is whether
it was preferred.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from criterial.core.criterion import Criterion, Source
from criterial.core.digest import digest, short
from criterial.core.rubric import Rubric
from criterial.core.scale import Numeric
from criterial.core.task import Case, Message, Response, Task
from criterial.core.verdict import Verdict
from criterial.errors import FormatError
from criterial.formats.format import Format
from criterial.formats.pairing import PAIR, Opinion, pair_case
from criterial.formats.pieces import UNSEEN_OUTPUT, by_response, tagged
from criterial.formats.reading import Document
from criterial.formats.validation import NULL, build, take

__all__ = ["FORMAT"]

_METRICS = {
    "overall": "How good the report is overall.",
    "overall_citation": "How good its citations are overall.",
    "answer_precision": "Which share of its paragraphs addresses the question.",
    "answer_recall": "Which share of what an answer needs it has.",
    "citation_precision": "Which share of its citations supports its claim at least in part.",
    "citation_recall": "Which share of its claims is supported in full by its citations.",
}
_RATED = "_rating"
_SOURCE = Source("ScholarQA-CS2 meta-evaluation, arXiv 2603.06942")
_SHARES = tuple(Criterion(name, text, Numeric(0, 1), weight=0) for name, text in _METRICS.items())
_RATINGS = tuple(
    Criterion(f"{name}{_RATED}", f"{text} (people's rating from 1 to 3)", Numeric(1, 3), weight=0)
    for name, text in _METRICS.items()
    if "citation" in name
)
_JUDGED = Rubric((PAIR, *_SHARES), id="scholarqa_cs2", source=_SOURCE)
_RATED_ONLY = Rubric((PAIR, *_SHARES, *_RATINGS), id="scholarqa_cs2_assigned", source=_SOURCE)
"""Of pairs that were assigned, people rated the citations and no more."""
_FILE = re.compile(r"(?:pairwise_)?(?P<set>.+?)(?:_ann(?P<who>\d+))?$")
_METRIC = "metric"


@dataclass
class _Pair:
    """One pair of reports, as far as it has been read."""

    task: Task
    rubric: Rubric
    responses: dict[str, Response]
    opinions: list[Opinion] = field(default_factory=list)
    scores: dict[tuple[str, str, str], Verdict] = field(default_factory=dict)
    """By response, criterion and judge: the metrics' own scores stand in every annotator's file."""


def _read(document: Document, _: Rubric | None) -> Iterator[Case]:
    pairs: dict[str, _Pair] = {}
    for file in document.files() if document.path.is_dir() else [document]:
        named = _FILE.match(file.stem)
        name, who = (named["set"], named["who"]) if named else (file.stem, None)
        judge = f"annotator-{who}" if who else "human"
        for place, item in file.objects():
            with place.told():
                _add(pairs, item, name, judge)
    for pair in pairs.values():
        first, second = pair.responses.values()
        made = pair_case(pair.task, pair.rubric, first, second, pair.opinions)
        yield Case(made.task, made.rubric, made.responses, by_response([*made.verdicts, *pair.scores.values()], made.responses))


def _add(pairs: dict[str, _Pair], item: Mapping[str, Any], name: str, judge: str) -> None:
    question: str = take(item, "question", str)
    models = _two(item, "models", str)
    if models[0] == models[1]:
        raise FormatError("expected two models, found one twice", path="models[1]")
    identity = f"{name}/{short(digest(question, sorted(models)))}"
    rubric = _JUDGED if "human_overall" in item else _RATED_ONLY
    pair = pairs.setdefault(identity, _Pair(_task(item, identity, question), rubric, {m: _report(identity, m) for m in models}))
    if pair.rubric is not rubric:
        raise FormatError("people judged this pair's reports as a whole in one file and only rated their citations in another")
    if any(o.judge == judge for o in pair.opinions):
        raise FormatError(f"the pair {' and '.join(models)} occurs twice for this question", path="models")
    pair.opinions.append(_opinion(item, pair, models, judge))
    for verdict in _scores(item, pair, models, judge):
        known = pair.scores.setdefault((verdict.response, verdict.criterion, verdict.judge), verdict)
        if known.value != verdict.value:
            raise FormatError(f"{verdict.criterion} of {verdict.response!r} was {known.value} before, and is {verdict.value}")


def _opinion(item: Mapping[str, Any], pair: _Pair, models: list[Any], judge: str) -> Opinion:
    liked = dict(zip(models, _two(item, "preference_ranking_norm", (int, float)), strict=True))
    first, second = (liked[m] for m in pair.responses)
    winner = "tie" if first == second else "first" if first > second else "second"
    return Opinion(judge, winner, reason=f"ranked {first:g} against {second:g}")


def _task(item: Mapping[str, Any], identity: str, question: str) -> Task:
    tags = (f"set:{identity.partition('/')[0]}", *tagged(item, "question_intent"))
    return build(Task, {"id": identity, "messages": (Message("user", question),), "tags": tags})


def _report(identity: str, model: str) -> Response:
    return Response(f"{identity}/{model}", (Message("assistant", UNSEEN_OUTPUT),), system=model)


def _scores(item: Mapping[str, Any], pair: _Pair, models: list[Any], judge: str) -> Iterator[Verdict]:
    """Yield the scores that an object holds."""
    rated = "" if pair.rubric is _JUDGED else _RATED
    for metric in _METRICS:
        for key, by, criterion in ((f"model_{metric}", _METRIC, metric), (f"human_{metric}", judge, metric + rated)):
            if key not in item:
                continue
            if criterion not in pair.rubric.index:
                raise FormatError("expected no such score where human_overall is missing", path=key)
            for place, (model, value) in enumerate(zip(models, _two(item, key, (int, float, NULL)), strict=True)):
                if value is not None:
                    scale = pair.rubric.criteria[pair.rubric.index[criterion]].scale
                    if not isinstance(scale, Numeric) or not scale.low <= value <= scale.high:
                        raise FormatError(f"{value:g} lies outside the scale of {criterion}", path=f"{key}[{place}]")
                    yield Verdict(pair.responses[model].id, criterion, value=float(value), judge=by, task=pair.task.id)


def _two(item: Mapping[str, Any], key: str, kind: type[Any] | tuple[type[Any], ...]) -> list[Any]:
    listed: list[Any] = take(item, key, list)
    if len(listed) != 2:
        raise FormatError(f"expected two values, found {len(listed)}", path=key)
    return [take({f"{key}[{i}]": v}, f"{key}[{i}]", kind) for i, v in enumerate(listed)]


def _matches(first: Mapping[str, Any]) -> bool:
    return {"question", "models", "preference_ranking_norm"} <= set(first)


def _folder(document: Document) -> bool:
    files = document.files()
    return bool(files) and all(d.stem.startswith("pairwise_") and _matches(d.first) for d in files)


FORMAT = Format(
    "scholarqa",
    "annotated pairs of research reports (JSON), or a folder of them",
    _matches,
    _read,
    cites="allenai/ai2-scholarqa-eval",
    folder=_folder,
)
