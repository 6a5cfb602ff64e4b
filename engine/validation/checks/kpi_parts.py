"""The questions that are put to the KPIs, each with its limit: pure functions of values that others have found."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from statistics import median
from typing import Any

from engine.config import Deployment
from engine.portfolio.results import Group, in_range
from engine.records import harmless
from engine.validation.agreement import variance
from engine.validation.checks.variance import CONDITION, judge_variance
from engine.validation.history import Kept
from engine.validation.model import Findings, Sample, Severity
from engine.validation.parts import Asked, NotRun, Question

Values = Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Known:
    """What the questions are answered from. What is read from disk is a function, called when it is asked for."""

    deployment: Deployment
    release: str
    now: Group | None
    """Recomputed from the tape."""
    tape_sha256: str | None
    published: Mapping[str, Mapping[str, Any]] | None
    """Published beside recomputed, by KPI; None when nothing can be compared."""
    foreign: bool
    earlier: Callable[[], Sequence[Kept]]
    """Live validations, oldest first."""
    baseline: Callable[[], Sequence[Values]]
    """What each of the old release's last runs published."""
    old: Callable[[], Values | None]
    """What the old release made of this very tape; None: nothing."""

    @property
    def runs_old(self) -> bool:
        """Whether the old release is the one that is judged."""
        return self.release == self.deployment.console.releases.old

    @property
    def values(self) -> dict[str, float]:
        """The KPIs of now that are defined."""
        kpis = self.now.kpis if self.now is not None else {}
        return {name: kpi.value for name, kpi in kpis.items() if kpi.value is not None}


def kpi_questions(known: Known) -> list[Question]:
    """All of them."""
    weights = known.deployment.kpis.checks.severity
    table: tuple[tuple[str, str, Severity, Callable[[Known], Asked]], ...] = (
        ("published", "what was published is what the tape gives", "fail", published),
        ("kpi_ranges", "KPIs lie in their sanity range", "fail", kpi_ranges),
        ("last_tape", "KPIs are near those of the last tape", weights.last_tape, last_tape),
        ("baseline", "KPIs are near the baseline", weights.baseline, baseline),
        ("releases", "both releases give the same", "fail", releases),
    )
    return [Question(name, title, weight, partial(ask, known)) for name, title, weight, ask in table]


def published(known: Known) -> Asked:
    """Told by the check itself, issue by issue: here with its limit and numbers."""
    if known.published is None:
        raise NotRun("nothing that was published can be compared with this tape")
    wrong = {name: figure for name, figure in known.published.items() if not figure["agrees"]}
    rows = [
        Sample(f"published {_shown(figure['published'])}, the tape gives {_shown(figure['recomputed'])}", name=name)
        for name, figure in wrong.items()
    ]
    decimals = known.deployment.releases[known.release].decimals
    limit = f"half a unit of decimal {decimals}"
    told = f"{len(wrong)} of {len(known.published)} KPIs do not agree" if wrong else ""
    return Asked(
        f"{len(known.published)} agree",
        limit,
        len(wrong),
        len(known.published),
        (),
        tuple(rows),
        told,
        status="FAIL" if wrong else None,
    )


def kpi_ranges(known: Known) -> Asked:
    """Told by the check itself too."""
    definitions = known.deployment.kpis.kpis
    if known.now is None:
        raise NotRun("the tape cannot be read")
    outside = [name for name, value in known.values.items() if not in_range(definitions[name], value)]
    undefined = [name for name in definitions if name not in known.values]
    rows = [
        Sample(
            f"{known.values[name]:.{definitions[name].decimals}f} of "
            f"{definitions[name].range[0]:g} to {definitions[name].range[1]:g}",
            name=name,
        )
        for name in outside
    ]
    rows += [Sample(f"undefined: {known.now.kpis[name].reason}", name=name) for name in undefined]
    count = len(outside) + len(undefined)
    told = f"{count} of {len(definitions)} KPIs are undefined or out of range" if count else ""
    return Asked(
        f"{len(definitions)} in range", "the range of each KPI", count, len(definitions), (), tuple(rows), told
    )


