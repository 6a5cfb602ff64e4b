"""The console as a Textual application: state and time go down to the screens, keys come up to the commands."""

from __future__ import annotations

import os
import traceback
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, cast

from rich.color import ColorSystem
from rich.console import RenderableType
from textual import events
from textual.app import App
from textual.screen import Screen

from engine.config.newer import NEWER
from engine.records import harmless
from tui import calling, news, numbered, offering, pressing
from tui.actions import AcceptedView, Actions
from tui.apart import Answered, run_apart
from tui.arming import Arming
from tui.clock_watch import ClockWatch
from tui.coming_back import ComingBack
from tui.commands import Command, refusal
from tui.frame import Frame
from tui.glyphs import UNICODE, Glyphs
from tui.lag import LagWatch
from tui.launching import Launching
from tui.lines import Line, Role, put
from tui.look import Look
from tui.looking import Looks, nothing_to_see
from tui.output.display import Display
from tui.reader import ReaderThread, ReadFailed, Reads, StateArrived
from tui.replaying import Replay
from tui.screens.dashboard import Dashboard
from tui.seen import Seen
from tui.theme import Brushes
from tui.ticking import Ticking
from tui.warming import warm_up
from tui.windows import Windows

if TYPE_CHECKING:
    from engine.state.kept_snapshots import Verified
    from engine.state.model import State
    from tui.sheets.form import Ask

T = TypeVar("T")
_NOTICE_SECONDS = 6.0
_READ_BY = 0.2
"""Seconds after the start by which reading begins, whatever is on the screen."""
_DEEPEST = 9
"""Screens over one another at most."""


