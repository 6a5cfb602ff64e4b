"""Large letters for the wall: five points high, each point two cells wide, so that it is about square."""

from __future__ import annotations

from tui.lines import Line, Lines, Role, join, put

ROWS = 5
_POINT = 2
"""Cells across a point."""

# Strokes of one point; as narrow as they can be read, so that INVESTIGATE fits into 80 cells.
_FONT = {
    "A": (".##.", "#..#", "####", "#..#", "#..#"),
    "B": ("###.", "#..#", "###.", "#..#", "###."),
    "C": (".###", "#...", "#...", "#...", ".###"),
    "D": ("###.", "#..#", "#..#", "#..#", "###."),
    "E": ("###", "#..", "##.", "#..", "###"),
    "F": ("###", "#..", "##.", "#..", "#.."),
    "G": (".###", "#...", "#.##", "#..#", ".###"),
    "H": ("#..#", "#..#", "####", "#..#", "#..#"),
    "I": ("#", "#", "#", "#", "#"),
    "J": ("..#", "..#", "..#", "#.#", ".#."),
    "K": ("#..#", "#.#.", "##..", "#.#.", "#..#"),
    "L": ("#..", "#..", "#..", "#..", "###"),
    "M": ("#...#", "##.##", "#.#.#", "#...#", "#...#"),
    "N": ("#..#", "##.#", "#.##", "#..#", "#..#"),
    "O": (".##.", "#..#", "#..#", "#..#", ".##."),
    "P": ("###.", "#..#", "###.", "#...", "#..."),
    "R": ("###.", "#..#", "###.", "#.#.", "#..#"),
    "S": (".##", "#..", ".#.", "..#", "##."),
    "T": ("###", ".#.", ".#.", ".#.", ".#."),
    "U": ("#..#", "#..#", "#..#", "#..#", ".##."),
    "V": ("#...#", "#...#", ".#.#.", ".#.#.", "..#.."),
    "W": ("#...#", "#...#", "#.#.#", "##.##", "#...#"),
    "Y": ("#.#", "#.#", ".#.", ".#.", ".#."),
    "0": ("###", "#.#", "#.#", "#.#", "###"),
    "1": (".#.", "##.", ".#.", ".#.", "###"),
    "2": ("###", "..#", "###", "#..", "###"),
    "3": ("###", "..#", "###", "..#", "###"),
    "4": ("#.#", "#.#", "###", "..#", "..#"),
    "5": ("###", "#..", "###", "..#", "###"),
    "6": ("###", "#..", "###", "#.#", "###"),
    "7": ("###", "..#", "..#", "..#", "..#"),
    "8": ("###", "#.#", "###", "#.#", "###"),
    "9": ("###", "#.#", "###", "..#", "###"),
    "d": ("..#", "..#", "###", "#.#", "###"),
    "h": ("#..", "#..", "###", "#.#", "#.#"),
    "+": ("...", ".#.", "###", ".#.", "..."),
    "-": ("...", "...", "###", "...", "..."),
    ":": (".", "#", ".", "#", "."),
    "/": ("..#", "..#", ".#.", "#..", "#.."),
    " ": (".", ".", ".", ".", "."),
}


def known(text: str) -> bool:
    """Whether every letter of ``text`` can be drawn large."""
    return all(letter in _FONT for letter in text)


def width_of(text: str, scale: int, *, tight: bool = False) -> int:
    """Cells that ``text`` takes across. ``tight``: the gaps between letters are half a point."""
    points = sum(len(_FONT[letter][0]) for letter in text)
    gap = 1 if tight else _POINT
    return scale * (_POINT * points + gap * max(len(text) - 1, 0))


def largest(text: str, width: int, height: int) -> tuple[int, bool]:
    """The largest scale at which ``text`` fits, and whether its letters stand tight; (0, True) when none fits."""
    for scale in range(max(height // ROWS, 0), 0, -1):
        for tight in (False, True):
            if width_of(text, scale, tight=tight) <= width:
                return scale, tight
    return 0, True


def draw(text: str, scale: int, block: str, role: Role, *, tight: bool = False) -> Lines:
    """``text`` as ``5 * scale`` lines. KeyError for a letter that the font lacks."""
    lines: Lines = []
    gap = " " * (scale if tight else _POINT * scale)
    for row in range(ROWS):
        cells = gap.join(
            "".join((block if point == "#" else " ") * (_POINT * scale) for point in _FONT[letter][row])
            for letter in text
        )
        lines += [put(cells, role)] * scale
    return lines


def centred(lines: Lines, width: int, role: Role = "text") -> Lines:
    """The lines of one width in the middle of ``width`` cells, both sides in ``role``."""
    made: Lines = []
    for line in lines:
        size = sum(len(span.text) for span in line)
        left = max((width - size) // 2, 0)
        made.append(join(_blank(left, role), line, _blank(width - size - left, role)))
    return made


def _blank(cells: int, role: Role) -> Line:
    return put(" " * cells, role) if cells > 0 else ()
