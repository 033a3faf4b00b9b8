"""The native files: cases, rubrics, responses and verdicts, as JSON, JSON lines, TOML or YAML."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from criterial.core.builder import check_verdict
from criterial.core.criterion import Criterion
from criterial.core.digest import canonical, plain
from criterial.core.rubric import Rubric
from criterial.core.scale import label_of, parse_value
from criterial.core.task import Case, Message, Response, Task
from criterial.core.verdict import CAUSES, State, Verdict
from criterial.errors import FormatError, TableError
from criterial.formats.format import Format
from criterial.formats.media import INLINE, Sources, read_text
from criterial.formats.reading import Document
from criterial.formats.shorthand import full_rubric, media_of, messages_of
from criterial.formats.validation import below, build, take, word

__all__ = [
    "FORMAT",
    "case_of",
    "case_to_dict",
    "responses_of",
    "rubric_of",
    "rubric_to_dict",
    "told_value",
    "verdict_of",
    "verdict_to_dict",
]

_CASE_KEYS = ("id", "prompt", "messages", "media", "references", "reference", "context", "tags", "rubric", "responses")
_STATES = {"decided": State.DECIDED, "abstained": State.ABSTAINED, "not_applicable": State.NOT_APPLICABLE, "failed": State.FAILED}
_A_VERDICT = 'a verdict is {"response": ..., "criterion": ..., "value": ...}'
_EXACT = 2**53


def rubric_of(given: Any, path: str = "") -> Rubric:
    """Return a rubric from plain data in short or full form.

    Parameters
    ----------
    given : object
        A list of criteria, or an object that holds it.
    path : str
        Where it stands in its document.

    Returns
    -------
    Rubric

    Raises
    ------
    FormatError
        At the first fault.
    """
    return build(Rubric, full_rubric(given, path), path, unsaid="criteria" if isinstance(given, list) else "")


def case_of(
    given: Mapping[str, Any], sources: Sources = INLINE, rubric: Rubric | None = None, seen: dict[str, Rubric] | None = None
) -> Case:
    """Return a case from plain data.

    Parameters
    ----------
    given : mapping
        One object of a cases file.
    sources : Sources, optional
        Where images and references may come from; without them they stand in the case itself.
    rubric : Rubric, optional
        Takes the place of the case's own; verdicts on that one are left out.
    seen : dict, optional
        Rubrics read so far; equal ones are shared.

    Returns
    -------
    Case

    Raises
    ------
    FormatError
        At the first fault.
    """
    unknown = [k for k in given if k not in _CASE_KEYS]
    if unknown:
        raise FormatError(f"unknown key {unknown[0]!r}", path=unknown[0], hint=f"a case has {', '.join(_CASE_KEYS)}")
    task = _task(given, sources)
    judged = rubric if rubric is not None else _own_rubric(given, seen)
    responses: list[Response] = []
    verdicts: list[Verdict] = []
    listed: list[Any] = take(given, "responses", list, default=[])
    for place, item in enumerate(listed):
        response, marks = _response(item, f"r{place + 1}", sources, f"responses[{place}]")
        responses.append(response)
        if marks is not None and rubric is None:
            verdicts += _marks(marks, judged, response.id, task.id, f"responses[{place}].verdicts")
    return Case(task, judged, tuple(responses), tuple(verdicts))


def _own_rubric(given: Mapping[str, Any], seen: dict[str, Rubric] | None) -> Rubric:
    if "rubric" not in given:
        raise FormatError("the case has no rubric", hint='write "rubric": [...] in it, or pass one for all cases with --rubric FILE')
    written = given["rubric"]
    if seen is None:
        return rubric_of(written, "rubric")
    key = canonical(written)
    if key not in seen:
        seen[key] = rubric_of(written, "rubric")
    return seen[key]


def _task(given: Mapping[str, Any], sources: Sources) -> Task:
    if ("prompt" in given) == ("messages" in given):
        raise FormatError(
            "a case has either a prompt or messages", hint='write "prompt": "..." or "messages": [{"role": ..., "content": ...}]'
        )
    key = "prompt" if "prompt" in given else "messages"
    messages = _shown(messages_of(given[key], "user", sources, key), given, sources, "")
    if "id" not in given:
        raise FormatError("'id' is missing", hint="every case needs an id of its own")
    fields = {
        "id": word(given, "id"),
        "messages": messages,
        "references": _references(given, sources),
        "context": given.get("context", ""),
        "tags": given.get("tags", ()),
    }
    return build(Task, fields)


def _references(given: Mapping[str, Any], sources: Sources) -> Any:
    """Return references, with the texts of those that are given by their URL."""
    if "references" not in given:
        one = given.get("reference")
        return [] if one is None or one == "" else [_reference(one, sources, "reference")]
    listed = given["references"]
    return [_reference(r, sources, f"references[{i}]") for i, r in enumerate(listed)] if isinstance(listed, list) else listed


def _reference(given: Any, sources: Sources, path: str) -> str:
    if isinstance(given, str):
        return given
    if not isinstance(given, Mapping) or set(given) != {"url"}:
        raise FormatError("expected a text", path=path, hint='or {"url": ...}, which `criterial grade` fetches with --fetch HOST')
    return read_text(take(given, "url", str, path), sources, below(path, "url"))


def _shown(messages: tuple[Message, ...], given: Mapping[str, Any], sources: Sources, path: str) -> tuple[Message, ...]:
    """Return messages with the images that stand beside them in the last one."""
    if "media" not in given:
        return messages
    *before, last = messages
    return (*before, replace(last, media=last.media + media_of(given["media"], sources, below(path, "media"))))


def _response(given: Any, name: str, sources: Sources, path: str) -> tuple[Response, Any]:
    if isinstance(given, str):
        given = {"text": given}
    if not isinstance(given, Mapping):
        raise FormatError("expected a response", path=path, hint='write {"id": ..., "system": ..., "text": ...}')
    if ("text" in given) == ("messages" in given):
        raise FormatError("a response has either a text or messages", path=path)
    key = "text" if "text" in given else "messages"
    messages = _shown(messages_of(given[key], "assistant", sources, below(path, key)), given, sources, path)
    rest = {k: v for k, v in given.items() if k not in (key, "media", "verdicts")}
    return build(Response, {**rest, "id": word(given, "id", path, name), "messages": messages}, path), given.get("verdicts")


def _marks(given: Any, rubric: Rubric, response: str, task: str, path: str) -> list[Verdict]:
    """Return verdicts that stand inside a response: a map of criterion to value, or a list of verdict objects."""
    if isinstance(given, Mapping):
        given = [{"criterion": k, **(v if isinstance(v, Mapping) else {"value": v})} for k, v in given.items()]
    if not isinstance(given, list):
        raise FormatError("expected verdicts", path=path, hint='write {"c1": 1, "c2": 0}')
    by_id = {c.id: c for c in rubric.criteria}
    named = {"response": response, "task": task}
    return [verdict_of({**named, **v} if isinstance(v, Mapping) else v, by_id.get, f"{path}[{i}]") for i, v in enumerate(given)]


def verdict_of(given: Mapping[str, Any], criterion_of: Callable[[str], Criterion | None], path: str = "") -> Verdict:
    """Return a verdict from one object of a verdicts file.

    Parameters
    ----------
    given : mapping
        ``response``, ``criterion`` and ``value``, or ``state`` where it is not decided.
    criterion_of : callable
        Gives the criterion by its id, whose scale says what the value means.
    path : str
        Where the object stands.

    Returns
    -------
    Verdict

    Raises
    ------
    FormatError
        If something is missing, unknown or no value of the criterion's scale.
    """
    if not isinstance(given, Mapping):
        raise FormatError("expected a verdict", path=path, hint=_A_VERDICT)
    data = dict(given)
    for key in ("response", "criterion"):
        if key not in data:
            raise FormatError(f"{key!r} is missing", path=path, hint=_A_VERDICT)
        data[key] = word(data, key, path)
    data["task"] = word(data, "task", path, "")
    criterion = criterion_of(data["criterion"])
    if criterion is None:
        raise FormatError(f"there is no criterion {data['criterion']!r} for response {data['response']!r}", path=below(path, "criterion"))
    value = _value(data.pop("value", None), criterion, below(path, "value"))
    state = take(data, "state", str, path, "failed" if value is None else "decided")
    if state not in _STATES:
        raise FormatError(f"there is no state {state[:40]!r}", path=below(path, "state"), hint=", ".join(_STATES))
    if (state == "decided") != (value is not None):
        raise FormatError("a value goes with the state decided, and with no other", path=below(path, "value"))
    cause = take(data, "cause", str, path, {"abstained": "cannot_assess", "failed": "missing"}.get(state, ""))
    if cause and cause not in CAUSES:
        raise FormatError(f"there is no cause {cause[:40]!r}", path=below(path, "cause"), hint=", ".join(CAUSES))
    return _checked(build(Verdict, {**data, "state": _STATES[state], "value": value, "cause": cause}, path), criterion, path)


def _checked(verdict: Verdict, criterion: Criterion, path: str) -> Verdict:
    if verdict.repeat < 0:
        raise FormatError(f"the repeat is {verdict.repeat}; repeats are counted from 0", path=below(path, "repeat"))
    try:
        check_verdict(verdict, criterion)
    except TableError as error:
        raise FormatError(str(error), path=below(path, "probs"), hint="one probability a level, worst first") from None
    return verdict


def _value(raw: Any, criterion: Criterion, path: str) -> float | None:
    try:
        return None if raw is None else parse_value(criterion.scale, raw)
    except TableError as error:
        raise FormatError(str(error), path=path) from None


def responses_of(given: Mapping[str, Any], sources: Sources = INLINE) -> tuple[str, Response]:
    """Return a response and the id of its task from one object of a responses file.

    Parameters
    ----------
    given : mapping
        ``task`` (or ``prompt_id``), ``text`` (or ``messages``), ``system``, ``id``.
    sources : Sources, optional
        Where images and references may come from; without them they stand in the case itself.

    Returns
    -------
    tuple of (str, Response)

    Raises
    ------
    FormatError
        At the first fault.
    """
    key = "task" if "task" in given else "prompt_id"
    if key not in given:
        raise FormatError("'task' is missing", hint='a response is {"task": ..., "system": ..., "text": ...}')
    task = word(given, key)
    rest = {k: v for k, v in given.items() if k not in ("task", "prompt_id")}
    response, _ = _response(rest, f"{task}/{given.get('system', 'response')}", sources, "")
    return task, response


def case_to_dict(case: Case) -> dict[str, Any]:
    """Return a case as plain data that `case_of` reads back to an equal case.

    Parameters
    ----------
    case : Case
        Any case.

    Returns
    -------
    dict
    """
    criteria = {c.id: c for c in case.rubric.criteria}
    task = {k: v for k, v in plain(case.task).items() if k in ("references", "context", "tags")}
    responses = [_response_to_dict(r, [v for v in case.verdicts if v.response == r.id], criteria) for r in case.responses]
    messages = [_message_to_dict(m) for m in case.task.messages]
    return {"id": case.task.id, "messages": messages, **task, "rubric": rubric_to_dict(case.rubric), "responses": responses}


def rubric_to_dict(rubric: Rubric) -> dict[str, Any]:
    """Return a rubric as plain data that `rubric_of` reads back to an equal rubric.

    Parameters
    ----------
    rubric : Rubric
        Any rubric.

    Returns
    -------
    dict
    """
    written: dict[str, Any] = plain(rubric)
    if rubric.tree is not None:  # a tree that names no policy is read under the policy `tree`
        written.setdefault("policy", {"name": rubric.policy.name})
    return written


def _response_to_dict(response: Response, verdicts: Sequence[Verdict], criteria: Mapping[str, Criterion]) -> dict[str, Any]:
    out = {k: v for k, v in plain(response).items() if k != "messages"}
    out["messages"] = [_message_to_dict(m) for m in response.messages]
    marks = [verdict_to_dict(v, criteria[v.criterion]) for v in verdicts]
    if marks:
        out["verdicts"] = [{k: v for k, v in m.items() if k not in ("response", "task")} for m in marks]
    return out


def _message_to_dict(message: Message) -> dict[str, Any]:
    out: dict[str, Any] = {"role": message.role, "content": message.content}
    if message.media:
        out["media"] = [{"url": m.url, "name": m.name} if m.name else m.url for m in message.media]
    return out


def verdict_to_dict(verdict: Verdict, criterion: Criterion) -> dict[str, Any]:
    """Return a verdict as plain data that `verdict_of` reads back.

    Parameters
    ----------
    verdict : Verdict
        Any verdict.
    criterion : Criterion
        Its criterion, whose scale names the value.

    Returns
    -------
    dict
    """
    out: dict[str, Any] = {"task": verdict.task, "response": verdict.response, "criterion": verdict.criterion}
    if verdict.value is None:
        out["state"] = verdict.state.name.lower()
    else:
        out["value"] = told_value(criterion, verdict.value)
    rest = {
        "cause": verdict.cause,
        "probs": list(verdict.probs),
        "reason": verdict.reason,
        "judge": verdict.judge,
        "repeat": verdict.repeat,
    }
    out.update({k: v for k, v in rest.items() if v})
    if not verdict.calibrated:
        out["calibrated"] = False
    return out


def told_value(criterion: Criterion, value: float) -> str | int | float:
    """Return a value as files have it: a level's label where levels have names, else the number.

    Parameters
    ----------
    criterion : Criterion
        The criterion.
    value : float
        A value of its scale.

    Returns
    -------
    str, int or float
    """
    if criterion.scale.type in ("ordinal", "choice"):
        return label_of(criterion.scale, value)
    return int(value) if value.is_integer() and abs(value) < _EXACT else value


def _read(document: Document, rubric: Rubric | None) -> Iterator[Case]:
    seen: dict[str, Rubric] = {}
    return document.each(lambda item: case_of(item, document.sources, rubric, seen))


def _matches(first: Mapping[str, Any]) -> bool:
    keys = set(first)
    return (
        bool(keys & {"prompt", "messages"})
        and ("rubric" in keys or "responses" in keys)
        and not keys & {"items", "rubrics", "score_rubric"}
    )


FORMAT = Format("native", "cases in the native form", _matches, _read)
