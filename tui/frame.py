"""What every screen is: rows 1 to 3 on top, its body, the footer; and where its keys go."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, cast

from textual import events
from textual.app import ComposeResult
from textual.screen import Screen

from tui import offering
from tui.arrange import too_small
from tui.commands import COMMANDS, VIEWS, find, key_of, keys_of, refusal
from tui.kept import KeptDrawings
from tui.lines import Line, Lines, block, fit, join, put, spread, width_of
from tui.look import Look
from tui.pane import Pane, forget_picture
from tui.panels import header
from tui.panels.header import size_needed
from tui.theme import Brush

if TYPE_CHECKING:
    from engine.state.model import State
    from tui.app import ConsoleApp

_BESIDE = 3
"""Blanks around what stands at the footer's end."""
_FOOTER = (
    "why",
    "checklist.tick",
    "acknowledge",
    "go.here",
    "ways-on",
    "abort",
    "validate",
    "rollback",
    "find",
    "help",
)
_WAY_BACK_HINTS = len(" R roll back  : find  ? help")
_BOTH_SIZES = len("79x21<80x22")
_REPLAY_HINTS = (
    (("replay.pause",), "pause"),
    (("replay.back", "replay.forth"), "minute"),
    (("replay.hour-back", "replay.hour-forth"), "hour"),
    (("replay.slower", "replay.faster"), "speed"),
    (("replay.previous", "replay.next"), "event"),
    (("replay.go-to",), "go to"),
    (("quit",), "leave"),
)


