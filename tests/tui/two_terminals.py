"""Two emulated terminals side by side: one gets the bytes that Textual makes of an update, the other the differ's."""

from __future__ import annotations

import pyte
from rich.cells import cell_len
from rich.console import Console
from textual._compositor import CompositorUpdate

from tui.output.differ import CellDiffer, NotKnown, Piece


class Emulated(pyte.Screen):
    """As pyte, and: dim is kept (as blinking), and half a wide character written over blanks the other half."""

    def select_graphic_rendition(self, *attrs: int) -> None:
        weights = {2: 5, 22: 25}  # pyte knows no dim
        plain = 38 not in attrs and 48 not in attrs
        for attr in attrs if plain else ():
            super().select_graphic_rendition(*((22, 25) if attr == 22 else (weights.get(attr, attr),)))
        if not plain:
            super().select_graphic_rendition(*self._with_dim(attrs))
        elif not attrs:
            super().select_graphic_rendition()

    @staticmethod
    def _with_dim(attrs: tuple[int, ...]) -> list[int]:
        made: list[int] = []
        waiting = list(attrs)
        while waiting:
            size = {5: 3, 2: 5}[waiting[1]] if waiting[0] in (38, 48) else 1
            part, waiting = waiting[:size], waiting[size:]
            made += {2: [5], 22: [22, 25]}.get(part[0], part) if size == 1 else part
        return made

    def draw(self, data: str) -> None:
        if data.isascii() and all(cell.data for cell in self.buffer[self.cursor.y].values()):
            super().draw(data)
            return
        for character in data:
            width, x, line = cell_len(character), self.cursor.x, self.buffer[self.cursor.y]
            if width and x < self.columns:
                if x and line[x].data == "" and line[x - 1].data:
                    line[x - 1] = line[x - 1]._replace(data=" ")
                after = x + width
                if after < self.columns and line[after].data == "":
                    line[after] = line[after]._replace(data=" ")
            super().draw(character)


class TwoTerminals:
    """``show`` plays an update into both; ``same`` says whether they show the same, cell by cell."""

    def __init__(self, console: Console, columns: int, rows: int, *, emulator: type[pyte.Screen] = Emulated) -> None:
        self.console = console
        self.differ = CellDiffer(console)
        self.screens = [emulator(columns, rows) for _ in range(2)]
        self.streams = [pyte.Stream(screen) for screen in self.screens]
        self.bytes = [0, 0]
        for stream in self.streams:
            stream.feed("\x1b[?7l")

    def show(self, update: CompositorUpdate, cursor: tuple[int, int] = (0, 0)) -> str:
        own = update.render_segments(self.console) + f"\x1b[{cursor[1] + 1};{cursor[0] + 1}H"
        sent = self.differ.sent(update, cursor)
        for index, text in enumerate((own, sent)):
            self.bytes[index] += len(text.encode())
            self.streams[index].feed(text)
        return sent

    def paint(self, rows: list[tuple[int, list[Piece]]], size: tuple[int, ...], cursor: tuple[int, int]) -> bool:
        """Play rows that are painted past Textual; False where the differ leaves it to Textual."""
        try:
            sent = self.differ.sent_rows(rows, size, cursor)
        except NotKnown:
            return False
        pieces = [(x, y, strip) for y, found in rows for x, strips in found for strip in strips]
        own = "".join(f"\x1b[{y + 1};{x + 1}H{strip.render(self.console)}" for x, y, strip in pieces)
        for stream, text in zip(self.streams, (f"{own}\x1b[{cursor[1] + 1};{cursor[0] + 1}H", sent), strict=True):
            stream.feed(text)
        return True

    def resize(self, columns: int, rows: int) -> None:
        self.differ.forget()
        for screen in self.screens:
            screen.resize(rows, columns)

    def differences(self) -> list[str]:
        own, sent = self.screens
        found = [
            f"{x},{y}: {own.buffer[y][x]} is {sent.buffer[y][x]}"
            for y in range(own.lines)
            if own.buffer[y] != sent.buffer[y]
            for x in range(own.columns)
            if own.buffer[y][x] != sent.buffer[y][x]
        ]
        if (own.cursor.x, own.cursor.y, own.cursor.attrs) != (sent.cursor.x, sent.cursor.y, sent.cursor.attrs):
            found.append(f"cursor: {vars(own.cursor)} is {vars(sent.cursor)}")
        return found
