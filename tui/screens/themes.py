"""The themes: the cursor shows each one at once, Enter keeps it, Escape goes back to what was."""

from __future__ import annotations

from engine.state.model import State
from tui.frame import spaced
from tui.lines import Line, Lines, Role, fit, heading, join, put
from tui.listing import Listing, Row
from tui.theme import Brushes

_SAMPLES: tuple[Role, ...] = (
    "band-CONTINUE",
    "band-WATCH",
    "band-UNKNOWN",
    "band-INVESTIGATE",
    "band-ROLL BACK",
)
_WORDS = {
    "dark": "calm on a dark ground",
    "light": "for bright rooms and paper-white terminals",
    "wall": "as the wall view: contrast of 7 and more",
    "high-contrast": "black and white: contrast of 7 and more",
}


class Themes(Listing):
    """Choose a theme for this console."""

    def __init__(self) -> None:
        super().__init__()
        self._before: Brushes | None = None
        """What was in use when this opened; None once another was kept."""

    def on_mount(self) -> None:
        """The cursor begins on the theme in use."""
        self._before = self.console_app.brushes
        self.cursor = list(self._before.themes).index(self._before.screen.theme.name)
        self.redraw()

    def heading(self, state: State, width: int) -> Lines:
        """How to choose, and how to keep it; and how the verdicts look."""
        tier = self.console_app.brushes.tier
        notes = ["Enter takes it, Esc leaves it as it was"]
        samples: Line = put(" ")
        for role in _SAMPLES:
            samples = join(samples, put(f" {role.removeprefix('band-')} ", role), " ")
        words = [put("warning", "warn"), put("critical", "crit"), put("unknown", "unknown"), put("dim", "dim")]
        lines = [
            heading(self.look.glyphs.rule, "", "Theme", notes, width),
            (),
            samples,
            (),
            join(" ", spaced(words)),
            (),
        ]
        if tier == "none":
            lines += [put(" This terminal gets no colours: every theme looks the same here.", "warn"), ()]
        if tier == "16":
            lines += [put(" This terminal gets 16 colours: themes differ by their ground only.", "warn"), ()]
        return lines

    def rows(self, state: State, width: int) -> list[Row]:
        """One row for each theme."""
        made = []
        used = self._before.screen.theme.name if self._before is not None else ""
        for name in self.console_app.brushes.themes:
            here = put(" in use", "dim") if name == used else ()
            words = _WORDS.get(name, f"config/themes/{name}.yml")
            made.append(Row(join(fit(put(f"  {name}", "strong"), 24), fit(put(words, "dim"), 46), here), name))
        return made

    def footing(self, state: State, width: int) -> Lines:
        """How to keep it for good."""
        return [(), put(" For this console only. To keep it: theme, below console: in config/console.yml", "dim")]

    def hints(self) -> Line:
        """What the keys do here."""
        hint = [("j k", "show it"), ("Enter", "takes it"), ("Esc", "as it was"), ("R", "roll back")]
        return spaced([join(put(key, "key"), put(f" {words}", "dim")) for key, words in hint])

    def move(self, rows: int) -> None:
        """Another theme, at once."""
        super().move(rows)
        name = self.item_in_hand()
        if name is not None:
            self.console_app.use(self.console_app.brushes.with_theme(name))

    def takes(self, name: str, character: str | None) -> bool:
        """Enter keeps what is shown; leaving by any other way does not."""
        if name == "enter":
            self._before = None
            self.console_app.back(leave=False)
            return True
        return False

    def on_unmount(self) -> None:
        """What was, unless another was kept."""
        if self._before is not None and self._before is not self.console_app.brushes:
            self.console_app.use(self._before)
