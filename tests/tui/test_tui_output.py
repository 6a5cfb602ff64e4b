"""What the cell differ sends paints the same as what Textual sends, cell by cell, in an emulated terminal."""

from __future__ import annotations

import io
from random import Random

import pyte
import pytest
from rich.color import Color, ColorSystem
from rich.console import Console
from rich.segment import Segment
from rich.style import Style
from textual._compositor import ChopsUpdate, CompositorUpdate, InlineUpdate, LayoutUpdate
from textual.geometry import Region
from textual.strip import Strip
from two_terminals import Emulated, TwoTerminals

from tui.output import display
from tui.output.differ import CellDiffer, NotKnown
from tui.output.pens import PLAIN, Pens

COLUMNS, ROWS = 24, 5
COLORS = {"truecolor": ColorSystem.TRUECOLOR, "256": ColorSystem.EIGHT_BIT, "standard": ColorSystem.STANDARD}
CHARACTERS = ("a", "b", "7", " ", " ", "·", "…", "─", "é", "漢", "あ", "ｗ", "e\u0301", "n\u0303\u0323")
DOUBTFUL = ("😀", "👩‍🚀", "⚠\ufe0f", "\u200d", "漢\u0301", "🇩🇪", "\u0301", "각")


def console_for(colors: str) -> Console:
    return Console(color_system=colors, force_terminal=True, file=io.StringIO())  # type: ignore[arg-type]


def any_style(random: Random, colors: str) -> Style:
    def color() -> Color | None:
        kinds = [None, Color.from_ansi(random.randrange(16)), Color.default()]
        if colors == "truecolor":
            kinds.append(Color.from_rgb(*(random.randrange(256) for _ in range(3))))
        if colors != "standard":
            kinds.append(Color.from_ansi(random.randrange(16, 256)))
        return random.choice(kinds)

    names = ("bold", "dim", "italic", "underline", "reverse", "strike")
    flags = {name: random.choice((True, False, None)) for name in names if random.random() < 0.3}
    return Style(color=color(), bgcolor=color(), **flags)


class Canvas:
    """Random strips, and updates of the two kinds that a compositor makes of them."""

    def __init__(self, seed: int, colors: str, doubtful: bool) -> None:
        self.random = Random(seed)
        self.styles = [any_style(self.random, colors) for _ in range(6)]
        self.characters = CHARACTERS + (DOUBTFUL if doubtful else ())
        self.rows = [self.strip() for _ in range(ROWS)]

    def strip(self) -> Strip:
        segments = []
        for _ in range(self.random.randrange(1, 6)):
            text = "".join(self.random.choices(self.characters, k=self.random.randrange(1, 9)))
            segments.append(Segment(text, self.random.choice(self.styles)))
        return Strip(segments).adjust_cell_length(COLUMNS, self.random.choice(self.styles))

    def update(self) -> CompositorUpdate:
        for y in self.random.sample(range(ROWS), self.random.randrange(1, ROWS)):
            near = self.random.random() < 0.5
            self.rows[y] = self.touched(self.rows[y]) if near else self.strip()
        if self.random.random() < 0.3:
            return LayoutUpdate([[row] for row in self.rows], Region(0, 0, COLUMNS, ROWS))
        return self.chops()

    def touched(self, strip: Strip) -> Strip:
        at = self.random.randrange(COLUMNS - 4)
        mark = Strip([Segment(self.random.choice(("x", "漢", " ")), self.random.choice(self.styles))])
        joined = Strip.join([strip.crop(0, at), mark, strip.crop(at + mark.cell_length)])
        return joined.adjust_cell_length(COLUMNS, self.styles[0])

    def chops(self) -> ChopsUpdate:
        chops: list[dict[int, Strip | None]] = []
        ends, spans = [], []
        for y, row in enumerate(self.rows):
            cuts = sorted({*self.random.sample(range(1, COLUMNS), self.random.randrange(4)), COLUMNS})
            parts = row.divide(cuts)
            chops.append(dict(zip([0, *cuts[:-1]], parts, strict=False)))
            ends.append(cuts)
            if self.random.random() < 0.6 or y == 0:
                first = self.random.randrange(COLUMNS)
                spans.append((y, first, self.random.randrange(first + 1, COLUMNS + 1)))
        return ChopsUpdate(chops, spans, ends)


