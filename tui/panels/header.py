"""Rows 1 to 3, over everything at every size: the verdict, its reason, and the way back."""

from __future__ import annotations

from typing import cast

from engine.state.model import DrillView, State, WayBackView
from engine.state.operation import OperationView
from engine.state.watch_time import counts, since_cutover
from tui.arrange import MINIMUM
from tui.calling import leading, told
from tui.commands.command import key_of
from tui.lines import Line, Lines, Role, crop, first_that_fits, fit, join, put, spread, width_of
from tui.look import Look, late_data
from tui.words import age, ago, clock, due_in, rests_on, seconds, stamp

ROWS = 3
_UNFINISHED = {"NEEDS_HUMAN": "NEEDS YOU", "INTERRUPTED": "INTERRUPTED", "HOLDING": "HOLDING"}


def draw(state: State, width: int, look: Look) -> Lines:
    """Three lines of ``width`` cells."""
    return [_verdict(state, width, look), why(state, width, look), _way_back(state, width, look)]


def draw_waiting(width: int, look: Look, root: str) -> Lines:
    """The same three lines before the first state has been read."""
    word = join(put(" UNKNOWN ", "band-UNKNOWN"), put("  reading the records", "text"))
    when = _replay_mark(look) if look.replay else put(clock(look.now), "dim")
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


def _verdict(state: State, width: int, look: Look) -> Line:
    band = cast(Role, f"band-{state.verdict.word}")
    bare = word = put(f" {state.verdict.word} ", band)
    ends = _where(state, width, look)
    release, since, gate = live(state), _since(state, look), _gate(state, look)
    if _nothing_live(state):  # gives way to nothing
        word, release = join(word, "  ", release), ()
    whole = [
        _apart(word, ("  ", release), ("   ", since), ("    ", gate)),
        _apart(word, ("  ", release), ("  ", since), ("  ", gate)),
        _apart(word, (" ", release), (" ", since), (" ", gate)),
    ]
    if gate:  # the decision point stays: who and where, the time since the cutover and the release give way to it
        pace = put(f" x{state.time_scale:g}", "info") if _pace_with_time(state, look) and not state.operation else ()
        brief = [join(_apart(word, ("  ", release), ("  ", gate)), pace), join(word, "  ", gate, pace)]
        if look.replay or state.drill is not None:  # what says that this is not now, or not real, gives way last
            pairs = [(left, end) for end in ends for left in (*whole, *brief)]
        else:
            pairs = [(left, end) for end in ends for left in whole] + [(left, end) for left in brief for end in ends]
        pairs += [(join(word, " ", gate), end) for end in ends]
    else:
        pairs = [(left, ends[0]) for left in (*whole, _apart(word, ("  ", release)))]
    pairs += [(word, end) for end in ends]
    fits = (pair for pair in pairs if width_of(pair[0]) + width_of(pair[1]) + 2 <= width)
    left, end = next(fits, (_initial(bare, width), ()))  # the verdict is never cut for anything beside it
    return spread(left, end, width, 2 if end else 0)


def _initial(word: Line, width: int) -> Line:
    """As much of the word as there is room for; each verdict has a first letter of its own."""
    return word if width_of(word) <= width else tuple(span._replace(text=span.text.strip()[:width]) for span in word)


def _apart(first: Line, *rest: tuple[str, Line]) -> Line:
    """Parts with their gaps; an empty part takes its gap along."""
    for gap, part in rest:
        first = join(first, gap, part) if part else first
    return first


def _where(state: State, width: int, look: Look) -> list[Line]:
    """Environment, who and where, and the clock, best first: read-only and rehearsal time are said in each of them."""
    marks = join(put(" READ-ONLY ", "band-quiet"), " ") if look.read_only else ()
    if state.time_scale != 1:
        marks = join(marks, put(f"time x{state.time_scale:g} ", "info"))
    if look.replay:
        return _replayed(state, width, look)
    if state.drill is not None:
        return _drilled(state, state.drill, width, look)
    band = put(f" {state.environment} ", "band-env" if not state.demo else "band-quiet")
    person = f"{state.user}@{state.host}"
    tail = join(put(f" {clock(look.now)}", "text"), " ")
    room = width // 2 - width_of(marks) - width_of(band) - width_of(tail) - 2
    bare = join(marks, band, tail)
    return [join(marks, band, " ", crop(put(person, "dim"), room), " ", tail), bare] if room >= 6 else [bare]


def _replay_mark(look: Look) -> Line:
    """That this is the past, how fast it goes, and which moment it is: never left out."""
    return join(put(f" {look.replay} ", "band-env"), put(f" {stamp(look.now)}", "strong"))


