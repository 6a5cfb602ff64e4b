"""The console as a Textual application: state and time go down to the screens, keys come up to the commands."""

from __future__ import annotations

import os
import traceback
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, TypeVar, cast

from rich.console import RenderableType
from textual import events
from textual.app import App
from textual.screen import Screen

from engine.operations.plan import Plan
from engine.records import harmless
from engine.state.model import State
from engine.state.operation import OperationView, StepView
from tui import calling, offering, telling
from tui.actions import AcceptedView, Actions
from tui.apart import Answered, run_apart
from tui.commands import COMMANDS, Command, refusal
from tui.frame import Frame
from tui.glyphs import UNICODE, Glyphs
from tui.launching import Launching
from tui.lines import Line, Role, put
from tui.look import Look, honest
from tui.output.display import Display
from tui.reader import ReaderThread, ReadFailed, Reads, StateArrived
from tui.replaying import Replay
from tui.screens import offer
from tui.screens.dashboard import Dashboard
from tui.screens.over import Evidence, Help, Palette, Text, paragraphs
from tui.screens.sheet import FormScreen
from tui.screens.views import VIEWS
from tui.sheets.form import Ask
from tui.theme import BACKGROUND

T = TypeVar("T")
_NOTICE_SECONDS = 6.0
_ORDER = ("dashboard", *VIEWS)


