"""What watching costs: the monitor itself, and opening the records of 28 days instead of those of an hour.

    python benchmarks/watch.py [--minutes 3] [--rounds 15] [--records DIR] [--only monitor|opening]

The monitor: a fresh demo, cut over, sampled every 5 s while its pipeline runs every 5 s. After a minute to settle its
process is looked at for ``--minutes``: user and system time as a share of one core, proportional (PSS) and resident
memory. What it starts now and then (validations, proofs of the way back, shadow runs) are programs of their own; their
time is printed beside it.

Opening: records of one hour and of 28 days, made by the simulation of ``tests/nights`` (a sample every minute; the
single samples of the last 48 hours are then made as many as a sample every 5 s leaves), kept in ``--records`` where
that is given. Each is opened in turn, in fresh processes: the first read of the state, ``status --json``, and the
console from its start to its verdict on an 80x24 terminal. The least time of all rounds counts, since anything else is
the machine's other work. The first read is a part of the other two, of some milliseconds, and is printed without a bar:
it folds every slot of the checklist, of which 28 days have more.

Bars: 1 % of a core, 60 MB, and 28 days within 20 % of an hour. Exit 1 when one is missed.
"""

from __future__ import annotations

import argparse
import os
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT / "tests" / "nights"), str(ROOT / "tests" / "tui")]

COMMAND = (sys.executable, "-m", "tui.main")
CPU_BAR, MEMORY_BAR, OPENING_BAR = 1.0, 60.0, 1.2
TICKS = os.sysconf("SC_CLK_TCK")
SETTLES = 60.0
READ = """
import sys, time
from pathlib import Path
from engine.clock import SystemClock
from engine.config import load_deployment
from engine.state import StateReader
reader = StateReader(load_deployment(Path(sys.argv[1])), SystemClock())
began = time.perf_counter()
reader.read()
print(time.perf_counter() - began)
"""


