"""Breaks cutover, rollback and recovery at each of their file system calls; prints cases, failures, seconds.

    python tests/faults/sweep.py                     everything, on as many lanes as there are processors
    python tests/faults/sweep.py --what calls        only: each call of an operation and its supervisor, every fault
    python tests/faults/sweep.py --what full         only: a disk that stays full from each call on
    python tests/faults/sweep.py --what recovery     only: recovery killed at each of its calls, from each step boundary
    python tests/faults/sweep.py --what power        only: the power cut at each call, on an ext4 (needs root)
    python tests/faults/sweep.py --part 7/40         every 40th case, beginning with the 7th
    python tests/faults/sweep.py --commit --minutes 4   a part that the commit's hash chooses, at most so long

Exit 0 when no promise was broken, 1 when one was, 2 when it could not run.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import selectors
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from functools import partial
from itertools import islice
from pathlib import Path
from typing import TextIO

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE.parents[1])]

import breaker  # noqa: E402

if __name__ == "__main__":
    breaker.preloaded(sys.argv)

import cases  # noqa: E402
from apart import run_apart  # noqa: E402
from ground import Ground, adopt_everything  # noqa: E402

_COMMIT_PARTS = 24
_TOLD_EVERY = 500


def main() -> int:
    """The command."""
    parser = argparse.ArgumentParser(prog="sweep", description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--what", choices=("calls", "full", "recovery", "power", "all"), default="all")
    parser.add_argument("--part", default="1/1", metavar="K/N", help="every N-th case, from the K-th on")
    parser.add_argument("--commit", action="store_true", help="the part that the commit's hash chooses")
    parser.add_argument("--minutes", type=float, default=0.0, help="begin no case after so long")
    parser.add_argument("--lanes", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--every-way", action="store_true", help="recovery by each way, not by turns")
    parser.add_argument("--skip", type=int, default=0, metavar="N", help="leave out the first N cases")
    parser.add_argument("--case", default="", help="only cases whose name contains this")
    options = parser.parse_args()
    part = _of_commit() if options.commit else options.part
    first, _, every = part.partition("/")
    began = time.monotonic()
    until = began + options.minutes * 60 if options.minutes else float("inf")
    results: Counter[str] = Counter()
    for line in _in_lanes(options.lanes, int(first), int(every), options, until):
        kind, _, text = line.partition(" ")
        results[kind] += 1
        if kind == "FAILED":
            print(text, flush=True)
        if sum(results.values()) % _TOLD_EVERY == 0:
            sys.stderr.write(f"{sum(results.values())} cases, {time.monotonic() - began:.0f} s\n")
    done = sum(results.values())
    print(
        f"sweep {options.what}, part {part}: {done} cases, {results['FAILED']} failures, "
        f"{time.monotonic() - began:.0f} seconds ({results['missed']} of them ended before the call they were to break)"
    )
    return 1 if results["FAILED"] or not done else 0


def _in_lanes(lanes: int, first: int, every: int, options: argparse.Namespace, until: float) -> Iterator[str]:
    """A process for each lane, a ground of its own each; the results as they come."""
    pipes = []
    for lane in range(lanes):
        read, write = os.pipe()
        if os.fork() == 0:
            os.close(read)
            os._exit(run_apart(partial(_lane, lane, lanes, first, every, options, until, write)))
        os.close(write)
        pipes.append(os.fdopen(read))
    yield from _merged(pipes)
    for _ in range(lanes):
        _, status = os.wait()
        if status:
            yield "FAILED a lane broke off: see above"


def _lane(lane: int, lanes: int, first: int, every: int, options: argparse.Namespace, until: float, write: int) -> int:
    os.setsid()
    adopt_everything()
    base = Path(tempfile.mkdtemp(prefix="abaco-sweep-", dir=cases.base_directory()))
    runner = (cases.PowerLane if options.what == "power" else cases.Lane)(Ground(base / "lane"))
    try:
        runner.prepare()
        for case in _mine(
            _all(runner, options.what, options.every_way, options.skip), lane, lanes, first, every, options.case
        ):
            if time.monotonic() > until:
                break
            result = runner.run(case)
            word = "FAILED" if result.broken else "passed" if result.reached else "missed"
            text = f"{word} {result.case}: {'; '.join(result.broken)}".replace("\n", " / ")
            os.write(write, f"{text[:1500]}\n".encode())
    finally:
        runner.tear_down()
        shutil.rmtree(base, ignore_errors=True)
    return 0


def _all(runner: cases.Lane, what: str, every_way: bool, skip: int) -> Iterator[cases.Case]:
    return islice(_each(runner, what, every_way), skip, None)


def _each(runner: cases.Lane, what: str, every_way: bool) -> Iterator[cases.Case]:
    if what == "power":
        yield from cases.of_power(runner)
    if what in ("full", "all"):
        yield from cases.of_calls(runner, (cases.FULL,))
    if what in ("calls", "all"):
        yield from cases.of_calls(runner)
        yield from cases.of_supervisor(runner)
    if what in ("recovery", "all"):
        yield from cases.of_recovery(runner, every_way)


def _mine(
    found: Iterable[cases.Case], lane: int, lanes: int, first: int, every: int, name: str
) -> Iterator[cases.Case]:
    for number, case in enumerate(found, start=1):
        if number % every == first % every and (number // every) % lanes == lane and name in str(case):
            yield case


def _merged(streams: list[TextIO]) -> Iterator[str]:
    selector = selectors.DefaultSelector()
    for stream in streams:
        selector.register(stream, selectors.EVENT_READ)
    while selector.get_map():
        for key, _ in selector.select():
            line = key.fileobj.readline()
            if line:
                yield line.rstrip("\n")
            else:
                selector.unregister(key.fileobj)


def _of_commit() -> str:
    """The part that the commit's hash chooses: another one for each commit, the same one for everybody."""
    head = subprocess.run(
        ["git", "-C", str(HERE), "rev-parse", "HEAD"], capture_output=True, text=True, check=False
    ).stdout.strip()
    number = int(hashlib.sha256(head.encode()).hexdigest(), 16) % _COMMIT_PARTS
    return f"{number + 1}/{_COMMIT_PARTS}"


if __name__ == "__main__":
    raise SystemExit(main())
