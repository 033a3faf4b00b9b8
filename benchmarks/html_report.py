"""The HTML report of 10^5 verdicts in a real browser: its size, how soon it opens, and how soon it answers.

    python benchmarks/html_report.py [--verdicts 100000] [--letters 80]

Each verdict has a reason of about 80 characters, drawn word by word from this project's documents: these pack less well than sentences
(2.7 to 1, real responses 3.4 to 1 and better). The page is opened from its file. Seconds to open run from the call to the first rows; an
answer lasts from the event to the frame after it. Memory is what the page's script holds.
"""

from __future__ import annotations

import argparse
import random
import re
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from playwright.sync_api import Page, sync_playwright

import criterial as cr
from criterial.core.ports import Answer, DecisionReply, DecisionRequest, Usage

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "benchmarks")]

from million import Instant, cases  # noqa: E402
from tests.web.conftest import ARGUMENTS, CHROMIUM  # noqa: E402

WORDS = re.findall(r"[A-Za-z][a-z']*[.,]?", " ".join(path.read_text(encoding="utf-8") for path in sorted((ROOT / "docs").rglob("*.md"))))
EVENTS = {
    "a filter by system": ("select >> nth=0", "change", "3"),
    "a filter by criterion": ("input[list]", "input", "c3"),
    "a filter by verdict": ("select >> nth=2", "change", "failed"),
    "an order": ("select >> nth=1", "change", "lowest"),
    "the first search": ("input[type=search]", "input", "journal"),
    "a search": ("input[type=search]", "input", "the judge"),
    "the next page": ("#on", "click", ""),
}
ANSWER = """async (node, [event, value]) => {
  const began = performance.now();
  node.value = value;
  node.dispatchEvent(new Event(event));
  await new Promise((done) => requestAnimationFrame(() => setTimeout(done)));
  return (performance.now() - began) / 1000;
}"""


def prose(chance: random.Random, letters: int) -> str:
    """Return words of the documents, each by its frequency."""
    text = ""
    while len(text) < letters:
        text += " " + chance.choice(WORDS)
    return text[1:].capitalize()


class Talker(Instant):
    """A judge that takes no time and gives a reason; of 100 verdicts one fails and three are abstained."""

    async def decide(self, request: DecisionRequest) -> DecisionReply:
        chance = random.Random("/".join(request.input.label))
        return DecisionReply(tuple(self.answer(chance) for _ in request.questions), Usage(1))

    def answer(self, chance: random.Random) -> Answer:
        luck, share = chance.random(), round(chance.random(), 2)
        if luck < 0.01:
            return Answer("failed", cause="timeout")
        if luck < 0.04:
            return Answer("abstained", reason=prose(chance, 80), cause="uncertain")
        return Answer("decided", (1 - share, share), graded=True, reason=prose(chance, 80))


def graded(verdicts: int, letters: int, folder: Path) -> cr.Run:
    work: list[dict[str, Any]] = cases(verdicts)
    for case in work:
        for response in case["responses"]:
            response["text"] = prose(random.Random(response["id"]), letters)
    return cr.grade(work, Talker(), store=f"sqlite:///{folder}/store.sqlite", settings=cr.JudgeSettings(concurrency=64))


def opened(page: Page, path: Path) -> float:
    """Return the seconds from the call to the first rows."""
    began = time.perf_counter()
    page.goto(path.as_uri())
    page.wait_for_selector("#map td.cell button")
    return time.perf_counter() - began


def show(path: Path) -> None:
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=str(CHROMIUM), args=[*ARGUMENTS, "--enable-precise-memory-info"])
        tries = []
        for _ in range(3):
            page = chromium.new_page(viewport={"width": 1400, "height": 900})
            tries.append(opened(page, path))
        print(f"{'opens, three times':24} {' '.join(f'{t:.2f}' for t in sorted(tries))} s (bar 3)")
        first = page.evaluate("performance.getEntriesByName('first-contentful-paint')[0].startTime / 1000")
        print(f"{'first paint':24} {first:.2f} s")
        for name, (selector, event, value) in EVENTS.items():
            print(f"{name:24} {page.locator(selector).evaluate(ANSWER, [event, value]):.3f} s; {page.inner_text('#where')}")
            page.locator(selector).evaluate(ANSWER, [event, "given" if name == "an order" else ""])
        print(f"{'memory':24} {page.evaluate('performance.memory.usedJSHeapSize / 1e6'):.0f} MB")
        chromium.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--verdicts", type=int, default=100_000)
    parser.add_argument("--letters", type=int, default=80, help="length of a response")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        run = graded(given.verdicts, given.letters, Path(folder))
        began = time.perf_counter()
        path = run.report(Path(folder) / "report.html")
        print(f"{'written in':24} {time.perf_counter() - began:.1f} s, scores and intervals included")
        print(f"{'size':24} {path.stat().st_size / 1e6:.2f} MB (bar 10)")
        show(path)


if __name__ == "__main__":
    main()