def main() -> int:
    """Print both tables; 1 when a bar is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=3.0)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--records", type=Path)
    parser.add_argument("--only", choices=("monitor", "opening"))
    options = parser.parse_args()
    good = True
    with tempfile.TemporaryDirectory(prefix="abaco-bench-") as directory:
        if options.only != "opening":
            good = _monitor(Path(directory) / "demo", options.minutes) and good
        if options.only != "monitor":
            records = (options.records or Path(directory)).resolve()
            good = _opening(records, options.rounds) and good
    return 0 if good else 1


# ---- the monitor


def _monitor(root: Path, minutes: float) -> bool:
    from engine.config import load_deployment
    from engine.monitoring.launch import monitor_pid

    _run("demo", str(root), "--no-console")
    try:
        path = root / "config" / "console.yml"
        text = path.read_text()
        assert text.count("sample: 1s") == 1
        path.write_text(text.replace("sample: 1s", "sample: 5s"))  # the monitor takes it up by itself
        _run("--root", str(root), "cutover", "--yes", "--reason", "benchmark")
        time.sleep(SETTLES)
        pid = monitor_pid(load_deployment(root))
        assert pid is not None
        own, others, memory = *_times(pid), [_memory(pid)]
        began = time.monotonic()
        while time.monotonic() - began < minutes * 60:
            time.sleep(2.5)
            memory.append(_memory(pid))
        spent = time.monotonic() - began
        later = _times(pid)
    finally:
        _run("--root", str(root), "demo", str(root), "--stop")
    cpu, children = (100 * (after - before) / spent for before, after in zip((own, others), later, strict=True))
    pss, resident = (max(values) for values in zip(*memory, strict=True))
    print(f"the monitor, a sample every 5 s, over {spent / 60:.1f} min on {os.cpu_count()} cores")
    print(f"  {'CPU, own':<28} {cpu:8.2f} % of a core   bar {CPU_BAR:g} %")
    print(f"  {'CPU, programs it started':<28} {children:8.2f} % of a core")
    print(f"  {'memory, PSS':<28} {pss:8.1f} MB          bar {MEMORY_BAR:g} MB")
    print(f"  {'memory, resident':<28} {resident:8.1f} MB          bar {MEMORY_BAR:g} MB")
    return cpu < CPU_BAR and resident < MEMORY_BAR


def _times(pid: int) -> tuple[float, float]:
    """Seconds of CPU: its own, and of those that it has waited for."""
    fields = Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS, (int(fields[13]) + int(fields[14])) / TICKS


def _memory(pid: int) -> tuple[float, float]:
    """PSS and resident, in MB."""
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    found = {
        name: int(line.split()[1]) * 1024 / 1e6
        for line in lines
        for name in ("Pss", "Rss")
        if line.startswith(f"{name}:")
    }
    return found["Pss"], found["Rss"]


# ---- opening


def _opening(records: Path, rounds: int) -> bool:
    places = {name: _records(records / name, days) for name, days in (("hour", 1 / 24), ("month", 28.0))}
    ways: dict[str, Callable[[Path], float]] = {
        "first read of the state": _first_read,
        "status --json": _status,
        "console to its verdict": _console,
    }
    print(f"opening records, least of {rounds} rounds; bar {OPENING_BAR - 1:.0%} slower")
    print(f"  {'':<28} {'1 hour':>9} {'28 days':>9}")
    good = True
    for name, way in ways.items():
        found: dict[str, list[float]] = {place: [] for place in places}
        for _ in range(rounds):
            for place, root in places.items():
                found[place].append(way(root))
        hour, month = min(found["hour"]), min(found["month"])
        good = good and (way is _first_read or month <= OPENING_BAR * hour)
        print(f"  {name:<28} {hour * 1000:6.0f} ms {month * 1000:6.0f} ms   {month / hour - 1:+.0%}")
    return good


def _records(root: Path, days: float) -> Path:
    from days import CADENCE, make_records

    if not (root / "complete").exists():
        found = make_records(root, days)
        assert not found.wrong, found.wrong
        _denser(root / "logs" / "samples.db", int(CADENCE / 5) - 1)
        (root / "complete").touch()
    sizes = {name: (root / "logs" / name).stat().st_size / 1e6 for name in ("events.jsonl", "runs.jsonl", "samples.db")}
    print(f"  {root.name}: " + ", ".join(f"{name} {size:.1f} MB" for name, size in sizes.items()))
    return root


def _denser(path: Path, more: int) -> None:
    """Between two samples as many as a cadence of 5 s would have left."""
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TEMP TABLE original AS SELECT metric, era, wall, boot, value FROM samples")
        for step in range(1, more + 1):
            connection.execute(
                "INSERT INTO samples (metric, era, wall, boot, value)"
                " SELECT metric, era, wall + ?, boot + ?, value FROM original",
                (5.0 * step, 5.0 * step),
            )


def _first_read(root: Path) -> float:
    done = subprocess.run([sys.executable, "-c", READ, str(root)], capture_output=True, text=True, check=True)
    return float(done.stdout)


def _status(root: Path) -> float:
    began = time.perf_counter()
    _run("--root", str(root), "status", "--json")
    return time.perf_counter() - began


def _console(root: Path) -> float:
    from a_terminal import PlayedTerminal

    began = time.perf_counter()
    terminal = PlayedTerminal(["-m", "tui.main", "--root", str(root), "--read-only"])
    try:
        while "WAY BACK  v1" not in terminal.screen.display[2]:  # read from the records: nothing stands there before
            terminal.read(0.01)
            if time.perf_counter() - began > 30:
                raise SystemExit("the console shows no verdict:\n" + "\n".join(terminal.screen.display))
        return time.perf_counter() - began
    finally:
        terminal.close()


def _run(*words: str) -> None:
    done = subprocess.run([*COMMAND, *words], capture_output=True, text=True, timeout=180, check=False)
    if done.returncode:
        raise SystemExit(f"{' '.join(words)} ended with {done.returncode}:\n{done.stdout}{done.stderr}")


if __name__ == "__main__":
    raise SystemExit(main())
