"""Files of rule tests: typed, every mistake at once with file, line and key."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from engine.config import ConfigError, Deployment, Problem, load_deployment
from engine.config.located import KeyPath, Located, read_yaml
from engine.config.monitoring import Verdict
from engine.config.quantities import Duration
from engine.config.typed import to_struct
from engine.errors import OpsError, meant
from engine.monitoring.judgement import NO_DATA
from engine.monitoring.rule_series import MOST_LOOKS, Happening, Series, parse_happening, parse_series

Tier = Literal["warning", "critical", "rollback", "none"]
RAW = ("rows", "errors")
"""Input that is no metric of a condition: of each run, from which the error rate follows."""


class Expectation(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What must be so at one moment; only what is given is looked at."""

    at: Duration
    """Time since the test began; what stood after the last sample up to then."""
    condition: str | None = None
    firing: Tier | None = None
    pending: Tier | None = None
    level: Literal["ok", "W", "C", "stale", "missing"] | None = None
    flapping: bool | None = None
    held: Duration | None = None
    verdict: Verdict | None = None


class RuleTest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Written series, and what they must lead to."""

    name: str
    input: dict[str, str | float]
    expect: Annotated[list[Expectation], Meta(min_length=1)]
    interval: Duration | None = None
    """Time between two samples; null: the file's."""
    run_every: Duration | None = None
    """Time between two runs of the pipeline; null: the file's."""
    release: str | None = None
    """The release that is judged at first; null: the file's."""
    events: list[str] = []


class RuleFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One file of tests."""

    tests: Annotated[list[RuleTest], Meta(min_length=1)]
    deployment: str | None = None
    """Directory of the deployment whose configuration is tested, from this file on; null: --root's."""
    interval: Duration | None = None
    """Time between two samples; null: the deployment's sampling cadence."""
    run_every: Duration | None = None
    """Time between two runs; null: the deployment's, else ``interval``."""
    release: str | None = None
    """The release that is judged; null: the new one."""


@dataclass(frozen=True, slots=True)
class Case:
    """A test, ready to be played."""

    path: Path
    line: int
    name: str
    release: str
    interval: float
    run_every: float
    series: dict[str, Series]
    events: tuple[Happening, ...]
    expect: tuple[tuple[int, Expectation], ...]
    """With the line each stands in, by time."""


@dataclass(slots=True)
class _Checked:
    """One test under examination: where its mistakes go."""

    located: Located
    deployment: Deployment
    where: KeyPath
    metrics: dict[str, str] = field(default_factory=dict)

    def wrong(self, key: KeyPath, what: str, right: str) -> None:
        self.located.report((*self.where, *key), what, right)

    def unknown(self, key: KeyPath, name: str, known: Collection[str], kind: str) -> None:
        self.wrong(key, f"names the {kind} {name!r}, which is not there", meant(name, known))


def load_rule_files(
    paths: Collection[Path], at_root: Callable[[], Deployment]
) -> list[tuple[Path, Deployment, list[Case]]]:
    """Every file with its deployment and its tests. ConfigError with every mistake in every file."""
    found: list[tuple[Path, Deployment, list[Case]]] = []
    problems: list[Problem] = []
    for path in paths:
        located = read_yaml(path)
        file = to_struct(located, RuleFile)
        deployment = _deployment(located, file, at_root) if file is not None else None
        if file is not None and deployment is not None:
            found.append((path, deployment, _cases(located, file, deployment)))
        problems += sorted(located.problems, key=lambda problem: problem.line)
    if problems:
        raise _WrongFiles(problems)
    return found


class _WrongFiles(ConfigError):
    """Mistakes in files of rule tests, which are no configuration."""

    def __init__(self, problems: list[Problem]) -> None:
        super().__init__(problems)
        count = len(problems)
        self.what = "\n".join(
            [f"the rule tests have {count} mistake{'s' if count != 1 else ''}:", *(f"  {one}" for one in problems)]
        )


