"""The check `coherence`: an ordered text stands out among its shuffles, and what is no text is not read; on real answers it is measured."""

from __future__ import annotations

import gzip
import json
from typing import Any

import numpy as np
import pytest

from criterial.core.criterion import Check, Criterion
from criterial.core.scale import Binary, Numeric, Scale
from criterial.core.verdict import State, Verdict
from criterial.errors import ConfigError
from criterial.judge.checks import CHECKS, Subject, run_check
from criterial.judge.coherence import Coherence, sentences_of
from tests.helpers_files import answer, real, task

CHAIN = [
    "The river rises in the mountains above the village.",
    "Above the village the mountains are covered with snow.",
    "In spring the snow melts and fills the stream.",
    "The stream drives the old mill in the valley.",
    "The mill grinds wheat that grows in the valley.",
    "The wheat is baked into bread by the baker.",
    "The baker sells the bread at the market.",
    "At the market people come from the harbour.",
    "From the harbour ships sail to the islands.",
    "The islands send oranges back on the ships.",
]

CHINESE = "\u4eca\u5929\u5929\u6c14\u5f88\u597d\u6211\u4eec\u53bb\u3002"


@pytest.fixture(autouse=True)
def _registered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(CHECKS, "coherence", Coherence)  # type: ignore[arg-type]


def ran(text: str, scale: Scale | None = None, **options: Any) -> Verdict:
    criterion = Criterion("c", "is well ordered", scale or Binary(), check=Check("coherence", options))
    return run_check(criterion, Subject(task(), answer(text)))


def share(text: str, **options: Any) -> float:
    found = ran(text, Numeric(0, 1), graded=True, **options)
    assert found.state == State.DECIDED, found.reason
    return float(found.value)


def shuffled(sentences: list[str], seed: int) -> str:
    return " ".join(sentences[i] for i in np.random.default_rng(seed).permutation(len(sentences)))


def test_an_ordered_text_stands_out_and_its_shuffles_do_not() -> None:
    assert share(" ".join(CHAIN)) >= 0.95
    assert np.mean([share(shuffled(CHAIN, seed)) for seed in range(30)]) == pytest.approx(0.5, abs=0.16)
    assert ran(" ".join(CHAIN)).value == 1.0 and ran(" ".join(CHAIN), min=1.0).value == float(share(" ".join(CHAIN)) >= 1.0)


def test_backwards_says_the_same() -> None:
    # not to the digit: the shuffles are others
    assert share(" ".join(CHAIN[::-1])) == pytest.approx(share(" ".join(CHAIN)), abs=0.05)


def test_the_sentence_that_fits_least_is_named() -> None:
    odd = "Quantum chromodynamics describes gluons."
    found = ran(" ".join([*CHAIN[:5], odd, *CHAIN[5:]]))
    assert f"fits its neighbours least: {odd!r}" in found.reason


def test_against_a_reference_a_typical_text_is_typical_and_a_jumble_is_not() -> None:
    rng = np.random.default_rng(0)
    words = [f"{a}{b}" for a in ("lor", "mip", "sum", "tak", "ned", "vor") for b in ("an", "el", "it", "ox", "ub", "yr")]

    def text(jumble: bool = False) -> str:
        # each sentence shares most of its words with the one before
        at, out = int(rng.integers(0, 36)), []
        for _ in range(12):
            at = int(rng.integers(0, 36)) if jumble else at + 1
            out.append(" ".join(words[(at + k) % 36] for k in range(6)).capitalize() + ".")
        return " ".join(out)

    reference = [text() for _ in range(30)]
    typical, jumbled = ([share(text(j), reference=reference) for _ in range(12)] for j in (False, True))
    assert np.mean(typical) == pytest.approx(0.5, abs=0.3) and max(jumbled) == 0.0
    found = ran(text(jumble=True), reference=reference)
    assert found.value == 0.0 and "times as rough as the 30 reference texts, 0% of which are rougher" in found.reason
    assert ran(text(), reference=reference).value == 1.0


def test_what_is_no_text_is_not_read() -> None:
    text = "# A heading here\n\nDr. Smith slept e.g. on a bed. J. Doe wrote it!\n```py\nprint('No. Sentence here.')\n```\n"
    text += "| a cell | b |\n|---|---|\n- first bullet point\n- second bullet point\n3. third item here\n\nYes:\n"
    text += f"It cost 3.5 euros and no more. {CHINESE}"
    assert sentences_of(text) == [
        "Smith slept e.g. on a bed.",
        "J. Doe wrote it!",
        "first bullet point",
        "second bullet point",
        "third item here",
        "It cost 3.5 euros and no more.",
        CHINESE,
    ]
    assert sentences_of("```\nA fence that never ends. It is all code.") == []


def test_too_little_to_tell_abstains() -> None:
    for text, says in (
        (" ".join(CHAIN[:3]), "3 sentences are too few"),
        ("", "0 sentences are too few"),
        (" ".join(["The same sentence again."] * 6), "all sentences are the same"),
    ):
        found = ran(text)
        assert (found.state, found.cause) == (State.ABSTAINED, "cannot_assess") and says in found.reason
    found = ran(" ".join([CHINESE] * 5), reference=[" ".join(CHAIN)] * 2)
    assert found.state == State.ABSTAINED and "no words with the reference" in found.reason


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"reference": "text"}, "reference is a list"),
        ({"reference": [" ".join(CHAIN), "Too short."]}, "at least two have four sentences"),
        ({"min": 2}, "min is a share"),
        ({"min": True}, "min is a share"),
        ({"graded": 1}, "graded is true or false"),
        ({"dims": 4}, "dims is a whole number from 8 to 32"),
        ({"shuffles": 10**6}, "shuffles is a whole number from 20"),
    ],
)
def test_options_that_cannot_work_are_refused(options: dict[str, Any], says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        Coherence(**options)


def test_the_same_text_gets_the_same_verdict() -> None:
    assert ran(" ".join(CHAIN)) == ran(" ".join(CHAIN))


# ------------------------------------------------------------------------------------------------------------------------ real text


def answers(name: str, key: str, most: int) -> list[str]:
    with gzip.open(real(name), "rt", encoding="utf-8") as lines:
        texts = dict.fromkeys(str(json.loads(line)[key]) for line in lines)
    return [t for t in texts if len(sentences_of(t)) >= 5][:most]


@pytest.mark.parametrize(
    ("source", "key", "without", "with_reference"),
    [
        # long answers of several paragraphs: the card asks for 80 %
        ("judgebench/pairs.jsonl.gz", "chosen", 0.80, 0.80),
        # answers of 15 sentences in the median, which share few words: the card's 80 % is not reached without a model
        ("prometheus_bench/ordinal_gpt4.jsonl.gz", "response", 0.54, 0.62),
    ],
)
def test_real_answers_are_told_from_their_shuffles(source: str, key: str, without: float, with_reference: float) -> None:
    texts = answers(source, key, 200)
    reference, held = texts[::2], texts[1::2]
    assert len(held) == 100
    alone = [share(t, shuffles=20) for t in held]
    known = [float(c.split("rougher than its order: ")[1].split("%")[0]) / 100
             for c in (ran(t, reference=reference, shuffles=20).reason for t in held)]  # fmt: skip
    assert np.mean(alone) >= without and np.mean(known) >= with_reference
