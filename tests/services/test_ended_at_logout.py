"""Which operations would end with the login in which they are begun."""

from __future__ import annotations

import dataclasses
import getpass
from pathlib import Path

import msgspec
import pytest

from engine.config import Deployment
from engine.services.logout import ended_at_logout

SESSION = "0::/user.slice/user-1000.slice/session-7.scope\n"
MANAGER = "0::/user.slice/user-1000.slice/user@1000.service/app.slice/x.scope\n"
UNIT = "0::/system.slice/x.service\n"
ME = getpass.getuser()
KILLS = f"[Login]\nKillUserProcesses=yes\nKillExcludeUsers={'nobody' if ME == 'root' else ''}\n"


@pytest.fixture
def machine(tmp_path: Path) -> Path:
    return tmp_path / "machine"


def put(machine: Path, path: str, text: str) -> None:
    target = machine / path
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(text)


def test_a_login_that_logind_kills_ends_what_is_begun_in_it(deployment: Deployment, machine: Path) -> None:
    put(machine, "proc/self/cgroup", SESSION)
    put(machine, "etc/systemd/logind.conf", KILLS)
    ended = ended_at_logout(deployment, machine)
    assert ended is not None
    assert "the services and the monitor begun here, end when you log out or the line drops" in ended.what
    assert "KillUserProcesses=yes" in ended.what
    assert "operation_unit" in ended.fix


@pytest.mark.parametrize(
    ("groups", "settings"),
    [
        (SESSION, "[Login]\n#KillUserProcesses=yes\n"),
        (SESSION, "[Login]\nKillUserProcesses=no\n"),
        (SESSION, f"[Login]\nKillUserProcesses=yes\nKillExcludeUsers=root {ME}\n"),
        (SESSION, "[Login]\nKillUserProcesses=yes\nKillOnlyUsers=somebody\n"),
        (UNIT, KILLS),
    ],
)
def test_what_is_no_part_of_a_login_or_not_killed_lives_on(
    deployment: Deployment, machine: Path, groups: str, settings: str
) -> None:
    put(machine, "proc/self/cgroup", groups)
    put(machine, "etc/systemd/logind.conf", settings)
    assert ended_at_logout(deployment, machine) is None


def test_drop_ins_come_after_the_main_file_in_the_order_of_their_names(deployment: Deployment, machine: Path) -> None:
    put(machine, "proc/self/cgroup", SESSION)
    put(machine, "etc/systemd/logind.conf", "[Login]\nKillUserProcesses=no\n")
    put(machine, "usr/lib/systemd/logind.conf.d/50-kill.conf", KILLS)
    assert ended_at_logout(deployment, machine) is not None
    put(machine, "etc/systemd/logind.conf.d/50-kill.conf", "")  # of the same name: it stands instead
    assert ended_at_logout(deployment, machine) is None
    put(machine, "run/systemd/logind.conf.d/90-kill.conf", KILLS)
    assert ended_at_logout(deployment, machine) is not None


def test_a_users_own_manager_ends_with_the_last_login_unless_the_user_lingers(
    deployment: Deployment, machine: Path
) -> None:
    put(machine, "proc/self/cgroup", MANAGER)
    ended = ended_at_logout(deployment, machine)
    assert ended is not None
    assert "enable-linger" in ended.what
    put(machine, f"var/lib/systemd/linger/{ME}", "")
    assert ended_at_logout(deployment, machine) is None


def test_an_operation_of_a_unit_is_no_part_of_any_login(deployment: Deployment, machine: Path) -> None:
    put(machine, "proc/self/cgroup", SESSION)
    put(machine, "etc/systemd/logind.conf", KILLS)
    services = msgspec.structs.replace(
        deployment.console.services, backend="systemd", operation_unit="abaco-ops-operation@.service"
    )
    console = msgspec.structs.replace(deployment.console, services=services)
    assert ended_at_logout(dataclasses.replace(deployment, console=console), machine) is None
