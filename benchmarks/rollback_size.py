"""What a rollback costs when there is much to go back to: many bytes, or many files.

    python benchmarks/rollback_size.py [--bytes 10G] [--files 10000] [--generated] [--directory DIR] [--only bytes]

Two rounds, each on a fresh demo in a temporary directory of its own, removed at the end: one with ``--bytes`` of
metrics in 64 MB files (sparse; ``--generated`` fills them with random bytes, and then four times their size is
needed on the disk), one with ``--files`` files of 1 kB. Each is cut over, which stages the tree, and rolled back, with
the real worker and the real services. Printed are

- the swap: ``renameat2`` and the fsync of both directories, in milliseconds, as the worker measured it itself
  and journaled it (the detail of ``restore_metrics``);
- every step of cutover and rollback, as the journal has it;
- the engine's own time. Wall: from ``accepted`` to ``ended``, less the steps that wait for a release
  (``stop_new`` until it has stopped, ``start_old`` until it runs, ``verify_old`` for its first run, its programs and
  ``verify_hold``). CPU: user and system time of the worker process alone, over its whole life, its imports and those
  three steps included; the release's programs are processes of their own;
- what a plan takes, which the console makes when it opens the sheet;
- what the proof of the way back takes, the first time and the next.

Bars: the swap under 10 ms; of 10,000 files less than 2 s of the engine's own time, wall and CPU. Exit 1 when one is
missed. Wall times, the swap's fsyncs among them, want a machine and a disk that do nothing else.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from engine.config import Deployment, load_deployment
from engine.operations.journal import read_operation, records_of, worker_of
from engine.operations.launch import launch, plan_cutover, plan_rollback
from engine.operations.model import Operation
from engine.operations.plan import Plan

COMMAND = (sys.executable, "-m", "tui.main")
SWAP_BAR = 10.0
"""Milliseconds."""
OWN_BAR = 2.0
"""Seconds, for 10,000 files."""
WAITING = ("stop_new", "start_old", "verify_old")
BIG = 64 << 20
SMALL = 1000
TICKS = os.sysconf("SC_CLK_TCK")
UNITS = {"": 1, "K": 10**3, "M": 10**6, "G": 10**9}


def main() -> int:
    """Both rounds; exit 1 when a bar is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bytes", type=_size, default="10G", help="metrics in large files (10G)")
    parser.add_argument("--files", type=int, default=10_000, help="metrics in small files (10000)")
    parser.add_argument("--generated", action="store_true", help="random bytes instead of sparse files")
    parser.add_argument("--directory", type=Path, default=None, help="where the room is (the system's temporary one)")
    parser.add_argument("--only", choices=("bytes", "files"))
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that it cleans up then too
    place = options.directory or Path(tempfile.gettempdir())
    _must_have_room(place, (4 * options.bytes if options.generated else 0) + 8 * 4096 * options.files)
    met = True
    if options.only != "files":
        met &= _round(place, f"{options.bytes / 1e9:g} GB of metrics", options.bytes, BIG, options.generated)
    if options.only != "bytes":
        met &= _round(place, f"{options.files} files of metrics", options.files * SMALL, SMALL, True)
    return 0 if met else 1


def _size(text: str) -> int:
    found = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([KMG]?)B?", text.strip())
    if found is None:
        raise argparse.ArgumentTypeError(f"{text!r} is no size such as 500M or 10G")
    return int(float(found[1]) * UNITS[found[2]])


def _must_have_room(place: Path, needed: int) -> None:
    free = shutil.disk_usage(place).free
    if free < needed + 10**9:
        raise SystemExit(f"{place} has {free / 1e9:.1f} GB free, {needed / 1e9 + 1:.1f} GB are needed: --directory DIR")


def _round(place: Path, title: str, size: int, each: int, generated: bool) -> bool:
    with tempfile.TemporaryDirectory(prefix="abaco-bench-", dir=place) as directory:
        root = Path(directory) / "demo"
        _command(root, "demo", str(root), "--no-console")
        try:
            deployment = load_deployment(root)
            count = _fill(deployment.metrics / "history", size, each, generated)
            return _measure(deployment, title, count)
        finally:
            _command(root, "demo", str(root), "--stop")


