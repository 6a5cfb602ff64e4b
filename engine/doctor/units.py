"""The systemd units of a deployment: are they there, and what would start at boot?"""

from __future__ import annotations

import contextlib
import grp
import os
import pwd
from collections.abc import Iterator

from engine.config import Deployment
from engine.config.may_write import account_here, as_root
from engine.config.units import instance
from engine.doctor.finding import Finding
from engine.services.build import BUILD_VARIABLE
from engine.services.systemd_calls import systemctl
from engine.services.systemd_journal import unreadable
from engine.validation.named_build import handed_over_by, not_handed_over

_ASKED = (
    "LoadState,UnitFileState,ExecCondition,NeedDaemonReload,ExecStart,Environment,EnvironmentFiles,"
    "User,Group,SupplementaryGroups"
)
_READERS = frozenset({"systemd-journal", "adm"})
"""Groups whose members systemd lets read the system's journal."""
Unit = dict[str, str]


def examine_units(deployment: Deployment) -> Iterator[Finding]:
    """Nothing where the embedded backend runs the services. OpsError when systemd does not answer."""
    services = deployment.console.services
    if services.backend != "systemd":
        return
    releases = (deployment.old, deployment.new)
    shown = {release.service.unit_name: _shown(release.service.unit_name) for release in releases}
    found = [finding for name, unit in shown.items() for finding in _unit(name, unit)]
    yield from found or [Finding("units", "ok", f"{' and '.join(shown)} are installed")]
    if not any(finding.status == "FAIL" for finding in found):
        yield at_boot(shown)
        yield builds(deployment, shown)
    if services.operation_unit is None:
        text = "operations run as whoever asks for them, in a process of their own"
        yield Finding("operation unit", "WARN", text, "services.operation_unit in console.yml, see packaging/systemd/")
    else:
        yield from _unit(services.operation_unit, _shown(instance(services.operation_unit, "0000-none"))) or [
            Finding("operation unit", "ok", f"{services.operation_unit} is installed")
        ]
    if services.monitor_unit is not None:
        yield from _monitor(services.monitor_unit)
    yield from journal_read(services.monitor_unit)


def at_boot(shown: dict[str, Unit]) -> Finding:
    """After a reboot exactly the active release has to start: both are enabled, and each asks whether it may."""
    enabled = [name for name, unit in shown.items() if unit.get("UnitFileState") in ("enabled", "enabled-runtime")]
    asking = [name for name, unit in shown.items() if "may-start" in unit.get("ExecCondition", "")]
    blind = [name for name in enabled if name not in asking]
    if len(enabled) == len(shown) and blind:
        fix = as_root("ExecCondition=... abaco-ops service may-start RELEASE in each unit file, see packaging/systemd/")
        return Finding("at boot", "FAIL", f"both start, whichever is live: {', '.join(blind)} asks nobody", fix)
    if len(enabled) == len(shown):
        return Finding("at boot", "ok", "both are enabled, and only the active release starts")
    off = [name for name in shown if name not in enabled]
    said = f"{' and '.join(off)} {'does' if len(off) == 1 else 'do'} not start, even when live"
    return Finding(
        "at boot", "WARN", said, as_root(f"systemctl enable {' '.join(off)}; each has to ask service may-start")
    )


def builds(deployment: Deployment, shown: dict[str, Unit]) -> Finding:
    """Each release has to be told its build, which its runs name: also the one that has never run, before a cutover
    finds out. ``shown`` by the unit's name. OSError.
    """
    silent = {
        release.service.unit_name: release.release
        for release in (deployment.old, deployment.new)
        if not_handed_over(deployment, release.release, shown[release.service.unit_name])
    }
    if not silent:
        return Finding("builds", "ok", f"each release knows its build ({BUILD_VARIABLE})")
    said = f"no {BUILD_VARIABLE} from {' and '.join(silent)}: its runs cannot say what ran"
    fix = as_root("; ".join(f"in {name}: {handed_over_by(release)}" for name, release in silent.items()))
    return Finding("builds", "WARN", said, f"{fix}; unless its own command sets it. A cutover asks for it")


def _unit(name: str, unit: Unit) -> list[Finding]:
    load = unit.get("LoadState", "")
    if load != "loaded":
        words = {"not-found": "is not installed", "masked": "is masked"}.get(load, f"cannot be used: {load}")
        fix = f"systemctl unmask {name}" if load == "masked" else "install it, then systemctl daemon-reload"
        return [Finding(f"unit {name}", "FAIL", words, as_root(fix))]
    if unit.get("NeedDaemonReload") == "yes":
        said = "was edited, and systemd goes by the old text"
        return [Finding(f"unit {name}", "WARN", said, as_root("systemctl daemon-reload"))]
    return []


def _monitor(name: str) -> Iterator[Finding]:
    unit = _shown(name)
    yield from _unit(name, unit)
    if unit.get("LoadState") == "loaded":
        enabled = unit.get("UnitFileState") in ("enabled", "enabled-runtime")
        said = f"{name} starts at boot" if enabled else f"{name} does not start at boot: nobody watches until a console"
        fix = "" if enabled else as_root(f"systemctl enable {name}")
        yield Finding("monitor unit", "ok" if enabled else "WARN", said, fix)


def journal_read(monitor_unit: str | None) -> Iterator[Finding]:
    """Whether the account that runs the monitor may read the journal, judged by its groups; and whether this account
    can, by trying. OpsError when systemd does not answer.
    """
    here, why = account_here(), unreadable()
    if why:
        join = f"usermod -aG systemd-journal {here}, then log in anew"
        fix = f"{as_root(join)}: output and restarts of the services are read there"
        yield Finding("journal", "WARN", f"{here}: {why}", fix)
    else:
        yield Finding("journal", "ok", f"{here}, who asks, can read it: output and restarts of the services")
    unit = _shown(monitor_unit) if monitor_unit is not None else {}
    if monitor_unit is None or unit.get("LoadState") != "loaded":
        return
    account = unit.get("User", "") or "root"
    yield _of_monitor(monitor_unit, account, [*unit.get("SupplementaryGroups", "").split(), unit.get("Group", "")])


def _of_monitor(unit: str, account: str, given: list[str]) -> Finding:
    """As far as it can be told without asking as that account. ``given``: the groups that its unit names."""
    who = f"{account}, who runs the monitor ({unit})"
    groups = sorted(_READERS.intersection([*given, *_groups_of(account)]))
    if account in ("root", "0"):
        return Finding("journal of the monitor", "ok", f"{who}, can read it")
    if groups:
        return Finding(
            "journal of the monitor", "ok", f"{who}, is in the group {groups[0]}: it should be able to read it"
        )
    fix = as_root(f"usermod -aG systemd-journal {account}; systemctl restart {unit}")
    said = f"{who}, is in none of the groups {', '.join(sorted(_READERS))}"
    return Finding("journal of the monitor", "WARN", said, f"{fix}: restarts of the services are counted there")


def _groups_of(account: str) -> list[str]:
    """The names of its groups; none where it is not known here."""
    try:
        known = pwd.getpwuid(int(account)) if account.isdigit() else pwd.getpwnam(account)
        numbers = os.getgrouplist(known.pw_name, known.pw_gid)
    except (KeyError, OverflowError, OSError):
        return []
    names = []
    for number in numbers:
        with contextlib.suppress(KeyError):
            names.append(grp.getgrgid(number).gr_name)
    return names


def _shown(name: str) -> Unit:
    text = systemctl("show", "-p", _ASKED, name).decode("utf-8", "replace")
    return dict(line.split("=", 1) for line in text.splitlines() if "=" in line)
