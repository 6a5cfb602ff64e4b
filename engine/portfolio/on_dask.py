"""The KPIs of a tape on a Dask cluster: its workers make the states of pieces, which are merged here in their order.

The bits are those of every other engine. A worker that is lost costs time and nothing else: its pieces are read again
elsewhere, as often as the scheduler's ``allowed-failures`` lets it.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from engine.config.kpis import DaskSection, KpiConfig
from engine.errors import Refused
from engine.portfolio.csv_stream import OddCells
from engine.portfolio.missing import missing_columns
from engine.portfolio.plan import plan_of
from engine.portfolio.results import TapeKpis
from engine.portfolio.state import OtherColumns, State
from engine.portfolio.stream import in_order, nothing_of, state_of_piece
from engine.portfolio.streamed import kpis_of
from engine.portfolio.tape_pieces import OpenTape, Piece, naming, open_tape, read_piece
from engine.portfolio.unreadable import TapeUnreadable
from engine.records import harmless

ENGINE = "dask"
_HERE = "--engine arrow computes on this machine"

Answer = State | TapeUnreadable | None
"""Of one piece; None: the quick way met odd cells."""


def compute_on_dask(
    path: Path,
    config: KpiConfig,
    *,
    by_date: bool = False,
    pooled: bool = False,
    hashed: bool = True,
    duplicates: bool = False,
) -> TapeKpis:
    """As ``compute_streamed``; hash and duplicates are found on this machine. Refused: no cluster, or it gave up."""
    plan = plan_of(config)
    with naming(path), _client(config.dask) as client:
        tape = open_tape(path, config.tape, set(plan.needed), {config.tape.date}, _threads(client))
        state = _state(client, tape, config)
        missing = missing_columns(plan.needed, tape.names)
    found = state, missing
    return kpis_of(found, path, plan, ENGINE, by_date=by_date, pooled=pooled, hashed=hashed, duplicates=duplicates)


def answer_of(piece: Piece, names: Sequence[str], config: KpiConfig, *, quick: bool) -> Answer:
    """On a worker: the state of one piece. What is wrong with the tape is an answer too."""
    plan = plan_of(config)
    read, how = read_piece(piece, config.tape, set(plan.needed), {config.tape.date}, quick=quick)
    try:
        return state_of_piece((batch for batch, _ in read), how, plan, nothing_of(names, plan, plan.needed))
    except OddCells:
        return None
    except TapeUnreadable as error:
        return error


def _state(client: Any, tape: OpenTape, config: KpiConfig) -> State:
    plan = plan_of(config)
    answers = _answers(client, tape, config, quick=True)
    if any(answer is None for answer in answers):
        answers = _answers(client, tape, config, quick=False)
    states = []
    for answer in answers:
        if isinstance(answer, TapeUnreadable):
            raise answer
        assert answer is not None, "only the quick way meets odd cells"
        states.append(answer)
    try:
        return in_order(nothing_of(tape.names, plan, plan.needed), states)
    except OtherColumns as error:
        raise TapeUnreadable("has files with different columns", "one tape, one set of columns") from error


def _answers(client: Any, tape: OpenTape, config: KpiConfig, *, quick: bool) -> list[Answer]:
    """Of every piece, in the order of the tape."""
    dask, deadline = _dask(), float(config.dask.deadline)
    futures = [
        client.submit(answer_of, piece, tape.names, config, quick=quick, pure=False)
        for piece in tape.pieces(quick=quick)
    ]
    pending = set(futures)
    try:
        with client.as_current():
            while pending:
                pending = dask.wait(pending, timeout=deadline, return_when="FIRST_COMPLETED").not_done
            return list(client.gather(futures))
    except TimeoutError as error:
        has = f"it has {len(client.scheduler_info()['workers'])} workers"
        raise Refused(f"the Dask cluster finished no piece for {deadline:.0f} s; {has}", _HERE) from error
    except dask.KilledWorker as error:
        raise Refused("workers of the Dask cluster died again and again over the same piece", _HERE) from error
    except OSError:
        raise
    except Exception as error:  # whatever a worker could not do
        said = harmless(f"{type(error).__name__}: {error}", 200)
        told = f"the workers of the Dask cluster cannot do it: {said}"
        raise Refused(told, "install this abaco-ops on each") from error


@contextmanager
def _client(section: DaskSection) -> Iterator[Any]:
    dask, deadline = _dask(), float(section.deadline)
    if section.address is None:
        local = dask.LocalCluster(threads_per_worker=1, dashboard_address=":0", silence_logs=50)
        with local as cluster, dask.Client(cluster, set_as_default=False) as client:
            yield client
        return
    try:
        client = dask.Client(section.address, timeout=deadline, set_as_default=False)
    except (OSError, TimeoutError, ValueError) as error:
        raise Refused(f"the Dask cluster at {harmless(section.address)} is not there", _HERE) from error
    with client:
        try:
            client.wait_for_workers(1, timeout=deadline)
        except TimeoutError as error:
            raise Refused(f"the Dask cluster at {harmless(section.address)} has no worker", _HERE) from error
        yield client


def _dask() -> Any:
    try:
        return importlib.import_module("distributed")
    except ImportError as error:
        raise Refused("--engine dask needs Dask, which is not installed", "pip install 'abaco-ops[dask]'") from error


def _threads(client: Any) -> int:
    return max(sum(int(one["nthreads"]) for one in client.scheduler_info()["workers"].values()), 1)