def _command(root: Path, *words: str) -> None:
    done = subprocess.run(
        [*COMMAND, "--root", str(root), *words], capture_output=True, text=True, timeout=300, check=False
    )
    if done.returncode:
        raise SystemExit(f"{' '.join(words)} ended with {done.returncode}:\n{done.stdout}{done.stderr}")


def _fill(directory: Path, size: int, each: int, generated: bool) -> int:
    """Files that no release wrote, each with another content; how many."""
    directory.mkdir()
    count = max(size // each, 1)
    for number in range(count):
        with (directory / f"part_{number:06d}.bin").open("wb") as stream:
            stream.write(b"%020d" % number)
            if generated:
                stream.write(os.urandom(each - 20))
            else:
                stream.truncate(each)
    return count


def _measure(deployment: Deployment, title: str, count: int) -> bool:
    cutover, cutover_cpu = _carry_out(deployment, plan_cutover(deployment))
    proofs = [_seconds_of_proof(deployment) for _ in range(2)]
    began = time.monotonic()
    plan = plan_rollback(deployment)
    planned = time.monotonic() - began
    rollback, cpu = _carry_out(deployment, plan)
    swap = _swap_milliseconds(rollback)
    own = (rollback.seconds or 0.0) - sum(step.seconds or 0.0 for step in rollback.steps if step.name in WAITING)
    print(f"\n{title} ({plan.snapshot_files} files, {plan.snapshot_bytes / 1e6:,.0f} MB in the snapshot)")
    _print_steps(cutover, cutover_cpu)
    _print_steps(rollback, cpu)
    print(f"  {'the plan (the sheet opens)':<44} {planned:>9.3f} s")
    print(f"  {'proof of the way back, first and next':<44} {proofs[0]:>9.3f} s {proofs[1]:>9.3f} s")
    print(f"  {'engine, wall: accepted to ended, less waiting':<44} {own:>8.3f} s")
    print(f"  {'engine, CPU of the worker':<44} {cpu:>9.3f} s")
    print(f"  {'THE SWAP':<44} {swap:>9.3f} ms   bar {SWAP_BAR:g} ms")
    bar = OWN_BAR * max(count / 10_000, 1.0)
    if count < 1000:
        return swap < SWAP_BAR
    print(f"  {'THE ENGINE (the larger of wall and CPU)':<44} {max(own, cpu):>9.3f} s    bar {bar:g} s")
    return swap < SWAP_BAR and max(own, cpu) < bar


def _carry_out(deployment: Deployment, plan: Plan) -> tuple[Operation, float]:
    """The operation by a worker of its own, and the CPU seconds of that worker."""
    accepted = launch(deployment, plan, reason="benchmark", actor="benchmark", origin="local")
    directory = deployment.paths.operation(accepted.id)
    worker = worker_of(records_of(directory))
    cpu = 0.0
    while worker is not None and (now := _cpu(worker.pid)) is not None:
        cpu = now
        time.sleep(0.005)
    operation = read_operation(directory)
    if operation.state != "SUCCEEDED":
        raise SystemExit(f"{accepted.id} ended {operation.state}: {operation.failure}")
    return operation, cpu


def _cpu(pid: int) -> float | None:
    """User and system seconds of a process; None when it is gone or only waits to be collected."""
    try:
        words = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return None if words[0] in "ZX" else (int(words[11]) + int(words[12])) / TICKS


def _seconds_of_proof(deployment: Deployment) -> float:
    began = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-m", "engine.operations.way_back", "--root", str(deployment.root)],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise SystemExit(f"the way back is not proven:\n{done.stdout}{done.stderr}")
    return time.monotonic() - began


def _swap_milliseconds(rollback: Operation) -> float:
    detail = next(step.detail for step in rollback.steps if step.name == "restore_metrics")
    found = re.search(r"exchanged in one step in ([\d.]+) ms", detail)
    if found is None:
        raise SystemExit(f"this file system cannot exchange: {detail}")
    return float(found[1])


def _print_steps(operation: Operation, cpu: float) -> None:
    print(f"  {operation.kind}: {operation.seconds:.2f} s, CPU of the worker {cpu:.2f} s")
    for step in operation.steps:
        waits = "  waits for the release" if step.name in WAITING and operation.kind == "rollback" else ""
        print(f"    {step.name:<20} {step.seconds or 0.0:>8.3f}{waits}")


if __name__ == "__main__":
    raise SystemExit(main())
