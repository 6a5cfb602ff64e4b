"""A console on the past: the moment that is shown, what moves it, and actions that refuse to act."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING, Any, NoReturn, cast

import msgspec

from engine.errors import Refused

if TYPE_CHECKING:
    from engine.config import Deployment
    from engine.state.kept_screen import Shot
    from engine.state.playback import Playback
    from engine.state.replayed import ReplayReader
    from tui.actions import Actions
    from tui.app import ConsoleApp


class Replay(msgspec.Struct, frozen=True):
    """What a console needs to show the past."""

    playback: Playback
    reader: ReplayReader

    @property
    def mark(self) -> str:
        """``REPLAY x10``, or ``REPLAY paused``."""
        return f"REPLAY {'paused' if self.playback.paused else f'x{self.playback.speed:g}'}"


def replay_of(deployment: Deployment, playback: Playback) -> Replay:
    """The replay of a stretch of this deployment."""
    from engine.state.replayed import ReplayReader  # most consoles show the present

    return Replay(playback, ReplayReader(deployment, playback.moment))


class NoActions:
    """Behind a replay nobody acts: whatever is asked for is refused, looking at the system of now too."""

    def __init__(self, deployment: Deployment | None = None) -> None:
        self._deployment = deployment

    def keep_screen(self, shot: Shot) -> str:
        """The one thing that can be kept: what is seen, among the person's own files."""
        from engine.config.looking import only_looking
        from tui.actions import keep_screen

        return keep_screen(only_looking(self._deployment), shot) if self._deployment is not None else _refuse()

    def __getattr__(self, name: str) -> Callable[..., NoReturn]:
        if name.startswith("__"):
            raise AttributeError(name)
        return _refuse


def no_actions(deployment: Deployment | None = None) -> Actions:
    """Actions for a replay."""
    return cast("Actions", NoActions(deployment))


def _refuse(*_: Any, **__: Any) -> NoReturn:
    raise Refused("this is a replay of the past: nothing can be done in it", "leave it with q; abaco-ops opens now")


def seek(app: ConsoleApp, seconds: float) -> None:
    """So many seconds forth or back in the past that is shown."""
    if app.replay is not None:
        app.replay.playback.seek(seconds)
        app.look_again()


def jump(app: ConsoleApp, *, later: bool) -> None:
    """To the next or the previous event, and stand still there."""
    replay = app.replay
    if replay is not None:
        here = replay.playback.moment()
        app.background(
            lambda: replay.reader.next_event(here, later=later),
            lambda found: _jumped(app, replay.playback, found, later=later),
            lambda why: app.say(why, "warn"),
        )


def _jumped(app: ConsoleApp, playback: Playback, found: datetime | None, *, later: bool) -> None:
    if found is None or not playback.begin <= found <= playback.end:
        app.say("nothing more happened in this stretch" if later else "nothing happened before in this stretch")
        return
    playback.pause()
    playback.go_to(found)
    app.look_again()


def go_to(app: ConsoleApp) -> None:
    """Ask for a moment, and go there."""
    from engine.state.playback import FORMS, moment_of
    from tui.sheets.form import Ask

    replay, state = app.replay, app.shown_state
    if replay is None:
        return
    playback, cutover_at = replay.playback, state.cutover_at if state is not None else None
    scale = state.time_scale if state is not None else 1.0

    def answer(text: str) -> None:
        try:
            playback.go_to(moment_of(text, now=playback.end, cutover_at=cutover_at, scale=scale))
            app.look_again()
        except Refused as error:
            app.say(f"{error.what}: {error.fix}", "warn")

    stretch = f"{playback.begin:%Y-%m-%d %H:%M:%SZ} to {playback.end:%Y-%m-%d %H:%M:%SZ}"
    app.ask(
        Ask("GO TO", (("Shown", stretch), ("Forms", FORMS)), "Moment", True, answer, "", local=True, enter="goes there")
    )
