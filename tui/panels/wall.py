"""The wall: the verdict and the time since the cutover in large letters, and five to seven facts. Read from a distance.

Drawn for 80x24 (22 rows do), in the middle of whatever is larger; no row moves while a state lasts, so that a glance
finds its fact.
"""

from __future__ import annotations

from typing import cast

from engine.operations.model import Operation
from engine.operations.outcome import state_word, well
from engine.state.model import State
from engine.state.watch_time import counts, phase_words, since_cutover
from tui import large
from tui.arrange import too_small
from tui.calling import leading, told
from tui.lines import Line, Lines, Role, block, crop, first_that_fits, fit, join, plain, put, spread, width_of, wrap
from tui.look import Look
from tui.panels import first_row, header, wall_facts, wall_time
from tui.panels.operation import progress
from tui.words import ago, clock, due_in, stamp

_SMALL_PRINT = 14
"""Rows beside the two large ones."""
_WIDEST = 110
"""Cells that facts take at most: the eye must not travel further."""
_WIDEST_TIME_LINE = 160


def draw(state: State, width: int, height: int, look: Look, *, trouble: str = "") -> Lines:
    """The whole screen. ``trouble``: why the records cannot be read; empty when they can."""
    if too_small(width, height):
        return _rows_only(header.draw(state, width, look), width, height)
    number = _number(state, look)
    room = room_of(height)
    scale, tight = large.largest(state.verdict.word, width - 2, room)
    below, below_tight = large.largest(number[0], width - 2, min(room, scale * large.ROWS))
    inner = min(width, _WIDEST)
    why, who = _why(state, inner, look, trouble)
    mark = look.glyphs.block
    digits = large.draw(number[0], below, mark, number[1], tight=below_tight)
    last = min(width, _WIDEST_TIME_LINE)
    parts = [
        [_top(state, width, look)],
        _banner(state.verdict.word, width, mark, scale, tight=tight),
        [_middle(why, width), _middle(who, width)],
        large.centred(digits, width),
        [_middle(_standing(state, inner, look), width)],
        large.centred(wall_facts.rows(state, min(inner, max(80, width * 2 // 3)), look), width),
        large.centred([fit(_last(state, last, look), last)], width),
    ]
    return block(_spaced(parts, height), width, height)


def room_of(height: int) -> int:
    """Rows that each of the two large lines may take."""
    return max((height - _SMALL_PRINT) // 2, large.ROWS)


def draw_waiting(width: int, height: int, look: Look, words: str) -> Lines:
    """Before the first state was read: nothing is known, and the wall says so as large as anything."""
    if too_small(width, height):
        return _rows_only(header.draw_waiting(width, look, words), width, height)
    scale, tight = large.largest("UNKNOWN", width - 2, room_of(height))
    parts: list[Lines] = [
        [spread((), put(f"{clock(look.now)} ", "text"), width)],
        _banner("UNKNOWN", width, look.glyphs.block, scale, tight=tight),
        [_middle(put("reading the records"), width), _middle(crop(put(words, "dim"), width - 4), width)],
    ]
    return block(_spaced([*parts, [], []], height), width, height)


def _rows_only(rows: Lines, width: int, height: int) -> Lines:
    """The rows that stand over everything, and what size is needed."""
    return block([*rows[: max(height - 1, 1)], header.size_needed(width, width, height)], width, height)


def _spaced(parts: list[Lines], height: int) -> Lines:
    """The parts from top to bottom, the blank rows between them as even as they can be; the first stands on top."""
    blank = height - sum(len(part) for part in parts)
    closed = {0, 1}  # the banner has its own margin: what is spare goes elsewhere first
    gaps = [index for index in range(len(parts) - 1) if index not in closed]
    order = [*gaps, 0, 1]
    share = {index: 0 for index in order}
    for turn in range(max(blank, 0)):
        share[order[turn % len(order)]] += 1
    lines: Lines = []
    for index, part in enumerate(parts):
        lines += [*part, *([()] * share.get(index, 0))]
    return lines


def _banner(word: str, width: int, mark: str, scale: int, *, tight: bool) -> Lines:
    """The verdict; where its ink has a background, that goes from edge to edge."""
    role = cast(Role, f"wall-{word}")
    margin = [put(" " * width, role)]
    return [*margin, *large.centred(large.draw(word, scale, mark, role, tight=tight), width, role), *margin]


def _middle(line: Line, width: int) -> Line:
    short = crop(line, width)
    return join(" " * ((width - width_of(short)) // 2), short)


def _top(state: State, width: int, look: Look) -> Line:
    """Where, and what keeps this from being taken for something else; the clock ticks: the wall is not frozen."""
    band = put(f" {state.environment} ", "band-quiet" if state.demo else "band-env")
    left = join(" ", band, put(f"  {state.user}@{state.host}", "dim"))
    marks: list[Line] = []
    if look.replay:
        marks.append(put(f" {look.replay} ", "band-env"))
    if state.drill is not None:
        marks.append(put(f" DRILL {state.drill.drill}, {_ends(state, look)} ", "band-env"))
    if look.read_only and not look.replay:  # nothing can be done in a replay anyway
        marks.append(put("READ-ONLY", "title"))
    if state.time_scale != 1:
        marks.append(put(f"time x{state.time_scale:g}", "info"))
    marks.append(put(stamp(look.now) if look.replay else clock(look.now), "strong"))
    data = wall_facts.freshness(state, look)
    choices = (_side_by_side([*marks, data], "   "), _side_by_side([*marks, data], " "), _side_by_side(marks, " "))
    return spread(left, join(first_that_fits(width - 1, *choices), " "), width)


def _side_by_side(parts: list[Line], gap: str) -> Line:
    line = parts[0]
    for part in parts[1:]:
        line = join(line, gap, part)
    return line


def _ends(state: State, look: Look) -> str:
    assert state.drill is not None
    words = due_in(state.drill.ends_at, look.now)
    return f"ends {words}" if words.startswith("in ") else "is over"


def _number(state: State, look: Look) -> tuple[str, Role]:
    """What stands in large digits: a person is needed, how far an operation is, or the time since the cutover."""
    operation = working(state)
    if operation is not None:
        if operation.state in ("NEEDS_HUMAN", "INTERRUPTED"):
            return "NEEDS YOU", "crit"
        if operation.state == "HOLDING":
            return "HOLDING", "warn"
        finished = sum(step.state in ("done", "skipped", "undone") for step in operation.steps)
        return f"{finished}/{len(operation.steps)}", "info"
    if state.cutover_at is not None and counts(state):
        return since_cutover(state.cutover_at, look.now, state.time_scale), "dim"  # the verdict is what shines
    phase = phase_words(state)
    return (phase, "dim") if large.known(phase) else (f"{look.now:%H:%M}", "dim")


def working(state: State) -> Operation | None:
    """The cutover or rollback that runs or waits; a validation is no reason to hide the time."""
    operation = state.operation
    return operation if operation is not None and operation.kind != "validate" else None


def _why(state: State, width: int, look: Look, trouble: str) -> tuple[Line, Line]:
    """The worst fact and who was told of it, then what clears it; that nothing can be read comes before all of that."""
    room = width - 4
    verdict, people = state.verdict, told(leading(state))
    clears = f"clears {verdict.clears.removeprefix('clears ')}" if verdict.clears else ""
    after = put("; ".join(words for words in (clears, verdict.worsens) if words), "dim")
    first = _stripped(header.before_the_verdict(state, room, look))
    if first:
        operation = working(state)
        warned = operation.warnings[0] if operation is not None and operation.warnings else ""
        lead, _, was = verdict.why.partition("no monitor runs")
        said = bool(was) and was in plain(first)
        unseen = warned if operation is not None else lead.rstrip(": ") if said else verdict.why
        lines = (first, put(people, "text") if people else put(unseen, "dim"))
    else:
        why = put(verdict.why, "dim" if verdict.word == "CONTINUE" else "strong")
        both = join(why, "      ", put(people, "text"))
        apart = width_of(both) > room
        lines = (why if apart or not people else both, put(people, "text") if people and apart else after)
    return (lines[0], put(f"cannot read the records: {trouble}", "warn")) if trouble else lines


def _stripped(line: Line) -> Line:
    """Without the blanks at its two ends."""
    text = plain(line)
    if not text.strip():
        return ()
    begin, end = len(text) - len(text.lstrip()), len(text.rstrip())
    spans = []
    at = 0
    for span in line:
        piece = span.text[max(begin - at, 0) : max(end - at, 0)]
        at += len(span.text)
        if piece:
            spans.append(span._replace(text=piece))
    return tuple(spans)


def _standing(state: State, width: int, look: Look) -> Line:
    """What is live, the phase, and what comes next."""
    live = first_row.live(state)
    operation = working(state)
    if operation is not None:
        move = put(f"{operation.release_from} to {operation.release_to}", "text")
        return join(live, "      ", first_row.operation_word(operation, look), "   ", move)
    head = (
        live if phase_words(state) in _said_large(state, look) else join(live, put(f"   {phase_words(state)}", "dim"))
    )
    gate = state.next_gate
    if gate is None:
        return join(head, "      ", _without_gate(state, look))
    due = f"{gate.title} {due_in(gate.due_at, look.now)}"
    if gate.would_fail_on:
        whole, brief = f"{due}: would FAIL on {', '.join(gate.would_fail_on)}", f"{due}: would FAIL"
        return first_that_fits(width - 4, *(join(head, "      ", put(words, "warn")) for words in (whole, brief)))
    if gate.unknown or gate.state == "overdue":
        unknown = f": {len(gate.unknown)} of its criteria unknown" if gate.unknown else ""
        return join(head, "      ", put(due + unknown, "warn"))
    return join(head, "      ", put(due, "text"))


def _said_large(state: State, look: Look) -> str:
    return _number(state, look)[0]


def _without_gate(state: State, look: Look) -> Line:
    last = state.last_operation
    if last is not None and last.kind != "validate":
        words = f"{last.id} {state_word(last)} {ago(last.ended, look.now)}"
        return put(words, "text" if well(last) else "warn")
    new = state.releases[-1].name.upper() if state.releases else ""
    return put(f"the cutover to {new} is still to come" if state.phase == "BEFORE" and new else "", "text")


def _last(state: State, width: int, look: Look) -> Line:
    """The time line of the gates; meanwhile of the steps, where an operation runs."""
    operation = working(state)
    if operation is not None:
        return progress(operation, width, look)
    return wall_time.line(state, width, look)


def notice(words: Line, width: int) -> Line:
    """A sentence in the last row's place."""
    return next(iter(wrap(plain(words), width - 2, words[0].role if words else "text", indent=1)), ())
