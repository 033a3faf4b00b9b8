"""Makes mutants of small sound files and reads them: `python -m tests.formats.fuzz 100000`, each by its number the same every time.

Prints what came of them as JSON: how many were read and refused, the slowest, the memory that it took, and every fault. A fault is
an error that is not this package's own or does not name its file, a table that the fast way reads otherwise, or a file that takes
longer than a file may.
"""

from __future__ import annotations

import copy
import gzip
import json
import math
import random
import resource
import signal
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import pyarrow as pa

from criterial.errors import FormatError
from tests.formats.seeds import SEEDS, Seed, encoded

__all__ = ["changed", "mutant", "mutants", "peak", "place", "too_long", "torn", "tried"]

MOST_SECONDS = 5.0
WORDS = rb'null|[]|{}|"|\|\ud800|\u0000|1e999|NaN|- |: |&a |*a|!!x |[|]|{|}|#|,|999999999999999999999999|"""|[[|\r|\t|@|<x>|-1|1e308'
TOKENS = [*WORDS.split(b"|"), b"\n", b"\x00", b"\xff", b"\xef\xbb\xbf", b"\xed\xa0\x80", "\u2028".encode(), "\u202e".encode(), b"|"]
VALUES = [None, True, False, 0, -1, 5, 2.5, 1e308, 5e-324, "", "x", "é😀", [], {}, [5], ["x"], [None], {"a": 1}, {"text": 1}, [[1]], [{}]]
HOSTILE = [2**63, -(2**63), 2**64, 10**40, math.nan, -math.inf, "\0", "\ud800", "x" * 100_000, "no", "2020-01-01", "12:30:45", "\u202e"]
NESTED = [[[]], {"a": {}}]
TRIES = 20


class Hang(BaseException):
    """A file took longer than any may."""


def torn(raw: bytes, chance: random.Random) -> bytes:
    """Return bytes with one to three small faults."""
    out = bytearray(raw)
    for _ in range(chance.randint(1, 3)):
        at, size = chance.randrange(len(out) + 1), chance.randint(1, 12)
        match chance.randrange(6):
            case 0 if at < len(out):
                out[at] ^= 1 << chance.randrange(8)
            case 1:
                del out[at : at + size]
            case 2:
                out[at:at] = out[at : at + size]
            case 3 | 4:
                out[at:at] = chance.choice(TOKENS)
            case _:
                out[at:] = out[at:][: chance.randint(0, len(out))]
    return bytes(out)


def crossed(raw: bytes, other: bytes, chance: random.Random) -> bytes:
    """Return the beginning of one file with the end of another."""
    return raw[: chance.randrange(len(raw) + 1)] + other[chance.randrange(len(other) + 1) :]


def places(value: Any) -> Iterator[tuple[Any, Any]]:
    """Yield every container with every key in it."""
    for key in value if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ():
        yield value, key
        yield from places(value[key])


def changed(content: Any, chance: random.Random) -> Any:
    """Return plain data in which one or two values are others, are gone, stand twice, or stand in each other's place."""
    out = copy.deepcopy(content)
    for _ in range(chance.randint(1, 2)):
        spots = list(places(out))
        if not spots:
            break
        owner, key = chance.choice(spots)
        match chance.randrange(8):
            case 0:
                del owner[key]
            case 1 if isinstance(owner, list):
                owner.append(copy.deepcopy(owner[key]))
            case 2 if isinstance(owner, dict):
                owner[str(key) + "s"] = owner[key]
            case 3:
                other, there = chance.choice(spots)
                owner[key] = copy.deepcopy(other[there])
            case 4:
                owner[key] = _deep(chance)
            case 5:
                owner[key] = chance.choice(HOSTILE)
            case _:
                owner[key] = copy.deepcopy(chance.choice(VALUES))
    return out


def _deep(chance: random.Random) -> Any:
    value = chance.choice(NESTED)
    for _ in range(chance.choice([3, 40, 70])):
        value = [value] if isinstance(value, list) else {"a": value}
    return value


def mutant(seed: Seed, file: str, number: int) -> bytes:
    """Return the bytes of a file of a seed, mutated as the number says."""
    chance = random.Random(f"{file} {number}")
    content = seed.files[file]
    if not isinstance(content, (str, bytes)) and chance.random() < 0.6:
        return _made(file, content, chance)
    raw = encoded(file, content)
    if file.endswith(".gz") and chance.random() < 0.7:
        return gzip.compress(torn(gzip.decompress(raw), chance))
    if chance.random() < 0.1:
        other = SEEDS[chance.choice(list(SEEDS))].files
        return crossed(raw, encoded(*chance.choice(list(other.items()))), chance)
    return torn(raw, chance)


