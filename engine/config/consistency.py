"""What the types cannot say: names that must exist elsewhere, orders, intervals, and paths that must stay inside."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterable
from pathlib import Path

import msgspec

from engine.config.checklist import RECORDED, ChecklistConfig, Window
from engine.config.console import ConsoleConfig
from engine.config.kpis import KpiConfig, KpiDefinition
from engine.config.located import KeyPath, Located
from engine.config.monitoring import Condition, MonitoringConfig
from engine.config.own_steps import BUILT_IN, LAST_PHASE, NO_RETURN_IN, OwnStepSection
from engine.config.release import ReleaseConfig
from engine.config.units import check_services
from engine.errors import meant

PLACES = ("{python}", "{root}", "{release}", "{engine}")
"""What is filled into configured commands."""
RELEASE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,31}")
MEASURES = ("validation", "kpis", "hour_1", "against_baseline", "log_scan", "anomalies", *RECORDED)
"""What a checklist task can measure besides a condition."""
MOST_SLOTS = 10_000
_PLACE = re.compile(r"\{[^{}]*\}")
_WILD = re.compile(r"[*?[]")
_NO_FILES = ("proc", "sys", "dev")
_STEP_NAME = re.compile(r"[a-z][a-z0-9_]{0,31}")


def check_console(located: Located, console: ConsoleConfig) -> None:
    """``console.yml``: the profile exists, two releases, paths inside, nothing that would never end."""
    if console.profile not in console.profiles:
        _unknown(located, ("profile",), console.profile, console.profiles, "profile")
    if console.releases.old == console.releases.new:
        located.report(("releases", "to"), "is the same release as releases.from", "name two releases")
    for name, profile in console.profiles.items():
        for key, seconds in msgspec.structs.asdict(profile).items():
            if seconds == 0 and key not in ("min_free", "verify_hold"):
                located.report(("profiles", name, key), "is 0", "give a time above 0")
    for key in ("active_config", "tape", "reference_tape", "metrics"):
        _inside(located, ("paths", key), getattr(console.paths, key))
    for index, covered in enumerate(console.snapshot.covers):
        _inside(located, ("snapshot", "covers", index), covered)
    check_services(located, console.services)
    steps = console.operations.own_steps
    for index, step in enumerate(steps):
        where: KeyPath = ("operations", "own_steps", index)
        _check_step_name(located, (*where, "name"), step.name, [earlier.name for earlier in steps[:index]])
        _check_step_place(located, where, step)
        _check_step_commands(located, where, step)


def _check_step_name(located: Located, where: KeyPath, name: str, earlier: Collection[str]) -> None:
    if _STEP_NAME.fullmatch(name) is None:
        located.report(where, f"is {name!r}, no name of a step", "a small letter, then small letters, digits and _")
    elif name in BUILT_IN:
        located.report(where, f"is {name!r}, which is a step of abaco-ops itself", "take another name")
    elif name in earlier:
        located.report(where, f"is {name!r} a second time", "each step has a name of its own, in both operations")


def _check_step_place(located: Located, where: KeyPath, step: OwnStepSection) -> None:
    place, last = step.place, LAST_PHASE[step.operation]
    given = [(key, phase) for key, phase in (("before", place.before), ("after", place.after)) if phase is not None]
    if len(given) != 1:
        located.report((*where, "place"), "names no phase, or two", "one of: before: NUMBER, after: NUMBER")
        return
    ((key, phase),) = given
    if not 0 <= phase <= last:
        right = f"a {step.operation} has the phases 0 to {last}"
        located.report((*where, "place", key), f"names phase {phase}, which is not there", right)
    elif step.operation == "cutover" and (key, phase) == ("before", 0):
        right = "after: 0 is the earliest place in a cutover"
        located.report((*where, "place", key), "is before phase 0, which checks whether anything may be touched", right)


def _check_step_commands(located: Located, where: KeyPath, step: OwnStepSection) -> None:
    for key in ("precheck", "do", "verify", "undo"):
        command = getattr(step, key)
        if command is None:
            continue
        if not command or not command[0].strip():
            located.report((*where, key), "is empty", 'a program and its arguments, such as ["/usr/bin/lb", "drain"]')
        _places(located, (*where, key), command)
    if not step.title.strip():
        located.report((*where, "title"), "is empty", "a few words for plan and screen")
    if step.deadline is not None and not step.deadline:
        located.report((*where, "deadline"), "is 0", "give a time above 0")
    if step.undo is not None and step.operation == "rollback":
        located.report((*where, "undo"), "would never run: a rollback is not undone", "leave it out")
    elif step.undo is not None and _after_no_return(step):
        why = "would never run: nothing is undone after the new release's first start (phase 4)"
        located.report((*where, "undo"), why, "leave it out; what puts it back is an own step of the rollback")
    if not step.needed and step.operation == "cutover":
        located.report((*where, "needed"), "is false in a cutover, which stops at any failure", "only for a rollback")


def _after_no_return(step: OwnStepSection) -> bool:
    before, after = step.place.before, step.place.after
    return (before is not None and before > NO_RETURN_IN) or (after is not None and after >= NO_RETURN_IN)


def release_names(located: Located) -> list[str]:
    """The names of both releases, as far as they can be read from ``console.yml`` whatever else is wrong there."""
    releases = located.value.get("releases") if isinstance(located.value, dict) else None
    found: list[str] = []
    for key in ("from", "to"):
        name = releases.get(key) if isinstance(releases, dict) else None
        if not isinstance(name, str):
            continue
        if RELEASE_NAME.fullmatch(name) is None:
            where = ("releases", key)
            located.report(where, f"is {name!r}, no name of a release", "letters, digits, - and _; no path, no .yml")
        elif name not in found:
            found.append(name)
    return found


def check_release(located: Located, release: ReleaseConfig, name: str, *, needs_command: bool = True) -> None:
    """A release file: it describes the release it is named for, and its commands can be run."""
    if release.release != name:
        located.report(("release",), f"is {release.release!r} in the file of {name!r}", f"release: {name}")
    commands: dict[KeyPath, list[str]] = {
        **({("service", "command"): release.service.command} if needs_command else {}),
        **{("programs", key): getattr(release.programs, key) for key in ("kpi", "test", "verify")},
    }
    for where, command in commands.items():
        if not command or not command[0]:
            located.report(where, "is empty", 'a program and its arguments, such as ["{python}", "-m", "..."]')
        _places(located, where, command)
    if not release.build.files:
        located.report(("build", "files"), "is empty", "name the files that run, so that the build has a hash")
    _places(located, ("build", "files"), release.build.files)
    for index, pattern in enumerate(release.build.files):
        _check_pattern(located, ("build", "files", index), pattern)


def _check_pattern(located: Located, where: KeyPath, pattern: str) -> None:
    """A pattern of build files says where it begins: one that does not would be followed over the whole machine."""
    parts = Path(pattern).parts
    if ".." in parts:
        located.report(
            where, f"is {pattern!r}, which climbs out with ..", 'name the directory itself, such as "{root}/bin/*"'
        )
    elif not pattern.strip() or (pattern.startswith("/") and (len(parts) < 2 or _WILD.search(parts[1]))):
        located.report(where, f"is {pattern!r}, which begins in no directory", 'such as "/opt/pipeline/**/*.py"')
    elif parts[0] == "/" and parts[1] in _NO_FILES:
        located.report(where, f"is {pattern!r}, where the kernel shows itself", "name the files that run")


def check_pair(located: Located, releases: Collection[ReleaseConfig]) -> None:
    """Two releases need two services: stopping one must never stop the other."""
    for name, count in Counter(release.service.name for release in releases).items():
        if count > 1:
            located.report(("releases",), f"have one and the same service, {name!r}", "give each release its own")
    for unit, count in Counter(release.service.unit_name for release in releases).items():
        if count > 1:
            located.report(("releases",), f"have one and the same unit, {unit!r}", "give each release its own")


def check_kpis(located: Located, config: KpiConfig) -> None:
    """``kpis.yml``: columns that exist, intervals the right way round, tiers in the order they worsen."""
    if config.tape.total not in config.tape.amounts:
        _unknown(located, ("tape", "total"), config.tape.total, config.tape.amounts, "amount")
    for index, bucket in enumerate(config.tape.buckets):
        if bucket not in config.tape.amounts:
            _unknown(located, ("tape", "buckets", index), bucket, config.tape.amounts, "amount")
    for name in config.reference.expected:
        if name not in config.kpis:
            _unknown(located, ("reference", "expected", name), name, config.kpis, "KPI")
    for name, kpi in config.kpis.items():
        _check_kpi(located, ("kpis", name), kpi)
    _check_checks(located, config)


def _check_checks(located: Located, config: KpiConfig) -> None:
    for name, (low, high) in config.checks.ranges.items():
        if low >= high:
            where = ("checks", "ranges", name)
            located.report(where, f"runs from {low:g} to {high:g}", "the lower limit stands first")
    for name, whole in config.checks.ages_within.items():
        if whole not in config.tape.amounts:
            _unknown(located, ("checks", "ages_within", name), whole, config.tape.amounts, "amount")


def _check_kpi(located: Located, where: KeyPath, kpi: KpiDefinition) -> None:
    for key, interval in (("range", kpi.range), ("hold_to", kpi.hold_to)):
        if interval is not None and interval[0] >= interval[1]:
            located.report(
                (*where, key), f"runs from {interval[0]:g} to {interval[1]:g}", "the lower limit stands first"
            )
    if kpi.warning is not None and kpi.critical is not None and not _worsens(kpi.worse_when, kpi.warning, kpi.critical):
        side = "above" if kpi.worse_when == "higher" else "below"
        located.report(
            (*where, "critical"),
            f"is {kpi.critical:g}, reached before warning ({kpi.warning:g})",
            f"worse_when is {kpi.worse_when}, so critical lies {side} warning",
        )


def check_monitoring(located: Located, config: MonitoringConfig) -> None:
    """``monitoring.yml``: contacts that exist, tiers in the order they worsen, each verdict once."""
    for name, condition in config.conditions.items():
        _check_condition(located, ("conditions", name), condition, config.contacts)
    for index, row in enumerate(config.matrix):
        for at, contact in enumerate(row.told):
            if contact not in config.contacts:
                _unknown(located, ("matrix", index, "told", at), contact, config.contacts, "contact")
        if row.verdict in [earlier.verdict for earlier in config.matrix[:index]]:
            located.report(("matrix", index, "verdict"), f"is {row.verdict} a second time", "one row for each verdict")
    for verdict in ("ROLL BACK", "INVESTIGATE", "UNKNOWN", "WATCH", "CONTINUE"):
        if verdict not in [row.verdict for row in config.matrix]:
            located.report(("matrix",), f"has no row for {verdict}", "one row for each verdict")
    for index, level in enumerate(config.escalation.levels):
        if level not in config.contacts:
            _unknown(located, ("escalation", "levels", index), level, config.contacts, "contact")


def _check_condition(located: Located, where: KeyPath, condition: Condition, contacts: Collection[str]) -> None:
    if condition.playbook and condition.playbook.call not in contacts:
        _unknown(located, (*where, "playbook", "call"), condition.playbook.call, contacts, "contact")
    tiers = {key: getattr(condition, key) for key in ("warning", "critical", "rollback")}
    given = {key: tier for key, tier in tiers.items() if tier is not None}
    if not given:
        located.report(where, "has no tier", "give warning, critical or rollback")
    lighter, before = "", None
    for key, tier in given.items():
        if before is not None and not _worsens(condition.worse_when, before.enter, tier.enter, equal=True):
            located.report((*where, key, "enter"), f"is {tier.enter:g}, reached before {lighter}", "tiers grow heavier")
        if tier.clear is not None and not _worsens(condition.worse_when, tier.clear, tier.enter, equal=True):
            located.report((*where, key, "clear"), f"is {tier.clear:g}, beyond enter", "clear lies on the good side")
        lighter, before = key, tier


def check_checklist(located: Located, config: ChecklistConfig, conditions: Collection[str]) -> None:
    """``checklist.yml``: each window has slots, a bounded number of them; names are unique; measures exist."""
    _unique(located, "windows", [window.id for window in config.windows])
    _unique(located, "decisions", [point.id for point in config.decisions])
    for index, window in enumerate(config.windows):
        where: KeyPath = ("windows", index)
        _check_slots(located, where, window)
        known = (*MEASURES, *conditions)
        for at, task in enumerate(window.tasks):
            if task.measure is not None and task.measure not in known:
                _unknown(located, (*where, "tasks", at, "measure"), task.measure, known, "measure")
        _unique(located, f"windows.{index}.tasks", [task.id for task in window.tasks], (*where, "tasks"))
    for index, point in enumerate(config.decisions):
        if index and point.at <= config.decisions[index - 1].at:
            located.report(("decisions", index, "at"), "is not later than the one before", "decisions stand in order")
        if point.keep is not None and point.keep not in _series(config):
            _unknown(located, ("decisions", index, "keep"), point.keep, _series(config), "window")
    if not config.schedule.validation_every:
        located.report(("schedule", "validation_every"), "is 0", "give a time above 0")
    try:
        re.compile(config.schedule.log_error)
    except re.error as error:
        located.report(("schedule", "log_error"), f"is no regular expression: {error}", 'such as "ERROR|Traceback"')


def _series(config: ChecklistConfig) -> list[str]:
    """The windows that have a cadence."""
    return [window.id for window in config.windows if window.every]


def _check_slots(located: Located, where: KeyPath, window: Window) -> None:
    series = (window.start, window.end, window.every)
    ways = [window.before, bool(window.at), any(part is not None for part in series)]
    if sum(ways) != 1:
        located.report(
            where, "has no slots, or two kinds of them", "give one of: before, at, or start with end and every"
        )
    elif ways[2]:
        if window.start is None or window.end is None or window.every is None:
            located.report(where, "has a series that is not complete", "give start, end and every")
        elif window.every <= 0 or window.end < window.start:
            located.report(where, "has a series that never ends", "every is above 0, and end not before start")
        elif (window.end - window.start) / window.every > MOST_SLOTS:
            located.report((*where, "every"), f"makes more than {MOST_SLOTS} slots", "take longer steps")


def _worsens(worse_when: str, lighter: float, heavier: float, *, equal: bool = False) -> bool:
    if equal and lighter == heavier:
        return True
    return lighter < heavier if worse_when == "higher" else lighter > heavier


def _inside(located: Located, where: KeyPath, relative: str) -> None:
    path = Path(relative)
    if not relative.strip() or path.is_absolute() or ".." in path.parts or not path.parts:
        located.report(
            where, f"is {relative!r}, no path below the deployment", "give one without a leading / and without .."
        )
    elif path.parts[0] == ".rollback":
        located.report(where, f"is {relative!r}, where snapshots are kept", "give a path outside .rollback")


def _places(located: Located, where: KeyPath, parts: list[str]) -> None:
    for index, part in enumerate(parts):
        for place in _PLACE.findall(part):
            if place not in PLACES:
                _unknown(located, (*where, index), place, PLACES, "place")


def _unknown(located: Located, where: KeyPath, name: str, known: Iterable[str], what: str) -> None:
    located.report(where, f"names the {what} {name!r}, which is not there", meant(name, known))


def _unique(located: Located, what: str, names: list[str], where: KeyPath | None = None) -> None:
    for index, name in enumerate(names):
        if name in names[:index]:
            located.report((*(where or (what,)), index, "id"), f"is {name!r} a second time", "ids are unique")
