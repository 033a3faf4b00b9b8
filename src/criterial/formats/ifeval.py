"""IFEval: prompts with named instructions and their arguments. What a check of ours decides just as IFEval does becomes that check.

IFEval counts an instruction as followed where the response is not blank and its function returns true, on the response as it stands
(its strict mode). The patterns here say the same in one expression: `_SAID` asks for something that is not blank, `_BLANK` is what
Python strips, and `_WORD` is what Python takes for a letter of a word.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

from criterial.core.criterion import Check, Criterion, Source
from criterial.core.rubric import Rubric
from criterial.core.task import Case, Message, Task
from criterial.errors import FormatError
from criterial.formats.format import Format
from criterial.formats.pieces import objects
from criterial.formats.reading import Document
from criterial.formats.validation import below, build, take, texts, word

__all__ = ["FORMAT"]

_BLANK = r"[\s\x1c-\x1f]"
_SOLID = r"[^\s\x1c-\x1f]"
_INLINE = rf"(?:(?!\n){_BLANK})"
_WORD = r"[\p{L}\p{N}_]"
_SAID = rf"\A(?={_BLANK}*+{_SOLID})"
_SPECIAL = frozenset(".^$*+?{}[]\\|()")
_ALSO = {"k": "\u212a", "i": "\u0130"}
_OPTIONS = ["My answer is yes.", "My answer is no.", "My answer is maybe."]


class _Meaning(NamedTuple):
    """What an instruction asks for."""

    text: str
    check: Check | None = None


class _Args:
    """The arguments of one instruction, typed as it needs them; null is not there."""

    def __init__(self, given: Mapping[str, Any], path: str) -> None:
        self.given = {k: v for k, v in given.items() if v is not None}
        self.path = path

    def text(self, key: str) -> str:
        """Return a text that is not blank."""
        value: str = take(self.given, key, str, self.path)
        if not value.strip():
            raise FormatError("expected a text that is not blank", path=below(self.path, key))
        return value

    def texts(self, key: str) -> list[str]:
        """Return a list of at least one text."""
        listed = texts(self.given, key, self.path)
        if not listed or not all(listed):
            raise FormatError("expected a list of texts, none of them empty", path=below(self.path, key))
        return listed

    def whole(self, key: str) -> int:
        """Return a whole number, 0 or more; other programs write 3 as 3.0 where a column has gaps."""
        number: float = take(self.given, key, (int, float), self.path)
        if number != int(number) or number < 0:
            raise FormatError(f"expected a whole number, 0 or more, found {number:g}", path=below(self.path, key))
        return int(number)

    def relation(self, key: str) -> str:
        """Return ``at least`` or ``less than``."""
        said: str = take(self.given, key, str, self.path)
        if said not in ("at least", "less than"):
            raise FormatError(f"there is no relation {said[:40]!r}", path=below(self.path, key), hint="at least or less than")
        return said


# ---------------------------------------------------------------------------------------------------------------- patterns


def _regex(pattern: str, flags: str = "s", **bounds: int) -> Check:
    return Check("regex", {"pattern": pattern, "flags": flags, **bounds})


def _often(unit: str, relation: str, number: int, flags: str = "s") -> Check:
    """Return the check that something occurs at least, or less than, a number of times."""
    if relation == "less than":
        return _regex(rf"{_SAID}(?!(?:(?:(?!{unit}).)*+{unit}){{{number}}})", flags)
    return _regex(unit, flags, min=number) if number else _regex(_SAID)


def _plain(text: str) -> bool:
    """Return whether a text means itself as a regular expression, which is what IFEval takes it for."""
    return bool(text) and not _SPECIAL & set(text)


def _lowered(text: str) -> str | None:
    """Return the pattern of all that Python's lower() turns into what it makes of a text; None where that is not known here."""
    out = ""
    for letter in text:
        if letter.isascii() and letter.isalpha():
            small = letter.lower()
            out += f"[{small}{small.upper()}{_ALSO[small] if small == 'k' else ''}]"
        elif letter.lower() == letter.upper():
            out += re.escape(letter)
        else:
            return None
    return out


# ---------------------------------------------------------------------------------------------------------------- instructions


def _existence(args: _Args) -> _Meaning:
    words = args.texts("keywords")
    check = _regex(_SAID + "".join(f"(?=.*{w})" for w in words), "is") if all(map(_plain, words)) else None
    return _Meaning(f"Contains each of these keywords: {', '.join(words)}.", check)


def _frequency(args: _Args) -> _Meaning:
    keyword, relation, number = args.text("keyword").strip(), args.relation("relation"), args.whole("frequency")
    check = _often(keyword, relation, number, "is") if _plain(keyword) else None
    return _Meaning(f"The keyword “{keyword}” occurs {relation} {number} times.", check)


