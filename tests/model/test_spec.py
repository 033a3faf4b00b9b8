"""Judges by name: every kind is made, what is missing is said, and no secret gets into an identity."""

from __future__ import annotations

import re

import pytest

import criterial as cr
from criterial.core.verdict import Verdict
from criterial.errors import ConfigError
from criterial.model.spec import JudgeSettings, make_decider

URL = "http://127.0.0.1:8000/v1"


@pytest.mark.parametrize(
    ("spec", "name", "per_call"),
    [(f"chat:m@{URL}", "m", 50), (f"decisions:m@{URL}", "m", 400), (f"systemone:m@{URL}", "m", 64), ("scripted:x.jsonl", "scripted", 1000)],
)
def test_every_kind_is_made_with_what_its_server_takes(spec: str, name: str, per_call: int) -> None:
    decider = make_decider(spec, script=[Verdict("r", "c", value=1.0)])
    assert (decider.name, decider.questions_per_call) == (name, per_call)


def test_criteria_per_call_never_passes_what_a_server_takes() -> None:
    assert make_decider(f"systemone:m@{URL}", JudgeSettings(criteria_per_call=500)).questions_per_call == 64
    assert make_decider(f"systemone:m@{URL}", JudgeSettings(criteria_per_call=5)).questions_per_call == 5


@pytest.mark.parametrize("spec", ["gpt", "chat", "chat:", "chat:m", "chat:@http://h", "chat:m@ftp://h", "nonsense:m@http://h", ""])
def test_what_is_missing_is_said(spec: str) -> None:
    with pytest.raises(ConfigError, match=re.compile("write|say the model")):
        make_decider(spec)


def test_url_and_key_come_from_the_environment_and_ours_goes_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_BASE_URL", "http://other/v1")
    assert "http://other/v1" in make_decider("chat:m").identity
    monkeypatch.setenv("CRITERIAL_BASE_URL", URL)
    assert URL in make_decider("chat:m").identity


def test_no_secret_gets_into_an_identity(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CRITERIAL_API_KEY", "sk-canary-1")
    decider = make_decider("chat:m@http://user:sk-canary-2@127.0.0.1:1/v1?key=sk-canary-3")
    assert "canary" not in f"{decider.identity} {decider.name} {decider!r}"


def test_whatever_can_change_an_answer_is_in_the_identity() -> None:
    def identity(spec: str = f"chat:m@{URL}", **settings: object) -> str:
        return make_decider(spec, JudgeSettings(**settings)).identity  # type: ignore[arg-type]

    base = identity()
    changed = [
        identity(f"chat:other@{URL}"),
        identity("chat:m@http://127.0.0.1:8001/v1"),
        identity(temperature=0.7),
        identity(temperature=None),
        identity(criteria_per_call=1),
        identity(logprobs=True),
        identity(parameters={"max_tokens": 100}),
    ]
    assert len({base, *changed}) == len(changed) + 1
    assert identity(concurrency=3, timeout=5.0, price=cr.Price(1, 1)) == base
