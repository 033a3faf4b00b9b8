"""How typed questions are put to a chat model: the words, the schema, and reading an answer back.

The order is instructions, then what is judged, then the criteria: everything that criteria of one response share comes first,
so that a prefix cache serves it. The reason comes before the answer. Criteria stand in a shuffled order, so that their places say
nothing about the rubric, and each under an alias of this call that occurs in nothing that is judged: an answer counts only under
an alias, so no verdict that stands in a response can be taken for the judge's, whoever repeats it. The alias comes right before the
answer: what breaks out of a reason would have to name it.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from criterial.core.digest import digest, short
from criterial.core.ports import Answer, DecisionRequest, Question
from criterial.errors import JudgeError

__all__ = ["NOT_APPLICABLE", "PROMPT_VERSION", "UNSURE", "Sheet", "read_answer"]

UNSURE = "unsure"
NOT_APPLICABLE = "n/a"
_FORMAT = "Give a reason of at most 25 words, then the answer: one of the labels, unsure where it cannot be told. Reply in JSON."
_ONE = "Criterion to judge (its code is {}):"
_MANY = "Criteria to judge, each on its own (give its code, which stands in brackets, after the reason):"
_WRITE = "Reply with the text that is asked for and nothing else."
_TELL = "What to write:"
_PLAIN_ONE = 'Reply with one JSON object and nothing else: {"reason": "...", "criterion": "code", "answer": "..."}'
_PLAIN_MANY = 'Reply with one JSON object and nothing else: {"answers": [{"reason": "...", "criterion": "code", "answer": "..."}, ...]}'
_LETTERS = "bcdfghjklmnpqrstvwxz"
_LENGTH = 6
PROMPT_VERSION = short(digest(_FORMAT, _ONE, _MANY, _WRITE, _TELL, _PLAIN_ONE, _PLAIN_MANY, UNSURE, NOT_APPLICABLE))
"""Changes with any word that a chat model is told here."""


@dataclass(frozen=True)
class Sheet:
    """The questions of one chat call in the order in which they are shown."""

    request: DecisionRequest
    """Input and questions."""
    order: tuple[int, ...]
    """Index in the request of the question shown first, second, ..."""
    aliases: tuple[str, ...]
    """Alias of each question of the request, in the request's order."""

    @classmethod
    def of(cls, request: DecisionRequest) -> Sheet:
        """Return a sheet in shuffled order and under aliases; they are the same whenever the same is asked.

        Parameters
        ----------
        request : DecisionRequest
            Input and questions.

        Returns
        -------
        Sheet
        """
        order = list(range(len(request.questions)))
        rng = random.Random(digest(request.input.digest, [q.digest for q in request.questions]))  # noqa: S311
        rng.shuffle(order)
        shown = "\n".join(b.text for b in request.input.blocks).casefold()
        aliases: list[str] = []
        while len(aliases) < len(order):
            alias = "".join(rng.choices(_LETTERS, k=_LENGTH))
            if alias not in shown and alias not in aliases:
                aliases.append(alias)
        return cls(request, tuple(order), tuple(aliases))

    def only(self, wanted: Sequence[int]) -> Sheet:
        """Return the sheet of some questions.

        Parameters
        ----------
        wanted : sequence of int
            Indices in the request.

        Returns
        -------
        Sheet
            In the same order as before.
        """
        keep = set(wanted)
        return replace(self, order=tuple(i for i in self.order if i in keep))

    @property
    def single(self) -> bool:
        """Whether one question is asked alone."""
        return len(self.order) == 1

    @property
    def text(self) -> bool:
        """Whether words are asked for, and no label."""
        return self.single and self.request.questions[self.order[0]].kind == "text"

    def system(self) -> str:
        """Return the system message: the same for every call of a run, so that a prefix cache serves it.

        Returns
        -------
        str
        """
        return f"{self.request.input.instructions}\n{_WRITE if self.text else _FORMAT}"

    def user(self, plain: bool = False) -> str:
        """Return the user message.

        Parameters
        ----------
        plain : bool
            Whether the shape of the reply is told in words, because no schema can be sent.

        Returns
        -------
        str
        """
        questions = [self.request.questions[i] for i in self.order]
        usual = _labels(questions[0])
        if self.text:
            lines = [_TELL, questions[0].text]
        elif self.single:
            lines = [_ONE.format(self.aliases[self.order[0]]), _with_levels(questions[0]), f"Labels: {', '.join(usual)}"]
        else:
            lines = [_MANY, f"Labels: {', '.join(usual)}"]
            for place, question in zip(self.order, questions, strict=True):
                labels = _labels(question)
                own = f" [labels: {', '.join(labels)}]" if labels != usual else ""
                lines.append(f"[{self.aliases[place]}] {_with_levels(question)}{own}")
        if plain and not self.text:
            lines.append(_PLAIN_ONE if self.single else _PLAIN_MANY)
        return f"{self.request.input.text}\n" + "\n".join(lines)

    def schema(self) -> dict[str, Any]:
        """Return the JSON schema of the reply.

        Returns
        -------
        dict
        """
        labels: list[str] = []
        for i in self.order:
            labels += [label for label in _labels(self.request.questions[i]) if label not in labels]
        numeric = any(self.request.questions[i].kind == "number" for i in self.order)
        answer = {"type": "string"} if numeric else {"type": "string", "enum": labels}
        if self.single:  # a reply that holds to it is all one object, and needs no code to be known
            return _object({"reason": {"type": "string"}, "answer": answer})
        item = _object({"reason": {"type": "string"}, "criterion": {"type": "string"}, "answer": answer})
        return _object({"answers": {"type": "array", "items": item}})

    def answers(self, value: Mapping[str, Any]) -> bool:
        """Return whether an object of a reply names a criterion of this sheet, and so is the judge's own.

        Parameters
        ----------
        value : mapping
            Any object.

        Returns
        -------
        bool
        """
        return any(self._named(item) is not None for item in self._items(value))

    def read(self, reply: Mapping[str, Any]) -> tuple[dict[int, Answer], str]:
        """Return the answers in a reply by question, and what is wrong with the rest.

        Parameters
        ----------
        reply : mapping
            An object that should match `schema`.

        Returns
        -------
        tuple of (dict of int to Answer, str)
            Answers by the question's index in the request; the fault in words, empty where nothing is open.
        """
        items = [(self._named(item), item) for item in self._items(reply)]
        given = Counter(place for place, _ in items)
        found: dict[int, Answer] = {}
        faults: list[str] = []
        for place, item in items:
            if place is None:
                faults.append("an answer is under no criterion's code")
            elif given[place] > 1:
                faults.append(f"criterion {self.aliases[place]} was answered more than once")
            else:
                try:
                    found[place] = read_answer(self.request.questions[place], item)
                except JudgeError as error:
                    faults.append(f"criterion {self.aliases[place]}: {error.detail}")
        faults += [f"criterion {self.aliases[i]} has no answer" for i in self.order if i not in given]
        return found, "; ".join(dict.fromkeys(faults))

    def _items(self, reply: Mapping[str, Any]) -> Sequence[Any]:
        items = [reply] if self.single else reply.get("answers")
        return items if isinstance(items, list) else []

    def _named(self, item: Any) -> int | None:
        """Return the question whose alias an item names, None where it names none.

        An item that names it before the reason and answers after it does not count: an answer that breaks out of the reason would.
        """
        named = item.get("criterion") if isinstance(item, dict) else None
        keys = [key for key in item if key in ("reason", "criterion", "answer")] if isinstance(named, str) else []
        if keys == ["criterion", "reason", "answer"]:
            return None
        return next((i for i in self.order if isinstance(named, str) and self.aliases[i] == named.strip("[] ")), None)


