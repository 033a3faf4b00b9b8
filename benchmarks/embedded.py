"""How fast the embedded judge is: responses of 200 words a second, beside its encoder's bare forward pass, which is the floor."""

from __future__ import annotations

import asyncio
import os
import random
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from criterial.core.criterion import Criterion
from criterial.core.fence import Block
from criterial.core.ports import DecisionRequest, Input
from criterial.judge.pointwise import question_of
from criterial.model.encoder import Encoder, load_encoder
from criterial.model.floor_judge import FloorJudge

RESPONSES, WORDS = 60, 200
CRITERIA = (1, 10, 100)
VOCABULARY = """committee reviewed annual budget report noted several issue spending infrastructure project across northern
region during winter month official Berlin said percent fund unused hospital patient doctor treatment
recommended weekly exercise river bridge closed storm damage repair company profit quarter market share growth
teacher student school exam result team player match season coach""".split()


def text(rng: random.Random, words: int) -> str:
    """Return sentences of 15 words."""
    chosen = [rng.choice(VOCABULARY) for _ in range(words)]
    return " ".join(w + "." * (i % 15 == 14) for i, w in enumerate(chosen))


def requests(rng: random.Random, criteria: int) -> list[DecisionRequest]:
    """Return fresh responses, with the same criteria asked of each."""
    claims = [f"The response states that the {text(rng, 10)}" for _ in range(criteria)]
    questions = tuple(question_of(Criterion(f"c{i}", claim)) for i, claim in enumerate(claims))
    return [DecisionRequest(Input("", (Block("response", text(rng, WORDS)),)), questions) for _ in range(RESPONSES)]


async def judge(decider: FloorJudge, work: Sequence[DecisionRequest], at_once: int) -> None:
    """Put all requests, so many at a time."""
    waiting = iter(work)

    async def one() -> None:
        for request in waiting:
            await decider.decide(request)

    await asyncio.gather(*(one() for _ in range(at_once)))


def timed(rng: random.Random, criteria: int, at_once: int) -> tuple[float, float]:
    """Return responses a second and ms of CPU a response; criteria are encoded beforehand, as they are once a run."""
    decider, work = FloorJudge(), requests(rng, criteria)
    asyncio.run(judge(decider, requests(rng, criteria)[:1] + work[:1], 1))
    wall, cpu = time.perf_counter(), time.process_time()
    asyncio.run(judge(decider, work[1:], at_once))
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    return (RESPONSES - 1) / wall, 1000 * cpu / (RESPONSES - 1)


def bare(encoder: Encoder, rng: random.Random, at_once: int) -> float:
    """Return responses a second of the model's forward pass alone, with the judge's windows."""
    made = [encoder.encode(text(rng, WORDS)) for _ in range(RESPONSES)]
    windows = [[e.id_T[e.window_T == w].tolist() for w in range(len(e.window_WD))] for e in made]
    began = time.perf_counter()
    with ThreadPoolExecutor(at_once) as threads:
        list(threads.map(lambda response: [encoder.hidden(w) for w in response], windows))
    return RESPONSES / (time.perf_counter() - began)


def main() -> None:
    """Print the table."""
    rng, cores = random.Random(0), os.cpu_count() or 1
    print(f"{RESPONSES} responses of {WORDS} words, {cores} cores; responses a second (share of the floor), CPU a response")
    floor = {n: bare(load_encoder(), rng, n) for n in (1, cores)}
    print(f"forward pass alone: {floor[1]:.1f} one by one, {floor[cores]:.1f} with {cores} at once")
    for criteria in CRITERIA:
        alone, cpu = timed(rng, criteria, 1)
        together, _ = timed(rng, criteria, cores)
        shares = f"{alone:5.1f} ({alone / floor[1]:.2f}) one by one, {together:5.1f} ({together / floor[cores]:.2f}) with {cores} at once"
        print(f"{criteria:3d} criteria: {shares}, {cpu:.1f} ms")


if __name__ == "__main__":
    main()
