"""What the console costs its person, its machine and its line, at 120x40, beside bare Textual, btop and htop.

    python benchmarks/console.py [--quick] [--rounds 9] [--seconds 30] [--rows 1e7] [--keys 200] [--only start|...]
    python benchmarks/console.py --only day [--hours 24]

It plays the terminal itself: a pty, an emulated screen, and the time of every byte. The data are a fresh demo, cut
over, its monitor and the console at 1 Hz; "nothing new" is the same after every process of it has ended, so that only
clocks and ages change. The line of 150 ms and 1 % loss is a model, applied to keys and pictures: 75 ms each way, a lost
segment comes 300 ms late and all that follows waits for it; no sshd is in between. Opening 28 days instead of an hour
is measured by benchmarks/watch.py --only opening. Everything is compiled beforehand, as it is where it is installed.

A day of use is played as fast as it goes, which takes a quarter of an hour and more: only where it is asked for.

Times disturb each other: medians are given, and the machine's load. Exit 1 when a bar is missed.
"""

from __future__ import annotations

import argparse
import math
import os
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from a_watched_terminal import PYTHON, Line, WatchedTerminal, percentile, steady

COMMAND = (PYTHON, "-m", "tui.main")
HELLO = """
from textual.app import App
from textual.widgets import Static
class Hello(App):
    def compose(self):
        yield Static("hello")
Hello().run(mouse=False)
"""
_LOST_IS_ENOUGH = 5
_START_ENDS = 1.5
"""Seconds in which a start is over, on a machine that is very busy too."""
PARTS = ("start", "steady", "idle", "keys", "line", "day")
_ONLY_ASKED = "day"
_IN_SECONDS = 130.0
"""Seconds after which no age is told in seconds any more."""
_SETTLED_AFTER, _FLAT = 2, 1.0
"""Hours after which memory is to be flat: every screen has been open by then; and what is flat (MB)."""
_TOLD = (0, 1, 2, 6, 12, 24)
"""Hours of the day whose memory is told."""


@dataclass(frozen=True)
class Measure:
    """A row of the table; ``bar`` None: for comparison only."""

    what: str
    value: float | None
    unit: str
    bar: float | None = None
    remark: str = ""

    @property
    def missed(self) -> bool:
        """Whether it is beyond its bar."""
        return self.bar is not None and (self.value is None or self.value > self.bar)

    def __str__(self) -> str:
        value = "-" if self.value is None else f"{self.value:.2f} {self.unit}"
        bar = "" if self.bar is None else f"{self.bar:g} {self.unit}"
        verdict = "" if self.bar is None else "MISSED" if self.missed else "ok"
        return f"  {self.what:<52} {value:>14} {bar:>12}  {verdict:<6} {self.remark}".rstrip()


def main() -> int:
    """Measure, print the table; 1 when a bar is missed."""
    options = _options()
    print(f"load average {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores; {options.columns}")
    print(f"  {'measure':<52} {'value':>14} {'bar':>12}  verdict")
    missed = 0
    with tempfile.TemporaryDirectory(prefix="abaco-bench-") as directory:
        root = Path(directory) / "demo"
        os.environ["PYTHONPYCACHEPREFIX"] = str(Path(directory) / "compiled")
        os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
        _run("demo", str(root), "--no-console")
        try:
            _run("--root", str(root), "cutover", "--yes", "--reason", "benchmark")
            for part in PARTS:
                if part not in options.only:
                    continue
                if part in ("idle", "day"):
                    _run("--root", str(root), "demo", str(root), "--stop")
                for measure in globals()[f"_{part}"](root, options):
                    print(measure, flush=True)
                    missed += measure.missed
        finally:
            _run("--root", str(root), "demo", str(root), "--stop")
    print(f"load average {os.getloadavg()[0]:.1f}; {missed} missed")
    return 1 if missed else 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="a part of it, in under 90 s")
    parser.add_argument("--rounds", type=int)
    parser.add_argument("--seconds", type=float)
    parser.add_argument("--rows", type=float)
    parser.add_argument("--keys", type=int)
    parser.add_argument("--hours", type=int)
    parser.add_argument("--only", action="append", choices=PARTS)
    options = parser.parse_args()
    quick = {"rounds": 3, "seconds": 8.0, "rows": 3e5, "keys": 40, "hours": 3}
    whole = {"rounds": 9, "seconds": 30.0, "rows": 1e7, "keys": 200, "hours": 24}
    for name, value in (quick if options.quick else whole).items():
        if getattr(options, name) is None:
            setattr(options, name, value)
    options.only = options.only or [part for part in PARTS if part != _ONLY_ASKED]
    options.columns = f"{options.rounds} rounds, {options.seconds:g} s each, {options.rows:g} rows, {options.keys} keys"
    return options


