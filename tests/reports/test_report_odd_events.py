"""Whatever stands in the records of a report's events: it is made, and what is odd is shown as it is."""

from __future__ import annotations

import re

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from night_on_record import Night
from reading import made

# several to a line: only their spelling matters
KINDS = re.findall(
    r"\S+",
    """gate.decided alert.opened alert.cleared alert.escalated notified ack silenced update.sent watch.taken note
    checklist.done checklist.overridden validation.finished schedule.missed schedule.late clock.stepped
    monitor.suspended operation.ended operation.forced way_back.proven rollback.rehearsed drill.started report.written
    archive.written service.restarted service.failed records.repaired rollback.tell run.finished""",
)
NAMES = re.findall(
    r"\S+",
    """gate decision by note criteria waivers condition level text channel to ok detail reason owner until holder from
    key measured status release checks scheduled live report slot seconds kind state snapshot drill path files""",
)
_PLAIN = st.none() | st.booleans() | st.integers(-5, 9) | st.floats(-1e9, 1e9)
_VALUES = st.recursive(
    _PLAIN | st.sampled_from(["", "hour-1", "v2", "<b>", "PASS"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["criterion", "by"]), inner),
    max_leaves=4,
)
_DATA = st.dictionaries(st.sampled_from(NAMES), _VALUES, max_size=8)


@pytest.fixture
def watched(night: Night) -> Night:
    night.cut_over()
    night.hour()
    night.clock.advance(-20.0)
    return night


@settings(max_examples=5, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(events=st.lists(st.tuples(st.sampled_from(KINDS), _DATA), min_size=8, max_size=16))
def test_no_event_can_stop_a_report(watched: Night, events: list[tuple[str, dict[str, object]]]) -> None:
    watched.clock.advance(0.1)
    for kind, data in events:
        watched.raw(kind, data)
    made(watched, "now")
