"""An hour of everything: a monitor, two consoles and the demo, with drills, operators, lost terminals and kills.

    python tests/soak/soak.py [--minutes 60] [--seed N]

What people and misfortune do is drawn by the seed; what then happens is real. At the end the deployment is put right,
as a person would, and everything is looked at: one release live with its own configuration, nothing lost, no operation
open, the audit trail whole, nothing left behind, no process too many, no traceback ever, and nobody who grew: memory,
open files, threads. Exit 1 when a promise was broken or something grew; what was done is printed then.
"""

from __future__ import annotations

import argparse
import random
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Callable
from pathlib import Path

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE.parent / "e2e"), str(HERE.parent), str(HERE.parents[1])]

import psutil  # noqa: E402
from figures import Sample, grown, growth, left_behind, sample, size_of  # noqa: E402
from operator_at_work import COMMAND, Operator  # noqa: E402
from terminal import Terminal  # noqa: E402
from what_remains import assert_nothing_is_lost, assert_records_are_complete, newest_snapshot  # noqa: E402

EVERY = 15.0
"""Seconds between two looks at what the processes take."""
LAST_CUTOVER_WITHIN = 120.0
FAULTS = ("latency", "errors", "leak", "cpu", "crash", "hang", "corrupt-tape", "lost-audit", "stop-monitor")
KEYS = (
    "1",
    "2",
    "3",
    "4",
    "5",
    "6",
    "7",
    "8",
    "9",
    "Tab",
    "Down",
    "Up",
    "z",
    "[",
    "]",
    "?",
    "Escape",
    "Enter",
    "Escape",
)
# a drill leaves errors and gaps behind, for which a person accepts the warning
CUTOVER = ("cutover", "--yes", "--accept-warn", "error_handling", "--accept-warn", "audit_trail")
CODES = (0, 1, 2, 3, 4, 5)