def _run(*words: str) -> None:
    done = subprocess.run([*COMMAND, *words], capture_output=True, text=True, timeout=180, check=False)
    if done.returncode:
        raise SystemExit(f"{' '.join(words)} ended with {done.returncode}:\n{done.stdout}{done.stderr}")


@contextmanager
def _playing(*command: str, **environment: str) -> Iterator[WatchedTerminal]:
    terminal = WatchedTerminal(command, **environment)
    try:
        yield terminal
    finally:
        terminal.close()


@contextmanager
def _console(root: Path, *more: str) -> Iterator[WatchedTerminal]:
    with _playing(*COMMAND, "--root", str(root), *more) as terminal:
        terminal.until(lambda: _live(terminal), "the verdict")
        yield terminal


def _live(terminal: WatchedTerminal) -> bool:
    return " T+" in terminal.screen.display[0]


# ---- start


def _start(root: Path, options: argparse.Namespace) -> Iterator[Measure]:
    hello, first, live = [], [], []
    for number in range(options.rounds + 1):  # the first one compiles
        with _playing(PYTHON, "-c", HELLO) as terminal:
            painted, _ = _first_sights(terminal)
        hello.append(painted)
        with _playing(*COMMAND, "--root", str(root)) as terminal:
            painted, alive = _first_sights(terminal)
        first.append(painted)
        live.append(alive)
        if not number:
            hello, first, live = [], [], []
    bare, painted, alive = (statistics.median(times) for times in (hello, first, live))
    yield Measure("a bare Textual application to its first paint", 1000 * bare, "ms")
    yield Measure("start to first paint, of that", painted / bare, "x", 1.4, f"{1000 * painted:.0f} ms")
    yield Measure("start to live data, of that", alive / bare, "x", 1.8, f"{1000 * alive:.0f} ms")


def _first_sights(terminal: WatchedTerminal) -> tuple[float, float]:
    """Seconds until something stands on the screen, and until the verdict does (endless where it never does)."""
    reads = terminal.collect(_START_ENDS)
    painted = terminal.shown_after(reads, lambda: _painted_at_all(terminal)) or math.inf
    if _live(terminal):
        return painted, painted
    rest = [read for read in reads if read[0] - terminal.began > painted]
    return painted, terminal.shown_after(rest, lambda: _live(terminal)) or math.inf


def _painted_at_all(terminal: WatchedTerminal) -> bool:
    return any(row.strip() for row in terminal.screen.display)


# ---- bytes, processor, memory


def _live_bytes(root: Path, options: argparse.Namespace, setting: str) -> tuple[float, float, float, float, int]:
    with _playing(*COMMAND, "--root", str(root), ABACO_OPS_CELL_DIFFER=setting) as terminal:
        terminal.until(lambda: _live(terminal), "the verdict")
        terminal.settle(3.0)
        seen = steady(terminal, options.seconds)
    rate, minimal = seen.bytes / seen.seconds, seen.minimal / seen.seconds
    return rate, minimal, 100 * seen.cpu / seen.seconds, seen.pss, seen.updates


