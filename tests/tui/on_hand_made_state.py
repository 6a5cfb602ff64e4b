"""Run by the terminal tests: the console on a hand-made state, in a process of its own.

python on_hand_made_state.py STATE MARK      (MARK: a file written when the console ended in order)
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import states
from behind_the_console import FakeActions, FakeReader

from engine.tiers import tiers
from tui.app import ConsoleApp
from tui.glyphs import choose
from tui.guard import Guard
from tui.theme import Brushes


def main() -> int:
    state = {**states.ALL, "hostile": states.HOSTILE, "poisoned": states.poisoned(states.WARNING)}[sys.argv[1]]
    app = ConsoleApp(
        root="/srv/abaco",
        target="v1",
        glyphs=choose(os.environ),
        brushes=Brushes(tiers(os.environ).colors, name=os.environ.get("ABACO_OPS_THEME", "dark")),
        wall="WALL" in os.environ,
        now=lambda: states.NOW,
        make_reader=lambda: FakeReader(state),
        actions=FakeActions(),
        cell_differ=True,
    )
    with Guard(app.end) as guard:
        app.run(mouse=False)
    Path(sys.argv[2]).write_text(str(guard.code), encoding="utf-8")
    return guard.code if guard.code is not None else 0


if __name__ == "__main__":
    raise SystemExit(main())
