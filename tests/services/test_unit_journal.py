"""What the journal's entries may hold, and what its silence means."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from engine.errors import OpsError
from engine.monitoring.service_output import JournalOutput
from engine.services import systemd_journal
from engine.services.systemd_calls import Answer

Says = Callable[..., None]


@pytest.fixture
def says(monkeypatch: pytest.MonkeyPatch) -> Says:
    """What ``journalctl`` answers from now on: to everything, or (``of_systemd``) to what asks for systemd's own."""

    def answer(*lines: str, of_systemd: str = "", code: int = 0, said: str = "") -> None:
        def journalctl(*words: str, deadline: float) -> Answer:
            out = of_systemd if "_PID=1" in words else "\n".join(lines)
            return Answer(code, out.encode(), said)

        monkeypatch.setattr(systemd_journal, "journalctl", journalctl)

    return answer


def test_bytes_and_what_is_too_large_are_no_surprise(says: Says) -> None:
    says(
        '{"MESSAGE":"one","__REALTIME_TIMESTAMP":"10"}',
        '{"MESSAGE":[116,119,111,27,255],"__REALTIME_TIMESTAMP":"20"}',
        '{"MESSAGE":null,"__REALTIME_TIMESTAMP":"30"}',
        '{"MESSAGE":"cut',
        '{"MESSAGE":"three\\nfour","__REALTIME_TIMESTAMP":"40"}',
    )
    assert systemd_journal.last_lines("x.service", 9) == ["one", "two\\x1b\ufffd", "three", "four"]
    assert systemd_journal.last_lines("x.service", 2) == ["three", "four"]
    assert systemd_journal.lines_since("x.service", 20) == (["three", "four"], 40)


def test_silence_is_no_news_only_where_one_would_hear(says: Says) -> None:
    says(of_systemd='{"MESSAGE":"Started.","__REALTIME_TIMESTAMP":"1"}')
    assert JournalOutput("x.service").new_lines(0, 5) == ([], 0, 5)
    says()
    with pytest.raises(OpsError, match="this account sees only its own entries"):
        JournalOutput("x.service").new_lines(0, 5)


def test_a_journal_that_cannot_be_read_is_said(says: Says) -> None:
    says(code=1, said="No journal files were opened due to insufficient permissions.")
    with pytest.raises(OpsError, match="insufficient permissions"):
        systemd_journal.lines_since("x.service", 0)
    assert systemd_journal.last_lines("x.service", 3) == []
    assert systemd_journal.restart_moments("x.service", 3)[0] == ()
    assert "insufficient permissions" in systemd_journal.unreadable()
