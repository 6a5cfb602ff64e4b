"""The doctor says of which account it knows that the journal can be read: who asks is not who runs the monitor."""

from __future__ import annotations

import grp
import os
import pwd
from collections.abc import Callable
from types import SimpleNamespace

import pytest

from engine.config.may_write import account_here
from engine.doctor import units
from engine.doctor.finding import Finding

UNIT = "abaco-monitor.service"
Found = Callable[..., list[Finding]]


@pytest.fixture
def found(monkeypatch: pytest.MonkeyPatch) -> Found:
    """The findings, where the unit runs as ``user`` who is in ``groups``, and who asks is told ``why`` not."""

    def ask(user: str, *, groups: tuple[str, ...] = (), given: str = "", why: str = "") -> list[Finding]:
        text = f"LoadState=loaded\nUser={user}\nGroup=\nSupplementaryGroups={given}\n"
        monkeypatch.setattr(units, "systemctl", lambda *words: text.encode())
        monkeypatch.setattr(units, "unreadable", lambda: why)
        monkeypatch.setattr(pwd, "getpwnam", lambda name: SimpleNamespace(pw_name=name, pw_gid=0))
        monkeypatch.setattr(os, "getgrouplist", lambda name, first: list(range(len(groups))))
        monkeypatch.setattr(grp, "getgrgid", lambda number: SimpleNamespace(gr_name=groups[number]))
        return list(units.journal_read(UNIT))

    return ask


def test_who_asks_can_read_it_and_the_monitors_account_is_in_no_group_that_may(found: Found) -> None:
    mine, monitor = found("abaco", groups=("abaco", "users"))
    assert (mine.status, mine.what) == (
        "ok",
        f"{account_here()}, who asks, can read it: output and restarts of the services",
    )
    assert monitor.status == "WARN"
    assert monitor.what == f"abaco, who runs the monitor ({UNIT}), is in none of the groups adm, systemd-journal"
    assert f"usermod -aG systemd-journal abaco; systemctl restart {UNIT}" in monitor.fix


@pytest.mark.parametrize(
    ("user", "groups", "given"),
    [
        ("abaco", ("abaco", "systemd-journal"), ""),
        ("abaco", ("adm",), ""),
        ("abaco", (), "systemd-journal"),
        ("", (), ""),
    ],
)
def test_a_member_of_the_groups_the_units_own_groups_and_root_may(
    found: Found, user: str, groups: tuple[str, ...], given: str
) -> None:
    monitor = found(user, groups=groups, given=given, why="refused")[1]
    assert monitor.status == "ok"
    assert monitor.what.startswith(f"{user or 'root'}, who runs the monitor")


def test_that_who_asks_cannot_read_it_names_that_account(found: Found) -> None:
    mine = found("abaco", groups=("adm",), why="insufficient permissions")[0]
    assert (mine.status, mine.what) == ("WARN", f"{account_here()}: insufficient permissions")