def last_tape(known: Known) -> Asked:
    """Against the newest validation of another tape: the portfolio's movement, not the release's doing."""
    if known.foreign:
        raise NotRun("a trial on another tape is not set against the live ones")
    last = next(
        (one for one in reversed(known.earlier()) if one.kpis and one.tape_sha256 not in (None, known.tape_sha256)),
        None,
    )
    if last is None:
        raise NotRun("no earlier tape is on record")
    of = f"the last tape ({last.measurement_date or 'undated'})"
    return _moved(known, last.kpis, of, 12)


def baseline(known: Known) -> Asked:
    """Against the medians of the old release's last runs."""
    old, rules = known.deployment.console.releases.old, known.deployment.monitoring.baseline
    if known.runs_old:
        raise NotRun(f"{old} runs, which is the baseline itself")
    if known.foreign:
        raise NotRun("a trial on another tape is not set against the baseline")
    runs = known.baseline()
    if len(runs) < rules.least:
        raise NotRun(f"outputs of {len(runs)} runs of {old} are there, {rules.least} make a baseline")
    names = dict.fromkeys(name for run in runs for name in run)
    medians = {name: median([run[name] for run in runs if name in run]) for name in names}
    return _moved(known, medians, f"the median of {len(runs)} runs of {old}", known.deployment.releases[old].decimals)


def _moved(known: Known, before: Values, of: str, decimals: int) -> Asked:
    """Changes beyond the anomaly limit that rounding does not explain."""
    if known.now is None:
        raise NotRun("the tape cannot be read")
    limit = known.deployment.kpis.anomaly.change_percent
    absolute = known.deployment.monitoring.variance.absolute
    issues, rows, judged, largest = [], [], 0, 0.0
    for name, value in known.values.items():
        if name not in before:
            continue
        judged += 1
        change = variance(before[name], value, (decimals, 12), absolute)
        said = f"{name} {_shown(before[name])} became {_shown(value)}"
        percent = f"{change.percent:.3g} %" if math.isfinite(change.percent) else "up from 0"
        largest = max(largest, change.percent if change.counts else 0.0)
        if change.beyond(limit):
            issues.append(f"{said} since {of}: {percent}, more than {limit:g} %")
            rows.append(Sample(f"{_shown(before[name])} became {_shown(value)}, {percent}", name=name))
    if not judged:
        raise NotRun(f"no KPI is defined both now and in {of}")
    passed = f"at most {largest:.3g} % from {of}"
    return Asked(passed, f"within {limit:g} % of {of}", len(issues), judged, tuple(issues), tuple(rows))


def releases(known: Known) -> Asked:
    """V1 against V2 on this very tape, by the rule and the limits of the condition."""
    pair = known.deployment.console.releases
    condition = known.deployment.monitoring.conditions.get(CONDITION)
    if condition is None:
        raise NotRun(f"there is no condition {CONDITION} to judge by")
    if known.runs_old:
        raise NotRun(f"{pair.old} runs: {pair.new} has published nothing to compare with")
    if known.published is None:
        raise NotRun("nothing that was published can be compared with this tape")
    old = known.old()
    if old is None:
        raise NotRun(f"{pair.old} has not computed this tape")
    new = {name: figure["published"] for name, figure in known.published.items()}
    answers = tuple({"kpis": {name: {"value": value} for name, value in one.items()}} for one in (old, new))
    findings = Findings()
    judge_variance(known.deployment, (pair.old, pair.new), (answers[0], answers[1]), "this tape", findings)
    found = findings.check("")
    percents: dict[str, float] = findings.figures.get("percent", {})
    largest = max(percents.values(), default=0.0)
    limits = [
        f"{word} beyond {tier.enter:g} %"
        for word, tier in (("WARN", condition.warning), ("FAIL", condition.critical))
        if tier is not None
    ]
    return Asked(
        f"{pair.new} agrees with {pair.old} but for rounding, at most {largest:.2f} % apart",
        ", ".join((*limits, "and beyond rounding")),
        len(found.issues),
        len(percents),
        found.issues,
        tuple(
            Sample(f"{_shown(old.get(name))} in {pair.old}, {_shown(new.get(name))} in {pair.new}", name=name)
            for name in new
            if any(f" {name} is " in issue for issue in found.issues)
        ),
        status=found.status if found.issues else None,
    )


def _shown(value: object) -> str:
    if isinstance(value, int | float) and not isinstance(value, bool):
        return f"{value:.6g}"
    return "nothing" if value is None else harmless(value, 40)
