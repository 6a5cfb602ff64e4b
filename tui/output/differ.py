"""Remembers the cells on the terminal, and turns an update of Textual's into the bytes for those that differ.

Where it cannot be sure what a row becomes on the terminal, the row is sent as Textual would send it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from typing import TypeAlias

from rich.color import ColorSystem
from rich.console import Console
from textual._compositor import ChopsUpdate, CompositorUpdate, LayoutUpdate
from textual.strip import Strip

from tui.output.cells import Cell, cells_of, is_wide
from tui.output.pens import PLAIN, Pen, Pens

Piece: TypeAlias = tuple[int, Sequence[Strip]]
"""Strips that follow each other from a column on."""
Row: TypeAlias = list[Cell | None]
"""What stands in a row of the terminal; None: not known."""


class NotKnown(Exception):
    """The update is not of a kind that is known here."""


class CellDiffer:
    """One terminal's cells."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._pens = Pens(console._color_system or ColorSystem.TRUECOLOR)
        self._rows: list[Row] = []
        self._size = (0, 0)
        self._cursor: tuple[int, int] | None = None

    def forget(self) -> None:
        """What stands on the terminal is not known any more."""
        self._size = (0, 0)
        self._cursor = None

    def sent(self, update: CompositorUpdate, cursor: tuple[int, int]) -> str:
        """What to send for an update; ``cursor``: where the cursor stands afterwards. :class:`NotKnown` forgets all."""
        try:
            size, rows = _layout(update) if type(update) is LayoutUpdate else _chops(update)
        except NotKnown:
            self.forget()
            raise
        if size != self._size:
            self.forget()
            self._size = size
            self._rows = [[None] * size[0] for _ in range(size[1])]
        return self._written(rows, cursor)

    def sent_rows(self, rows: Iterable[tuple[int, list[Piece]]], size: tuple[int, ...], cursor: tuple[int, int]) -> str:
        """The same for parts of rows; :class:`NotKnown` where the cells of a terminal of ``size`` are not known."""
        if size != self._size:
            raise NotKnown
        return self._written(rows, cursor)

    def _written(self, rows: Iterable[tuple[int, list[Piece]]], cursor: tuple[int, int]) -> str:
        writing = _Writing(self._pens, self._size[0])
        for y, pieces in rows:
            self._row(writing, y, pieces)
        if not writing.out and cursor == self._cursor:
            return ""
        self._cursor = cursor
        writing.end(cursor)
        return "".join(writing.out)

    def _row(self, writing: _Writing, y: int, pieces: list[Piece]) -> None:
        before, after = self._rows[y], self._rows[y].copy()
        for x, strips in pieces:
            cells = cells_of(chain.from_iterable(strips), self._pens)
            if cells is None or x + len(cells) > len(before):
                self._rows[y] = [None] * len(before)
                if y:  # a mark that finds nothing before it in its row goes there
                    self._rows[y - 1][-1] = None
                writing.as_it_is(y, [(x, "".join(strip.render(self._console) for strip in s)) for x, s in pieces])
                return
            after[x : x + len(cells)] = cells
        if after == before:
            return
        _unsettle(after)
        self._rows[y] = after
        writing.row(y, before, after)