class ConsoleApp(App[None], inherit_bindings=False):
    """The console. It reads through ``make_reader`` and acts through ``actions``, and knows nothing else."""

    CSS = f"""
    Screen {{ background: {BACKGROUND}; }}
    Screen:nocolor {{ background: ansi_default; }}
    {Frame.CSS}
    {Dashboard.CSS}
    """
    ENABLE_COMMAND_PALETTE = False
    TITLE = "abaco-ops"

    def __init__(
        self,
        *,
        root: str,
        make_reader: Callable[[], Reads],
        actions: Actions,
        target: str,
        contacts: list[tuple[str, str]] | None = None,
        glyphs: Glyphs = UNICODE,
        read_only: bool = False,
        now: Callable[[], datetime] | None = None,
        replay: Replay | None = None,
        cell_differ: bool = False,
    ) -> None:
        super().__init__(ansi_color="NO_COLOR" in os.environ or None)
        self.root = root
        self.actions = actions
        self.target = target
        """The release that a rollback returns to."""
        self.read_only = read_only or replay is not None
        self.replay = replay
        """The past that is shown; None: it is now."""
        self.animation_level = "none"
        self.notice: Line = ()
        """What stands in the footer's place for a moment."""
        self.read_trouble = ""
        """Why the state cannot be read."""
        self.launching = Launching(self)
        self.last_key = ""
        self.crash = self.crash_report = ""
        """Why the console itself failed, as a sentence and in full; empty when it did not."""
        self._contacts = contacts or []
        self._glyphs = glyphs
        self._now = now or (lambda: datetime.now(UTC))
        self._state: State | None = None
        self._notices = 0
        self.offers = offering.Offering()
        self._bell = calling.Bell()
        self._reader = ReaderThread(make_reader, self.post_message)
        self._output = Display(cell_differ)
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
        now = self._state.at if mark and self._state is not None else self._now()
        return Look(self._glyphs, now, self.read_only, replay=mark)

    @property
    def shown_state(self) -> State | None:
        """The newest state, as it may be shown at this moment."""
        return honest(self._state, self.look.now) if self._state is not None else None

    def get_default_screen(self) -> Screen[Any]:
        """The dashboard lies below everything."""
        return Dashboard()

    def on_mount(self) -> None:
        """Begin to read, to tick, and see that a monitor runs."""
        self._reader.start()
        self.set_interval(1.0, self._redraw)
        if not self.read_only:
            self._look_after = self.actions.ensure_monitor

    def _begun(self) -> None:
        """The first answer is there: what the start put off, so that the person sees something, is done now."""
        look_after, self._look_after = self._look_after, None
        if look_after is not None:
            self.background(look_after, lambda _pid: None, lambda why: self.say(why, "warn"))

    def on_unmount(self) -> None:
        """The thread that reads ends with the screen."""
        self._reader.stop()

    def on_state_arrived(self, message: StateArrived) -> None:
        """A new state: draw it."""
        if not self.screen_stack:
            return  # it is ending
        self._begun()
        known = message.state is self._state and not self.read_trouble  # nothing was there to read: nothing to draw
        before, self._state, self.read_trouble = self._state, message.state, ""
        if self.replay is None:
            self._tell_news(before, message.state)
        if not known:
            self._redraw()

    def _tell_news(self, before: State | None, state: State) -> None:
        news = (
            telling.validation_news(before, state) if before is not None and self.launching.asked_validation else None
        )
        if news is not None:
            self.launching.asked_validation = None
            self.say(*news)
        own = self.launching.accepted[0] if self.launching.accepted is not None else ""
        news = telling.operation_news(before, state, own) if before is not None else None
        in_sight = isinstance(self.screen, VIEWS["operation"]) and state.operation is not None
        if news is not None and not in_sight:
            self.say(*news)
        offer.offer_once(self, state)
        self._bell.hear(self, state)

    def on_read_failed(self, message: ReadFailed) -> None:
        """The state could not be read; what was read before grows old visibly."""
        self._begun()
        self.read_trouble = message.reason
        self.say(f"cannot read the records: {message.reason}", "warn")

    def _redraw(self) -> None:
        if isinstance(self.screen, Frame):
            self.screen.redraw()

    def say(self, words: str, role: Role = "text") -> None:
        """A sentence in the footer's place, for a few seconds."""
        self.notice = put(words.splitlines()[0] if words else "", role)
        self._notices += 1
        number = self._notices
        self.set_timer(_NOTICE_SECONDS, lambda: self._unsay(number))
        self._redraw()

    def _unsay(self, number: int) -> None:
        if number == self._notices:
            self.notice = ()
            self._redraw()

    # ---- keys and commands --------------------------------------------------------------------------------

    def press(self, event: events.Key) -> None:
        """One key: the screen in front may take it as text; else it stands for a command, or for nothing."""
        character = event.character if event.is_printable else None
        if self.frame.takes(event.key, character):
            return
        self.last_key = character if character and character != " " else event.key
        command = self.frame.command_for(self.last_key)
        if command is not None:
            self.invoke(COMMANDS[command])

    def paste(self, text: str) -> None:
        """Pasted text: never a key."""
        self.frame.pasted(text)

    def invoke(self, command: type[Command]) -> None:
        """The one gate: every command runs through here, and the engine checks again."""
        barred = refusal(command, read_only=self.read_only, past=self.replay is not None)
        if barred:
            self.say(barred, "warn")
        else:
            self.notice = ()
            command().run(self)

    def background(self, work: Callable[[], T], done: Callable[[T], object], failed: Callable[[str], object]) -> None:
        """Run ``work`` off the event loop; its answer, or the sentence why not, comes back onto it."""
        run_apart(work, done, failed, self.post_message)

    def on_answered(self, message: Answered) -> None:
        """Deliver an answer."""
        message.deliver()

    # ---- screens ------------------------------------------------------------------------------------------

    def show_view(self, name: str) -> None:
        """One of the nine views; views take each other's place, and Escape leads to the dashboard."""
        if name == "dashboard":
            while len(self.screen_stack) > 1:
                self.pop_screen()
        elif type(self.frame) in VIEWS.values():
            if type(self.frame) is not VIEWS[name]:
                self.switch_screen(VIEWS[name]())
        else:
            self.push_screen(VIEWS[name]())

    def next_view(self, steps: int) -> None:
        """The next or the previous view."""
        here = next((name for name, view in VIEWS.items() if type(self.frame) is view), "dashboard")
        self.show_view(_ORDER[(_ORDER.index(here) + steps) % len(_ORDER)])

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
        if not self._output.show(self, renderable):
            super()._display(screen, renderable)

    def on_resize(self) -> None:
        """Another size, or the same again: what stands on the terminal is not known, and Textual may not paint it."""
        self._output.forget()
        if self.screen_stack:
            self.screen.refresh()

    def repaint(self) -> None:
        """Paint every cell again."""
        self._output.forget()
        self.screen.refresh(layout=True)
        for widget in self.screen.walk_children():
            widget.refresh()

    def show_condition(self, name: str) -> None:
        """The evidence of a condition."""
        self.push_screen(Evidence(name))

    def show_help(self) -> None:
        """Help."""
        if not isinstance(self.frame, Help):
            self.push_screen(Help())

    def show_palette(self) -> None:
        """Find a command."""
        self.push_screen(Palette(self.frame.scopes))

    def show_contacts(self) -> None:
        """Who to call."""
        facts = calling.who_to_call(self.shown_state, self._contacts)
        self.push_screen(Text("Who to call", paragraphs(facts, self.size.width)))

    def show_update(self) -> None:
        """The status update as text."""
        state = self.shown_state
        if state is not None:
            lines = telling.update(state, self.look)
            self.push_screen(Text("Status update", [put(f" {line}") for line in lines]))
            self.copy_to_clipboard("\n".join(lines))
            self.say("sent to the terminal's clipboard (OSC 52)", "dim")

    def show_step(self, operation: OperationView, step: StepView) -> None:
        """Everything about a step of an operation."""
        self.push_screen(Text("The step", paragraphs(telling.step_facts(operation, step), self.size.width)))

    def show_plan(self, plan: Plan) -> None:
        """Everything a plan knows."""
        self.push_screen(Text("The plan", paragraphs(telling.plan_facts(plan), self.size.width)))

    def copy_line(self) -> None:
        """The line under the cursor to the terminal's clipboard."""
        line = self.frame.line_in_hand()
        if line:
            self.copy_to_clipboard(harmless(line))
            self.say("sent to the terminal's clipboard (OSC 52)", "dim")

    # ---- forms --------------------------------------------------------------------------------------------

    def ask(self, wanted: Ask | str) -> None:
        """Open a form, or say why there is none."""
        if isinstance(wanted, Ask):
            self.push_screen(FormScreen(wanted))
        else:
            self.say(wanted, "warn")

    def answer(self, ask: Ask, text: str) -> None:
        """A form was filled in: close it, and write."""
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
        offer.open_offer(self)

    # ---- failure ------------------------------------------------------------------------------------------

    def _fatal_error(self) -> None:
        """No traceback reaches an operator: one sentence does, and the rest goes into a file."""
        error = self._exception
        self.crash = harmless(f"{type(error).__name__}: {error}")
        self.crash_report = "".join(traceback.format_exception(error)) if error is not None else ""
        self._close_messages_no_wait()
