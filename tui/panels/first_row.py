"""Row 1: the verdict, what is live, since when, what comes next, and where this is.

At 80 cells not all of it has room. Verdict, release, time since the cutover, environment and clock stay; who and
where, a drill's countdown, its name and the words of the next decision point give way, in this order.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, cast

from engine.state.watch_time import counts, phase_words
from tui.lines import Line, Role, crop, join, put, spread, width_of
from tui.look import Look
from tui.words import clock, stamp

if TYPE_CHECKING:
    from engine.operations.model import Operation
    from engine.state.alert_views import DrillView
    from engine.state.model import State

_UNFINISHED = {"NEEDS_HUMAN": "NEEDS YOU", "INTERRUPTED": "INTERRUPTED", "HOLDING": "HOLDING"}
_WORD = 13
"""Cells that no mark may take from the verdict: as many as its longest word has."""


class _Ends(NamedTuple):
    """The right end in its forms, best first: all of them say where this is and, where it is so, that it is a drill."""

    named: list[Line]
    unnamed: list[Line]
    """The same without a drill's name, or without the day of a replay."""
    bare: list[Line]
    """Without the environment, for a screen that is smaller than what this is drawn for."""


def draw(state: State, width: int, look: Look) -> Line:
    """The row at exactly ``width`` cells."""
    bare = word = put(f" {state.verdict.word} ", cast(Role, f"band-{state.verdict.word}"))
    release, since = live(state), _since(state, look)
    if _nothing_live(state):  # gives way to nothing
        word, release = join(word, "  ", release), ()
    ends = _ends(state, width, look)
    nexts = _next(state, look)
    pairs = [
        (left, end)
        for kept, forms in ((nexts[:2], ends.named), (nexts[:2], ends.unnamed), (nexts, [*ends.named, *ends.unnamed]))
        for coming in kept
        for end in forms
        for left in (_apart(word, gap, release, since, coming) for gap in ("   ", "  ", " "))
    ]
    small = [_apart(word, "  ", release, nexts[-1]), _apart(word, " ", nexts[-1]), _apart(word, " ", release), word]
    pairs += [(left, end) for left in small for end in (*ends.named, *ends.unnamed, *ends.bare)]
    fits = (pair for pair in pairs if width_of(pair[0]) + width_of(pair[1]) + 2 <= width)
    left, end = next(fits, (_initial(bare, width), ()))  # the verdict is never cut for anything beside it
    return spread(left, end, width, 2 if end else 0)


def _initial(word: Line, width: int) -> Line:
    """As much of the word as there is room for; each verdict has a first letter of its own."""
    return word if width_of(word) <= width else tuple(span._replace(text=span.text.strip()[:width]) for span in word)


def _apart(first: Line, gap: str, *rest: Line) -> Line:
    """Parts with a gap before each; an empty part takes its gap along, and what comes next stands a cell farther."""
    for index, part in enumerate(rest):
        wide = gap if index < len(rest) - 1 or len(gap) < 3 else f"{gap} "
        first = join(first, gap[1:] if not index and len(gap) > 2 else wide, part) if part else first
    return first


def _ends(state: State, width: int, look: Look) -> _Ends:
    """Environment, who and where, and the clock: read-only and rehearsal time are said in each of them."""
    if look.replay:
        return _replayed(state, width, look)
    read_only = join(put(" READ-ONLY ", "band-quiet"), " ") if look.read_only else ()
    band = put(f" {state.environment} ", "band-env" if not state.demo else "band-quiet")
    tail = join(" ", look.clock(), " ")
    if state.drill is not None:
        return _drilled(state.drill, join(read_only, band, tail), join(read_only, tail), width, look)
    marks = read_only
    brief = join(read_only, put(f"x{state.time_scale:g} ", "info"), band, tail)
    if state.time_scale != 1:
        marks = join(marks, put(f"time x{state.time_scale:g} ", "info"))
    bare = join(marks, band, tail)
    room = width // 2 - width_of(bare) - 2
    person = join(marks, band, " ", crop(put(f"{state.user}@{state.host}", "dim"), room), " ", tail)
    forms = [person] * (room >= 6) + [bare] + [brief] * (state.time_scale != 1)
    return _Ends(forms, [], [join(marks, tail)])


def replay_mark(look: Look) -> Line:
    """That this is the past, how fast it goes, and which moment it is: never left out."""
    return join(put(f" {look.replay} ", "band-env"), put(f" {stamp(look.now)}", "strong"))


