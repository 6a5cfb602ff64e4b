"""Opens the console on a deployment, and closes it whatever happens."""

from __future__ import annotations

import os
import sys
from contextlib import nullcontext
from pathlib import Path

from engine.clock import SystemClock
from engine.config import load_deployment
from engine.errors import Refused
from engine.operations.watchers import origin_here, watching
from engine.records import whoami
from engine.state.patient import PatientReader
from engine.state.playback import Playback
from tui import terminal
from tui.actions import EngineActions
from tui.app import ConsoleApp
from tui.glyphs import choose
from tui.guard import Guard
from tui.output import display
from tui.replaying import no_actions, replay_of

CRASHED = 70
"""Exit code when the console itself failed (sysexits: an internal error)."""


def open_console(root: Path, *, read_only: bool, playback: Playback | None = None) -> int:
    """Run the console until it is left; returns the exit code. Refused where it cannot draw.

    ``playback``: the stretch of the past that is shown instead of now.
    """
    cannot = terminal.refusal_here()
    if cannot:
        raise Refused(cannot)
    deployment = load_deployment(root)
    clock = SystemClock()
    replay = replay_of(deployment, playback) if playback is not None else None
    app = ConsoleApp(
        root=str(deployment.root),
        make_reader=lambda: PatientReader(deployment, clock) if replay is None else replay.reader,
        actions=EngineActions(deployment) if replay is None else no_actions(),
        target=deployment.old.release,
        contacts=[
            (person.role, f"{person.name}, {person.reach}") for person in deployment.monitoring.contacts.values()
        ],
        glyphs=choose(os.environ),
        read_only=read_only or deployment.console.deployment.read_only,
        replay=replay,
        cell_differ=display.wanted(deployment.console.console.cell_differ),
    )
    seen = nullcontext() if app.read_only else watching(deployment, actor=whoami(), origin=origin_here(), clock=clock)
    with seen, Guard(app.end) as guard:
        app.run(mouse=False)
    if guard.code is not None:
        return guard.code
    return _farewell(app)


def _farewell(app: ConsoleApp) -> int:
    if app.crash:
        kept = _keep(app)
        sys.stderr.write(
            f"abaco-ops: the console failed: {app.crash}\n  -> everything else runs on; start it again{kept}\n"
        )
        return CRASHED
    if app.replay is not None:
        sys.stdout.write(f"the replay is over; nothing was touched. Now: abaco-ops --root {app.root}\n")
        return 0
    state = app.shown_state
    live = f"{state.release.upper()} runs on" if state is not None and state.release else "nothing was stopped"
    busy = f", {state.operation.id} too" if state is not None and state.operation is not None else ""
    sys.stdout.write(f"{live}{busy}; so does the monitor. Come back: abaco-ops --root {app.root}\n")
    return 0


def _keep(app: ConsoleApp) -> str:
    """Keep the whole story of a failure in a file, for those who mend it."""
    path = Path(app.root) / "logs" / "console_failure.log"
    try:
        path.write_text(app.crash_report, encoding="utf-8")
    except OSError:
        return ""
    return f"; the whole story: {path}"