class Soak:
    """One deployment, its consoles, and what is done to them."""

    def __init__(self, root: Path, minutes: float, seed: int) -> None:
        self.root, self.minutes, self.chance = root, minutes, random.Random(seed)
        self.operator = Operator(root)
        self.done: Counter[str] = Counter()
        self.problems: list[str] = []
        self.samples: dict[str, list[Sample]] = defaultdict(list)
        self.began = self.sampled = time.monotonic()
        self.consoles: dict[str, Terminal] = {}

    def begin(self) -> None:
        """The demo runs, two consoles are open: one at work, one on the wall."""
        self.ask("demo", str(self.root), "--no-console", bare=True)
        self.open_consoles()

    def open_consoles(self) -> None:
        """Open what is not open."""
        for name, words, size in (("console", (), (120, 36)), ("wall", ("wall",), (200, 50))):
            if name not in self.consoles:
                command = [*COMMAND, "--root", str(self.root), *words]
                self.consoles[name] = Terminal(command, cwd=HERE.parents[1], columns=size[0], rows=size[1])

    def ask(self, *words: str, bare: bool = False, timeout: float = 180.0) -> int:
        """A command, and that it ends as commands end."""
        answer = Operator(self.root).run(*words, timeout=timeout) if not bare else self.operator.run(*words)
        self.done[f"{words[0]}: {answer.code}"] += 1
        said = answer.out + answer.err
        if answer.code not in CODES or "Traceback" in said or "unrecognized" in said or "usage:" in answer.err:
            self.problems.append(f"{' '.join(words)} ended with {answer.code}: {said[-600:]}")
        return answer.code

    # ---- what is done

    def cut_over_and_back(self) -> None:
        self.ask(*CUTOVER, "--reason", "soak")
        self.look_around(self.chance.uniform(2, 20))
        self.ask("rollback", "--yes", "--reason", "soak")

    def lose_the_worker(self) -> None:
        """An operation is asked for and its worker killed somewhere; then it is gone back from, resumed or aborted."""
        kind = self.chance.choice(("cutover", "rollback"))
        self.ask(kind, "--yes", "--reason", "soak", "--detach")
        self.look_around(self.chance.uniform(0.2, 8))
        for process in self.processes("engine.operations"):
            self.kill(process)
        open_ = [one["id"] for one in self.operator.run("history", "--json").json() if one.get("open")]
        way = self.chance.choice(("rollback", "resume", "abort"))
        words = ("rollback", "--yes", "--reason", "soak") if way == "rollback" else (way, *open_[-1:])
        if open_ or way == "rollback":
            self.ask(*words)

    def lose_a_terminal(self) -> None:
        """A person begins something in a console of their own, and the line drops."""
        terminal = Terminal([*COMMAND, "--root", str(self.root)], cwd=HERE.parents[1])
        try:
            terminal.wait_for("WAY BACK", timeout=60)
            terminal.keys(*self.chance.sample(KEYS, 5))
            terminal.keys("Escape", "Escape", "V")
            self.look_around(self.chance.uniform(0.1, 3))
        finally:
            terminal.close()
        self.done["terminal lost"] += 1

    def lose_the_monitor(self) -> None:
        """In the first third of the time: then it has the rest of it to grow in."""
        if time.monotonic() - self.began > 60 * self.minutes / 3:
            return
        for process in self.processes("engine.monitoring"):
            self.kill(process)
        self.samples.pop("monitor", None)  # another process, measured anew
        self.look_around(self.chance.uniform(0.5, 4))
        self.ask("monitor", "--restart")

    def lose_the_service(self) -> None:
        for process in self.processes("engine.pipeline serve"):
            self.kill(process)
        self.look_around(5.0)

    def drill(self) -> None:
        fault = self.chance.choice(FAULTS if time.monotonic() - self.began < 60 * self.minutes / 3 else FAULTS[:-1])
        if self.ask("drill", fault, "--for", "20s") == 0:
            self.look_around(self.chance.uniform(5, 20))
            self.ask("drill", "--end")
            if fault == "stop-monitor":
                self.ask("monitor", "--restart")
                self.samples.pop("monitor", None)
            self.ask("validate")

    def people_write(self) -> None:
        self.ask("note", "soak")
        self.ask("watch", "take")
        for condition in ("AUD", "LAT", "ERR"):
            self.ask("ack", condition)

    def rehearse(self) -> None:
        self.ask("rehearse")

    def look_only(self) -> None:
        for words in (
            ("status", "--json"),
            ("ready",),
            ("doctor",),
            ("history",),
            ("snapshots",),
            ("report", "--help"),
        ):
            self.ask(*words)

    # ---- meanwhile

    def look_around(self, seconds: float) -> None:
        """Time passes: keys are pressed in the console, and what everybody takes is noted."""
        until = time.monotonic() + seconds
        while True:
            self.press()
            self.measure()
            left = until - time.monotonic()
            if left <= 0:
                return
            time.sleep(min(left, 0.7))

    def press(self) -> None:
        for name, terminal in list(self.consoles.items()):
            if not terminal.alive():
                self.problems.append(f"the {name} ended by itself:\n{terminal.screen()}")
                terminal.close()
                del self.consoles[name]
        self.open_consoles()
        self.consoles["console"].keys(self.chance.choice(KEYS))

    def measure(self) -> None:
        now = time.monotonic()
        if now - self.sampled < EVERY:
            return
        self.sampled, minutes = now, (now - self.began) / 60
        pids = {name: terminal.pid() for name, terminal in self.consoles.items()}
        for process in self.processes("engine.monitoring")[:1]:
            pids["monitor"] = process.pid
        for name, pid in pids.items():
            if (found := sample(pid, minutes)) is not None:
                self.samples[name].append(found)

    def processes(self, words: str) -> list[psutil.Process]:
        """Processes of this deployment whose command line has these words."""
        found = []
        for process in psutil.process_iter(["cmdline"]):
            line = " ".join(process.info["cmdline"] or ())
            if str(self.root) in line and words in line and "soak.py" not in line:
                found.append(process)
        return found

    def kill(self, process: psutil.Process) -> None:
        try:
            process.send_signal(signal.SIGKILL)
        except psutil.Error:
            return
        self.done["killed"] += 1

    # ---- the end

    def end(self) -> None:
        """Put it right as a person would; then everything is as it was promised."""
        self.ask("drill", "--end")
        for _ in range(3):
            if not any(one.get("open") for one in self.operator.run("history", "--json").json()):
                break
            self.ask("rollback", "--yes", "--reason", "the end")
        if self.operator.status()["release"] != "v1":
            self.ask("rollback", "--yes", "--reason", "the end")
        if self.cut_over_at_last():
            snapshot = newest_snapshot(self.operator)
            self.ask("rollback", "--yes", "--reason", "the last one")
            self.judge(snapshot)
        self.problems += grown(self.samples)

    def cut_over_at_last(self) -> bool:
        """What a drill has left behind bars a cutover for a while, as it should: a person waits, and tries again."""
        until = time.monotonic() + LAST_CUTOVER_WITHIN
        while self.ask(*CUTOVER, "--reason", "the last one") != 0:
            if time.monotonic() > until:
                self.problems.append(f"no cutover for {LAST_CUTOVER_WITHIN:g} s: see the last one in the history")
                return False
            self.look_around(5.0)
        return True

    def judge(self, snapshot: Path) -> None:
        """Every promise, from outside."""
        status = self.operator.status()
        self.must(status["release"] == "v1", f"v1 is not live: {status['release']}")
        active, staged = (self.root / "config" / name for name in ("pipeline.yml", "releases/v1.yml"))
        self.must(active.read_bytes() == staged.read_bytes(), "the active configuration is not v1's")
        self.must(not any(one.get("open") for one in self.operator.run("history", "--json").json()), "one is open")
        for check in (lambda: assert_nothing_is_lost(self.operator, snapshot), self.complete):
            try:
                check()
            except AssertionError as error:
                self.problems.append(str(error)[:600])
        self.problems += left_behind(self.root, keep=5)
        for terminal in self.consoles.values():
            terminal.close()
        self.ask("demo", str(self.root), "--stop", bare=True)
        _, left = psutil.wait_procs(self.processes(""), timeout=20)  # consoles whose terminal is gone take their leave
        self.must(not left, f"still there: {left}")

    def complete(self) -> None:
        assert_records_are_complete(self.operator)

    def must(self, so: bool, otherwise: str) -> None:
        if not so:
            self.problems.append(otherwise)

    def told(self, disk: float) -> list[str]:
        """The figures."""
        lines = [f"  {name:<10} {len(found)} looks" + _more(found) for name, found in sorted(self.samples.items())]
        lines.append(f"  disk       {disk:.0f} MB more: records, and what side snapshots alone hold")
        lines.append("  done       " + ", ".join(f"{count} {what}" for what, count in sorted(self.done.items())))
        return lines