def _deployment(located: Located, file: RuleFile, at_root: Callable[[], Deployment]) -> Deployment | None:
    try:
        if file.deployment is None:
            return at_root()
        return load_deployment(located.path.resolve().parent / file.deployment)
    except ConfigError as error:
        located.problems += error.problems
    except OpsError as error:
        named = "deployment" if file.deployment is not None else ""
        located.report((named,) if named else (), error.what, error.fix)
    return None


def _cases(located: Located, file: RuleFile, deployment: Deployment) -> list[Case]:
    cases = []
    for index, test in enumerate(file.tests):
        checked = _Checked(located, deployment, ("tests", index))
        for earlier in file.tests[:index]:
            if earlier.name == test.name:
                checked.wrong(("name",), f"is {test.name!r} a second time", "each test has a name of its own")
        cases.append(_case(checked, file, test))
    return cases


def _case(checked: _Checked, file: RuleFile, test: RuleTest) -> Case:
    console = checked.deployment.console
    interval = float(test.interval or file.interval or console.cadence.sample)
    run_every = float(test.run_every or file.run_every or console.cadence.pipeline_run or interval)
    release = test.release or file.release or console.releases.new
    if release not in checked.deployment.releases:
        checked.unknown(("release",), release, tuple(checked.deployment.releases), "release")
    expect = sorted(
        ((checked.located.line((*checked.where, "expect", k)), one) for k, one in enumerate(test.expect)),
        key=lambda found: found[1].at,
    )
    for k, one in enumerate(test.expect):
        _check_expectation(checked, k, one, min(interval, run_every))
    return Case(
        path=checked.located.path,
        line=checked.located.line(checked.where),
        name=test.name,
        release=release,
        interval=interval,
        run_every=run_every,
        series=_series(checked, test),
        events=_events(checked, test),
        expect=tuple(expect),
    )


def _check_expectation(checked: _Checked, number: int, one: Expectation, every: float) -> None:
    where: KeyPath = ("expect", number)
    conditions = checked.deployment.monitoring.conditions
    asked = (one.firing, one.pending, one.level, one.flapping, one.held)
    if one.condition is not None and one.condition not in conditions:
        checked.unknown((*where, "condition"), one.condition, tuple(conditions), "condition")
    if one.condition is None and any(part is not None for part in asked):
        checked.wrong(where, "asks how a condition is and names none", "add condition: ID")
    if one.verdict is None and all(part is None for part in asked):
        checked.wrong(where, "expects nothing", "give firing, pending, level, held, flapping or verdict")
    if one.at > MOST_LOOKS * every:
        checked.wrong((*where, "at"), f"lies more than {MOST_LOOKS} samples or runs ahead", "take a longer interval")


def _series(checked: _Checked, test: RuleTest) -> dict[str, Series]:
    metrics = [c.metric for c in checked.deployment.monitoring.conditions.values() if c.metric != NO_DATA]
    found: dict[str, Series] = {}
    for metric, text in test.input.items():
        if metric == NO_DATA:
            checked.wrong(("input", metric), "is counted by the monitor itself", "lose samples of another metric: _")
        elif metric not in (*metrics, *RAW):
            checked.unknown(("input", metric), metric, (*metrics, *RAW), "metric")
        try:
            found[metric] = parse_series(text if isinstance(text, str) else f"{text:g}")
        except ValueError as error:
            checked.wrong(("input", metric), str(error), "mend the series")
    if ("rows" in test.input) != ("errors" in test.input):
        checked.wrong(("input",), "has one of rows and errors", "the error rate needs both")
    return found


def _events(checked: _Checked, test: RuleTest) -> tuple[Happening, ...]:
    found = []
    for index, text in enumerate(test.events):
        try:
            one = parse_happening(text)
        except ValueError as error:
            checked.wrong(("events", index), str(error), "mend the line")
            continue
        if one.kind == "release" and one.name not in checked.deployment.releases:
            checked.unknown(("events", index), one.name, tuple(checked.deployment.releases), "release")
        found.append(one)
    return tuple(sorted(found, key=lambda one: one.at))
