"""Responses that say nothing: what they are, and which criteria a program can settle on them before any judge is asked.

Some judges credit a colon or "Thought process:" in place of an answer (arXiv 2507.08794). A response says nothing where, turn by turn
and line by line, it holds no letter, digit or picture, or no more than an opening phrase of a closed list. What asks for something to
be there is then not met, and neither is a fault that something has to be there for. What emptiness can meet ("avoids", "does not", "fails
to", "is brief", "refuses") is left to the judge, and so is all where the task may want just that: it is a reference answer, or is quoted or
listed in the task or a criterion, or the task is about punctuation.
"""

# ruff: noqa: RUF001 - letters of other scripts are what is meant

from __future__ import annotations

import re
import string
import unicodedata
from collections.abc import Iterator

from criterial.core.criterion import Criterion
from criterial.core.scale import Binary, Likert, Numeric, Ordinal
from criterial.core.task import Case, Response

__all__ = ["OPENERS", "empty_value", "says_nothing"]

OPENERS: dict[str, tuple[str, ...]] = {
    "English": (
        "Solution", "Answer", "Thought process", "Let's solve this problem step by step", "Let's think step by step", "Final answer",
        "The answer is", "The solution is", "Here is the solution", "Reasoning", "Explanation", "Response", "Step 1",
    ),
    "German": ("Lösung", "Antwort", "Gedankengang", "Lösen wir dieses Problem Schritt für Schritt", "Die Antwort ist", "Erklärung"),
    "French": ("Réponse", "Processus de réflexion", "Résolvons ce problème étape par étape", "La réponse est", "Explication"),
    "Spanish": ("Solución", "Respuesta", "Proceso de pensamiento", "Resolvamos este problema paso a paso", "La respuesta es"),
    "Portuguese": ("Solução", "Resposta", "Processo de pensamento", "Vamos resolver este problema passo a passo", "A resposta é"),
    "Italian": ("Soluzione", "Risposta", "Processo di pensiero", "Risolviamo questo problema passo dopo passo", "La risposta è"),
    "Dutch": ("Oplossing", "Antwoord", "Denkproces", "Laten we dit probleem stap voor stap oplossen"),
    "Polish": ("Rozwiązanie", "Odpowiedź", "Proces myślowy", "Rozwiążmy ten problem krok po kroku"),
    "Turkish": ("Çözüm", "Cevap", "Düşünce süreci", "Bu problemi adım adım çözelim"),
    "Russian": ("Решение", "Ответ", "Ход мыслей", "Давайте решим эту задачу шаг за шагом"),
    "Arabic": ("الحل", "الجواب", "الإجابة", "عملية التفكير", "لنحل هذه المسألة خطوة بخطوة"),
    "Hindi": ("हल", "उत्तर", "समाधान", "विचार प्रक्रिया", "आइए इस समस्या को चरण दर चरण हल करें"),
    "Chinese": ("解", "解答", "答案", "解决方案", "思考过程", "让我们一步一步地解决这个问题"),
    "Japanese": ("かいせつ", "解説", "解答", "答え", "思考過程", "この問題を段階的に解いてみましょう"),
    "Korean": ("해설", "해답", "답", "답변", "사고 과정", "이 문제를 단계별로 풀어 봅시다"),
}  # fmt: skip
"""Phrases that open an answer and are none, by language."""


_TURKISH = {ord("ı"): "i", 0x307: None}


def _bare(text: str) -> str:
    """Return a text's letters, digits and pictures, in one form: no case, blanks, punctuation, markdown or invisible characters."""
    kept = (c for c in unicodedata.normalize("NFKC", text).casefold() if unicodedata.category(c)[0] in "LMNS")
    return "".join(c for c in kept if c not in string.punctuation).translate(_TURKISH)


