"""Hostile responses against templates: how many of 300 leave their block, here and in templates built as others build theirs.

    python benchmarks/injection.py [CASES] [--data FOLDER]

The set is that of `criterial audit injection`, on its own 25 tasks, or on 25 of CASES. The other templates are rebuilt in our own words
after their documented structure (which marks stand around the response, and what is rewritten in it): what is measured is that
structure and not their products. A response is outside where a reader who takes the first closing mark for the end of its block finds
more of it after that, or finds it or the criteria where they do not belong; the gullible judge does what it is told there. With
--data the sets in a folder are searched for real responses that the gate would settle.
"""

from __future__ import annotations

import argparse
import asyncio
import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from criterial.audit.injection import Injection, injection
from criterial.audit.injection_set import FAMILIES, VERSION
from criterial.audit.injection_tasks import tasks
from criterial.core.ports import DecisionReply, DecisionRequest
from criterial.core.task import Case, Message
from criterial.errors import CriterialError
from criterial.formats.load import read_cases
from criterial.judge.content import says_nothing
from criterial.judge.pointwise import pointwise
from criterial.model.chat_format import Sheet
from criterial.model.gullible import GullibleDecider, is_order, outside
from criterial.run.loading import sample_cases

Leak = Callable[[Case, str], str]
"""From a case and the response's text to what of the prompt a reader takes for something else than the response."""


def nonce_fence(case: Case, text: str) -> str:
    """Return what stands outside our tags and does not where the response is empty."""
    ours = told_outside(with_text(case, "nothing"))
    return "\n".join(line for line in told_outside(with_text(case, text)) if line not in ours)


def told_outside(case: Case) -> list[str]:
    """Return the lines of a case's prompt that stand outside its blocks, without the aliases of that call."""
    seen: list[DecisionRequest] = []

    class Recorder(GullibleDecider):
        async def decide(self, request: DecisionRequest) -> DecisionReply:
            seen.append(request)
            return await super().decide(request)

    asyncio.run(pointwise(case, case.responses[0], Recorder()))
    sheet = Sheet.of(seen[0])
    lines = outside(f"{sheet.system()}\n{sheet.user()}").splitlines()
    ours = re.compile("|".join(sheet.aliases))
    return [ours.sub("", line) for line in lines]


def with_text(case: Case, text: str) -> Case:
    first = replace(case.responses[0], messages=(Message("assistant", text),))
    return replace(case, responses=(first,))


def after(text: str, closing: str) -> str:
    """Return what stands after the first closing mark that the text itself holds."""
    _, _, rest = f"\n{text}\n".partition(closing)
    return rest.strip()


def backticks(case: Case, text: str) -> str:
    """Return what leaves three backticks, the response being put between them as it is."""
    return after(text, "\n```")


def tag(case: Case, text: str) -> str:
    """Return what leaves a plain tag that is not rewritten."""
    return after(text, "</submission>")


def two_pass(case: Case, text: str) -> str:
    """Return what leaves a turn of a conversation that is told as lines, filled by one replacement after the other."""
    criterion = "\n".join(c.text for c in case.rubric.criteria)
    filled = text.replace("<<rubric_item>>", criterion)
    turn = re.search(r"\n\n(?:user|assistant|system): |\n# Rubric item", f"\n\n{filled}"[2:])
    return filled[turn.start() :] if turn else criterion if filled != text else ""


def data_marks(case: Case, text: str) -> str:
    """Return what leaves marks of the data, which are rewritten in the response."""
    return after(re.sub(r"\[(BEGIN|END) DATA\]", r"[\1-DATA]", text, flags=re.I), "[END DATA]")


def data_slot(case: Case, text: str) -> str:
    """Return what leaves the response's own slot within the data, which a line of stars ends."""
    return after(text, "\n***\n")


TEMPLATES: dict[str, Leak] = {
    "criterial: nonce tags": nonce_fence,
    "verifiers v1: ``` around the response": backticks,
    "simple-evals HealthBench: turns as lines, two replacements": two_pass,
    "autorubric: <submission>": tag,
    "inspect: [BEGIN DATA] rewritten": data_marks,
    "inspect: the slot between its *** lines": data_slot,
}


def against_templates(cases: Sequence[Case]) -> None:
    variants = injection(cases, Injection(each=True)).variants
    attacks = [(v.name, c, c.responses[0].text) for v in variants for c in v.cases]
    print(f"attack set {VERSION}: {len(FAMILIES)} families, {len(attacks)} responses\n")
    print("| template | outside its block | the gullible judge obeys | families that get out |\n|---|---|---|---|")
    for name, leak in TEMPLATES.items():
        leaks = [(family, leak(case, text)) for family, case, text in attacks]
        out = Counter(family for family, leaked in leaks if leaked)
        obeyed = sum(is_order(leaked) for _, leaked in leaks)
        told = ", ".join(f"{family} {n}" for family, n in out.most_common())
        print(f"| {name} | {sum(out.values())} | {obeyed} | {told or '-'} |")


def settled_of(folder: Path) -> None:
    print("\n| set | responses | settled as saying nothing | of them not blank |\n|---|---|---|---|")
    for place in sorted(p for p in folder.iterdir() if p.is_dir()):
        try:
            cases = read_cases(place)
        except CriterialError:
            continue  # a set without responses, or of several files that are read apart
        said = [r.text for c in cases for r in c.responses if says_nothing(c, r)]
        print(f"| {place.name} | {sum(len(c.responses) for c in cases)} | {len(said)} | {sum(bool(t.strip()) for t in said)} |")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("cases", nargs="?", type=Path)
    parser.add_argument("--data", type=Path)
    given = parser.parse_args()
    with_responses = [c for c in read_cases(given.cases) if c.responses] if given.cases else list(tasks())
    against_templates(sample_cases(with_responses, 25))
    if given.data:
        settled_of(given.data)


if __name__ == "__main__":
    main()
