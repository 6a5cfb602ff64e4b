"""What a page says: since when, whom, what to do next, and the way back where going back is recommended."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest

from engine.config import Deployment, load_deployment
from engine.config.templates import write_config
from engine.notify.message import HIGHER, Notice, message_of

AT = datetime(2026, 1, 31, 9, tzinfo=UTC)
PAGE = Notice(
    "MEM-1.1",
    "opened",
    "roll back fires: memory 543 MB, above 500 for 10m",
    ("on_call",),
    AT,
    1000.0,
    condition="MEM",
    tier="critical",
    priority="P1",
    since=AT,
    way_back="ready, 34.0 s, proven 08:59Z",
)


@pytest.fixture
def made(tmp_path: Path) -> Deployment:
    write_config(tmp_path / "d", demo=True)
    return load_deployment(tmp_path / "d")


def test_a_page_says_since_when_whom_and_what_to_do_next(made: Deployment) -> None:
    lines = message_of(made, PAGE).body.splitlines()
    assert lines[0].endswith("P1 ALERT MEM: roll back fires: memory 543 MB, above 500 for 10m")
    assert lines[1:] == [
        "since: 2026-01-31 09:00:00Z",
        "told: on-call operations engineer: on call, #incidents",
        "acknowledge: abaco-ops ack MEM --reason TEXT",
        "look: abaco-ops why MEM",
        "MEM: look at growth since the start, size of the tape, number of processes; "
        "run abaco-ops status; ps -o pid,rss,etime,cmd --forest",
    ]


def test_where_going_back_is_recommended_the_page_says_whether_we_can(made: Deployment) -> None:
    last = message_of(made, msgspec.structs.replace(PAGE, tier="rollback")).body.splitlines()[-1]
    assert last == "way back: ready, 34.0 s, proven 08:59Z; go back: abaco-ops rollback"


def test_what_still_stands_for_the_next_level_looks_like_no_new_alert(made: Deployment) -> None:
    subject = message_of(made, msgspec.structs.replace(PAGE, head=HIGHER)).subject
    assert "ESCALATED MEM" in subject
    assert "ALERT" not in subject


def test_what_is_over_asks_for_nothing(made: Deployment) -> None:
    body = message_of(made, msgspec.structs.replace(PAGE, kind="cleared", text="over after 26s")).body
    assert "abaco-ops" not in body