class ConsoleApp(App[None], inherit_bindings=False):
    """The console. It reads through ``make_reader`` and acts through ``actions``, and knows nothing else."""

    CSS = f"""
    {Frame.CSS}
    {Dashboard.CSS}
    """
    ENABLE_COMMAND_PALETTE = False
    TITLE = "abaco-ops"
    notice: Line = ()
    """What stands in the footer's place for a moment."""
    late_keys = 0
    """Keys that came too late to count and were not told of yet."""
    read_trouble = ""
    """Why the state cannot be read."""
    crash = crash_report = ""
    """Why the console itself failed, as a sentence and in full; empty when it did not."""

    def __init__(
        self,
        *,
        root: str,
        make_reader: Callable[[], Reads],
        actions: Actions,
        target: str,
        contacts: list[tuple[str, str]] | None = None,
        glyphs: Glyphs = UNICODE,
        brushes: Brushes | None = None,
        wall: bool = False,
        read_only: bool = False,
        read_only_by: str = "",
        now: Callable[[], datetime] | None = None,
        replay: Replay | None = None,
        first_words: str = "",
        arming: Arming | None = None,
        console_log: Path | None = None,
        looks: Looks | None = None,
        cell_differ: bool = False,
    ) -> None:
        self.brushes = brushes or Brushes()
        """What the screens are painted with."""
        os.environ.pop("NO_COLOR", None)  # the tier has heeded it; Textual would filter on top of --colors
        super().__init__(ansi_color=self.brushes.tier != "truecolor" or None)
        self.console._color_system = ColorSystem.TRUECOLOR  # every style is in its tier already: nothing more to do
        self._wall = wall
        self.root = root
        self.actions = actions
        self.looks = looks or nothing_to_see()
        self.windows = Windows(self)
        self.verified: dict[str, Verified] = {}
        """Snapshots whose files this console has read and hashed."""
        self.target = target
        """The release that a rollback returns to."""
        self.read_only, self._read_only_by = read_only or replay is not None, read_only_by
        self.arming = arming or Arming()
        self.replay = replay
        """The past that is shown; None: it is now."""
        self.animation_level = "none"
        self.launching = Launching(self)
        self.coming_back = ComingBack(self)
        self._first_words = first_words
        """Said when it opens."""
        self.contacts = contacts or []
        """Who to call: role, and how to reach them."""
        self._glyphs = glyphs
        self._now = now or (lambda: datetime.now(UTC))
        self.lag = LagWatch(console_log, self._now)
        self._notices = 0
        self._ticking = Ticking(self._second)
        self.offers = offering.Offering()
        self._bell = calling.Bell()
        self._reader = reader = ReaderThread(make_reader, self.post_message, warm_up)
        watch = ClockWatch() if now is None else None
        self.seen = Seen(past=replay is not None, clock_watch=watch, read_at=lambda: reader.read_at)
        self.output = Display(cell_differ)
        """What sends the cells that differ."""
        self._look_after: Callable[[], object] | None = None
        """What sees that a monitor runs, until it has been called."""

    # ---- what the screens see -----------------------------------------------------------------------------

    @property
    def frame(self) -> Frame:
        """The screen in front."""
        return cast(Frame, self.screen)

    @property
    def look(self) -> Look:
        """How to draw now."""
        mark = self.replay.mark if self.replay is not None else ""
        now = self.seen.state.at if mark and self.seen.state is not None else self._now()
        return Look(self._glyphs, now, self.read_only, replay=mark, window=self.windows.of_trends)

    @property
    def shown_state(self) -> State | None:
        """The newest state, as it may be shown at this moment."""
        return self.seen.shown(self.look.now)

    def get_default_screen(self) -> Screen[Any]:
        """The dashboard lies below everything; where the console is a display for the room, the wall does."""
        if not self._wall:
            return Dashboard()
        from tui.screens.wall import Wall  # the console's start does not wait for it

        return Wall()

    def on_mount(self) -> None:
        """Begin to read, to tick, and see that a monitor runs."""
        self.call_after_refresh(self._reader.start)  # the first picture is not held up by what is read
        self.set_timer(_READ_BY, self._reader.start)  # a key that opens a screen at once takes that refresh away
        self.lag.start()
        self._ticking.start()
        if self._first_words:
            self.say(self._first_words, "warn", seconds=30.0)
        if not self.read_only:
            self._look_after = self.actions.ensure_monitor

    def _begun(self) -> None:
        """The first answer is there: what the start put off, so that the person sees something, is done now."""
        look_after, self._look_after = self._look_after, None
        if look_after is not None:
            self.coming_back.begin()
            self.background(look_after, lambda _pid: None, lambda why: self.say(why, "warn"))

    def on_unmount(self) -> None:
        """The thread that reads ends with the screen."""
        self._reader.stop()
        self.lag.stop()
        self._ticking.stop()

    def on_state_arrived(self, message: StateArrived) -> None:
        """A new state: draw it."""
        if not self.screen_stack:
            return  # it is ending
        self._begun()
        before, new = self.seen.take(message.state, trouble=bool(self.read_trouble))
        self.read_trouble = ""
        if message.state.newer and not self.read_only:
            self.read_only, self._read_only_by = True, NEWER
            self.say(f"{message.state.newer}: this console only looks from now on", "warn", seconds=30.0)
        if self.replay is None:
            if before is not None:
                news.tell(self, before, message.state)
            offering.see_to(self, message.state)
            self._bell.hear(self, message.state)
        if new:  # else the next tick draws it
            self.redraw()

    def on_read_failed(self, message: ReadFailed) -> None:
        """The state could not be read; what was read before grows old visibly."""
        self._begun()
        self.read_trouble = message.reason
        self.say(f"cannot read the records: {message.reason}", "warn")

    def _second(self) -> None:
        """A second with nothing new: where only the clock has gone on, that is all the work there is."""
        if self.offers.waits or not self.screen_stack or not self.frame.beat():
            self.call_next(self._beat)

    def _beat(self) -> None:
        """Everything is drawn again, and what has stopped for long enough is offered."""
        self.redraw()
        if self.seen.state is not None and self.screen_stack:
            offering.see_to(self, self.seen.state)

    def redraw(self) -> None:
        """Draw what is in front again; the clock's next second counts from here."""
        self._ticking.drawn()
        if self.screen_stack and isinstance(self.screen, Frame):
            self.screen.redraw()

    def say(self, words: str, role: Role = "text", *, seconds: float = _NOTICE_SECONDS) -> None:
        """A sentence in the footer's place, for a few seconds."""
        self.notice = put(words.splitlines()[0] if words else "", role)
        self._notices += 1
        number = self._notices
        self.set_timer(seconds, lambda: self._unsay(number))
        self.redraw()

    def _unsay(self, number: int) -> None:
        if number == self._notices:
            self.notice = ()
            self.redraw()

    # ---- keys and commands --------------------------------------------------------------------------------

    def press(self, event: events.Key) -> None:
        """One key that was pressed."""
        pressing.press(self, event)

    def paste(self, text: str) -> None:
        """Pasted text: never a key."""
        self.frame.pasted(text)

    def invoke(self, command: type[Command]) -> None:
        """The one gate: every command runs through here, and the engine checks again."""
        barred = refusal(
            command, read_only=self.read_only, past=self.replay is not None, read_only_by=self._read_only_by
        )
        barred = barred or self.arming.refusal(command)
        if barred:
            self.say(barred, "warn")
        else:
            command().run(self)

    def background(self, work: Callable[[], T], done: Callable[[T], object], failed: Callable[[str], object]) -> None:
        """Run ``work`` off the event loop; its answer, or the sentence why not, comes back onto it."""
        run_apart(work, done, failed, self.post_message)

    def on_answered(self, message: Answered) -> None:
        """Deliver an answer."""
        message.deliver()

    # ---- screens ------------------------------------------------------------------------------------------

    def open(self, screen: Screen[Any]) -> None:
        """Put a screen in front; Escape leads back. Whoever goes on and on begins again over the dashboard."""
        if len(self.screen_stack) >= _DEEPEST:
            self.show_view("dashboard")
        self.push_screen(screen)

    def show_view(self, name: str) -> None:
        """One of the nine views; views take each other's place, and Escape leads to the dashboard."""
        if name == "dashboard":
            while len(self.screen_stack) > 1:
                self.pop_screen()
        elif (here := numbered.name_of(self.screen)) in ("", "dashboard"):
            self.open(numbered.view(name))
        elif here != name:
            self.switch_screen(numbered.view(name))

    def next_view(self, steps: int) -> None:
        """The next or the previous view."""
        here = numbered.name_of(self.screen) or "dashboard"
        self.show_view(numbered.ORDER[(numbered.ORDER.index(here) + steps) % len(numbered.ORDER)])

    def back(self, *, leave: bool) -> None:
        """Close what is in front; on the dashboard, leave if ``leave``."""
        if len(self.screen_stack) > 1:
            self.pop_screen()
        elif leave:
            self.leave()

    def leave(self) -> None:
        """End the console, nothing else."""
        self.exit()

    def end(self) -> None:
        """End the console, from a signal handler or another thread."""
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self.exit)

    def _display(self, screen: Screen[Any], renderable: RenderableType | None) -> None:
        if not self.output.show(self, renderable):
            super()._display(screen, renderable)

    def on_resize(self) -> None:
        """Another size, or the same again: what stands on the terminal is not known, and Textual may not paint it."""
        self.output.forget()
        if self.screen_stack:
            self.screen.refresh()

    def repaint(self) -> None:
        """Paint every cell again."""
        self.output.forget()
        self.frame.repaint()

    def use(self, brushes: Brushes) -> None:
        """Paint with these from now on."""
        self.brushes = brushes
        for screen in self.screen_stack:
            cast(Frame, screen).repaint()

    def show_condition(self, name: str) -> None:
        """The evidence of a condition."""
        from tui.screens.over import Evidence

        self.open(Evidence(name))

    def send_to_terminal(self, sequence: str) -> None:
        """Bytes that are no picture; none to a terminal that is gone, or being left."""
        if sequence and self.is_running and not self._exit and self._driver is not None:
            self._driver.write(sequence)

    # ---- forms --------------------------------------------------------------------------------------------

    def ask(self, wanted: Ask | str) -> None:
        """Open a form, or say why there is none."""
        if isinstance(wanted, str):
            self.say(wanted, "warn")
            return
        from tui.screens.sheet import FormScreen

        self.push_screen(FormScreen(wanted))

    def answer(self, ask: Ask, text: str) -> None:
        """A form was filled in: close it, and write. The arming may have ended while it was open."""
        if not ask.local and (barred := self.arming.bars(ask.title.lower(), inside=True)):
            self.say(barred, "warn")
            return
        self.pop_screen()
        if ask.local:
            ask.answer(text)
            return
        self.background(
            lambda: ask.answer(text), lambda told: self._answered(ask, told), lambda why: self.say(why, "crit")
        )

    def _answered(self, ask: Ask, told: object) -> None:
        """An operation that goes on is shown; else what the engine says, or that it is written."""
        if isinstance(told, AcceptedView):
            self.launching.runs(told)
        else:
            self.written(told if isinstance(told, str) and told else ask.done)

    def written(self, words: str) -> None:
        """Say so, and look at once."""
        self.say(words)
        self.look_again()

    def look_again(self) -> None:
        """Read at once."""
        self._reader.hurry()

    def open_offer(self) -> None:
        """What can be done about the operation that stopped half-way."""
        from tui.screens.offer import open_offer

        open_offer(self)

    # ---- failure ------------------------------------------------------------------------------------------

    def _fatal_error(self) -> None:
        """No traceback reaches an operator: one sentence does, and the rest goes into a file."""
        error = self._exception
        self.crash = harmless(f"{type(error).__name__}: {error}")
        self.crash_report = "".join(traceback.format_exception(error)) if error is not None else ""
        self._close_messages_no_wait()