def _replayed(state: State, width: int, look: Look) -> _Ends:
    mark = join(replay_mark(look), " ")
    hour = join(put(f" {look.replay} ", "band-env"), put(f" {clock(look.now)}", "strong"), " ")
    where = put(f" {state.environment} ", "band-quiet")
    if state.drill is None:
        bare = [mark]
        return _Ends([join(where, " ", mark)], [join(where, " ", hour)], _within(bare, width, mark))
    name, drill = (join(put(words, "band-quiet"), " ") for words in (f" DRILL {state.drill.drill} ", " DRILL "))
    named = [join(name, where, " ", mark)]
    unnamed = [join(drill, where, " ", mark), join(drill, where, " ", hour)]
    bare = [join(name, mark), join(drill, mark), mark]
    return _Ends(named, unnamed, _within(bare, width, mark))


def _within(forms: list[Line], width: int, last: Line) -> list[Line]:
    """Those that leave room for the verdict; else the ``last`` one, cut."""
    return [one for one in forms if width_of(one) <= width - _WORD] or [crop(last, width - _WORD)]


def _drilled(drill: DrillView, where: Line, without: Line, width: int, look: Look) -> _Ends:
    """A drill says first that nothing here is real; its end and its name give way."""
    left = max((drill.ends_at - look.now).total_seconds(), 0.0)
    whole, seconds_left = divmod(int(left), 60)
    ends = f"ends in {whole}m{seconds_left:02d}s" if whole else f"ends in {seconds_left}s" if left else "is over"
    words = (f" DRILL {drill.drill}, {ends} ", f" DRILL {drill.drill} ", " DRILL ")
    bands = [put(text, "band-env") for text in words]
    named = [join(band, where) for band in bands]
    small = [join(band, without) for band in bands]
    last = join(bands[-2], put(f" {clock(look.now)} ", "text"))
    return _Ends(
        named[:2], named[2:], [one for one in small if width_of(one) <= width - _WORD] or [crop(last, width - _WORD)]
    )


def _nothing_live(state: State) -> bool:
    """Not even because an operation is just switching."""
    return state.release is None and not (state.operation is not None and state.operation.alive)


def live(state: State) -> Line:
    """Which release is live, that its process was last seen not to run, or that none is."""
    if state.release is None:
        return put("NO RELEASE LIVE", "warn") if _nothing_live(state) else put("SWITCHING", "info")
    if _seen_down(state, state.release):
        return put(f"{state.release.upper()} DOWN", "crit")
    return put(f"{state.release.upper()} LIVE", "strong")


def _seen_down(state: State, release: str) -> bool:
    """Whether the newest judgement found no process of it: then row 1 does not say otherwise than row 2."""
    said = f"{release} does not run"
    return not state.verdict.stale and (said in state.verdict.why or any(said in one.text for one in state.conditions))


def _since(state: State, look: Look) -> Line:
    """The time since the cutover, or the phase where no cutover is watched."""
    pace = put(f" x{state.time_scale:g}", "info") if _pace_with_time(state, look) else ()
    if state.cutover_at is not None and counts(state):
        return join(put(look.since_cutover(state.cutover_at, state.time_scale), "text"), pace)
    # that it is back is claimed of a release that is live, and of no other
    elsewhere = state.phase == "BACK ON V1" and state.release != state.way_back.release
    return join(put("" if state.phase == "CUTOVER" or elsewhere else phase_words(state), "text"), pace)


def _pace_with_time(state: State, look: Look) -> bool:
    """Whether row 1 has no room of its own for the mark of rehearsal time: then the time itself bears it."""
    return state.time_scale != 1 and bool(look.replay or state.drill is not None)


def _next(state: State, look: Look) -> list[Line]:
    """The next decision point, whole, in short, and left out; an operation comes first, and is never left out."""
    operation = state.operation
    if operation is not None:
        return [operation_word(operation, look), operation_word(operation, look, brief=True)]
    gate = state.next_gate
    if gate is None:
        return [()]
    role: Role = "warn" if gate.would_fail_on or gate.unknown or gate.state == "overdue" else "text"
    due = look.due_in(gate.due_at)
    short = f"h{gate.id.removeprefix('hour-')}" if gate.id.startswith("hour-") else "gate"
    return [put(f"{gate.title} {due}", role), put(f"{short} {due}", role), ()]


def operation_word(operation: Operation, look: Look, *, brief: bool = False) -> Line:
    """``CUTOVER 7/12 3s``, or ``CUTOVER NEEDS YOU``; ``brief``: without the time, or what is needed alone."""
    kind = operation.kind.upper()
    if operation.state in _UNFINISHED:
        role: Role = "crit" if operation.state == "NEEDS_HUMAN" else "warn"
        return put(_UNFINISHED[operation.state] if brief else f"{kind} {_UNFINISHED[operation.state]}", role)
    finished = sum(step.state in ("done", "skipped", "undone") for step in operation.steps)
    spent = look.age(operation.started) if operation.started and not brief else ""
    verb = f"{kind} ABORTING" if operation.state == "ABORTING" else kind
    return put(f"{verb} {finished}/{len(operation.steps)} {spent}".rstrip(), "info")
