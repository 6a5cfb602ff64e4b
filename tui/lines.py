"""Lines of exact width, made of spans of text with a role: what every panel draws, and what a widget paints.

No colour stands here and no terminal is needed: a line can be tested as it is. Text enters only through
:func:`put`, which makes it harmless.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Literal, NamedTuple, TypeAlias

from rich.cells import cell_len, set_cell_size

from engine.records.harmless import harmless

Role: TypeAlias = Literal[
    "text",
    "dim",
    "faint",
    "title",
    "strong",
    "key",
    "warn",
    "crit",
    "unknown",
    "info",
    "stale",
    "field",
    "trend",
    "band-ROLL BACK",
    "band-INVESTIGATE",
    "band-UNKNOWN",
    "band-WATCH",
    "band-CONTINUE",
    "band-env",
    "band-quiet",
    "wall-ROLL BACK",
    "wall-INVESTIGATE",
    "wall-UNKNOWN",
    "wall-WATCH",
    "wall-CONTINUE",
]


class Span(NamedTuple):
    """A piece of a line. Build it with :func:`put` only."""

    text: str
    role: Role
    marked: bool = False
    """Under the cursor."""


Line: TypeAlias = tuple[Span, ...]
Lines: TypeAlias = list[Line]


def put(text: object, role: Role = "text") -> Line:
    """A line of one span, its text made harmless."""
    words = str(text)
    if not (words.isascii() and words.isprintable()):
        words = harmless(words, 2000)
    return (Span(words, role),) if words else ()


def join(*parts: Line | str) -> Line:
    """One line of several parts; a bare string is plain text."""
    spans: list[Span] = []
    for part in parts:
        spans.extend(put(part) if isinstance(part, str) else part)
    return tuple(spans)


CUT = "…"
"""Says that something is left out."""


def text_width(text: str) -> int:
    """Cells that a text takes. Rich remembers 4,096 texts for it: those of ASCII, nearly all, need no memory."""
    return len(text) if text.isascii() else cell_len(text)


def width_of(line: Line) -> int:
    """Cells the line takes."""
    width = 0
    for span in line:  # nearly all of it is ASCII, and this is asked hundreds of times for one picture
        width += len(span.text) if span.text.isascii() else cell_len(span.text)
    return width


def plain(line: Line) -> str:
    """The line's text."""
    return "".join(span.text for span in line)


def crop(line: Line, width: int, *, mark: str = CUT) -> Line:
    """The line cut to ``width`` cells; where something is lost, the last cell says so."""
    if width_of(line) <= width:
        return line
    room = max(width - text_width(mark), 0)
    kept: list[Span] = []
    for span in line:
        size = text_width(span.text)
        if size > room:
            kept.append(span._replace(text=set_cell_size(span.text, room).rstrip() + mark))
            break
        kept.append(span)
        room -= size
    return tuple(span for span in kept if span.text) if width > 0 else ()


def fit(line: Line, width: int, align: Literal["left", "right"] = "left") -> Line:
    """The line at exactly ``width`` cells: cut, or padded with blanks."""
    short = crop(line, width)
    missing = width - width_of(short)
    if missing <= 0:
        return short
    blank = (Span(" " * missing, "text"),)
    return blank + short if align == "right" else short + blank


def right(line: Line, width: int) -> Line:
    """The line at exactly ``width`` cells, its text at the right."""
    return fit(line, width, "right")


def spread(left: Line, end: Line, width: int, gap: int = 2) -> Line:
    """``left`` and ``end`` at the two sides of exactly ``width`` cells; ``left`` gives way first."""
    end = crop(end, width)
    room = width - width_of(end)
    return fit(crop(left, max(room - gap, 0)), room) + end


def first_that_fits(width: int, *choices: Line) -> Line:
    """The first of the choices (best first) that fits into ``width``; else the last one, cut."""
    for choice in choices:
        if width_of(choice) <= width:
            return choice
    return crop(choices[-1], width)


def marked(line: Line) -> Line:
    """The line as it looks under the cursor."""
    return tuple(span._replace(marked=True) for span in line)


def with_role(line: Line, role: Role) -> Line:
    """The whole line in one role."""
    return tuple(span._replace(role=role) for span in line)


def block(lines: Iterable[Line], width: int, height: int) -> Lines:
    """Exactly ``height`` lines of exactly ``width`` cells: cut, or padded with blank lines."""
    fitted = [fit(line, width) for line in lines][:height]
    return fitted + [fit((), width)] * (height - len(fitted))


def marked_as_cut(lines: Lines, mark: str) -> Lines:
    """The lines with this mark, of one cell, in place of each ``…``."""
    if mark == CUT:
        return lines
    return [tuple(span._replace(text=span.text.replace(CUT, mark)) for span in line) for line in lines]


