"""The one time line as inline SVG: phases, verdicts, operations, validations, alerts, notes, gaps, and the plots."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from itertools import pairwise

from engine.notify.message import DRILL_MARK
from engine.operations.outcome import outcome_words, state_word, well
from engine.reports.alerts import fired
from engine.reports.doings import operations
from engine.reports.drills import drills
from engine.reports.found import Found, of_kind
from engine.reports.gaps import silences
from engine.reports.people import noted
from engine.reports.phases import phase_at, phase_edges
from engine.reports.plots import GAP, HEIGHT, draw, plots
from engine.reports.slots import SlotResult, slot_results
from engine.reports.svg import LEFT, RIGHT, WIDTH, Axis, element, text, title
from engine.state.fired import Fired

LANE = 17.0
ALERT_ROWS = 6
HEAD = 26.0
_CHARACTER = 5.6
"""Width of a character of a lane, about."""


def timeline(found: Found) -> str:
    """The whole drawing."""
    axis, top, parts = Axis(found.span), HEAD, list[str]()
    for name, lane in _lanes(found, axis):
        parts += [text(name, 0, top + 11, cls="lane"), lane(top)]
        top += LANE
    alerts, rows = _alerts(found, axis, top)
    parts += alerts
    top += LANE * rows + 8
    begun = top
    for plot in plots(found):
        parts.append(draw(plot, axis, top))
        top += HEIGHT + GAP
    bottom = top - GAP
    behind = [*_grid(axis, bottom), *_gaps(found, axis, begun, bottom)]
    parts += _gaps(found, axis, HEAD + LANE + 1, HEAD + 2 * LANE - 3)  # no verdict stands where nothing was sampled
    cursor = element("line", id="cursor", x1=LEFT, x2=LEFT, y1=HEAD - 6, y2=bottom, cls="cursor")
    return element(
        "svg",
        title("Phases, verdicts, operations, validations, alerts, notes and measurements on one time line"),
        _patterns(),
        *behind,
        *parts,
        cursor,
        xmlns="http://www.w3.org/2000/svg",
        viewBox=f"0 0 {WIDTH:g} {bottom + 18:g}",
        role="img",
        id="timeline",
        data_left=LEFT,
        data_width=WIDTH - LEFT - RIGHT,
    )


def _patterns() -> str:
    stroke = element("path", d="M0,5 L5,0", cls="hatching")
    return element("defs", element("pattern", stroke, id="hatch", width=5, height=5, patternUnits="userSpaceOnUse"))


def _grid(axis: Axis, bottom: float) -> Iterator[str]:
    free = 0.0
    for x, offset, clock in axis.ticks():
        yield element("line", x1=x, x2=x, y1=HEAD - 4, y2=bottom, cls="grid")
        if x >= free:
            yield text(offset or clock, x, 12, cls="tick")
            yield text(clock if offset else "", x, bottom + 13, cls="tick")
            free = x + max(len(offset), len(clock)) * _CHARACTER + 6


def _gaps(found: Found, axis: Axis, top: float, bottom: float) -> Iterator[str]:
    for since, until in silences(found):
        x, width = axis.x(since), max(axis.x(until) - axis.x(since), 1.5)
        said = title(f"no samples from {since:%d %b %H:%M:%SZ} to {until:%H:%M:%SZ}")
        yield element("rect", x=x, y=top, width=width, height=bottom - top, cls="blank")
        yield element("rect", said, x=x, y=top, width=width, height=bottom - top, cls="gap")


def _lanes(found: Found, axis: Axis) -> Iterator[tuple[str, Callable[[float], str]]]:
    yield "phase", lambda top: element("g", *_bars(axis, _phases(found), top, found))
    yield "verdict", lambda top: element("g", *_bars(axis, _verdicts(found), top, found))
    if any(_drills(found)):
        yield "drills", lambda top: element("g", *_bars(axis, _drills(found), top, found))
    yield "operations", lambda top: element("g", *_operations(found, axis, top))
    yield "validations", lambda top: element("g", *_validations(found, axis, top))
    yield "notes", lambda top: element("g", *_notes(found, axis, top))


Bar = tuple[datetime, datetime, str, str]
"""From, to, word, class."""


def _phases(found: Found) -> list[Bar]:
    """From the records themselves: exact, whatever the monitor kept."""
    begin, end = found.span.begin, found.span.end
    edges = sorted({begin, end, *(moment for moment in phase_edges(found) if begin < moment < end)})
    bars: list[Bar] = []
    for since, until in pairwise(edges):
        word = phase_at(found, since + (until - since) / 2)
        if bars and bars[-1][2] == word:
            bars[-1] = (bars[-1][0], until, word, "phase")
        else:
            bars.append((since, until, word, "phase"))
    return bars


def _drills(found: Found) -> list[Bar]:
    begin, end = found.span.begin, found.span.end
    return [(max(one.since, begin), one.until or end, f"{DRILL_MARK}: {one.drill}", "drill") for one in drills(found)]


def _verdicts(found: Found) -> list[Bar]:
    words = [(frame.at, frame.verdict.word) for frame in found.frames]
    return _stretches(found, words, lambda word: f"v-{word.replace(' ', '-')}")


def _stretches(found: Found, words: Iterable[tuple[datetime, str]], cls: Callable[[str], str]) -> list[Bar]:
    """Equal words side by side as one bar; a bar ends where nothing was kept any more."""
    bars: list[Bar] = []
    patience = found.patience + (found.span.end - found.span.begin).total_seconds() / 400
    for at, word in words:
        if bars and (at - bars[-1][1]).total_seconds() <= patience:
            since, _, before, kind = bars[-1]
            bars[-1] = (since, at, before, kind)
            if word == before:
                continue
        bars.append((at, at, word, cls(word)))
    if bars and (found.span.end - bars[-1][1]).total_seconds() <= patience:
        bars[-1] = (bars[-1][0], found.span.end, *bars[-1][2:])
    return bars


def _bars(axis: Axis, bars: list[Bar], top: float, found: Found) -> Iterator[str]:
    for since, until, word, cls in bars:
        x = axis.x(since)
        width = max(axis.x(until) - x, 1.2)
        said = title(f"{word}, {found.span.named(since)} to {found.span.named(until)}")
        yield element("rect", said, x=x, y=top + 1, width=width, height=LANE - 4, cls=f"bar {cls}")
        if len(word) * _CHARACTER + 6 < width:
            yield text(word, x + 4, top + 11, cls=f"in {cls}")
        elif width > 2 * _CHARACTER:  # no verdict is told by its colour alone
            yield text(word[0], x + 3, top + 11, cls=f"in {cls}")


def _operations(found: Found, axis: Axis, top: float) -> Iterator[str]:
    free = 0.0
    for item in operations(found):
        if item.started is None:
            continue
        x = axis.x(item.started)
        width = max(axis.x(item.ended or item.started) - x, 3.0)
        said = title(f"{item.id} {outcome_words(item)}, {found.span.named(item.started)}")
        yield element("rect", said, x=x, y=top + 1, width=width, height=LANE - 4, cls="bar operation")
        words = f"{item.id} {'' if well(item) else state_word(item)}".rstrip()
        if x + width >= free:
            yield text(words, x + width + 3, top + 11, cls="beside")
            free = x + width + 6 + len(words) * _CHARACTER


def _validations(found: Found, axis: Axis, top: float) -> Iterator[str]:
    results = slot_results(found)
    served = [item.validation for item in results]
    for item in results:
        yield _slot(item, axis.x(item.at or item.due), top + 7.5)
    for one in found.validations:
        if one.at >= found.span.begin and one not in served:
            yield _sign(axis.x(one.at), top + 7.5, one.status, f"validation of {one.release} {one.status}", small=True)


def _slot(item: SlotResult, x: float, y: float) -> str:
    sign = _sign(x, y, item.status, f"{item.slot} {item.word}")
    if item.late:
        sign += element("circle", cx=x, cy=y, r=5.6, cls="late")
    return sign


def _sign(x: float, y: float, status: str, words: str, *, small: bool = False) -> str:
    """A result by its form, not by colour alone: dot PASS, triangle WARN, cross FAIL, empty square what did not run."""
    size = 2.4 if small else 3.6
    if status == "PASS":
        return element("circle", title(words), cx=x, cy=y, r=size, cls="sign pass")
    if status == "WARN":
        points = f"{x:.1f},{y - size:.1f} {x + size:.1f},{y + size:.1f} {x - size:.1f},{y + size:.1f}"
        return element("polygon", title(words), points=points, cls="sign warn")
    if status in ("FAIL", "ERROR"):
        left, right, upper, lower = x - size, x + size, y - size, y + size
        cross = f"M{left:.1f},{upper:.1f} L{right:.1f},{lower:.1f} M{right:.1f},{upper:.1f} L{left:.1f},{lower:.1f}"
        return element("path", title(words), d=cross, cls="sign fail")
    return element("rect", title(words), x=x - size, y=y - size, width=2 * size, height=2 * size, cls="sign missed")


def _notes(found: Found, axis: Axis, top: float) -> Iterator[str]:
    free = 0.0
    for number, (at, who, words) in enumerate(noted(found), start=1):
        x = axis.x(at)
        yield element("line", title(f"{number} {who}: {words}"), x1=x, x2=x, y1=top + 2, y2=top + 13, cls="note")
        if x >= free:
            yield text(str(number), x + 2.5, top + 11, cls="beside")
            free = x + 6 + len(str(number)) * _CHARACTER


def _alerts(found: Found, axis: Axis, top: float) -> tuple[list[str], int]:
    """A row for each condition that fired; those that do not find a row are counted."""
    by_name: dict[str, list[Fired]] = {}
    for one in fired(found):
        by_name.setdefault(one.condition, []).append(one)
    parts, shown = [], list(by_name.items())[:ALERT_ROWS]
    if not shown:
        parts.append(text("alerts", 0, top + 11, cls="lane"))
        return parts, 1
    for row, (name, several) in enumerate(shown):
        y = top + row * LANE
        parts.append(text(f"alert {name}", 0, y + 11, cls="lane"))
        for one in several:
            x = axis.x(one.since)
            width = max(axis.x(one.until or found.span.end) - x, 2.0)
            parts.append(
                element(
                    "rect", title(one.text), x=x, y=y + 3, width=width, height=LANE - 8, cls=f"bar alert-{one.level}"
                )
            )
        parts += [
            _taken(axis.x(at), y) for at, event in of_kind(found, "ack") if event["data"].get("condition") == name
        ]
    if len(by_name) > ALERT_ROWS:
        parts.append(text(f"and {len(by_name) - ALERT_ROWS} more", LEFT, top + len(shown) * LANE + 11, cls="beside"))
    return parts, len(shown) + (len(by_name) > ALERT_ROWS)


def _taken(x: float, y: float) -> str:
    """Where it was acknowledged."""
    return element("path", title("acknowledged"), d=f"M{x:.1f},{y + 1:.1f} v13 m-3,-3 l3,3 l3,-3", cls="taken")
