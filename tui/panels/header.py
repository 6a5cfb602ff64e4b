"""Rows 1 to 3, over everything at every size: the verdict, its reason, and the way back."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from engine.config.problems import REFUSED_EDIT
from tui.arrange import MINIMUM
from tui.calling import leading, told
from tui.commands.command import key_of
from tui.lines import Line, Lines, Role, clause, crop, first_that_fits, fit, join, put, spread, width_of
from tui.look import Look, late_data
from tui.panels import first_row
from tui.words import rests_on, seconds

if TYPE_CHECKING:
    from engine.operations.model import Operation
    from engine.state.model import State

ROWS = 3


def draw(state: State, width: int, look: Look) -> Lines:
    """Three lines of ``width`` cells."""
    return [first_row.draw(state, width, look), why(state, width, look), _way_back(state, width, look)]


def draw_waiting(width: int, look: Look, root: str) -> Lines:
    """The same three lines before the first state has been read."""
    word = join(put(" UNKNOWN ", "band-UNKNOWN"), put("  reading the records", "text"))
    when = first_row.replay_mark(look) if look.replay else look.clock("dim")
    return [
        spread(word, join(when, " "), width),
        fit(put(f" {root}", "dim"), width),
        fit((), width),
    ]


def size_needed(room: int, width: int, height: int) -> Line:
    """The size that is needed and the size there is, in the longest form that fits into ``room``."""
    needed = f"{MINIMUM[0]}x{MINIMUM[1]}"
    present = f"{width}x{height}"
    forms = (f" needs {needed}, this is {present}", f"{present}, needs {needed}", f"{present}<{needed}", f"<{needed}")
    return first_that_fits(room, *(put(words, "warn") for words in forms))


def why(state: State, width: int, look: Look) -> Line:
    """Row 2: why the verdict is what it is, or what comes before that."""
    first = before_the_verdict(state, width, look)
    if first:
        return first
    verdict = state.verdict
    quiet = verdict.word == "CONTINUE"
    why = put(f" {verdict.why}", "dim" if quiet else "text")
    clears = verdict.clears if not verdict.clears or verdict.clears.startswith("clears") else f"clears {verdict.clears}"
    full = join(why, put(f"; {clears}", "dim")) if clears else why
    worsens = join(put(verdict.worsens, "dim"), " ") if verdict.worsens else ()
    people = told(leading(state)) or _update_due(state)
    more = join(put(people, "dim"), "  " if worsens else " ", worsens) if people else worsens
    if width_of(full) + width_of(more) + 2 <= width:
        return spread(full, more, width)
    for left in (full, why):
        if width_of(left) + width_of(worsens) + 2 <= width:
            return spread(left, worsens, width)
    if clears.startswith("clears when ") and verdict.word != "UNKNOWN":  # somebody has to do it: said before all of
        tail = put(f"; {clears}", "dim")  # the reasons are; that values have to be there again goes without saying
        return fit(join(_whole_clauses(verdict.why, width - 1 - width_of(tail), why), tail), width)
    return fit(_whole_clauses(verdict.why, width - 1, why), width)


def _whole_clauses(text: str, room: int, inked: Line) -> Line:
    """As many of its clauses as have room, in the ink of ``inked``; a first one that has not is cut."""
    words = clause(f" {text}", room)
    return put(words, inked[0].role) if words and inked else crop(inked, room)


def before_the_verdict(state: State, width: int, look: Look) -> Line:
    """An operation that needs a person or is under way, a monitor that does not run; empty where the verdict leads."""
    # the first picture comes before any state
    from engine.services.protocol import UNSUPERVISED
    from engine.state.model import HANGS

    verdict, operation = state.verdict, state.operation
    if operation is not None and operation.state in ("NEEDS_HUMAN", "INTERRUPTED"):
        return _needed(operation, state.way_back.release, width, look)
    if operation is not None and operation.alive and (verdict.word == "CONTINUE" or _only_switching(state, operation)):
        return _under_way(operation, width, look)
    if verdict.word == "UNKNOWN" and not look.replay:
        if not state.monitor.running:
            return _unwatched(state, width, look)
        if HANGS in verdict.why:
            return _hanging(verdict.why, width, look)
        if state.newer:
            return fit(put(f" {state.newer}", "warn"), width)
    edit = state.newer or next((problem for problem in state.problems if problem.startswith(REFUSED_EDIT)), "")
    if verdict.word == "CONTINUE" and edit and not look.replay:
        return fit(put(f" {verdict.why}, but {edit}", "warn"), width)
    bare = next((problem for problem in state.problems if UNSUPERVISED in problem), "")
    if verdict.word == "CONTINUE" and bare and not look.replay:
        whole = put(f" {verdict.why}, but {bare}", "warn")
        return fit(first_that_fits(width - 1, whole, put(f" {bare}", "warn")), width)
    return ()


def _only_switching(state: State, operation: Operation) -> bool:
    """Whether nothing is known because releases are being exchanged: the newest judgement is older than that step."""
    return state.verdict.word == "UNKNOWN" and state.monitor.running and operation.kind in ("cutover", "rollback")


def _unwatched(state: State, width: int, look: Look) -> Line:
    """What to do comes first; since when, and what it was, where there is room."""
    ways = "abaco-ops monitor" if look.read_only else ":monitor or abaco-ops monitor"
    told = f" no monitor runs; {ways} starts it"
    _, _, was = state.verdict.why.partition("no monitor runs")
    return fit(first_that_fits(width - 1, put(told + was, "text"), put(told, "text")), width)


def _hanging(why: str, width: int, look: Look) -> Line:
    """A monitor that holds its lock and does not sample: since when, and how another takes its place."""
    ways = "abaco-ops monitor --restart" if look.read_only else ":monitor or abaco-ops monitor --restart"
    told, _, _ = why.partition(";")
    return fit(first_that_fits(width - 1, put(f" {told}; {ways}", "text"), put(f" {told}", "text")), width)


def _update_due(state: State) -> str:
    """Said in row 2 where nothing else needs the room."""
    return "status update due: u" if state.update is not None and state.update.due_at is not None else ""


def _needed(operation: Operation, old: str, width: int, look: Look) -> Line:
    """What happened, and the first offer: the offer is never cut."""
    shows = f"{key_of('view.operation')} shows what can be done"
    offer = operation.offers[0].split("    ")[0] if operation.offers else shows
    if offer.startswith(("abaco-ops rollback", "roll back")):
        does = "goes on with it" if operation.kind == "rollback" else "rolls back"
        how = "abaco-ops rollback" if look.read_only else f"{key_of('rollback')}, {old}, Enter"
        offer = f"{how} {does}"
    end = join(put(offer, "strong"), " ")
    room = width - width_of(end) - 2
    happened = operation.failure or f"{operation.id} stopped, its worker is gone"
    _, _, cause = happened.partition(": ")  # which step it was stands below; why it failed stands nowhere else
    if width_of(put(happened)) > room - 1 and cause:
        happened = cause
    return spread(_whole_clauses(happened, room, put(f" {happened}", "crit")), end, width)


def _under_way(operation: Operation, width: int, look: Look) -> Line:
    """The step at hand, while the verdict has nothing else to say."""
    if operation.state == "HOLDING":
        held = put(f" {operation.id} holds before the switch: ", "info")
        go = f"{key_of('view.operation')}, then {key_of('go.here')} gives the go, {key_of('abort')} aborts"
        return fit(join(held, put(go, "text")), width)
    at_hand = next((step for step in operation.steps if step.state in ("running", "waiting")), None)
    doing = at_hand.title if at_hand is not None else "about to end"
    return fit(join(put(f" {operation.id} runs: ", "info"), put(doing, "text")), width)


def _data(state: State, look: Look) -> Line:
    """How old the newest sample is: loud from two cadences on, STALE once nothing may rest on it.

    Of the past fewer samples are kept, so that there lateness means nothing.
    """
    observed = state.monitor.observed_at
    if observed is None:
        return put("no data", "warn")
    old = look.age(observed)
    if state.monitor.stale:
        return put(f"data STALE {old}", "warn")
    late = not look.replay and late_data(state, look)
    return put(f"data {old} late", "warn") if late else put(f"data {old}", "dim")


def _way_back(state: State, width: int, look: Look) -> Line:
    way = state.way_back
    head = join(put(" WAY BACK", "title"), put(f"  {way.release} {way.build}".rstrip(), "text"))
    holder = f"on watch {state.watch.holder}" if state.watch.holder else "nobody on watch"
    holder += ", STALE" if state.watch.stale else ""
    data = _data(state, look)
    whole, brief = how_it_stands(state, look)
    full, person = join(put(holder, "warn" if state.watch.stale else "dim"), "  ", data, " "), join(data, " ")
    bare = put(" WAY BACK", "title")
    choices = [(join(head, whole), full)] + ([(join(bare, brief), full)] if brief else [])
    # what it rests on goes before who is on watch, and before a word would be cut; how long ago that was goes last
    shorter = _without_ground(whole)
    aged = tuple(span._replace(text=_GROUND.sub("  ", span.text)) for span in whole)
    terse = tuple(span._replace(text=_TERSE.sub(_in_short, span.text)) for span in shorter)
    choices += [(join(head, aged), full)] if shorter and aged != whole else []
    choices += [(left, full) for left in (join(head, shorter), join(head, terse)) if shorter]
    choices += [(join(head, whole), person)] + ([(join(head, shorter), person)] if shorter else [])
    left, right = next((pair for pair in choices if width_of(pair[0]) + width_of(pair[1]) <= width - 3), choices[-1])
    return spread(left, right, width)


_GROUND = re.compile("^  (proven|rehearsed|rolled back) (?=.* ago$)")
_TERSE = re.compile(" for this cutover|ends the cutover and")


def _in_short(found: re.Match[str]) -> str:
    return "ends it and" if found[0].startswith("ends") else ""


def _without_ground(whole: Line) -> Line:
    """Ready or not and the seconds, without what says so: that stands in its own view; empty where nothing is left."""
    return tuple(span for span in whole if not span.text.startswith((";", "  proven", "  rehearsed", "  rolled back")))


def how_it_stands(state: State, look: Look) -> tuple[Line, Line]:
    """Ready or not, seconds, what they rest on and its age; and a brief form that says the same, empty: none."""
    from engine.state.unproven import NOT_PROVEN, unproven  # the first picture comes before any state

    way, operation = state.way_back, state.operation
    rests = rests_on(way, look.ago)
    note = put(f"  {way.note}", "warn") if way.note else ()
    words = unproven(state, "a rollback" if look.read_only else key_of("rollback"))
    if words:
        role: Role = "warn" if words.endswith(NOT_PROVEN) else "text"
        return join(put(f"  {words}", role), put(f"; {rests}", "dim")), ()
    if operation is not None and operation.kind == "rollback" and operation.alive:
        return put("  is being taken now", "info"), ()
    if way.ready:
        role = "warn" if way.stale else "text"
        word = "  ready, STALE" if way.stale else "  ready"
        took = join(put(word, role), put(f"  {seconds(way.seconds)}" if way.seconds else "", "text"))
        said = f"{way.basis} {look.ago(way.basis_at)}" if way.basis else rests
        return join(took, put(f"  {said}", "warn" if way.stale else "dim"), note), ()
    if state.release is not None and state.release == way.release:
        live = f"{way.release} is live"
        tail = put(f"; {rests}", "dim" if way.basis else "text")
        return join(put(f"  not needed: {live}", "dim"), tail, note), join(put(f"  {live}", "dim"), tail, note)
    return join(put(f"  NOT READY: {way.reason}", "crit"), put(f"; {rests}", "dim"), note), ()
