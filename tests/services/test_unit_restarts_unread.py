"""Restarts that systemd counts and the journal does not tell: missing, with what helps, never none at all."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from engine.config.may_write import account_here
from engine.services import systemd, systemd_journal
from engine.services.systemd import SystemdService, UnitSpec
from engine.services.systemd_calls import Answer

SHOWN = (
    "LoadState=loaded\nActiveState=activating\nSubState=auto-restart\nResult=exit-code\nNRestarts={}\nInvocationID={}"
)
MOMENT = '{{"MESSAGE":"Scheduled restart job","__REALTIME_TIMESTAMP":"17000000{:02}000000"}}'
Counts = Callable[[int], None]


class Journal:
    """What ``journalctl`` answers, and how often it was asked for restarts."""

    def __init__(self) -> None:
        self.code = 0
        self.moments = 0
        self.of_systemd = True
        self.asked = 0

    def __call__(self, *words: str, deadline: float) -> Answer:
        if not any(word.startswith("MESSAGE_ID=") for word in words):
            return Answer(self.code, b'{"MESSAGE":"x"}' if self.of_systemd else b"", "insufficient permissions")
        self.asked += 1
        lines = [MOMENT.format(number) for number in range(self.moments)]
        return Answer(self.code, "\n".join(lines).encode(), "insufficient permissions")


@pytest.fixture
def journal(monkeypatch: pytest.MonkeyPatch) -> Journal:
    found = Journal()
    monkeypatch.setattr(systemd_journal, "journalctl", found)
    return found


@pytest.fixture
def counts(monkeypatch: pytest.MonkeyPatch) -> Iterator[Counts]:
    """How many restarts ``systemctl show`` tells of from now on."""

    def now(count: int) -> None:
        text = SHOWN.format(count, count)
        monkeypatch.setattr(systemd, "systemctl", lambda *words, deadline: text.encode())

    yield now


@pytest.fixture
def service() -> SystemdService:
    return SystemdService(UnitSpec("crasher", "crasher.service", "v1", "b", "no-such-mark", 1.0, 1.0))


def test_a_journal_that_refuses_makes_the_restarts_unread_and_says_which_account_needs_which_group(
    service: SystemdService, journal: Journal, counts: Counts
) -> None:
    journal.code = 1
    counts(5)
    status = service.status()
    assert (status.restarts, status.restarts_counted) == ((), 5)
    assert status.restarts_unread == (
        "systemd counts 5 restarts of crasher.service, the journal tells when of none: the journal cannot be read: "
        f"insufficient permissions; the account {account_here()} must be in the group systemd-journal"
    )


def test_a_journal_that_shows_only_ones_own_entries_is_no_proof_of_no_restart(
    service: SystemdService, journal: Journal, counts: Counts
) -> None:
    journal.of_systemd = False
    counts(1)
    assert "systemd counts 1 restart of" in service.status().restarts_unread
    assert "must be in the group systemd-journal" in service.status().restarts_unread


def test_what_the_journal_no_longer_holds_is_said_without_blaming_the_account(
    service: SystemdService, journal: Journal, counts: Counts
) -> None:
    journal.moments = 2
    counts(3)
    status = service.status()
    assert len(status.restarts) == 2
    assert status.restarts_unread == "systemd counts 3 restarts of crasher.service, the journal tells when of 2"


def test_none_or_all_of_them_are_nothing_to_complain_of(
    service: SystemdService, journal: Journal, counts: Counts
) -> None:
    counts(0)
    assert service.status().restarts_unread == ""
    journal.moments = 3
    counts(3)
    status = service.status()
    assert (len(status.restarts), status.restarts_unread) == (3, "")
    service.status()
    assert journal.asked == 1, "what is whole is read once"


def test_a_journal_that_is_behind_is_asked_again(
    service: SystemdService, journal: Journal, counts: Counts, monkeypatch: pytest.MonkeyPatch
) -> None:
    counts(2)
    journal.moments = 1
    assert service.status().restarts_unread
    monkeypatch.setattr(systemd, "_READ_AGAIN", 0.0)
    journal.moments = 2
    status = service.status()
    assert (len(status.restarts), status.restarts_unread) == (2, "")


def test_restarts_that_were_noticed_between_two_looks_count_without_the_journal(
    service: SystemdService, journal: Journal, counts: Counts
) -> None:
    journal.code = 1
    counts(2)
    assert service.status().restarts == ()
    counts(5)
    status = service.status()
    assert len(status.restarts) == 3, "those of before the first look have no moment"
    assert "systemd counts 5 restarts" in status.restarts_unread
    counts(0)
    assert service.status().restarts == ()
    counts(4)
    status = service.status()
    assert (len(status.restarts), status.restarts_unread) == (4, "")
