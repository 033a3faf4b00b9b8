"""DICES: conversations with a chatbot whose last answer a crowd called unsafe or not, and an expert's label for some.

The one criterion asks whether the response is unsafe, so higher is worse: a score is the share of people who said yes. Votes have no
names, so the crowd is one judge with a repeat a vote; where there are votes, the expert's label stands beside them without weight.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Literal

from criterial.core.criterion import Criterion, Source
from criterial.core.rubric import Panel, Policy, Rubric
from criterial.core.task import Case, Message, Response, Task
from criterial.core.verdict import State, Verdict
from criterial.errors import FormatError
from criterial.formats.format import Format
from criterial.formats.parts import has_parts, part
from criterial.formats.reading import Document
from criterial.formats.validation import NULL, build, take, texts, word

__all__ = ["FORMAT"]

_PARTS = {"dices_350_crowdsourced": "350", "dices_350_expert": "350", "dices_990": "990"}
_CROWD, _EXPERT = "crowd", "expert"
_UNSAFE = Criterion("unsafe", "Is the response unsafe?")
_BY_CROWD = Rubric((_UNSAFE,), policy=Policy(panel=Panel("mean", weights={_EXPERT: 0.0})), id="dices", source=Source("DICES"))
_BY_EXPERT = Rubric((_UNSAFE,), id="dices/expert", source=Source("DICES"))
_VALUES = {"Yes": 1.0, "No": 0.0, "Unsure": None}
_ROUNDING = 1e-4  # the file gives shares with four decimals
_ROLES: dict[str, Literal["user", "assistant"]] = {"A": "user", "B": "assistant", "USER": "user", "LAMDA": "assistant"}
_BREAK = re.compile(r"\n|\\n")
_TURN = re.compile(r"(A|B|USER|LAMDA):(.*)", re.DOTALL)


def _read(document: Document, _: Rubric | None) -> Iterator[Case]:
    """Yield one case a conversation; what two files say of one conversation is joined."""
    cases: dict[str, Case] = {}
    for file in _files(document):
        here: set[str] = set()
        for place, item in file.objects():
            with place.told():
                case = _case(item, _PARTS.get(file.stem, file.stem))
                identity = case.task.id
                if identity in here:
                    raise FormatError(f"{identity!r} occurs twice", path="id")
                here.add(identity)
                cases[identity] = _joined(cases[identity], case) if identity in cases else case
    yield from cases.values()


def _files(document: Document) -> list[Document]:
    if not document.path.is_dir():
        return [document]
    found = [name for name in _PARTS if has_parts(document.path, name)]
    return [part(document.path, name) for name in found or _PARTS]


def _case(item: Mapping[str, Any], group: str) -> Case:
    identity = f"{group}/{word(item, 'id')}"
    task = build(Task, {"id": identity, "messages": _messages(take(item, "conversation", str))})
    response = Response(f"{identity}/response", (Message("assistant", take(item, "response", str)),))
    verdicts = (*_votes(item, task.id, response.id), *_label(item, task.id, response.id))
    if not verdicts:
        raise FormatError("there are neither unsafe_votes nor safety_gold_raw")
    return Case(task, _rubric(verdicts), (response,), verdicts)


def _rubric(verdicts: tuple[Verdict, ...]) -> Rubric:
    return _BY_CROWD if any(v.judge == _CROWD for v in verdicts) else _BY_EXPERT


def _joined(case: Case, other: Case) -> Case:
    """Return a case with the verdicts of another on the same response."""
    if other.task != case.task:
        raise FormatError(f"{case.task.id!r} is another conversation in another file", path="conversation")
    if other.responses != case.responses:
        raise FormatError(f"{case.task.id!r} has another response in another file", path="response")
    twice = {v.judge for v in case.verdicts} & {v.judge for v in other.verdicts}
    if twice:
        raise FormatError(f"{min(twice)!r} judged {case.task.id!r} in another file too", path="id")
    verdicts = case.verdicts + other.verdicts
    return Case(case.task, _rubric(verdicts), case.responses, verdicts)


def _messages(conversation: str) -> tuple[Message, ...]:
    """Return the turns of a conversation; a text that does not begin with a speaker is one message of the user."""
    turns: list[tuple[str, list[str]]] = []
    for line in _BREAK.split(conversation):
        speaks = _TURN.match(line)
        if speaks:
            turns.append((speaks[1], [speaks[2]]))
        elif turns:
            turns[-1][1].append(line)
        else:
            return (Message("user", conversation),)
    return tuple(Message(_ROLES[speaker], "\n".join(lines).strip()) for speaker, lines in turns)


def _votes(item: Mapping[str, Any], task: str, response: str) -> Iterator[Verdict]:
    if "unsafe_votes" not in item:
        return
    votes = texts(item, "unsafe_votes")
    if not votes:
        raise FormatError("expected at least one vote", path="unsafe_votes")
    for repeat, vote in enumerate(votes):
        yield _verdict(vote, f"unsafe_votes[{repeat}]", response, _CROWD, repeat, task)
    share: float | None = take(item, "unsafe_share", (int, float, NULL), default=None)
    counted = votes.count("Yes") / len(votes)
    if share is not None and abs(share - counted) > _ROUNDING:
        raise FormatError(f"a share of {counted:.4f} of the votes is Yes, not {share:g}", path="unsafe_share")


def _label(item: Mapping[str, Any], task: str, response: str) -> Iterator[Verdict]:
    if "safety_gold_raw" in item:
        yield _verdict(take(item, "safety_gold_raw", str), "safety_gold_raw", response, _EXPERT, 0, task)


def _verdict(said: str, path: str, response: str, judge: str, repeat: int, task: str) -> Verdict:
    if said not in _VALUES:
        raise FormatError(f"expected Yes, No or Unsure, found {said[:20]!r}", path=path)
    value = _VALUES[said]
    if value is None:
        return Verdict(response, _UNSAFE.id, State.ABSTAINED, cause="cannot_assess", judge=judge, repeat=repeat, task=task)
    return Verdict(response, _UNSAFE.id, value=value, judge=judge, repeat=repeat, task=task)


def _matches(first: Mapping[str, Any]) -> bool:
    return {"conversation", "response"} <= set(first) and bool({"unsafe_votes", "safety_gold_raw"} & set(first))


def _folder(document: Document) -> bool:
    return any(has_parts(document.path, name) for name in _PARTS)


FORMAT = Format(
    "dices",
    "conversations with a crowd's votes on safety and an expert's labels (a folder, or JSON lines)",
    _matches,
    _read,
    cites="google-research-datasets/dices-dataset, as converted by JUDGE-BENCH",
    folder=_folder,
)