_KEYS = frozenset(_bare(phrase) for phrases in OPENERS.values() for phrase in phrases)
_LONGEST = 2_000
_PIECES = re.compile(
    r"\"([^\"\n]{1,80})\"|“([^”\n]{1,80})”|(?<!\w)'([^'\n]{1,80})'(?!\w)|`([^`\n]{1,80})`|«([^»\n]{1,80})»|「([^」\n]{1,80})」"
)
_LISTED = re.compile(r"^\s*(?:[-*•]|\(?\w{1,2}[.):])\s+(\S.{0,79}?)\s*$", re.M)
_ABOUT_SIGNS = re.compile(r"\b(?:punctuation|symbols?|operators?|delimiters?|separators?)\b", re.I)
_MET_BY_NOTHING = re.compile(
    r"^(?:(?!(?:that|which|who|whose|if|when|where|why|how|because|whether)\b)[\w’'-]+\W+){0,6}?"
    r"(?:not|cannot|\w+n[’']t|no|never|nothing|none|neither|without|avoid\w*|refrain\w*|abstain\w*|omit\w*|lack\w*|miss(?:es|ing)|fail\w*|"
    r"absen\w*|neglect\w*|forget\w*|exclud\w*|leav\w* out|free (?:of|from)|empty|blank|silen\w*|refus\w*|declin\w*|"
    r"brief\w*|short\w*|concis\w*|succinct\w*|terse\w*|(?:at most|less than|fewer than|under|up to) [\w-]+ "
    r"(?:words?|sentences?|lines?|characters?|paragraphs?|tokens?))\b",
    re.I,
)


def says_nothing(case: Case, response: Response) -> str:
    """Return why a response is taken to say nothing; empty where it may say something, or its task may want just that.

    Parameters
    ----------
    case : Case
        Task and rubric.
    response : Response
        The response.

    Returns
    -------
    str
    """
    turns = [m.content for m in response.messages if m.role == "assistant"]
    if not turns or any(m.media or m.role == "tool" for m in response.messages) or not all(map(_is_empty, turns)):
        return ""
    said = " ".join(turns).strip()
    if _wanted(case, said):
        return ""
    return f"the response says nothing ({said[:40]!r}), so no judge was asked"


def empty_value(criterion: Criterion) -> float | None:
    """Return the value of a criterion for a response that says nothing, None where a judge has to say.

    Parameters
    ----------
    criterion : Criterion
        Any.

    Returns
    -------
    float or None
        The lowest value of its scale.
    """
    if criterion.scope not in ("response", "turn") or criterion.applies_when is not None or _MET_BY_NOTHING.match(criterion.text.lstrip()):
        return None
    scale = criterion.scale
    if isinstance(scale, (Binary, Numeric)):
        return 0.0 if isinstance(scale, Binary) else scale.low
    if criterion.is_fault or not isinstance(scale, (Ordinal, Likert)):
        return None
    return float(isinstance(scale, Likert))


def _is_empty(turn: str) -> bool:
    return len(turn) <= _LONGEST and all(_bare(line) in ("", *_KEYS) for line in turn.splitlines())


def _wanted(case: Case, said: str) -> bool:
    """Return whether a task may rightly be answered by this."""
    if any(_same(piece, said) for piece in case.task.references):
        return True
    asked = [m.content for m in case.task.messages]
    if said and not _bare(said) and any(map(_ABOUT_SIGNS.search, asked)):
        return True
    return any(_same(piece, said) for text in (*asked, *(c.text for c in case.rubric.criteria)) for piece in _pieces(text))


def _pieces(text: str) -> Iterator[str]:
    """Yield what a text quotes or lists."""
    for found in _PIECES.finditer(text):
        yield next(g for g in found.groups() if g is not None)
    for found in _LISTED.finditer(text):
        yield found.group(1)


def _same(one: str, other: str) -> bool:
    """Return whether two texts are the same in bare form; of two that have none, whether they are the same signs."""
    bare = _bare(one)
    if bare or _bare(other):
        return bare == _bare(other)
    return "".join(unicodedata.normalize("NFKC", one).split()) == "".join(unicodedata.normalize("NFKC", other).split())
