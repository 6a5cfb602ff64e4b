"""``--engine dask``: the bits of every other engine, whatever becomes of a worker; a sentence where there is none."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from engine.config.kpis import DaskSection, KpiConfig
from engine.config.quantities import Duration
from engine.errors import Refused
from engine.portfolio.streamed import compute_streamed
from engine.portfolio.unreadable import TapeUnreadable

distributed = pytest.importorskip("distributed")

from engine.portfolio.on_dask import compute_on_dask  # noqa: E402

HEADER = (
    "loan_id,measurement_date,total_receivable_usd,total_eligible_usd,discounted_balance_usd,cash_available_usd,"
    "dpd_0_7_usd,dpd_7_30_usd,dpd_30_60_usd,dpd_60_90_usd,dpd_90_plus_usd"
)
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}


class Cluster:
    """A scheduler and workers as programs of their own."""

    def __init__(self) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.address = f"tcp://127.0.0.1:{free.getsockname()[1]}"
        self.scheduler = program("scheduler", "--host", self.address, "--no-dashboard")
        self.workers: list[subprocess.Popen[bytes]] = []

    def work(self, count: int) -> None:
        """So many more workers; back when they are there."""
        for _ in range(count):
            words = ("--nthreads", "1", "--no-dashboard", "--no-nanny")
            self.workers.append(program("worker", self.address, *words))
        with distributed.Client(self.address, timeout=60, set_as_default=False) as client:
            client.wait_for_workers(count, timeout=60)

    def config(self, kpis: KpiConfig, deadline: float = 60.0) -> KpiConfig:
        return msgspec.structs.replace(kpis, dask=DaskSection(self.address, Duration(deadline)))

    def end(self) -> None:
        for process in (*self.workers, self.scheduler):
            process.kill()
            process.wait()


def program(name: str, *words: str) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", f"distributed.cli.dask_{name}", *words]
    quiet = subprocess.DEVNULL
    return subprocess.Popen(command, stdout=quiet, stderr=quiet, env=ENVIRONMENT)


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    made = Cluster()
    made.work(2)
    yield made
    made.end()


def tape(path: Path, rows: int, odd: str = "") -> Path:
    """Two dates, values of every size; ``odd`` in the place of one amount."""
    lines = [HEADER]
    for row in range(rows):
        amounts = [f"{(row * 7919 + column * 104729) % 10**7 / 100:.2f}" for column in range(9)]
        amounts[0] = f"{sum(map(float, amounts)):.2f}"
        if odd and row == rows // 2:
            amounts[3] = odd
        lines.append(f"L{row},2025-1{row % 2 + 1}-30,{','.join(amounts)}")
    path.write_text("\n".join(lines) + "\n")
    return path


def answer(kpis: object) -> dict[str, object]:
    """Without the engine's name."""
    return {**kpis.as_json(by_date=True), "engine": ""}  # type: ignore[attr-defined]


@pytest.mark.parametrize("odd", ["", "(12.00)", "inf", "1,5"])
def test_the_bits_are_those_of_the_stream(cluster: Cluster, kpis: KpiConfig, tmp_path: Path, odd: str) -> None:
    path = tape(tmp_path / "tape.csv", 20_000, f'"{odd}"' if odd else "")
    config = cluster.config(kpis)
    on_dask = compute_on_dask(path, config, by_date=True, duplicates=True)
    assert answer(on_dask) == answer(compute_streamed(path, config, by_date=True, duplicates=True))
    assert on_dask.engine == "dask"


def test_parquet_in_several_files_too(cluster: Cluster, kpis: KpiConfig, tmp_path: Path) -> None:
    import pyarrow.csv
    import pyarrow.parquet

    for number in range(3):
        table = pyarrow.csv.read_csv(tape(tmp_path / f"{number}.csv", 3_000 + number))
        (tmp_path / "tape").mkdir(exist_ok=True)
        pyarrow.parquet.write_table(table, tmp_path / "tape" / f"{number}.parquet", row_group_size=700)
    config = cluster.config(kpis)
    on_dask = compute_on_dask(tmp_path / "tape", config, by_date=True)
    assert answer(on_dask) == answer(compute_streamed(tmp_path / "tape", config, by_date=True))


def test_a_worker_that_is_killed_changes_no_bit(kpis: KpiConfig, tmp_path: Path) -> None:
    made = Cluster()
    try:
        made.work(2)
        path, config = tape(tmp_path / "tape.csv", 200_000), made.config(kpis)
        made.workers[0].send_signal(signal.SIGSTOP)  # it will have been given pieces, and have finished none of them
        killer = subprocess.Popen(["sh", "-c", f"sleep 1; kill -9 {made.workers[0].pid}"])
        try:
            on_dask = compute_on_dask(path, config, by_date=True)
        finally:
            killer.wait()
        assert answer(on_dask) == answer(compute_streamed(path, config, by_date=True))
        assert made.workers[0].wait() == -signal.SIGKILL
    finally:
        made.end()


def test_a_cluster_without_workers_is_a_sentence(kpis: KpiConfig, tmp_path: Path) -> None:
    made = Cluster()
    try:
        with pytest.raises(Refused, match="has no worker"):
            compute_on_dask(tape(tmp_path / "tape.csv", 10), made.config(kpis, 3.0))
    finally:
        made.end()


def test_a_cluster_that_is_not_there_is_a_sentence(kpis: KpiConfig, tmp_path: Path) -> None:
    config = msgspec.structs.replace(kpis, dask=DaskSection("tcp://127.0.0.1:9", Duration(0.5)))
    with pytest.raises(Refused, match="is not there"):
        compute_on_dask(tape(tmp_path / "tape.csv", 10), config)


def test_without_an_address_the_cluster_is_of_processes_of_this_machine(kpis: KpiConfig, tmp_path: Path) -> None:
    path = tape(tmp_path / "tape.csv", 2_000)
    assert answer(compute_on_dask(path, kpis)) == answer(compute_streamed(path, kpis))


def test_what_is_no_tape_is_named(cluster: Cluster, kpis: KpiConfig, tmp_path: Path) -> None:
    path = tmp_path / "tape.csv"
    path.write_text(HEADER + "\n" + "L1,2025-12-31,1,2,3\n")
    with pytest.raises(TapeUnreadable, match=r"tape\.csv has 5 fields in row 1"):
        compute_on_dask(path, cluster.config(kpis))