def heading(rule: str, key: str, name: str, notes: Sequence[Line | str], width: int, *, focused: bool = False) -> Line:
    """A panel's first line: ``-4 KPIs --- tape 09:00 --- vs V1 ------``. Notes that do not fit are left out."""
    line = join(put(rule, "faint"), put(JUMPS.get(key, key), "key"), put(f" {name} ", "strong" if focused else "title"))
    for note in notes:
        part = join(put(rule * 3 + " ", "faint"), *([put(note, "dim")] if isinstance(note, str) else [note]), put(" "))
        if note and width_of(line) + width_of(part) <= width:
            line = join(line, part)
    return join(line, put(rule * max(width - width_of(line), 0), "faint"))


JUMPS: dict[str, str] = {}
"""Where a keymap gave a view another key than its number: number -> key. Filled once, before anything is drawn."""


Cell: TypeAlias = tuple[str, Role, bool]


def cells(line: Line) -> list[Cell]:
    """One item per cell. The second cell of a wide character is an empty text; a mark joins the cell before it."""
    made: list[Cell] = []
    for text, role, under_cursor in line:
        for character in text:
            size = text_width(character)
            if size == 0 and made:
                made[-1] = (made[-1][0] + character, *made[-1][1:])
            made.extend((character if not index else "", role, under_cursor) for index in range(size))
    return made


def changed(old: Line, new: Line) -> tuple[int, int] | None:
    """First cell and number of cells that differ between two lines of one width; None when none does."""
    if old == new:
        return None
    same = _same_at_first(old, new)
    begin = width_of(new[:same])
    before, after = cells(old[same:]), cells(new[same:])
    if len(before) != len(after):
        return 0, width_of(new)
    differing = [index for index, pair in enumerate(zip(before, after, strict=True)) if pair[0] != pair[1]]
    if not differing:  # another role, or a mark that has no cell of its own
        return None if plain(old) == plain(new) else (0, width_of(new))
    return begin + differing[0], differing[-1] - differing[0] + 1


def _same_at_first(old: Line, new: Line) -> int:
    """How many spans need no look at their cells; none where a mark might join what stands before it."""
    count = 0
    for before, after in zip(old, new, strict=False):
        if before is not after and before != after:
            break
        count += 1
    following = [line[count].text[:1] for line in (old, new) if len(line) > count]
    return count if all(text.isascii() for text in following) else 0


_CLAUSE = re.compile(r"[;,:] | \(")


def clause(text: str, width: int) -> str:
    """``text`` if it fits, else as many of its clauses as do, and a mark; empty when not even the first one does."""
    if text_width(text) <= width:
        return text
    ends = [match.start() for match in _CLAUSE.finditer(text)]
    return next((f"{text[:end]}…" for end in reversed(ends) if 0 < text_width(text[:end]) < width), "")


def whole_words(text: str, width: int) -> str:
    """``text`` if it fits, else as many of its words as do, and a mark; cut hard when not even the first one does."""
    if text_width(text) <= width:
        return text
    kept = ""
    for word in text.split():
        longer = f"{kept} {word}".strip()
        if text_width(longer) >= width:
            break
        kept = longer
    return f"{kept.rstrip(',;:<>( ')}…" if kept else plain(crop(put(text), width))


def wrap(text: str, width: int, role: Role = "text", indent: int = 0) -> Lines:
    """A paragraph on lines of at most ``width`` cells, each indented; words longer than a line are cut hard."""
    room = max(width - indent, 8)
    rows: list[str] = [""]
    for span in put(text):
        for word in span.text.split():
            while text_width(word) > room:
                head = set_cell_size(word, room)
                rows[-1:] = [rows[-1], head] if rows[-1] else [head]
                rows.append("")
                word = word[len(head) :]
            joined = f"{rows[-1]} {word}".strip()
            if text_width(joined) <= room:
                rows[-1] = joined
            else:
                rows.append(word)
    return [join(put(" " * indent), put(row, role)) for row in rows if row]


def within(text: str, width: int, rows: int, role: Role = "text", indent: int = 0) -> Lines:
    """A paragraph on at most ``rows`` lines; where it is longer it ends with a clause of it and a mark, never silently.

    Where not even its first clause has room, it is cut and marked.
    """
    lines = wrap(text, width, role, indent)
    if len(lines) <= rows:
        return lines
    for match in reversed(list(_CLAUSE.finditer(text))):
        lines = wrap(f"{text[: match.start()]}…", width, role, indent)
        if len(lines) <= rows:
            return lines
    lines = wrap(text, width, role, indent)[: max(rows, 0)]
    return [*lines[:-1], crop(join(lines[-1], "…"), width)] if lines else []


def cut_short(lines: Lines, rows: int, where: str) -> Lines:
    """As many as fit into ``rows``; the last of these says how many do not, and ``where`` they are shown."""
    if len(lines) <= rows or rows < 1:
        return lines
    return [*lines[: rows - 1], put(f"     and {len(lines) - rows + 1} more: {where}", "dim")]