def _replayed(state: State, width: int, look: Look) -> list[Line]:
    mark = join(_replay_mark(look), " ")
    drill = put(f" DRILL {state.drill.drill} ", "band-quiet") if state.drill is not None else ()
    where = put(f" {state.environment} ", "band-quiet")
    full = join(drill, " " if drill else "", where, " ", mark)
    choices = [full, join(drill, " " if drill else "", mark), mark]
    return [one for one in choices if width_of(one) <= width - 13] or [crop(mark, width - 13)]


def _drilled(state: State, drill: DrillView, width: int, look: Look) -> list[Line]:
    """A drill takes the place of everything that could make it be taken for real."""
    left = max((drill.ends_at - look.now).total_seconds(), 0.0)
    whole, seconds_left = divmod(int(left), 60)
    ends = f"ends in {whole}m{seconds_left:02d}s" if whole else f"ends in {seconds_left}s" if left else "is over"
    tail = join(put(f" {clock(look.now)}", "text"), " ")
    read_only = put(" READ-ONLY ", "band-quiet") if look.read_only else ()
    words = (f" DRILL {drill.drill}, {ends} ", f" DRILL {drill.drill} ")
    bands = [join(put(text, "band-env"), tail) for text in words]
    choices = [join(read_only, " " if read_only else "", band) for band in bands] if read_only else bands
    return [one for one in (*choices, bands[-1]) if width_of(one) <= width - 13] or [crop(bands[-1], width - 13)]


def _nothing_live(state: State) -> bool:
    """Not even because an operation is just switching."""
    return state.release is None and not (state.operation is not None and state.operation.alive)


def live(state: State) -> Line:
    """Which release is live, or that none is."""
    if state.release is None:
        return put("NO RELEASE LIVE", "warn") if _nothing_live(state) else put("SWITCHING", "info")
    return put(f"{state.release.upper()} LIVE", "strong")


def _since(state: State, look: Look) -> Line:
    if state.cutover_at is not None and counts(state):
        since = put(since_cutover(state.cutover_at, look.now, state.time_scale), "text")
        return join(since, put(f" x{state.time_scale:g}", "info")) if _pace_with_time(state, look) else since
    return put("" if state.phase == "CUTOVER" else state.phase, "text")


def _pace_with_time(state: State, look: Look) -> bool:
    """Whether row 1 has no room of its own for the mark of rehearsal time: then the time itself bears it."""
    return state.time_scale != 1 and bool(look.replay or state.drill is not None)


def _gate(state: State, look: Look) -> Line:
    """The next decision point; an operation that runs or waits for a person comes first."""
    if state.operation is not None:
        return operation_word(state.operation, look)
    gate = state.next_gate
    if gate is None:
        return ()
    troubled = gate.would_fail_on or gate.unknown or gate.state == "overdue"
    return put(f"{gate.title} {due_in(gate.due_at, look.now)}", "warn" if troubled else "text")


def operation_word(operation: OperationView, look: Look) -> Line:
    """``CUTOVER 7/12 3s``, or ``CUTOVER NEEDS YOU``."""
    kind = operation.kind.upper()
    if operation.state in _UNFINISHED:
        return put(f"{kind} {_UNFINISHED[operation.state]}", "crit" if operation.state == "NEEDS_HUMAN" else "warn")
    finished = sum(step.state in ("done", "skipped", "undone") for step in operation.steps)
    spent = age((look.now - operation.started).total_seconds()) if operation.started else ""
    verb = f"{kind} ABORTING" if operation.state == "ABORTING" else kind
    return put(f"{verb} {finished}/{len(operation.steps)} {spent}", "info")


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
    if clears.startswith("clears when "):  # somebody has to do it: said before all of the reasons are
        tail = put(f"; {clears}", "dim")
        return fit(join(crop(why, width - 1 - width_of(tail)), tail), width)
    return fit(first_that_fits(width - 1, full, why), width)


def before_the_verdict(state: State, width: int, look: Look) -> Line:
    """An operation that needs a person or is under way, a monitor that does not run; empty where the verdict leads."""
    verdict, operation = state.verdict, state.operation
    if operation is not None and operation.state in ("NEEDS_HUMAN", "INTERRUPTED"):
        return _needed(operation, state.way_back.release, width, look)
    if operation is not None and operation.alive and verdict.word == "CONTINUE":
        return _under_way(operation, width, look)
    if verdict.word == "UNKNOWN" and not state.monitor.running and not look.replay:
        return _unwatched(state, width, look)
    return ()


def _unwatched(state: State, width: int, look: Look) -> Line:
    """What to do comes first; since when, and what it was, where there is room."""
    ways = "abaco-ops monitor" if look.read_only else ":monitor or abaco-ops monitor"
    told = f" no monitor runs; {ways} starts it"
    _, _, was = state.verdict.why.partition("no monitor runs")
    return fit(first_that_fits(width - 1, put(told + was, "text"), put(told, "text")), width)