class Frame(Screen[None], inherit_bindings=False):
    """A screen of the console. Subclasses draw :meth:`body` and may take keys before the commands do."""

    scopes: ClassVar[frozenset[str]] = frozenset({"anywhere", "list"})
    _moment: tuple[State | None, Look] | None = None

    def __init__(self) -> None:
        super().__init__()
        self._kept = KeptDrawings()
        self._head = Pane(self._header, id="header")

    """State and look of the drawing that is under way."""
    ticks: ClassVar[bool] = False
    """Whether the checklist is here, so that the footer names the key for it."""
    CSS = """
    Frame { layout: vertical; overflow: hidden; }
    Frame > #header { height: 3; width: 100%; }
    Frame > #body { height: 1fr; width: 100%; }
    Frame > #footer { height: 1; width: 100%; dock: bottom; }
    """

    @property
    def console_app(self) -> ConsoleApp:
        """The application, typed."""
        return cast("ConsoleApp", self.app)

    @property
    def state(self) -> State | None:
        """The newest state, as it may be shown now."""
        return self._moment[0] if self._moment is not None else self.console_app.shown_state

    @property
    def look(self) -> Look:
        """How to draw now."""
        return self._moment[1] if self._moment is not None else self.console_app.look

    @property
    def brush(self) -> Brush:
        """What it is painted with."""
        return self.console_app.brushes.screen

    @property
    def cut(self) -> str:
        """The mark in place of what is left out, in the terminal's tier."""
        return self.console_app.look.glyphs.cut

    def repaint(self) -> None:
        """Paint every cell again, in the theme as it is now."""
        self.styles.background = self.brush.background
        self.refresh(layout=True)
        for widget in self.walk_children():
            widget.refresh()

    def compose(self) -> ComposeResult:
        """Header, body, footer."""
        self.styles.background = self.brush.background
        yield self._head
        yield from self.compose_body()
        yield Pane(self._footer, id="footer")

    def on_resize(self) -> None:
        """Where even rows 1 to 3 do not fit, the last row still says what size is needed."""
        rows = max(min(header.ROWS, self.size.height - 1), 1)
        for pane in self.query("#header"):
            pane.styles.height = rows
        for pane in self.query("#footer"):
            pane.display = self.size.height > 1

    def compose_body(self) -> ComposeResult:
        """The body: one pane, unless a screen has several."""
        yield Pane(self._body, id="body")

    def on_mount(self) -> None:
        """Draw what is known already."""
        self.redraw()

    def on_unmount(self) -> None:
        """It was closed."""
        forget_picture(self)

    def on_screen_resume(self) -> None:
        """Draw what has changed meanwhile."""
        self.redraw()

    def redraw(self) -> None:
        """Draw everything again, as it is at one moment; only what differs is painted."""
        app = self.console_app
        self._moment = app.shown_state, app.look
        try:
            for pane in self.query(Pane):
                pane.redraw()
        finally:
            self._moment = None

    def beat(self) -> bool:
        """A second has passed: paint what that alone changes. False: the screen has to be drawn again."""
        return False

    def _header(self, width: int, height: int) -> Lines:
        state = self.state
        if state is None:
            app = self.console_app
            return header.draw_waiting(width, self.look, app.read_trouble or app.root)
        content = self.console_app.seen.content_of(state)
        if content is None:  # made for this moment
            return header.draw(state, width, self.look)
        look = self.look.at_row(None)
        return self._kept.draw("header", _draw_header, state, (width, height), look, content)

    def _body(self, width: int, height: int) -> Lines:
        state = self.state
        if state is None:
            return block([], width, height)
        return block(self.body(state, width, height), width, height)

    def body(self, state: State, width: int, height: int) -> Lines:
        """The body's lines."""
        return []

    def hints(self) -> Line:
        """The footer's words: the commands that stand there."""
        if self.console_app.replay is not None:
            hints = [(keys_of(*names), words) for names, words in _REPLAY_HINTS]
            return spaced([join(put(key, "key"), put(f" {words}", "dim")) for key, words in hints])
        parts: list[Line] = [join(put(keys_of(*VIEWS), "key"), put(" view", "dim"))]
        for name in _FOOTER:
            command = COMMANDS[name]
            if command.keys and command.scope in self.scopes and self._useful(name) and self.may(name):
                parts.append(join(put(key_of(name), "key"), put(f" {command.footer}", "dim")))
        mark = self.console_app.arming.mark()
        room = self.size.width - 1 - (width_of(mark) + _BESIDE if mark else 0) - width_of(self._size_needed())
        while len(parts) > 1 and width_of(spaced(parts)) > room:
            del parts[0]  # what matters most stands last
        return spaced(parts)

    def hints_of(self, *hints: tuple[str, str]) -> Line:
        """A screen's own keys before the ones that hold everywhere; in a replay, its keys."""
        if self.console_app.replay is not None:
            return Frame.hints(self)
        always = (*((("R", "roll back"),) if self.may("rollback") else ()), (":", "find"), ("?", "help"))
        parts = [join(put(key, "key"), put(f" {words}", "dim")) for key, words in (*hints, *always)]
        while len(parts) > len(always) and width_of(spaced(parts)) > self.size.width - 1:
            del parts[len(parts) - len(always) - 1]
        return spaced(parts)

    def may(self, name: str) -> bool:
        """Whether the command is allowed here: what a read-only console refuses is not offered in it."""
        return not refusal(COMMANDS[name], read_only=self.console_app.read_only)

    def _useful(self, name: str) -> bool:
        """Whether the command has something to act on here."""
        operation = self.state.operation if self.state is not None else None
        if name == "go.here":
            return operation is not None and operation.state == "HOLDING"
        if name == "abort":
            stops = operation is not None and (operation.kind == "validate" or not operation.past_no_return)
            return operation is not None and operation.kind != "rollback" and stops
        if name == "ways-on":
            return self.state is not None and bool(offering.stopped(self.state))
        return self.ticks or name != "checklist.tick"

    def _footer(self, width: int, height: int) -> Lines:
        notice, armed = self.console_app.notice, self.console_app.arming.mark()
        size = self._size_needed()
        if size and not notice and width_of(size) > width - 2:
            return [fit(size, width)]
        line = join(" ", notice) if notice else join(size, " ", self.hints())
        room = width - width_of(armed) - _BESIDE
        return [spread(line, join(armed, " "), width) if armed and width_of(line) <= room else fit(line, width)]

    def _size_needed(self) -> Line:
        """The size that is needed, where there is less; the way back keeps its room beside it."""
        width, height = self.size
        if not too_small(width, height):
            return ()
        beside = width - _WAY_BACK_HINTS
        return size_needed(beside if beside >= _BOTH_SIZES else width, width, height)

    def on_key(self, event: events.Key) -> None:
        """Every key passes here; a key that was pressed ahead goes to the screen that is in front by now."""
        event.stop()
        event.prevent_default()
        self.console_app.press(event)
        self.console_app.coming_back.seen()

    def on_paste(self, event: events.Paste) -> None:
        """Pasted text goes to the screen in front."""
        event.stop()
        self.console_app.paste(event.text)

    def takes(self, name: str, character: str | None) -> bool:
        """Take a key as text or as an answer; True when it was taken."""
        return False

    def pasted(self, text: str) -> None:
        """Text was pasted; a screen without a field ignores it visibly."""
        self.console_app.say("pasted text is ignored here", "dim")

    def command_for(self, key: str) -> str | None:
        """The id of the command that a key stands for here."""
        past = self.console_app.replay is not None
        command = find(key, self.scopes | {"replay"} if past else self.scopes)
        return command.id if command else None

    def why(self) -> None:
        """Go deeper into the row under the cursor."""

    def move(self, rows: int) -> None:
        """Move the cursor."""

    def turn(self, steps: int) -> None:
        """Next or previous panel."""

    def zoom(self) -> None:
        """The panel in hand over the whole screen, and back."""
        self.console_app.back(leave=False)

    def search(self, direction: int) -> None:
        """Go to the next row that matches."""

    def search_for(self, text: str) -> None:
        """Begin a search; a screen without rows has nothing to search in."""
        self.console_app.say(f"nothing is searched here: the views {keys_of(*VIEWS[1:])} are", "warn")

    def line_in_hand(self) -> str:
        """The text of the row under the cursor."""
        return ""

    def item_in_hand(self) -> str | None:
        """What the row under the cursor stands for."""
        return None

    def differences(self) -> None:
        """Show everything the plan knows."""


def spaced(parts: list[Line]) -> Line:
    """Hints side by side, two blanks between them."""
    line: Line = ()
    for part in parts:
        line = join(line, "  ", part) if width_of(line) else part
    return line


def _draw_header(state: State, width: int, height: int, look: Look) -> Lines:
    return header.draw(state, width, look)