class _Writing:
    """Bytes in the making, with the pen and the position that the terminal has after them."""

    def __init__(self, pens: Pens, width: int) -> None:
        self.out: list[str] = []
        self._pens, self._width = pens, width
        self._pen = PLAIN
        self._at: tuple[int, int] | None = None
        """Column and row; None: not known, as after the last column, where terminals differ."""

    def row(self, y: int, before: Row, after: Row) -> None:
        """Write what differs between two states of a row."""
        x = 0
        while x < self._width:
            cell = after[x]
            if cell is None or cell == before[x]:
                x += 1
                continue
            if not cell[0] and x:  # the second half of a wide one: both are written
                x -= 1
                cell = after[x]
            if cell is None or not cell[0]:
                x += 1
                continue
            self._go(x, y, after)
            self.out += (self._pens.way(self._pen, cell[1]), cell[0])
            self._pen = cell[1]
            x = self._on(x + _width_at(after, x), before, after)
            self._at = (x, y) if x < self._width else None

    def _on(self, x: int, before: Row, after: Row) -> int:
        """Write on as long as plain letters differ and need no other pen; gives the column behind them."""
        pen, out = self._pen, self.out
        while x < self._width:
            cell = after[x]
            if cell is None or cell[1] is not pen or cell == before[x] or not (cell[0] and cell[0].isascii()):
                break
            out.append(cell[0])
            x += 1
        return x

    def as_it_is(self, y: int, texts: list[tuple[int, str]]) -> None:
        """Write a row the way Textual does."""
        self.out.append(self._pens.way(self._pen, PLAIN))
        self._pen, self._at = PLAIN, None
        for x, text in texts:
            self.out += (_move_to(x, y), text)

    def end(self, cursor: tuple[int, int]) -> None:
        """Leave pen and cursor as Textual does."""
        self.out += (self._pens.way(self._pen, PLAIN), _move_to(*cursor))

    def _go(self, x: int, y: int, row: Row) -> None:
        if self._at == (x, y):
            return
        here, self._at = self._at, (x, y)
        ways = [_move_to(x, y)]
        if here is not None and here[1] <= y:
            ways.append(_by(y - here[1], "", "B") + _by(x - here[0], "D", "C"))
        if here is not None and here[1] == y and here[0] < x:
            again = _again(row[here[0] : x], self._pen)
            ways += [again] if again else []
        self.out.append(min(ways, key=lambda way: len(way.encode())))


def _layout(update: LayoutUpdate) -> tuple[tuple[int, int], Iterator[tuple[int, list[Piece]]]]:
    region = update.region
    if (region.x, region.y) != (0, 0) or len(update.strips) != region.height:
        raise NotKnown
    return (region.width, region.height), ((y, [(0, tuple(line))]) for y, line in enumerate(update.strips))


def _chops(update: CompositorUpdate) -> tuple[tuple[int, int], Iterator[tuple[int, list[Piece]]]]:
    if type(update) is not ChopsUpdate or not update.chop_ends or not update.chop_ends[0]:
        raise NotKnown
    size = update.chop_ends[0][-1], len(update.chops)
    return size, _spans(update)


def _spans(update: ChopsUpdate) -> Iterator[tuple[int, list[Piece]]]:
    """The strips that Textual's own ``render_segments`` would write, row by row."""
    rows: dict[int, list[Piece]] = {}
    for y, first, last in update.spans:
        pieces = rows.setdefault(y, [])
        for end, (x, strip) in zip(update.chop_ends[y], update.chops[y].items(), strict=False):
            if strip is None or x > last or end <= first:
                continue
            whole = last > x >= first and end <= last
            pieces.append((x, (strip if whole else strip.crop(0, min(end, last) - x),)))
    return iter(rows.items())


def _unsettle(row: Row) -> None:
    """A wide character of which one half was written over: what the terminal shows of the other is not known."""
    text = "".join([cell[0] for cell in row if cell is not None])
    if len(text) == len(row) and text.isascii():
        return  # one letter in each cell: nothing is wide
    for x, cell in enumerate(row):
        if cell is None:
            continue
        following = row[x + 1] if x + 1 < len(row) else None
        if not cell[0]:
            head = row[x - 1] if x else None
            if head is None or not is_wide(head) or head[1] is not cell[1]:
                row[x] = None
        elif is_wide(cell) and (following is None or following[0] or following[1] is not cell[1]):
            row[x] = None


def _width_at(row: Row, x: int) -> int:
    following = row[x + 1] if x + 1 < len(row) else None
    return 2 if following is not None and not following[0] else 1


def _move_to(x: int, y: int) -> str:
    return f"\x1b[{y + 1};{x + 1}H" if x else f"\x1b[{y + 1}H" if y else "\x1b[H"


def _by(steps: int, back: str, on: str) -> str:
    count = abs(steps)
    if not count:
        return ""
    return f"\x1b[{count if count > 1 else ''}{on if steps > 0 else back}"


def _again(cells: Row, pen: Pen) -> str:
    """The cells between here and there written again, where that needs no other pen; else nothing."""
    if any(cell is None or cell[1] is not pen or not cell[0] for cell in cells):
        return ""
    return "".join(cell[0] for cell in cells if cell is not None)