def _forbidden(args: _Args) -> _Meaning:
    words = args.texts("forbidden_words")
    known = all(_plain(w) and re.fullmatch(r"\w(?:.*\w)?", w, re.DOTALL) for w in words)
    check = _regex(f"{_SAID}(?!.*(?<!{_WORD})(?:{'|'.join(words)})(?!{_WORD}))", "is") if known else None
    return _Meaning(f"Contains none of these words: {', '.join(words)}.", check)


def _letter(args: _Args) -> _Meaning:
    letter, relation, number = args.text("letter").strip().lower(), args.relation("let_relation"), args.whole("let_frequency")
    one = f"[{re.escape(letter)}{letter.upper() if letter.isalpha() else ''}{_ALSO.get(letter, '')}]"
    check = _often(one, relation, number) if len(letter) == 1 and letter.isascii() else None
    return _Meaning(f"The letter “{letter}”, large or small, occurs {relation} {number} times.", check)


def _words(args: _Args) -> _Meaning:
    relation, number = args.relation("relation"), args.whole("num_words")
    return _Meaning(f"Has {relation} {number} words.", _often(f"{_WORD}++", relation, number))


def _sentences(args: _Args) -> _Meaning:
    return _Meaning(f"Has {args.relation('relation')} {args.whole('num_sentences')} sentences.")


def _paragraphs(args: _Args) -> _Meaning:
    number = args.whole("num_paragraphs")
    one = rf"{_BLANK}*+(?!\*{{3}}){_SOLID}(?:(?!\*{{3}}).)*+"
    pattern = rf"\A(?:{_BLANK}*+\*{{3}})?+{one}(?:\*{{3}}{one}){{{number - 1}}}(?:\*{{3}}{_BLANK}*+)?\Z"
    return _Meaning(f"Has exactly {number} paragraphs, divided by ***.", _regex(pattern) if number else None)


def _nth_paragraph(args: _Args) -> _Meaning:
    number, place, first = args.whole("num_paragraphs"), args.whole("nth_paragraph"), args.text("first_word")
    return _Meaning(f"Has exactly {number} paragraphs, divided by blank lines; paragraph {place} begins with the word “{first}”.")


def _placeholders(args: _Args) -> _Meaning:
    number = args.whole("num_placeholders")
    text = f"Has at least {number} placeholders in square brackets, such as [address]."
    return _Meaning(text, _often(r"\[[^\]\n]*+\]", "at least", number))


def _postscript(args: _Args) -> _Meaning:
    marker = args.text("postscript_marker").strip()
    patterns = {"P.S.": rf"[pP]\.{_BLANK}?[sS]\.", "P.P.S": rf"[pP]\.{_BLANK}?[pP]\.{_BLANK}?[sS]"}
    check = _regex(patterns[marker]) if marker in patterns else None
    return _Meaning(f"Has a postscript at the end that begins with {marker}", check)


def _bullets(args: _Args) -> _Meaning:
    number = args.whole("num_bullets")
    # a star alone on its line takes the next line along as its text, so that a star there opens no further bullet
    pattern = rf"^{_INLINE}*+(?:\*[^*\n]|-|\*\n(?:{_INLINE}*+\*(?=[^*]))?)"
    return _Meaning(f"Has exactly {number} bullet points (* or -).", _regex(pattern, min=number, max=number) if number else None)


def _highlights(args: _Args) -> _Meaning:
    return _Meaning(f"Highlights at least {args.whole('num_highlights')} parts in markdown, as in *highlighted*.")


def _sections(args: _Args) -> _Meaning:
    number, mark = args.whole("num_sections"), args.text("section_spliter").strip()
    check = _often(rf"{mark}{_BLANK}?\d++", "at least", number) if _plain(mark) else None
    return _Meaning(f"Has at least {number} sections, each marked “{mark}” with its number.", check)


def _title(_: _Args) -> _Meaning:
    # not blank once the brackets are stripped: after the opening ones stands more than blanks and the line's last closing ones
    pattern = rf"<<<*+(?!{_INLINE}*+>++(?![^\n]*>>))[^\n]*>>"
    return _Meaning("Has a title in double angular brackets, such as <<title>>.", _regex(pattern))


def _two_responses(_: _Args) -> _Meaning:
    rest = r"(?:(?!\*{6}).)"
    one = rf"{_BLANK}*+(?!\*{{6}}){_SOLID}{rest}*+"
    same = rf"{_BLANK}*+((?!\*{{6}}){_SOLID}{rest}*?){_BLANK}*+\*{{6}}{_BLANK}*+\1{_BLANK}*+(?:\*{{6}}|\Z)"
    pattern = rf"\A(?:{_BLANK}*+\*{{6}})?+(?!{same}){one}\*{{6}}{one}(?:\*{{6}}{_BLANK}*+)?\Z"
    return _Meaning("Gives two different responses, divided by ******.", _regex(pattern))


