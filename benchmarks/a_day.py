"""A day at the console, as fast as it goes: what benchmarks/console.py --only day runs in a terminal that it plays.

    python benchmarks/a_day.py ROOT OUT [--hours 24]

The console is the real one on the deployment at ROOT, with a clock that this program turns: it is read and drawn
every other second of it. There is a new sample every 10 s, an event each minute, and every 10 minutes somebody looks at
another view, opens the help or the palette, and closes it. OUT gets a line for each full hour: hour, memory in MB with
its share of what other processes use too (PSS), and what it wrote itself and shares with none.
"""

from __future__ import annotations

import argparse
import gc
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

from tui.main import without_tls

with without_tls():  # as where the console is started by its command
    import asyncio

    from msgspec.structs import replace

    from engine.clock import Instant, SystemClock
    from engine.config import Deployment, load_deployment
    from engine.config.looking import only_looking
    from engine.monitoring.store import SampleStore
    from engine.records import append_event
    from engine.state.patient import PatientReader
    from tui.actions import EngineActions
    from tui.app import ConsoleApp
    from tui.guard import Guard
    from tui.lag import LagWatch
    from tui.looking import EngineLooks
    from tui.theme import Brushes

STEP, SAMPLE, EVENT, LOOK = 2, 10, 60, 600
"""Seconds."""
_KEYS = ("2", "3", "4", "5", "6", "7", "8", "9", "1", "question_mark", "escape", "colon", "x", "escape")


class TurnedClock:
    """Begins now, and goes on when it is turned."""

    def __init__(self) -> None:
        self._now = SystemClock().now()

    def now(self) -> Instant:
        """The moment."""
        return self._now

    def turn(self, seconds: float) -> None:
        """So much later."""
        self._now = Instant(self._now.wall + timedelta(seconds=seconds), self._now.boot + seconds)


class Day(ConsoleApp):
    """The console, living through a day."""

    def live(self, deployment: Deployment, clock: TurnedClock, hours: float, out: Path) -> None:
        """Do so as soon as it runs."""
        self._day = (deployment, clock, hours, out)
        self._store = SampleStore(deployment.paths.samples)
        self._store.append([])  # before the reader looks: SQLite would take that for the whole process's right
        # the monitor's part is played in here too: its pages of the database are none of the console's memory
        self._store._open().execute("PRAGMA cache_size = -64")

    def on_ready(self) -> None:
        """Begin."""
        self.run_worker(self._live(*self._day), exit_on_error=True)

    async def _live(self, deployment: Deployment, clock: TurnedClock, hours: float, out: Path) -> None:
        await asyncio.sleep(1.0)
        newest, keys = self._store.newest_evaluation(), _endless(_KEYS)
        assert newest is not None
        for second in range(0, int(hours * 3600) + 1, STEP):
            if second % 3600 == 0:
                with out.open("a") as file:
                    file.write(f"{second // 3600} {memory('Pss'):.2f} {memory('Private_Dirty'):.2f}\n")
            clock.turn(STEP)
            now = clock.now()
            if second % SAMPLE == 0:
                self._store.append([], replace(newest, at=now.wall, boot=now.boot))
            if second % EVENT == 0:
                data = {"run_id": str(second), "release": "v2", "status": "ok"}
                append_event(deployment.paths.events, "run.finished", data, source="day", actor="day", clock=clock)
            self.look_again()
            if second % LOOK == LOOK - STEP:
                self.simulate_key(next(keys))
            self.redraw()
            await asyncio.sleep(0.003)
        self.exit()


def _endless(keys: tuple[str, ...]) -> Iterator[str]:
    while True:
        yield from keys


def memory(kind: str) -> float:
    """Memory of this process, MB; ``kind``: as /proc/PID/smaps_rollup names it."""
    lines = Path("/proc/self/smaps_rollup").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(f"{kind}:")) / 1024


def main() -> None:
    """Live through it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("root", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--hours", type=float, default=24.0)
    options = parser.parse_args()
    gc.disable()  # as where the console is started by its command; it sees to garbage itself then
    deployment, clock = load_deployment(options.root), TurnedClock()
    app = Day(
        root=str(deployment.root),
        make_reader=lambda: PatientReader(deployment, clock),
        actions=EngineActions(only_looking(deployment)),
        target=deployment.old.release,
        brushes=Brushes(),
        read_only=True,
        now=lambda: clock.now().wall,
        looks=EngineLooks(deployment),
        cell_differ=True,
    )
    app.lag = LagWatch(None, lambda: clock.now().wall)
    app.live(deployment, clock, options.hours, options.out)
    with Guard(app.end):
        app.run(mouse=False, loop=app.lag.loop())
    if app.crash:
        raise SystemExit(app.crash_report)


if __name__ == "__main__":
    main()