@pytest.mark.parametrize("emulator", [Emulated, pyte.Screen])
@pytest.mark.parametrize("colors", COLORS)
@pytest.mark.parametrize("doubtful", [False, True], ids=["agreed widths", "any widths"])
def test_random_updates_paint_the_same(colors: str, doubtful: bool, emulator: type[pyte.Screen]) -> None:
    for seed in range(8):
        both = TwoTerminals(console_for(colors), COLUMNS, ROWS, emulator=emulator)
        canvas = Canvas(seed, colors, doubtful)
        for step in range(12):
            both.show(canvas.update(), (step % 3, step % ROWS))
            assert both.differences() == [], (seed, step)


def test_a_difference_is_seen() -> None:
    """The comparison above is able to fail: here the differ believes in an update that the terminal never got."""
    both = TwoTerminals(console_for("truecolor"), COLUMNS, ROWS)
    canvas = Canvas(1, "truecolor", False)
    both.show(canvas.update())
    canvas.rows = [canvas.strip() for _ in range(ROWS)]
    update = LayoutUpdate([[row] for row in canvas.rows], Region(0, 0, COLUMNS, ROWS))
    both.differ.sent(update, (0, 0))
    both.show(update)
    assert both.differences()


def line(text: str, style: Style | None = None) -> LayoutUpdate:
    return LayoutUpdate([[Strip([Segment(text, style)])]], Region(0, 0, len(text), 1))


def after(*texts: str, style: Style | None = None) -> str:
    differ = CellDiffer(console_for("truecolor"))
    return [differ.sent(line(text, style), (0, 0)) for text in texts][-1]


def test_what_stands_there_already_is_not_sent() -> None:
    assert after("12:00:01", "12:00:01") == ""


def test_only_the_changed_cell_is_sent() -> None:
    assert after("12:00:01", "12:00:02") == "\x1b[1;8H2\x1b[H"


def test_a_short_gap_is_written_again_a_long_one_is_jumped() -> None:
    assert after("12:00:59", "12:01:00") == "\x1b[1;5H1:00\x1b[H"
    assert after("1          1", "2          2") == "\x1b[H2\x1b[10C2\x1b[H"


def test_after_the_last_column_the_position_is_given_anew() -> None:
    differ = CellDiffer(console_for("truecolor"))
    made = [LayoutUpdate([[Strip([Segment(text)])] for text in rows], Region(0, 0, 2, 2)) for rows in ("aabb", "abbc")]
    for update, rows in zip(made, (("aa", "bb"), ("ab", "bc")), strict=True):
        update.strips = [[Strip([Segment(text)])] for text in rows]
        sent = differ.sent(update, (0, 0))
    assert sent == "\x1b[1;2Hb\x1b[2;2Hc\x1b[H"


def test_forgetting_sends_everything() -> None:
    differ = CellDiffer(console_for("truecolor"))
    whole = differ.sent(line("steady"), (0, 0))
    differ.forget()
    assert differ.sent(line("steady"), (0, 0)) == whole != ""


def test_an_update_of_another_kind_is_refused_and_forgets() -> None:
    differ = CellDiffer(console_for("truecolor"))
    whole = differ.sent(line("steady"), (0, 0))
    with pytest.raises(NotKnown):
        differ.sent(InlineUpdate([]), (0, 0))
    assert differ.sent(line("steady"), (0, 0)) == whole


def test_between_two_pens_only_the_difference_is_sent() -> None:
    pens = Pens(ColorSystem.TRUECOLOR)
    bold, dim, red = (pens.of(Style.parse(words)) for words in ("bold green", "dim green", "red"))
    assert bold is not None and dim is not None and red is not None
    assert pens.way(bold, dim) == "\x1b[22;2m"
    assert pens.way(PLAIN, red) == "\x1b[31m"
    assert pens.way(bold, red) == "\x1b[0;31m"
    assert pens.way(red, PLAIN) == "\x1b[m"


def test_a_link_is_sent_as_textual_sends_it() -> None:
    assert after("link", style=Style(link="file:///x")).count("\x1b]8;") == 2


@pytest.mark.parametrize(("setting", "configured", "on"), [("", True, True), ("0", True, False), ("1", False, True)])
def test_the_environment_overrules_the_configuration(setting: str, configured: bool, on: bool) -> None:
    assert display.wanted(configured, {display.SWITCH: setting}) is on