def read_answer(question: Question, item: object) -> Answer:
    """Return the answer in one object of a reply.

    Parameters
    ----------
    question : Question
        What was asked.
    item : object
        ``{"reason": ..., "answer": ...}``.

    Returns
    -------
    Answer

    Raises
    ------
    JudgeError
        With cause ``malformed`` where it is no answer to this question. Nothing is clamped or guessed.
    """
    given, reason = (item.get("answer"), str(item.get("reason") or "")) if isinstance(item, dict) else (None, "")
    word = _word(given)
    chosen = _level_named(question, word)
    if chosen is not None:
        return Answer("decided", tuple(float(i == chosen) for i in range(len(question.levels))), reason=reason)
    if word.casefold() == UNSURE:
        return Answer("abstained", reason=reason, cause="cannot_assess")
    if word.casefold() == NOT_APPLICABLE and question.condition:
        return Answer("not_applicable", reason=reason)
    if question.kind == "number":
        return _read_number(question, word, reason)
    raise JudgeError("malformed", f"{word[:40]!r} is none of {', '.join(_labels(question))}")


def _level_named(question: Question, word: str) -> int | None:
    labels = [level.label for level in question.levels]
    if word in labels:
        return labels.index(word)
    folded = [label.casefold() for label in labels]
    return folded.index(word.casefold()) if word.casefold() in folded else None


def _word(given: object) -> str:
    if isinstance(given, bool):
        return "yes" if given else "no"
    if isinstance(given, float) and given.is_integer():
        return str(int(given))
    if isinstance(given, (int, float)):
        return repr(given)
    return given.strip() if isinstance(given, str) else ""


def _read_number(question: Question, word: str, reason: str) -> Answer:
    try:
        number = float(word)
    except ValueError:
        raise JudgeError("malformed", f"{word[:40]!r} is no number") from None
    if not question.low <= number <= question.high:
        raise JudgeError("malformed", f"{number:g} is outside {question.low:g} to {question.high:g}")
    if question.integer and number != int(number):
        raise JudgeError("malformed", f"{number:g} is not a whole number")
    return Answer("decided", number=number, reason=reason)


def _labels(question: Question) -> list[str]:
    number = "a whole number" if question.integer else "a number"
    own = [level.label for level in question.levels] or [f"{number} from {question.low:g} to {question.high:g}"]
    if question.kind == "predicate":
        own = ["yes", "no"]
    return [*own, UNSURE, *([NOT_APPLICABLE] if question.condition else [])]


def _with_levels(question: Question) -> str:
    text = question.text
    if question.condition:
        text += f"\n(Only where this holds, otherwise {NOT_APPLICABLE}: {question.condition})"
    described = [f"{level.label} = {level.description}" for level in question.levels if level.description]
    return "\n".join([text, *described])


def _object(properties: dict[str, Any]) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": list(properties), "additionalProperties": False}
