"""A whole report from what was found: which chapters it has, in which order. Pure."""

from __future__ import annotations

from engine.clock import pretty_duration
from engine.notify.message import DRILL_MARK
from engine.reports import alerts, criteria, doings, drills, evidence, gaps, kpis, people, slots
from engine.reports.document import Document, Section
from engine.reports.found import Found
from engine.reports.headline import headline
from engine.reports.phases import phase_at

MEASURED = "measured"
"""Id of the chapter that holds the time line; HTML draws it, Markdown says where it is."""


def compose(found: Found) -> Document:
    """The report in words."""
    console = found.deployment.console.deployment
    return Document(
        title=f"{found.span.title} report" if not found.span.incident else found.span.title,
        deployment=console.title,
        environment=console.environment,
        facts=_facts(found),
        headline=headline(found),
        sections=_sections(found),
        signatures=tuple(found.deployment.checklist.signatures),
        problems=found.problems,
    )


def _sections(found: Found) -> tuple[Section, ...]:
    gate = criteria.section(found)
    measured = Section(
        MEASURED,
        "The time line",
        "Everything on one time line. A hatched stretch is one without samples: nothing is known of it. "
        "A dot is PASS, a triangle WARN, a cross FAIL, an empty square a slot that nothing served, a ring LATE. "
        "Where a word has no room, its first letter stands for it.",
    )
    return (
        *drills.section(found),
        *doings.incident(found),
        *((gate,) if gate is not None else ()),
        kpis.section(found),
        measured,
        slots.section(found),
        people.checklist(found),
        gaps.section(found),
        people.decided(found),
        people.exceptions(found),
        alerts.section(found),
        people.notes(found),
        doings.section(found),
        evidence.section(found),
    )


def _facts(found: Found) -> tuple[tuple[str, str], ...]:
    span, state = found.span, found.state
    told = [("moment", f"{span.end:%d %b %Y %H:%M:%SZ}"), ("told from", f"{span.begin:%d %b %Y %H:%M:%SZ}")]
    phase = phase_at(found, span.end)
    told.append(("phase", phase))
    if span.cutover_at is not None and phase not in ("BACK ON V1", "GOING BACK TO V1"):
        told.append(("since cutover", span.named(span.end)))
    live = state.release.upper() if state is not None and state.release else "unknown"
    told.append(("live", f"{live}{f' ({state.release_reason})' if state is not None and not state.release else ''}"))
    if state is not None:
        told.append(("state kept at", f"{state.at:%H:%M:%SZ}"))
    drill = drills.drill_at(found, span.end)
    if drill is not None:
        told.append((DRILL_MARK, f"{drill.drill} of {drill.release} runs since {drill.since:%H:%M:%SZ}"))
    told.append(("on watch", people.holder(found) or "nobody"))
    if span.scale != 1:
        told.append(("time scale", f"{span.scale:g}: an hour of the schedule is {pretty_duration(3600 / span.scale)}"))
    return tuple(told)
