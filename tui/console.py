"""Opens the console on a deployment, and closes it whatever happens."""

from __future__ import annotations

import importlib
import os
import socket
import sys
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

from engine.clock import Clock, SystemClock
from engine.config import Deployment, load_deployment
from engine.config.looking import configured_read_only, only_looking, why_only_looking
from engine.config.personal import state_directory
from engine.errors import Refused
from engine.operations.watchers import origin_here, watching
from engine.records import whoami
from engine.services.logout import ended_at_logout
from engine.tiers import THEME_VARIABLE, tiers
from tui import terminal
from tui.actions import EngineActions
from tui.app import ConsoleApp
from tui.arming import Arming
from tui.glyphs import choose
from tui.guard import TERMINATED, Guard
from tui.keymap import bind, places, read_keymap
from tui.leaving import last_words
from tui.looking import EngineLooks
from tui.output import display
from tui.replaying import no_actions, replay_of
from tui.theme import Brushes
from tui.theme_files import themes_of

if TYPE_CHECKING:
    from engine.state.playback import Playback
    from tui.reader import Reads

CRASHED = 70
"""Exit code when the console itself failed (sysexits: an internal error)."""


def open_console(root: Path, *, read_only: bool, playback: Playback | None = None, wall: bool = False) -> int:
    """Run the console until it is left; returns the exit code. Refused where it cannot draw.

    ``playback``: the stretch of the past that is shown instead of now. ``wall``: a display for the room.
    """
    cannot = terminal.refusal_here()
    if cannot:
        raise Refused(cannot)
    deployment = load_deployment(root)
    if read_only:
        deployment = only_looking(deployment)
    clock = SystemClock()
    replay = replay_of(deployment, playback) if playback is not None else None
    keymap = read_keymap(places(deployment.root))
    bind(keymap)
    from tui.typed import PatientDriver

    actions, looks = EngineActions(deployment), EngineLooks(deployment)

    def edited(now: Deployment) -> None:
        actions.take_up(now)
        looks.take_up(now)
        app.contacts = _contacts(now)

    app = ConsoleApp(
        root=str(deployment.root),
        make_reader=lambda: _reader(deployment, clock, edited) if replay is None else replay.reader,
        actions=actions if replay is None else no_actions(deployment),
        target=deployment.old.release,
        contacts=_contacts(deployment),
        glyphs=choose(os.environ),
        brushes=_brushes(deployment),
        wall=wall,
        read_only=deployment.read_only,
        read_only_by=configured_read_only(deployment) or deployment.onlooker,
        replay=replay,
        first_words=keymap.notice or _first_words(deployment),
        console_log=console_log(deployment),
        arming=Arming.over(origin_here(), deployment.console.console.arm_writes_over_ssh),
        looks=looks,
        cell_differ=display.wanted(deployment.console.console.cell_differ),
    )
    app.driver_class = PatientDriver
    seen = nullcontext() if app.read_only else watching(deployment, actor=whoami(), origin=origin_here(), clock=clock)
    with seen, Guard(app.end) as guard:
        app.run(mouse=False, loop=app.lag.loop())
        if not app.read_only and guard.code is None:  # whose line was lost is told what came after their last key
            app.coming_back.end()
    if guard.code is not None:
        if guard.code == TERMINATED:  # its terminal is there still: who sits at it is told
            _farewell(app)
        return guard.code
    return _farewell(app)


def _first_words(deployment: Deployment) -> str:
    """What whoever opens this console has to know before they begin anything; empty for nothing."""
    if deployment.read_only:
        return why_only_looking(deployment)
    ended = ended_at_logout(deployment)
    return f"{ended.what}: abaco-ops doctor" if ended else ""


def _reader(deployment: Deployment, clock: Clock, edited: Callable[[Deployment], None]) -> Reads:
    from engine.state.patient import PatientReader  # by the thread that reads: the first picture waits for neither

    importlib.import_module("tui.panels.every")

    return PatientReader(deployment, clock, edited)


def _contacts(deployment: Deployment) -> list[tuple[str, str]]:
    """Who to call."""
    return [(person.role, f"{person.name}, {person.reach}") for person in deployment.monitoring.contacts.values()]


def _brushes(deployment: Deployment) -> Brushes:
    """The theme that was asked for now, else the configured one, in this terminal's tier."""
    asked = os.environ.get(THEME_VARIABLE, "")
    name = asked or deployment.console.console.theme
    themes = themes_of(deployment.paths.config, name)
    tier = tiers(os.environ).colors
    return Brushes(tier, themes, name=name, wall=name if asked else "wall")


def console_log(deployment: Deployment) -> Path:
    """Where it is written that this console stood still: below the logs, unless only looking is allowed."""
    return state_directory() / "console.log" if deployment.read_only else deployment.paths.console_log


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
    sys.stdout.write(f"{last_words(app.shown_state, app.root, os.environ, socket.gethostname())}\n")
    return 0


def _keep(app: ConsoleApp) -> str:
    """Keep the whole story of a failure in a file, for those who mend it."""
    path = Path(app.root) / "logs" / "console_failure.log"
    try:
        path.write_text(app.crash_report, encoding="utf-8")
    except OSError:
        return ""
    return f"; the whole story: {path}"