def _repeat(args: _Args) -> _Meaning:
    prompt = args.text("prompt_to_repeat").strip()
    # an İ is i and a dot to lower(): at the end of the prompt it would be one
    pattern = None if prompt[-1] in "iI" else _lowered(prompt)
    check = _regex(rf"\A{_BLANK}*+{pattern}") if pattern else None
    return _Meaning(f"First repeats this request word for word, then answers it: {prompt}", check)


def _ending(args: _Args) -> _Meaning:
    phrase = args.text("end_phrase").strip()
    pattern = None if '"' in phrase else _lowered(phrase)
    check = _regex(rf'{pattern}"*+{_BLANK}*+\Z') if pattern else None
    return _Meaning(f"Ends with exactly this phrase and nothing after it: {phrase}", check)


def _quotation(_: _Args) -> _Meaning:
    return _Meaning("Is wrapped in double quotation marks as a whole.", _regex(rf'\A{_BLANK}*+".*"{_BLANK}*+\Z'))


def _no_comma(_: _Args) -> _Meaning:
    return _Meaning("Contains no comma.", _regex(rf"{_SAID}[^,]*+\Z"))


def _constrained(_: _Args) -> _Meaning:
    check = Check("contains", {"texts": _OPTIONS, "match": "any", "case_sensitive": True})
    return _Meaning(f"Contains one of these answers: {' '.join(_OPTIONS)}", check)


def _capitals(args: _Args) -> _Meaning:
    return _Meaning(
        f"Words in capital letters throughout occur {args.relation('capital_relation')} {args.whole('capital_frequency')} times."
    )


def _language(args: _Args) -> _Meaning:
    return _Meaning(f"Is in the language with the code “{args.text('language')}” as a whole.")


_INSTRUCTIONS: dict[str, Callable[[_Args], _Meaning]] = {
    "change_case:capital_word_frequency": _capitals,
    "change_case:english_capital": lambda _: _Meaning("Is in English and in capital letters as a whole."),
    "change_case:english_lowercase": lambda _: _Meaning("Is in English and in small letters as a whole."),
    "combination:repeat_prompt": _repeat,
    "combination:two_responses": _two_responses,
    "detectable_content:number_placeholders": _placeholders,
    "detectable_content:postscript": _postscript,
    "detectable_format:constrained_response": _constrained,
    "detectable_format:json_format": lambda _: _Meaning("Is JSON as a whole, inside ``` or not."),
    "detectable_format:multiple_sections": _sections,
    "detectable_format:number_bullet_lists": _bullets,
    "detectable_format:number_highlighted_sections": _highlights,
    "detectable_format:title": _title,
    "keywords:existence": _existence,
    "keywords:forbidden_words": _forbidden,
    "keywords:frequency": _frequency,
    "keywords:letter_frequency": _letter,
    "language:response_language": _language,
    "length_constraints:nth_paragraph_first_word": _nth_paragraph,
    "length_constraints:number_paragraphs": _paragraphs,
    "length_constraints:number_sentences": _sentences,
    "length_constraints:number_words": _words,
    "punctuation:no_comma": _no_comma,
    "startend:end_checker": _ending,
    "startend:quotation": _quotation,
}


# ---------------------------------------------------------------------------------------------------------------- reading


def _read(document: Document, _: Rubric | None) -> Iterator[Case]:
    return document.each(_case)


def _case(item: Mapping[str, Any]) -> Case:
    identity = word(item, "key")
    names, arguments = texts(item, "instruction_id_list"), objects(item, "kwargs")
    if len(names) != len(arguments):
        raise FormatError(f"expected {len(names)} objects, one an instruction, found {len(arguments)}", path="kwargs")
    criteria = tuple(_criterion(name, _Args(*arguments[i]), i) for i, name in enumerate(names))
    task = Task(identity, (Message("user", take(item, "prompt", str)),))
    return Case(task, Rubric(criteria, id=identity, source=Source("IFEval")), ())


def _criterion(name: str, args: _Args, place: int) -> Criterion:
    family, _, short = name.partition(":")
    made = _INSTRUCTIONS[name](args) if name in _INSTRUCTIONS else _Meaning(_told(name, args))
    fields = {
        "id": f"i{place + 1}",
        "text": made.text,
        "title": short or name,
        "kind": "rule",
        "category": (family,),
        "check": made.check,
        "tags": (f"ifeval:{name}",),
    }
    return build(Criterion, fields, f"instruction_id_list[{place}]")


def _told(name: str, args: _Args) -> str:
    """Return an instruction that is not known here in the file's own words."""
    said = [f"{key} = {', '.join(map(str, v)) if isinstance(v, list) else v}" for key, v in args.given.items()]
    return f"Follows the instruction {name}{': ' if said else ''}{'; '.join(said)}."


def _matches(first: Mapping[str, Any]) -> bool:
    return {"instruction_id_list", "kwargs", "prompt"} <= set(first)


FORMAT = Format(
    "ifeval",
    "IFEval prompts with named instructions, as checks where possible (JSON lines)",
    _matches,
    _read,
    cites="instruction_following_eval",
)
