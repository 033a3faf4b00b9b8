"""The engine on Ray: the same judging on the workers of a cluster, with one gate for all their calls.

The cases go out in blocks through Ray Data; on every worker an engine of its own judges them and writes its answers down in the store,
which is all that workers share; the verdicts come back as blocks of Parquet. An engine that dies is started again and its block judged
again, where what is on record costs nothing. If this process dies, the same command goes on where it was.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import tempfile
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from functools import partial
from itertools import accumulate
from pathlib import Path
from threading import Thread
from typing import Any

import numpy as np

from criterial.core.builder import TableBuilder
from criterial.core.columns import table_of_columns
from criterial.core.ports import Decider, Usage
from criterial.core.table import VerdictTable
from criterial.core.task import Case
from criterial.core.verdict import State
from criterial.errors import ConfigError, CriterialError, MissingExtra, StoreError
from criterial.formats.native import case_of, case_to_dict
from criterial.formats.verdict_columns import arrow_of, columns_of_arrow
from criterial.model.spec import make_decider
from criterial.run.admission import Gate
from criterial.run.engine import GRACE
from criterial.run.existing import table_on_record
from criterial.run.options import GradeOptions
from criterial.run.progress import Progress
from criterial.run.shared_gate import RemoteGate, SharedGate, Told
from criterial.run.sitting import Done, Known, Work, judge_cases
from criterial.sandbox.find import find_sandbox
from criterial.sandbox.programs import SandboxDecider
from criterial.store.database import Database
from criterial.store.journal import Journal
from criterial.store.runs import find_run, total_usage

try:
    import pyarrow as pa
    import ray
    from pyarrow.dataset import dataset
    from pyarrow.fs import FileSystem
    from pyarrow.parquet import write_table
    from ray.data import ActorPoolStrategy, DataContext, from_arrow
    from ray.exceptions import RayActorError, RayError
except ImportError as missing:
    raise MissingExtra("ray", "ray", "the engine ray") from missing

__all__ = ["judge_on_ray"]

_BLOCKS_A_WORKER = 8
_ASK = 0.5


@dataclass(frozen=True)
class _Order:
    """What a worker is told."""

    run: str
    session: str
    options: GradeOptions
    identities: tuple[str, ...]
    programs: str | None
    folder: str


class _Engine:
    """One worker: judges blocks of cases, one after another, each with as many calls in flight as the gate admits."""

    def __init__(self, order: _Order, gate: Any) -> None:
        self._order = order
        self._runner = asyncio.Runner()
        self._database = Database(order.options.store)
        self._deciders = _deciders(order.options)
        self._programs = SandboxDecider(self._runner.run(find_sandbox())) if order.programs else None
        identities = tuple(d.identity for d in self._deciders)
        if (identities, self._programs and self._programs.identity) != (order.identities, order.programs):
            raise ConfigError(
                "a worker's judge or sandbox is not the one that this process made: install the same versions of criterial and of python3 "
                "on all of them, with the same CRITERIAL_BASE_URL"
            )
        name = f"{ray.get_runtime_context().get_actor_id()}/{uuid.uuid4().hex}"  # an actor keeps its id when it is started again
        ray.get(gate.hello.remote(name))
        self._gate = RemoteGate(gate, name, order.options.budget is not None, RayActorError)
        self._journal = Journal(self._database, order.run, order.session)
        self._runner.run(self._journal.__aenter__())
        self._rubrics: dict[str, Any] = {}

    def __call__(self, block: pa.Table) -> pa.Table:
        """Judge a block of cases and write the verdicts down; a block that is judged again takes the place of its file."""
        cases = [case_of(json.loads(text), seen=self._rubrics) for text in block["case"].to_pylist()]
        verdicts = arrow_of(self._runner.run(self._judged(cases)))
        place, folder = FileSystem.from_uri(self._order.folder)
        write_table(verdicts, f"{folder}/block-{block['block'][0].as_py():06d}.parquet", filesystem=place)
        return pa.table({"verdicts": [len(verdicts)]})

    async def _judged(self, cases: Sequence[Case]) -> VerdictTable:
        work = Work(self._order.run, cases, self._order.options, self._deciders, self._programs, self._database)
        builder = TableBuilder(cases, work.layers)
        alive = asyncio.create_task(self._gate.beat())
        try:
            await judge_cases(work, None, self._journal, (self._gate, Gate(1)), builder, (self._gate, Usage), asyncio.Event())
        finally:
            alive.cancel()
            self._gate.finish()
        return builder.fill_absent("stopped").build()


async def judge_on_ray(work: Work, known: Known | None, progress: Progress, stop: asyncio.Event) -> Done:
    """Judge everything on the workers of a Ray cluster: the one that ``RAY_ADDRESS`` names, else one on this machine for the time being.

    Parameters
    ----------
    work : Work
        What there is to do.
    known : Known or None
        What of it is settled; cases that are settled whole stay here.
    progress : Progress
        Hears of it.
    stop : asyncio.Event
        Set to end early.

    Returns
    -------
    Done

    Raises
    ------
    ConfigError
        If the cluster, the store or the judge cannot be used so.
    StoreError
        If verdicts did not come back.
    """
    options, cases = work.options, _open_cases(work, known)
    if known is not None and not cases:
        return Done(known.table, Usage(), "")
    with _blocks(options.blocks, work.run) as folder, _cluster(options.workers) as workers:
        if work.database.is_file and len([n for n in ray.nodes() if n["Alive"]]) > 1:
            raise ConfigError("workers on several machines cannot share a SQLite file: name a store with --store postgresql://...")
        slots = options.settings.concurrency
        gate = ray.remote(SharedGate).options(num_cpus=0, max_concurrency=slots * workers + 64).remote(slots, options.budget)
        async with Journal(work.database, work.run) as sitting:
            streaming = _in_background(partial(_stream, cases, _order(work, sitting.session, folder), gate, workers))
            told = await _watched(streaming, gate, progress, stop)
        spent = total_usage(work.database, work.run, sitting.session)  # the gate has not heard all from a worker that died
        if not streaming.done():
            return Done(await table_on_record(work.database, find_run(work.database, work.run), work.cases), spent, told.stopped)
        with _faults():
            streaming.result()
        return Done(_read_back(folder, work, known), spent, told.stopped)


def _open_cases(work: Work, known: Known | None) -> Sequence[Case]:
    """Return the cases that are not settled whole."""
    if known is None:
        return work.cases
    settled: list[bool] = np.logical_and.reduce(known.rows_LR, axis=0).tolist()
    ends = list(accumulate(len(c.responses) for c in work.cases))
    return [c for c, end in zip(work.cases, ends, strict=True) if not all(settled[end - len(c.responses) : end])]


def _order(work: Work, session: str, folder: str) -> _Order:
    """Return what workers are told: judges by name where a name says all, so that no key travels."""
    options = work.options
    named = options.judge if isinstance(options.judge, Sequence) and not isinstance(options.judge, str) else [options.judge]
    judges = [n if isinstance(n, str) and not n.startswith("scripted:") else d for n, d in zip(named, work.deciders, strict=True)]
    sent = replace(options, judge=judges, store=work.database.address, sandbox=None)
    programs = work.programs.identity if work.programs is not None else None
    return _Order(work.run, session, sent, tuple(d.identity for d in work.deciders), programs, folder)


def _deciders(options: GradeOptions) -> list[Decider]:
    return [make_decider(j, options.settings) if isinstance(j, str) else j for j in options.judge]  # type: ignore[union-attr]


def _stream(cases: Sequence[Case], order: _Order, gate: Any, workers: int) -> None:
    """Send the cases out; returns when all verdicts are written."""
    size = max(1, -(-len(cases) // (workers * _BLOCKS_A_WORKER)))
    texts = [json.dumps(case_to_dict(replace(c, verdicts=())), ensure_ascii=False) for c in cases]
    parts = [texts[i : i + size] for i in range(0, len(texts), size)]
    blocks = [pa.table({"block": [i] * len(part), "case": pa.array(part, pa.large_string())}) for i, part in enumerate(parts)]
    judged = from_arrow(blocks).map_batches(
        _Engine,
        fn_constructor_args=(order, gate),
        compute=ActorPoolStrategy(size=min(workers, len(blocks))),
        batch_size=None,
        batch_format="pyarrow",
    )
    judged.take_all()


def _in_background(work: Callable[[], None]) -> asyncio.Future[None]:
    """Return the future of work in a thread that keeps nobody waiting at the end, as one of a pool would."""
    done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    loop = asyncio.get_running_loop()

    def tell(error: Exception | None) -> None:
        if not done.done():
            done.set_exception(error) if error is not None else done.set_result(None)

    def body() -> None:
        error: Exception | None = None
        try:
            work()
        except Exception as caught:
            error = caught
        with suppress(RuntimeError):  # the loop may be closed by now
            loop.call_soon_threadsafe(tell, error)

    Thread(target=body, name="criterial-ray", daemon=True).start()
    return done


async def _watched(streaming: asyncio.Future[None], gate: Any, progress: Progress, stop: asyncio.Event) -> Told:
    """Pass on progress until the work is done or, after a stop, has had its grace; return what the gate knows in the end."""
    told = Told(0, 0, Usage(), "")
    left = GRACE
    while not streaming.done() and left > 0:
        await asyncio.wait([streaming], timeout=_ASK)
        now: Told = await gate.told.remote()
        progress.advance(now.verdicts - told.verdicts, now.failed - told.failed, now.spent)
        told = now
        if stop.is_set():
            await gate.stop.remote("stopped")
            left -= _ASK
    final: Told = await gate.told.remote()
    return final


def _read_back(folder: str, work: Work, known: Known | None) -> VerdictTable:
    """Return the table of what the workers wrote, and of what was known."""
    place, path = FileSystem.from_uri(folder)
    columns = columns_of_arrow(dataset(path, format="parquet", filesystem=place).to_table())
    table = table_of_columns(work.cases, columns, work.layers) if columns is not None else None
    if table is not None and known is not None:
        back_LN = table.state_LN != State.ABSENT
        whole = TableBuilder(work.cases, work.layers).take(known.table, known.cells_LN & ~back_LN)
        table = whole.take(table, back_LN).build()
    if table is None or bool((table.state_LN == State.ABSENT).any()):
        raise StoreError(
            f"not all verdicts came back to {folder}: it must be a folder that all workers and this process share (--blocks); "
            "run the same command again: what is on record is kept"
        )
    return table


@contextmanager
def _blocks(named: str | None, run: str) -> Iterator[str]:
    """Yield the URL of an empty folder for a run's verdicts."""
    with tempfile.TemporaryDirectory(prefix="criterial-") as scratch:
        url = f"{named.rstrip('/')}/{run}" if named and "://" in named else (Path(named or scratch).absolute() / run).as_uri()
        try:
            place, folder = FileSystem.from_uri(url)
            place.create_dir(folder)
            place.delete_dir_contents(folder)
        except (OSError, ValueError) as error:
            raise ConfigError(f"no verdicts can be written to {url} ({error}): name another folder with --blocks") from error
        yield url


