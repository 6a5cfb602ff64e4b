"""Panel 5: the checklist around now; the console measured, a person confirms."""

from __future__ import annotations

from msgspec.structs import replace

from engine.monitoring.at_hand import at_hand, cannot_be_confirmed, older_open
from engine.monitoring.model import ChecklistItem
from engine.state.model import State
from tui.glyphs import Glyphs
from tui.lines import (
    Line,
    Lines,
    Role,
    block,
    first_that_fits,
    fit,
    heading,
    join,
    marked,
    put,
    right,
    spread,
    width_of,
)
from tui.look import Look
from tui.words import initials

KEY, NAME = "5", "Checklist"


def draw(state: State, width: int, height: int, look: Look) -> Lines:
    """The panel at exactly ``width`` x ``height``: as many items as fit, from what is due on."""
    checklist = state.checklist
    drawn = _notes(state, width)
    if checklist.stale and not look.replay:
        drawn = [put("measured: STALE", "warn"), *drawn]
    lines = [heading(look.glyphs.rule, KEY, NAME, drawn, width, focused=look.cursor is not None)]
    if not checklist.items:
        lines.append(put(" nothing is due", "dim"))
    first = start(state, height - 1, look.cursor)
    for index, entry in enumerate(shown(state, look)[first : first + height - 1], first):
        line = row(entry, width, look)
        lines.append(marked(line) if look.cursor == index else line)
    return block(lines, width, height)


def shown(state: State, look: Look) -> tuple[ChecklistItem, ...]:
    """The lines; where nothing is measured any more, what a gate would fail on was true once."""
    items = state.checklist.items
    if not state.checklist.stale or look.replay:
        return items
    return tuple(replace(item, stale=True) if item.gate else item for item in items)


def _notes(state: State, width: int) -> list[Line | str]:
    """How many hourly validations passed and how many older lines are open; where both do not fit, in short."""
    checklist = state.checklist
    older = older_open(checklist.items)
    left = put(f"{older} older open", "warn") if older else ()
    if not checklist.hourly_due:
        return [left]
    count = f"{checklist.hourly_passed}/{checklist.hourly_due}"
    role: Role = "warn" if checklist.hourly_passed < checklist.hourly_due else "dim"
    if not older:
        return [put(f"{count} hourly PASS", role)]
    room = width - len(f"-{KEY} {NAME} --- ") - 1
    apart = put("   ", "faint")
    choices = [join(put(f"{count} hourly PASS", role), apart, left)]
    choices += [join(put(f"{count}{word}", role), put(", ", "dim"), left) for word in (" PASS", "")]
    return [first_that_fits(room, *choices, left)]


def start(state: State, rows: int, cursor: int | None = None) -> int:
    """The first item shown: the one before those at hand now, and always so that the cursor is seen."""
    items = state.checklist.items
    here = at_hand(items)
    first = max(min((len(items) if here is None else here) - 1, len(items) - rows), 0)
    if cursor is not None:
        first = max(min(first, cursor), cursor - rows + 1)
    return first


def row(entry: ChecklistItem, width: int, look: Look) -> Line:
    """One item: mark, slot, title with what was measured, and who or when."""
    mark, role = _mark(entry, look.glyphs)
    head = join(" ", put(mark, role), " ", fit(put(entry.slot, "dim"), 6), " ")
    faded = entry.state in ("done", "overridden", "later", "closed")
    title: Role = "dim" if faded and not entry.gate else "text"
    what, end = put(entry.title, title), join(" ", _end(entry, look))
    if entry.gate:
        what = _gate(entry, width)
        due = entry.state in ("due", "overdue")
        end = end if due or width_of(join(head, what, end)) < width else ()  # why it would fail comes before when
    measured = _measured(entry, "stale" if entry.stale else title, width - width_of(join(head, what, end)))
    return spread(join(head, what, measured), end, width, gap=0)


def _gate(entry: ChecklistItem, width: int) -> Line:
    """``GATE fails on: memory growth``; in a narrow panel GATE stands for its name too."""
    name, space, rest = entry.title.partition(" ")
    if name.rstrip(":") != "GATE":
        return put("GATE" if width < 60 else entry.title, "strong")
    late = put(" STALE", "warn") if entry.stale else ()
    return join(put(name, "strong"), late, put(space + rest, "warn" if entry.measured_ok is False else "dim"))


def _measured(entry: ChecklistItem, title: Role, room: int) -> Line:
    """What was measured, whole or without its source; where neither fits, whether it is as it should be."""
    if not entry.measured:
        return ()
    role = "warn" if entry.measured_ok is False else title
    if entry.stale:  # its age stands before the value: no form leaves it out
        return first_that_fits(room, put(f" {entry.measured}", role), put(" STALE", "warn"), ())
    bare = entry.measured.partition(": ")[2] or entry.measured
    verdict = "" if entry.measured_ok is None else " ok" if entry.measured_ok else " not ok"
    return first_that_fits(room, put(f" {entry.measured}", role), put(f" {bare}", role), put(verdict, role), ())


def _mark(entry: ChecklistItem, glyphs: Glyphs) -> tuple[str, Role]:
    marks: dict[str, tuple[str, Role]] = {
        "done": (glyphs.done, "dim"),
        "overridden": (glyphs.overridden, "info"),
        "overdue": (glyphs.attention, "warn"),
        "missed": (glyphs.missed, "crit"),
        "closed": ("/", "dim"),
        "due": (glyphs.attention, "warn" if entry.measured_ok is False else "info"),
        "later": (glyphs.question, "warn") if entry.gate and entry.measured_ok is False else (" ", "dim"),
    }
    return marks[entry.state]


def _end(entry: ChecklistItem, look: Look) -> Line:
    if entry.state in ("done", "overridden"):
        return put(f"{initials(entry.who)} ", "dim")
    if entry.state == "closed":
        return put("closed ", "dim")
    if entry.gate and entry.state in ("due", "overdue"):
        return put("decide ", "warn" if entry.state == "overdue" else "info")
    if entry.state == "missed":
        return put("missed ", "crit")
    if entry.state == "due":
        if cannot_be_confirmed(entry.state, entry.measured, entry.measured_ok):
            return right(put("override ", "warn"), 9)
        return right(put("confirm " if entry.measured else "answer ", "info"), 8)
    if entry.gate and entry.measured:
        return ()
    when = look.due_in(entry.due_at) if entry.due_at else ""
    return put(f"{when} ", "warn" if entry.state == "overdue" else "dim")
