"""Verdicts a second against the bare floor, in one run on one machine.

    python benchmarks/throughput.py [--shared ../shared] [--rounds 5]

The workload and the fake judge are those of shared/bench, on which peers were measured: 200 responses x 10 binary criteria, 64 in
flight, 50 ms (and 150 x 10, 256 in flight, 1 s), the journal on. Each round runs the floor and this project one after the other; ratios
are taken within a round and their median is shown. Wall time is that of the whole `grade` call after imports: loading, planning,
judging, scoring and keeping.
"""

from __future__ import annotations

import argparse
import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path
from typing import Any

import criterial as cr


def call(port: int, path: str, data: Any = None) -> Any:
    body = None if data is None else json.dumps(data).encode()
    return json.loads(urllib.request.urlopen(urllib.request.Request(f"http://127.0.0.1:{port}{path}", body)).read())


class FakeJudge:
    """The fake judge of shared/bench on a free port."""

    def __init__(self, shared: Path) -> None:
        script = str(shared / "bench/fake_judge_server.py")
        self.process = subprocess.Popen([sys.executable, script], stdout=subprocess.PIPE, text=True)
        assert self.process.stdout is not None
        self.port = json.loads(self.process.stdout.readline())["port"]
        self.url = f"http://127.0.0.1:{self.port}/v1"

    def reset(self, **config: Any) -> None:
        call(self.port, "/reset", config)

    def stats(self) -> dict[str, Any]:
        return dict(call(self.port, "/stats"))

    def close(self) -> None:
        self.process.kill()


def floor(shared: Path, url: str, variant: str, responses: int, concurrency: int) -> float:
    """Return the wall time of the bare client on the same work."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, str(shared / "bench/peers/floor.py"), "--url", url, "--variant", variant, "--workdir", folder]
        command += ["--n", str(responses), "--concurrency", str(concurrency)]
        output = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    result = json.loads(output.split("RESULT ")[1])
    assert result["ok"] == result["verdicts"], result
    return float(result["wall_s"])


def ours(cases: list[dict[str, Any]], url: str, per_call: int, concurrency: int, expected: dict[Any, bool]) -> tuple[float, float]:
    """Return wall time and CPU time of this project, having checked every verdict against the answer key."""
    settings = cr.JudgeSettings(criteria_per_call=per_call, concurrency=concurrency)
    with tempfile.TemporaryDirectory() as folder:
        wall, cpu = time.perf_counter(), _cpu()
        run = cr.grade(cases, judge=f"chat:judge@{url}", store=f"sqlite:///{folder}/store.sqlite", settings=settings)
        wall, cpu = time.perf_counter() - wall, _cpu() - cpu
    wrong = sum(v.value is None or bool(v.value) != expected[v.response, v.criterion] for v in run.table.verdicts())
    assert wrong == 0, f"{wrong} verdicts differ from the answer key"
    return wall, cpu


def _cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def as_cases(items: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [
        {
            "id": item["rid"],
            "prompt": item["query"],
            "rubric": [{"id": c["cid"], "text": c["text"], "weight": c["weight"]} for c in item["criteria"]],
            "responses": [{"id": item["rid"], "system": "s", "text": item["response"]}],
        }
        for item in items
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shared", type=Path, default=Path(__file__).resolve().parents[2] / "shared")
    parser.add_argument("--rounds", type=int, default=5)
    args = parser.parse_args()
    sys.path.insert(0, str(args.shared / "bench"))
    import workload

    judge = FakeJudge(args.shared)
    try:
        rows = []
        for name, responses, concurrency, latency, per_call, variant, bar in (
            ("one call a criterion", 200, 64, 0.05, 1, "raw", "1.35 x floor, 0.8 ms"),
            ("all criteria in one call", 200, 64, 0.05, 10, "aiohttp_oneshot", "2.5 x floor"),
            ("256 in flight, 1 s", 150, 256, 1.0, 1, "", "1.15 x limit"),
        ):
            items = workload.make(responses, 10)
            cases, expected = as_cases(items), workload.expected(items)
            judge.reset(latency=0.0)
            ours(cases[:5], judge.url, per_call, concurrency, expected)  # imports and first-time compilation
            walls, cpus, bases = [], [], []
            for _ in range(args.rounds if latency < 1 else max(2, args.rounds // 2)):
                judge.reset(latency=latency, prefix=False)
                bases.append(
                    floor(args.shared, judge.url, variant, responses, concurrency) if variant else responses * 10 * latency / concurrency
                )
                judge.reset(latency=latency, prefix=False)
                wall, cpu = ours(cases, judge.url, per_call, concurrency, expected)
                walls.append(wall)
                cpus.append(cpu)
            judge.reset(latency=0.0, prefix=True)
            ours(cases, judge.url, per_call, concurrency, expected)
            stats = judge.stats()
            ratio = statistics.median(w / b for w, b in zip(walls, bases, strict=True))
            tokens = stats["prompt_tokens"] / len(expected)
            uncached = tokens * (1 - stats["cacheable_prefix_fraction"])
            calls = stats["requests"]
            cpu_ms = 1000 * statistics.median(cpus) / calls
            rows.append((name, statistics.median(bases), statistics.median(walls), ratio, cpu_ms, tokens, uncached, bar))
    finally:
        judge.close()
    print(f"{'work':26}{'base s':>8}{'ours s':>8}{'ratio':>7}{'CPU ms/call':>13}{'tokens/verdict':>16}{'uncached':>10}  bar")
    for name, base, wall, ratio, cpu_ms, tokens, uncached, bar in rows:
        print(f"{name:26}{base:8.2f}{wall:8.2f}{ratio:7.2f}{cpu_ms:13.2f}{tokens:16.0f}{uncached:10.0f}  {bar}")


if __name__ == "__main__":
    main()