def _update_due(state: State) -> str:
    """Said in row 2 where nothing else needs the room."""
    return "status update due: u" if state.update is not None and state.update.due_at is not None else ""


def _proven_since(way: WayBackView, operation: OperationView) -> bool:
    """Whether the way back was proven for this cutover: an older proof says nothing about it."""
    began, proven = operation.started, way.proven_at
    return began is not None and proven is not None and proven >= began


def _before_proof(state: State, operation: OperationView, look: Look) -> tuple[str, Role]:
    """What R, which a read-only console refuses, does in a cutover whose way back is not proven yet."""
    back = "a rollback" if look.read_only else key_of("rollback")
    if operation.alive and operation.state != "HOLDING":
        return f"{back} ends the cutover and goes back", "text"
    if state.release == state.way_back.release:
        return f"{back} ends the cutover; {state.release} is live", "text"
    return f"{back} goes back; not proven for this cutover", "warn"


def _needed(operation: OperationView, old: str, width: int, look: Look) -> Line:
    """What happened, and the first offer: the offer is never cut."""
    shows = f"{key_of('view.operation')} shows what can be done"
    offer = operation.offers[0].split("    ")[0] if operation.offers else shows
    if offer.startswith(("abaco-ops rollback", "roll back")):
        does = "goes on with it" if operation.kind == "rollback" else "rolls back"
        how = "abaco-ops rollback" if look.read_only else f"{key_of('rollback')}, {old}, Enter"
        offer = f"{how} {does}"
    happened = operation.failure or f"{operation.id} stopped, its worker is gone"
    return spread(put(f" {happened}", "crit"), join(put(offer, "strong"), " "), width)


def _under_way(operation: OperationView, width: int, look: Look) -> Line:
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
    old = age((look.now - observed).total_seconds())
    if state.monitor.stale:
        return put(f"data STALE {old}", "warn")
    late = late_data(state, look.now) and not look.replay
    return put(f"data {old} late", "warn") if late else put(f"data {old}", "dim")


def _way_back(state: State, width: int, look: Look) -> Line:
    way = state.way_back
    head = join(put(" WAY BACK", "title"), put(f"  {way.release} {way.build}".rstrip(), "text"))
    holder = f"on watch {state.watch.holder}" if state.watch.holder else "nobody on watch"
    holder += ", STALE" if state.watch.stale else ""
    data = _data(state, look)
    whole, brief = how_it_stands(state, look)
    full, person = join(put(holder, "warn" if state.watch.stale else "dim"), "  ", data, " "), join(data, " ")
    choices = [(join(head, whole), full), (join(put(" WAY BACK", "title"), brief), full), (join(head, whole), person)]
    if whole and whole[-1].text.startswith(";"):  # what it rests on goes before it would be cut in the middle of a word
        choices.append((join(head, whole[:-1]), person))
    if not brief:
        del choices[1]
    left, right = next((pair for pair in choices if width_of(pair[0]) + width_of(pair[1]) <= width - 3), choices[-1])
    return spread(left, right, width)


def how_it_stands(state: State, look: Look) -> tuple[Line, Line]:
    """Ready or not, seconds, what they rest on and its age; and a brief form that says the same, empty: none."""
    way, operation = state.way_back, state.operation
    rests = rests_on(way, look.now)
    note = put(f"  {way.note}", "warn") if way.note else ()
    if operation is not None and operation.kind == "cutover" and not _proven_since(way, operation):
        words, role = _before_proof(state, operation, look)
        return join(put(f"  {words}", role), put(f"; {rests}", "dim")), ()
    if operation is not None and operation.kind == "rollback" and operation.alive:
        return put("  is being taken now", "info"), ()
    if way.ready:
        role = "warn" if way.stale else "text"
        word = "  ready, STALE" if way.stale else "  ready"
        took = join(put(word, role), put(f"  {seconds(way.seconds)}" if way.seconds else "", "text"))
        said = f"{way.basis} {ago(way.basis_at, look.now)}" if way.basis else rests
        return join(took, put(f"  {said}", "warn" if way.stale else "dim"), note), ()
    if state.release is not None and state.release == way.release:
        live = f"{way.release} is live"
        tail = put(f"; {rests}", "dim" if way.basis else "text")
        return join(put(f"  not needed: {live}", "dim"), tail, note), join(put(f"  {live}", "dim"), tail, note)
    return join(put(f"  NOT READY: {way.reason}", "crit"), put(f"; {rests}", "dim"), note), ()