@contextmanager
def _cluster(workers: int | None) -> Iterator[int]:
    """Yield how many workers there are, on the cluster that is joined or begun, and left or ended afterwards."""
    ours = not ray.is_initialized()
    if ours:
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # nothing is sent home
        begun = {} if os.environ.get("RAY_ADDRESS") else {"num_cpus": workers, "include_dashboard": False, "_node_ip_address": "127.0.0.1"}
        ray.init(log_to_driver=False, logging_level=logging.ERROR, **begun)
    context = DataContext.get_current()
    context.enable_progress_bars = False
    logging.getLogger("ray.data").setLevel(logging.ERROR)
    try:
        yield workers or max(1, int(ray.cluster_resources().get("CPU", 1)))
    finally:
        if ours:
            ray.shutdown()


@contextmanager
def _faults() -> Iterator[None]:
    """Give an error of ours that Ray wrapped its own name again, and Ray's own errors one line."""
    try:
        yield
    except CriterialError:
        raise
    except RayError as error:
        cause: BaseException | None = error
        while cause is not None and not isinstance(cause, CriterialError):
            cause = getattr(cause, "cause", None) or cause.__cause__
        if cause is not None:
            raise cause from None
        raise ConfigError(f"Ray ended the work: {str(error).strip().splitlines()[-1][:300]}; what is on record is kept") from error