def _more(found: list[Sample]) -> str:
    last, more = found[-1], growth(found)
    now = f", {last.memory:.1f} MB, {last.files} open files, {last.threads} threads"
    return now + ("" if more is None else f"; grew by {more[0]:+.1f} MB, {more[1]:+d}, {more[2]:+d}")


def main() -> int:
    """The command."""
    parser = argparse.ArgumentParser(prog="soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=60.0)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    options = parser.parse_args()
    place = Path(tempfile.mkdtemp(prefix="abaco-soak-"))
    soak = Soak(place / "site", options.minutes, options.seed)
    soak.begin()
    before = size_of(soak.root)
    acts: list[Callable[[], None]] = [
        soak.cut_over_and_back,
        soak.cut_over_and_back,
        soak.lose_the_worker,
        soak.lose_a_terminal,
        soak.lose_the_monitor,
        soak.lose_the_service,
        soak.drill,
        soak.drill,
        soak.people_write,
        soak.rehearse,
        soak.look_only,
    ]
    try:
        while time.monotonic() - soak.began < 60 * options.minutes:
            soak.chance.choice(acts)()
            soak.look_around(soak.chance.uniform(0.5, 5))
        soak.end()
    finally:
        for process in soak.processes(""):
            soak.kill(process)
        for terminal in soak.consoles.values():
            terminal.close()
    minutes = (time.monotonic() - soak.began) / 60
    print(f"soak, seed {options.seed}: {minutes:.0f} minutes, {len(soak.problems)} problems")
    print("\n".join(soak.told(size_of(soak.root) - before)))
    if soak.problems:
        print("\n".join(f"PROBLEM {problem}" for problem in soak.problems))
        print(f"the deployment: {soak.root}")
        return 1
    shutil.rmtree(place)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
