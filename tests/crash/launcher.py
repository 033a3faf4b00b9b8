"""Starts the command line again and again in forked children, ends them at random moments, and reports what was left.

It runs in a process of its own that has imported everything and started no thread, so that a child costs milliseconds.
"""

from __future__ import annotations

import json
import os
import random
import resource
import shutil
import signal
import sqlite3
import sys
import time
import urllib.request
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import criterial.cli.grade
import criterial.report.html
import criterial.report.markdown
import criterial.run.existing
import criterial.run.grading
from criterial.cli.main import main as command_line
from criterial.core.ports import DecisionRequest
from criterial.store.journaled import JournaledDecider
from tests.crash.faulty_disk import FaultyDisk


def acknowledge_into(path: Path) -> None:
    """Have every answer that reaches a caller written to a file, at once and by its fingerprint."""
    real = JournaledDecider._ask
    descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT)

    async def ask(self: JournaledDecider, part: DecisionRequest, keys: Any) -> Any:
        reply = await real(self, part, keys)
        os.write(descriptor, "".join(f"{k}\n" for k, a in zip(keys, reply.answers, strict=True) if a.outcome == "decided").encode())
        return reply

    JournaledDecider._ask = ask  # type: ignore[method-assign]


def start(arguments: list[str], output: Path, acknowledged: Path | None, disk: Callable[[], object] = dict) -> int:
    """Fork a child that runs the command line, on a disk that it prepares first, and return its process id."""
    child = os.fork()
    if child:
        return child
    disk()
    descriptor = os.open(output, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    os.dup2(descriptor, 1)
    os.dup2(descriptor, 2)
    try:
        if acknowledged is not None:
            acknowledge_into(acknowledged)
        command_line(arguments)
    except SystemExit as left:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(left.code if isinstance(left.code, int) else 0 if left.code is None else 1)
    os._exit(0)


def wait(child: int, seconds: float) -> tuple[bool, int]:
    """Wait so long for a child; return whether it ended, and its status."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            return True, os.waitstatus_to_exitcode(status)
        time.sleep(0.002)
    return False, 0


def stored(path: Path) -> tuple[set[str], int, str]:
    """Return the answers on record, how many calls are listed as lost, and whether the file is sound."""
    with sqlite3.connect(path) as connection:
        made = connection.execute("SELECT count(*) FROM sqlite_master WHERE name IN ('answers', 'intents')").fetchone()[0] == 2
        # a signal that comes before the store is made leaves a file without tables
        keys = {row[0] for row in connection.execute("SELECT key FROM answers")} if made else set()
        intents = connection.execute("SELECT count(*) FROM intents").fetchone()[0] if made else 0
        sound = connection.execute("PRAGMA integrity_check").fetchone()[0]
    connection.close()
    return keys, intents, sound


def requests_of(url: str) -> int:
    """Return how many requests the provider has had."""
    with urllib.request.urlopen(url.removesuffix("/v1") + "/stats") as reply:
        return int(json.loads(reply.read()).get("requests", 0))


def whole(arguments: list[str], folder: Path) -> float:
    """Return the seconds that a run takes now, so that moments are shares of it however slow or busy the machine is."""
    store = folder / "undisturbed.sqlite"
    began = time.monotonic()
    ended, status = wait(start([*arguments, "--store", f"sqlite:///{store}"], folder / "undisturbed.out", None), 120.0)
    assert ended and status == 0, (folder / "undisturbed.out").read_text()
    for file in folder.glob("undisturbed.*"):
        file.unlink()
    return time.monotonic() - began


def kills(config: dict[str, Any]) -> dict[str, Any]:
    """Kill runs at random moments until so many kills are reached; finish each run and compare."""
    rng, longest = random.Random(config["seed"]), 0.0
    folder, url = Path(config["folder"]), config["url"]
    common = ["grade", config["cases"], "--judge", f"chat:m@{url}", "--quiet", "--criteria-per-call", "1"]
    common += ["--concurrency", str(config["concurrency"])]
    found: dict[str, Any] = {"kills": 0, "lost": 0, "unsound": 0, "most_repeats": 0, "unlisted": 0, "different": 0, "runs": 0, "exit": []}
    while found["kills"] < config["kills"]:
        found["runs"] += 1
        store, acks = folder / f"{found['runs']}.sqlite", folder / f"{found['runs']}.acks"
        arguments = [*common, "--store", f"sqlite:///{store}"]
        longest = config["longest"] * whole(common, folder) if found["runs"] % 5 == 1 else longest
        before = requests_of(url)
        killed = 0
        while True:
            child = start(arguments, folder / "output", acks)
            ended, status = wait(child, rng.uniform(0.0, longest * 1.1**killed))  # later each time, so that every run ends some time
            if ended:
                found["exit"].append(status)
                break
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
            found["kills"] += 1
            killed += 1
            acknowledged = {line for line in acks.read_text().splitlines() if len(line) == 64} if acks.exists() else set()
            if acknowledged:
                keys, _, sound = stored(store)
                found["lost"] += len(acknowledged - keys)
                found["unsound"] += sound != "ok"
        keys, intents, _ = stored(store)
        repeats = requests_of(url) - before - len(keys)
        found["most_repeats"] = max(found["most_repeats"], repeats / max(1, killed))
        found["unlisted"] += max(0, repeats - intents)
        report = report_of(store, folder)
        found["different"] += report != config["reference"]
    return found


def interrupts(config: dict[str, Any]) -> dict[str, Any]:
    """Interrupt runs at random moments and note how they end."""
    rng = random.Random(config["seed"])
    folder = Path(config["folder"])
    common = ["grade", config["cases"], "--judge", f"chat:m@{config['url']}", "--quiet", "--json", "--concurrency", "4"]
    common += ["--criteria-per-call", "1"]
    ends, seconds = [], 0.0
    for number in range(config["times"]):
        store, output = folder / f"{number}.sqlite", folder / f"{number}.out"
        seconds = whole(common, folder) if number % 5 == 0 else seconds
        child = start([*common, "--store", f"sqlite:///{store}"], output, None)
        ended, status = wait(child, seconds * rng.uniform(config["shortest"], config["longest"]))
        if ended:
            ends.append({"early": True, "status": status, "output": output.read_text()})
            continue
        began = time.monotonic()
        os.kill(child, rng.choice((signal.SIGINT, signal.SIGTERM)))
        if config["twice"]:
            time.sleep(0.05)
            os.kill(child, signal.SIGINT)
        ended, status = wait(child, 20.0)
        keys, _, sound = stored(store)
        ends.append(
            {
                "early": False,
                "ended": ended,
                "status": status,
                "seconds": time.monotonic() - began,
                "kept": len(keys),
                "sound": sound,
                "output": output.read_text(),
            }
        )
    return {"ends": ends}


def full(config: dict[str, Any]) -> dict[str, Any]:
    """Run on disks that are full after ever more bytes, until one is large enough; go on with each run where there is room."""
    folder = Path(config["folder"])
    common = ["grade", config["cases"], "--judge", f"chat:m@{config['url']}", "--quiet", "--concurrency", "4", "--criteria-per-call", "1"]
    ends: list[dict[str, Any]] = []
    most_bytes, status = config["step"], 1
    while status:
        store, acks, output = (folder / f"full-{most_bytes}.{end}" for end in ("sqlite", "acks", "out"))
        arguments = [*common, "--store", f"sqlite:///{store}"]
        limit = partial(resource.setrlimit, resource.RLIMIT_FSIZE, (most_bytes, most_bytes))
        ended, status = wait(start(arguments, output, acks, limit), 60.0)
        acknowledged = {line for line in acks.read_text().splitlines() if len(line) == 64}
        again_ended, again = wait(start(arguments, folder / f"full-{most_bytes}.again", None), 60.0)
        keys, _, sound = stored(store)
        end = {"bytes": most_bytes, "ended": ended, "status": status, "output": output.read_text(), "kept": len(acknowledged)}
        report = report_of(store, folder)
        then = {"lost": len(acknowledged - keys), "sound": sound, "again": again, "same": report == config["reference"]}
        ends.append({**end, **then, "again_ended": again_ended})
        most_bytes += config["step"]
    return {"ends": ends}


def faults(config: dict[str, Any]) -> dict[str, Any]:
    """Run on disks whose n-th operation fails, for ever larger n until a run ends without meeting the fault; go on with each run."""
    common = ["grade", config["cases"], "--judge", f"chat:m@{config['url']}", "--quiet", "--concurrency", "2", "--criteria-per-call", "1"]
    ends: list[dict[str, Any]] = []
    for kind in config["kinds"]:
        nth, met = 1, "some"
        while met:
            folder = Path(config["folder"]) / f"{kind}-{nth}"
            folder.mkdir()
            store, acks, output, note = (folder / name for name in ("run.sqlite", "acks", "out", "met"))
            arguments = [*common, "--store", f"sqlite:///{store}"]
            disk = partial(FaultyDisk, kind, nth, os.open(note, os.O_WRONLY | os.O_CREAT))
            ended, status = wait(start(arguments, output, acks, disk), 60.0)
            met = note.read_text()
            acknowledged = {line for line in acks.read_text().splitlines() if len(line) == 64} if acks.exists() else set()
            end = {"kind": kind, "nth": nth, "met": met, "ended": ended, "status": status, "output": output.read_text()}
            whole = report_of(store, folder) == config["reference"] if status == 0 else None
            again_ended, again = wait(start(arguments, folder / "again", None), 60.0)
            keys, _, sound = stored(store)
            then = {"lost": len(acknowledged - keys), "sound": sound, "again": again if again_ended else -1, "whole": whole}
            ends.append({**end, **then, "kept": len(acknowledged), "same": report_of(store, folder) == config["reference"]})
            shutil.rmtree(folder)
            nth += 1 if nth < config["first"] else config["step"]
    return {"ends": ends}


def report_of(store: Path, folder: Path) -> str:
    """Return the report of a store's last run."""
    return criterial.run.existing.open_run("last", f"sqlite:///{store}").report(folder / "report.md").read_text()


if __name__ == "__main__":
    chosen = json.loads(sys.stdin.read())
    print(json.dumps({"kills": kills, "interrupts": interrupts, "full": full, "faults": faults}[chosen["mode"]](chosen)))
