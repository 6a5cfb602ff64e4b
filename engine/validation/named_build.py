"""Whether a run names the build that it ran: without it nobody can say what published, and no cutover ends well."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from engine.config import Deployment
from engine.errors import Refused
from engine.records import harmless
from engine.services.build import BUILD_VARIABLE, build_hash
from engine.services.systemd_calls import systemctl
from engine.validation.runs import newest_run


@dataclass(frozen=True, slots=True)
class OtherBuild:
    """What is wrong with the build that a run names, and what to write where."""

    missing: bool
    """The run names none at all."""
    what: str
    fix: str

    @property
    def said(self) -> str:
        """In one sentence."""
        return f"{self.what}: {self.fix}"


def other_build(deployment: Deployment, release: str, named: str | None) -> OtherBuild | None:
    """None where a run of ``release`` names the build that lies on the disk now."""
    if not named:
        return OtherBuild(True, f"the runs of {release} name no build", how_to_name_it(deployment, release))
    try:
        on_disk = build_hash(deployment, release)
    except Refused as refused:
        return OtherBuild(False, f"build {_short(named)} of {release} runs, and {refused.what}", refused.fix)
    if named == on_disk:
        return None
    what = f"build {_short(named)} of {release} runs, {_short(on_disk)} is on the disk"
    again = f"abaco-ops service stop {release}, then start {release}; or put back the files that run"
    unit = _unit(deployment, release)
    by_hand = f"; a {BUILD_VARIABLE} that is written into {unit} has to follow the files" if unit else ""
    return OtherBuild(False, what, again + by_hand)


def how_to_name_it(deployment: Deployment, release: str) -> str:
    """What to write where, so that each run names its build."""
    record = f"{BUILD_VARIABLE} of its environment as `build` into each run record"
    unit = _unit(deployment, release)
    if not unit:
        return f"let its program write {record}"
    return f"in {unit} {handed_over_by(release)}; its program then has to write {record}"


def handed_over_by(release: str) -> str:
    """The line of a unit that hands the build over, whatever becomes of the files."""
    return f"ExecStart=/usr/bin/abaco-ops service exec {release} (it runs service.command of {release}.yml)"


def not_handed_over(deployment: Deployment, release: str, unit: Mapping[str, str]) -> bool:
    """Whether its unit hands over no build, and no run of it has ever shown that its own command knows one.

    ``unit``: its ``ExecStart``, ``Environment`` and ``EnvironmentFiles``; a file is not looked into. OSError.
    """
    if " service exec " in unit.get("ExecStart", "") or f"{BUILD_VARIABLE}=" in unit.get("Environment", ""):
        return False
    if unit.get("EnvironmentFiles"):
        return False
    newest = newest_run(deployment.paths, release)
    return newest is None or not newest.build


def unit_that_tells_no_build(deployment: Deployment, release: str) -> str:
    """What is wrong with the unit of a release that is to run, and what to write into it; empty when nothing is.

    OpsError when systemd does not answer, OSError.
    """
    name = _unit(deployment, release)
    if not name:
        return ""
    shown = systemctl("show", "-p", "ExecStart,Environment,EnvironmentFiles", name).decode("utf-8", "replace")
    unit = dict(line.split("=", 1) for line in shown.splitlines() if "=" in line)
    if not not_handed_over(deployment, release, unit):
        return ""
    return f"{name} hands over no {BUILD_VARIABLE}: {how_to_name_it(deployment, release)}"


def _unit(deployment: Deployment, release: str) -> str:
    """The unit that runs it; empty where no unit does."""
    systemd = deployment.console.services.backend == "systemd"
    return deployment.releases[release].service.unit_name if systemd else ""


def _short(build: str) -> str:
    return harmless(build[:6])