def _made(file: str, content: Any, chance: random.Random) -> bytes:
    """Return changed content as its container has it; what the container cannot hold is drawn again."""
    for _ in range(TRIES):
        try:
            return encoded(file, _writable(changed(content, chance), file))
        except (pa.ArrowException, TypeError, AttributeError, ValueError, OverflowError, KeyError):
            continue
    return torn(encoded(file, content), chance)


def _writable(content: Any, file: str) -> Any:
    """Return content that the container can hold: TOML has no null and is a table."""
    if ".toml" not in file:
        return content
    return json.loads(json.dumps(content), object_hook=lambda d: {k: v for k, v in d.items() if v is not None})


def place(seed: Seed, folder: Path) -> Path:
    """Write a sound seed into a folder; return what is to be read."""
    for file, content in seed.files.items():
        (folder / file).write_bytes(encoded(file, content))
    return folder if seed.is_set else folder / next(iter(seed.files))


def tried(seed: Seed, path: Path) -> FormatError | None:
    """Read what may be broken; return the error that it ended in, if it was a right one.

    Raises
    ------
    AssertionError
        If the error does not say which file, or says it in more than a screen.
    Hang
        If it took longer than a file may.
    """
    found = None
    signal.setitimer(signal.ITIMER_PROF, MOST_SECONDS)
    try:
        seed.read(path)
    except FormatError as error:
        found = error
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
    if found is not None:
        assert found.file.startswith(str(path if seed.is_set else path.parent)), f"no file: {found!r}"
        assert found.message and len(str(found)) < 2000 and "Traceback" not in str(found), f"no sentence: {found!r}"
    return found


def mutants(names: list[str] | None = None) -> Iterator[tuple[str, str, int]]:
    """Yield name, file and number of every mutant there is, the first of all seeds first."""
    number = 0
    while True:
        for name in names or SEEDS:
            for file in SEEDS[name].files:
                yield name, file, number
        number += 1


def run(count: int) -> dict[str, Any]:
    """Read so many mutants, and return what came of them."""
    signal.signal(signal.SIGPROF, too_long)
    before = peak()
    outcomes: Counter[str] = Counter()
    kinds: Counter[str] = Counter()
    slowest, faults = (0.0, ""), []
    with tempfile.TemporaryDirectory() as made:
        folders = {name: Path(made) / str(i) for i, name in enumerate(SEEDS)}
        for name, seed in SEEDS.items():
            folders[name].mkdir()
            place(seed, folders[name])
        for name, file, number in islice(mutants(), count):
            seed, folder = SEEDS[name], folders[name]
            (folder / file).write_bytes(mutant(seed, file, number))
            path = folder if seed.is_set else folder / file
            start = time.process_time()
            try:
                error = tried(seed, path)
                outcomes["read" if error is None else "refused"] += 1
                kinds[type(error).__name__] += error is not None
                kinds["with a line"] += getattr(error, "line", None) is not None
                kinds["with a path"] += bool(getattr(error, "path", ""))
                kinds["with a hint"] += bool(getattr(error, "hint", ""))
            except (Exception, Hang) as fault:
                outcomes["faults"] += 1
                last = traceback.extract_tb(fault.__traceback__)[-1]
                faults.append(f"{name}, {file}, {number}: {fault!r:.300} at {Path(last.filename).name}:{last.lineno}")
            slowest = max(slowest, (time.process_time() - start, f"{name}, {file}, {number}"))
            (folder / file).write_bytes(encoded(file, seed.files[file]))
    return {**outcomes, **kinds, "slowest": slowest, "megabytes": peak() - before, "told": faults}


def too_long(*_: object) -> None:
    raise Hang(f"more than {MOST_SECONDS} s")


def peak() -> int:
    """Return the most memory that this process held, in MB. What getrusage tells begins with the parent's."""
    status = Path("/proc/self/status")
    if not status.exists():
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10
    return int(next(line for line in status.read_text().splitlines() if line.startswith("VmHWM")).split()[1]) >> 10


if __name__ == "__main__":
    json.dump(run(int(sys.argv[1])), sys.stdout)
