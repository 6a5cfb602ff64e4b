"""Takes the pictures: the real console, without a terminal, on states made by hand and a clock that stands still.

python tests/pictures/take.py                     says which pictures are not as they were accepted
python tests/pictures/take.py --accept [NAME ...] accepts them as they are now, all or those named
python tests/pictures/take.py --svg DIR           writes each as SVG too, to be looked at
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE.parents[1]), str(HERE.parent / "tui")]

import pictured_states  # noqa: E402
import states  # noqa: E402
from behind_the_console import FakeActions, FakeReader  # noqa: E402
from fake_looks import FakeLooks, plotted  # noqa: E402
from msgspec.structs import replace  # noqa: E402
from picture import as_text, differences  # noqa: E402
from picture_table import PICTURES, Wanted  # noqa: E402
from plans import ROLLBACK  # noqa: E402
from rich.segment import Segment  # noqa: E402
from textual.pilot import Pilot  # noqa: E402

from engine.monitoring.columns import Stretch  # noqa: E402
from engine.operations.plan import Plan  # noqa: E402
from engine.state.plotted import Plotted  # noqa: E402
from tui.app import ConsoleApp  # noqa: E402
from tui.evidence import drawn  # noqa: E402
from tui.glyphs import UNICODE  # noqa: E402
from tui.pane import Pane  # noqa: E402
from tui.theme import Brushes  # noqa: E402

GOLDEN = HERE / "golden"
ACCEPT = "python tests/pictures/take.py --accept"
_PATIENCE = 20.0
"""Seconds after which a screen that is not there yet will not come."""

STATES = {
    "normal": pictured_states.NORMAL,
    "warning": pictured_states.WARNING,
    "critical": pictured_states.CRITICAL,
    "stale": pictured_states.STALE,
    "running": pictured_states.RUNNING,
    "failed": pictured_states.FAILED,
    "read-only": pictured_states.WARNING,
    "before": pictured_states.BEFORE,
}
WAYS: dict[str, tuple[tuple[str, ...], str]] = {
    "dashboard": ((), "Decision matrix"),
    "wall": ((), "abaco@ops1"),
    "too-small": ((), "needs 80x22"),
    "conditions": (("2",), "Conditions"),
    "evidence": (("2", "j", "j", "j", "enter"), "evidence"),
    "operation": (("3",), "Operation"),
    "kpis": (("4",), "KPIs"),
    "checklist": (("5",), "Checklist"),
    "matrix": (("6",), "the heaviest matching row"),
    "log": (("7",), "00:00"),
    "validation": (("8",), "Validation"),
    "way-back": (("9",), "leads to"),
    "plots": (("2", "j", "j", "j", "j", "p"), "min 1"),
    "snapshots": (("s",), "3 kept"),
    "offer": (("r",), "armed"),
    "cutover": (("C",), "Cancel"),
    "rollback": (("R",), "armed"),
    "help": (("?",), "Help"),
}
"""Screen to the keys that lead to it, and the words by which it is known to be there."""


@dataclass(frozen=True, slots=True)
class Taken:
    """One picture: as text, and as SVG."""

    text: str
    svg: str


class _NeverOffers:
    """In the place of what opens a sheet by itself a second after it saw an operation that stopped."""

    waits = False

    def due(self, operation: str, now: float, *, free: bool) -> bool:
        return False


class _Late(FakeLooks):
    """What there is to look at when nothing was sampled for 41 s."""

    def plotted(self, name: str, stretch: Stretch) -> Plotted:
        return plotted(name, stretch, newest_at=stretch.end - timedelta(seconds=41))


class Sitter(ConsoleApp):
    """The console; it counts what it still waits for."""

    waits = 0

    def background(
        self, work: Callable[[], Any], done: Callable[[Any], object], failed: Callable[[str], object]
    ) -> None:
        """As the console does."""

        def answered(then: Callable[[Any], object]) -> Callable[[Any], object]:
            def tell(answer: Any) -> None:
                self.waits -= 1
                then(answer)

            return tell

        self.waits += 1
        super().background(work, answered(done), answered(failed))


def console(wanted: Wanted) -> Sitter:
    """The console that is to be seen in this picture."""
    state = STATES[wanted.state]
    app = Sitter(
        root="/srv/abaco",
        target="v1",
        glyphs=UNICODE,
        now=lambda: states.NOW,
        make_reader=lambda: FakeReader(state),
        actions=FakeActions(rollback=_rollback(wanted.state)),
        looks=_Late() if wanted.state == "stale" else FakeLooks(),
        brushes=Brushes(name=wanted.theme, wall=wanted.theme),
        wall=wanted.screen == "wall",
        read_only=wanted.state == "read-only",
    )
    app.offers = _NeverOffers()  # type: ignore[assignment]
    return app


def _rollback(state: str) -> Plan:
    """The plan of a rollback, its evidence as old as everything else is in this state."""
    if state != "stale":
        return ROLLBACK
    said = {"matrix": "UNKNOWN: nothing was judged for 41s. The decision is yours."}
    said["snapshot 0004"] = "complete, 212 of 212 hashes, checked 41m ago"
    evidence = tuple(replace(one, text=said.get(one.name, one.text)) for one in ROLLBACK.evidence)
    return replace(ROLLBACK, evidence=evidence)


async def take(wanted: Wanted, app: Sitter | None = None) -> Taken:
    """Run the console, go to the screen, and take the picture. AssertionError when the screen does not come."""
    keys, words = WAYS[wanted.screen]
    app = app or console(wanted)
    async with app.run_test(size=wanted.size) as pilot:
        await _until(pilot, lambda: app.shown_state is not None)
        await pilot.press(*keys)
        await _until(pilot, lambda: words in _words(app) and not app.waits)
        await pilot.pause()
        frame = app.frame
        rows = frame._compositor.render_strips()
        segments = [segment for row in rows for segment in (*row, Segment("\n"))]
        return Taken(as_text(rows, frame.brush), drawn(segments, *wanted.size, wanted.name)[0])


def _words(app: ConsoleApp) -> str:
    return "\n".join(pane.text() for pane in app.screen.query(Pane) if pane.display)


async def _until(pilot: Pilot[Any], wanted: Callable[[], object]) -> None:
    end = time.monotonic() + _PATIENCE
    while not wanted():
        if time.monotonic() > end:
            raise AssertionError(f"the screen does not come; instead:\n{_words(pilot.app)}")  # type: ignore[arg-type]
        await pilot.pause(0.01)


def accepted(wanted: Wanted) -> str:
    """The picture as it was accepted; empty when none was."""
    path = GOLDEN / f"{wanted.name}.txt"
    return path.read_text(encoding="utf-8") if path.exists() else ""


def complaint(wanted: Wanted, taken: Taken) -> str:
    """What is not as it was accepted, and what accepts it; empty: it is the same."""
    was = accepted(wanted)
    if was == taken.text:
        return ""
    told = differences(was, taken.text) if was else ["it was never accepted"]
    return "\n".join(
        [
            f"{wanted.name} differs:",
            *(f"  {line}" for line in told),
            f"  look at it (--svg DIR), then: {ACCEPT} {wanted.name}",
        ]
    )


def main() -> int:
    """Exit code 1 when a picture is not as it was accepted."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="NAME", help="only these; part of a name is enough")
    parser.add_argument("--accept", action="store_true", help="keep them as they are now")
    parser.add_argument("--svg", type=Path, metavar="DIR", help="write each as SVG")
    asked = parser.parse_args()
    chosen = [one for one in PICTURES if not asked.names or any(name in one.name for name in asked.names)]
    differ = 0
    for wanted in chosen:
        taken = asyncio.run(take(wanted))
        if asked.svg is not None:
            asked.svg.mkdir(parents=True, exist_ok=True)
            (asked.svg / f"{wanted.name}.svg").write_text(taken.svg, encoding="utf-8")
        told = complaint(wanted, taken)
        differ += bool(told)
        if told and asked.accept:
            (GOLDEN / f"{wanted.name}.txt").write_text(taken.text, encoding="utf-8")
            print(f"accepted {wanted.name}")
        elif told:
            print(told)
    if asked.accept:
        for path in GOLDEN.glob("*.txt"):
            if path.stem not in {one.name for one in PICTURES}:
                path.unlink()
                print(f"removed {path.stem}: no such picture is wanted")
    print(f"{len(chosen)} pictures, {differ} {'accepted' if asked.accept else 'not as accepted'}")
    return 1 if differ and not asked.accept else 0


if __name__ == "__main__":
    raise SystemExit(main())