def _live_others(options: argparse.Namespace) -> Iterator[tuple[str, float, float]]:
    with tempfile.TemporaryDirectory() as home:
        place = Path(home) / "btop" / "btop.conf"
        place.parent.mkdir()
        place.write_text("update_ms = 1000\n")
        for name, command in (("btop", ("btop",)), ("htop", ("htop", "-d", "10"))):
            if shutil.which(name) is None:
                yield name, 0.0, 0.0
                continue
            with _playing(*command, XDG_CONFIG_HOME=home) as terminal:
                terminal.settle(3.0)
                seen = steady(terminal, options.seconds)
            yield name, seen.bytes / seen.seconds, 100 * seen.cpu / seen.seconds


def _steady(root: Path, options: argparse.Namespace) -> Iterator[Measure]:
    rate, minimal, cpu, pss, updates = _live_bytes(root, options, "1")
    own = _live_bytes(root, options, "0")
    others = {name: (sent, spent) for name, sent, spent in _live_others(options)}
    btop = others["btop"][0]
    yield Measure("live at 1 Hz, of what a minimal differ sends", rate / minimal, "x", 1.15, f"{updates} updates")
    yield Measure("live at 1 Hz, sent", rate, "B/s", btop or None, "bar: btop" if btop else "btop: not installed")
    yield Measure("the same without the cell differ", own[0], "B/s", None, f"{own[0] / own[1]:.1f} x minimal")
    for name, (sent, spent) in others.items():
        yield Measure(f"{name} at 1 Hz", sent or None, "B/s", None, f"{spent:.1f} % CPU" if sent else "not installed")
    yield Measure("processor, live at 1 Hz", cpu, "%", 2.5, f"without the cell differ {own[2]:.1f} %")
    yield Measure("memory (PSS)", pss, "MB", 40.0)


def _idle(root: Path, options: argparse.Namespace) -> Iterator[Measure]:
    with _console(root, "--read-only") as terminal:
        terminal.settle(12.0)  # what was fresh grows stale
        early = steady(terminal, options.seconds)
        terminal.settle(max(_IN_SECONDS - 12.0 - options.seconds, 0.0))
        seen = steady(terminal, options.seconds)
    yield Measure("only clocks change, per change", seen.bytes / max(seen.updates, 1), "B", 150.0, f"{seen.updates}")
    yield Measure("processor, nothing new", 100 * seen.cpu / seen.seconds, "%", 0.3)
    yield Measure("the first two minutes, ages told in seconds: change", early.bytes / max(early.updates, 1), "B")
    yield Measure("processor meanwhile", 100 * early.cpu / early.seconds, "%")


def _day(root: Path, options: argparse.Namespace) -> Iterator[Measure]:
    out = root.parent / "day.txt"
    program = Path(__file__).with_name("a_day.py")
    with _playing(PYTHON, str(program), str(root), str(out), "--hours", str(options.hours)) as terminal:
        while not out.exists() or len(out.read_text().splitlines()) <= options.hours:
            terminal.read(1.0)
            del terminal.reads[:]
    lines = [line.split() for line in out.read_text().splitlines()]
    hours, own = [float(line[1]) for line in lines], [float(line[2]) for line in lines]
    for hour in (hour for hour in _TOLD if hour < len(hours)):
        yield Measure(f"memory (PSS) after {hour} h of use", hours[hour], "MB", 40.0 if hour == _TOLD[-1] else None)
    settled = min(_SETTLED_AFTER, len(hours) - 1)
    yield Measure(f"grown from hour {_SETTLED_AFTER} to {options.hours}", hours[-1] - hours[settled], "MB", _FLAT)
    # what is shared counts the more, the fewer other programs of Python run: this does not move with them
    yield Measure("grown meanwhile, its own alone", own[-1] - own[settled], "MB")


# ---- keys


