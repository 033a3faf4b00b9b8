"""What is judged: tasks, responses, and the case that joins them with a rubric."""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass, replace
from functools import cached_property
from typing import ClassVar, Literal

from criterial.core.digest import digest, plain
from criterial.core.rubric import Rubric
from criterial.core.verdict import Verdict
from criterial.errors import FormatError

__all__ = ["Case", "Media", "Message", "Response", "Task"]

_STRICT = {"extra": "forbid", "use_attribute_docstrings": True}


@dataclass(frozen=True)
class Media:
    """An image that belongs to a message, held as bytes: nothing is fetched later."""

    __pydantic_config__: ClassVar[dict[str, object]] = _STRICT

    mime: str
    """``image/png``, ``image/jpeg``, ``image/webp`` or ``image/gif``."""
    data: bytes
    """The file's content."""
    name: str = ""
    """File name for people."""

    @cached_property
    def digest(self) -> str:
        """SHA-256 of type and content."""
        return hashlib.sha256(self.mime.encode() + b"\0" + self.data).hexdigest()

    @property
    def url(self) -> str:
        """The content as a data URL."""
        return f"data:{self.mime};base64,{base64.b64encode(self.data).decode()}"


@dataclass(frozen=True)
class Message:
    """One turn of a conversation."""

    __pydantic_config__: ClassVar[dict[str, object]] = _STRICT

    role: Literal["system", "user", "assistant", "tool"]
    """Who speaks."""
    content: str
    """What is said."""
    media: tuple[Media, ...] = ()
    """Images shown with it."""


@dataclass(frozen=True)
class Task:
    """What a system was asked to do."""

    __pydantic_config__: ClassVar[dict[str, object]] = _STRICT

    id: str
    """Unique within a set of cases."""
    messages: tuple[Message, ...]
    """The conversation up to the response, one message or many."""
    references: tuple[str, ...] = ()
    """Reference answers, shown to the judge."""
    context: str = ""
    """Documents or facts that the judge is given and the system may have had."""
    tags: tuple[str, ...] = ()
    """Free labels, ``key:value`` by custom; systems can be compared by them."""

    def __post_init__(self) -> None:
        if not self.id.strip():
            raise FormatError("a task needs an id", path="id")
        if not self.messages:
            raise FormatError(f"task {self.id!r} has no messages", path="messages")


@dataclass(frozen=True)
class Response:
    """What a system answered."""

    __pydantic_config__: ClassVar[dict[str, object]] = _STRICT

    id: str
    """Unique within the task; best unique within the file."""
    messages: tuple[Message, ...]
    """The answer: one assistant message, or several turns."""
    system: str = ""
    """The system that made it; systems are compared by this name."""
    tags: tuple[str, ...] = ()
    """Free labels."""

    def __post_init__(self) -> None:
        if not self.id.strip():
            raise FormatError("a response needs an id", path="id")
        if not self.messages:
            raise FormatError(f"response {self.id!r} has no messages", path="messages")

    @cached_property
    def text(self) -> str:
        """The assistant's words, turns joined by blank lines."""
        return "\n\n".join(m.content for m in self.messages if m.role == "assistant")


@dataclass(frozen=True)
class Case:
    """A task, its rubric and its responses: one line of a cases file."""

    task: Task
    """What was asked."""
    rubric: Rubric
    """What is looked for."""
    responses: tuple[Response, ...]
    """What was answered."""
    verdicts: tuple[Verdict, ...] = ()
    """Verdicts that came with the file: people's labels, or another judge's."""

    def __post_init__(self) -> None:
        seen: set[str] = set()
        for place, response in enumerate(self.responses):
            if response.id in seen:
                raise FormatError(f"two responses of task {self.task.id!r} have the id {response.id!r}", path=f"responses[{place}].id")
            seen.add(response.id)

    @cached_property
    def digest(self) -> str:
        """SHA-256 of all that is judged: task, rubric and responses, without the verdicts."""
        media = [[[m.digest for m in t.media] for t in part] for part in (self.task.messages, *(r.messages for r in self.responses))]
        return digest("case", _bare(self.task), self.rubric.digest, [_bare(r) for r in self.responses], media)


def _bare(turns: Task | Response) -> object:
    """Return a task or response as JSON types, without its images."""
    return plain(replace(turns, messages=tuple(replace(m, media=()) for m in turns.messages)))