def _keys(root: Path, options: argparse.Namespace) -> Iterator[Measure]:
    tape = root.parent / "big.csv"
    _big_tape(root / "data" / "raw" / "loan_tape.csv", tape, int(options.rows))
    validation = _Validation(root, tape)
    with _console(root, "--read-only") as terminal:
        try:
            times, lost = _type(terminal, options.keys, validation.goes_on)
        finally:
            validation.end()
    tape.unlink()
    yield Measure("key to paint during a validation, p50", 1000 * percentile(times, 0.5), "ms", 4.0)
    yield Measure("key to paint during a validation, p99", 1000 * percentile(times, 0.99), "ms", 15.0)
    yield Measure("keys lost", float(lost), "", 0.0, f"of {options.keys}; {validation.begun} validations")


class _Validation:
    """A validation that begins again when it has ended."""

    def __init__(self, root: Path, tape: Path) -> None:
        self._command = [*COMMAND, "--root", str(root), "validate", "--tape", str(tape)]
        self._process: subprocess.Popen[bytes] | None = None
        self.begun = 0

    def goes_on(self) -> None:
        """See that it runs."""
        if self._process is None or self._process.poll() is not None:
            nowhere = subprocess.DEVNULL
            self._process = subprocess.Popen(self._command, stdout=nowhere, stderr=nowhere)
            self.begun += 1
            time.sleep(1.0 if self.begun == 1 else 0.0)

    def end(self) -> None:
        """End it."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()


def _line(root: Path, options: argparse.Namespace) -> Iterator[Measure]:
    there, back = Line(0.075, 0.01, random=random.Random(1)), Line(0.075, 0.01, random=random.Random(2))
    with _console(root, "--read-only") as terminal:
        times, lost = _type(terminal, options.keys, there=there, back=back)
    yield Measure("the same over 150 ms and 1 % loss (modelled), p95", 1000 * percentile(times, 0.95), "ms", 210.0)
    yield Measure("keys lost on that line", float(lost), "", 0.0, f"of {len(times) + lost}")


def _type(
    terminal: WatchedTerminal,
    count: int,
    before_each: Callable[[], None] = lambda: None,
    there: Line | None = None,
    back: Line | None = None,
) -> tuple[list[float], int]:
    """Seconds from each key to its picture, in the field that finds commands; and how many never showed."""
    there, back = there or Line(), back or Line()
    terminal.type(":")
    terminal.until(lambda: "Find a command" in "\n".join(terminal.screen.display), "the palette")
    pause, times, lost, typed = random.Random(3), [], 0, ""
    for number in range(count):
        before_each()
        terminal.settle(pause.uniform(0.05, 0.15))
        key = "\x7f" if len(typed) == 30 or (typed and number % 7 == 6) else "xyz"[number % 3]
        typed = typed[:-1] if key == "\x7f" else typed + key
        pressed = time.perf_counter()
        arrives = there.through(pressed)
        if arrives > pressed:
            terminal.settle(arrives - pressed)
        terminal.type(key)
        came = _painted(terminal, typed)
        if came is None:
            lost += 1
            if lost > _LOST_IS_ENOUGH:
                break
        else:
            times.append(back.through(came) - pressed)
    return times, lost


def _painted(terminal: WatchedTerminal, typed: str, timeout: float = 3.0) -> float | None:
    """When the field showed exactly this."""
    end = time.perf_counter() + timeout
    while time.perf_counter() < end:
        if terminal.read(0.05):
            came, data = terminal.reads[-1]
            terminal.show(data)
            if any(row.strip(" []▏▌_█|") == typed for row in terminal.screen.display[5:8]):
                return came
    return None


def _big_tape(model: Path, place: Path, rows: int) -> None:
    """A tape of that many rows: the demo's, again and again, each time under other loan numbers."""
    header, _, body = model.read_bytes().partition(b"\n")
    with place.open("wb") as file:
        file.write(header + b"\n")
        for number in range(max(rows // (body.count(b"\n") or 1), 1)):
            file.write(body.replace(b"\nL", b"\nL%d-" % number).replace(b"L", b"L%d-" % number, 1))


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parents[1]))
    raise SystemExit(main())
