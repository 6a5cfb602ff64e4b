"""The KPIs over time: per run and per tape, against the baseline, against the old release, and what is conspicuous.

None of it is part of a release's verdict: an anomaly of the portfolio is shown, recorded and told to the KPI's owner.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from statistics import fmean, median, pstdev

import msgspec

from engine.config import Deployment
from engine.config.kpis import AnomalySection
from engine.monitoring.kpis import Published, compared
from engine.monitoring.model import Baseline, KpiReading
from engine.monitoring.store import SampleStore
from engine.validation.agreement import rounding

SERIES = "kpi:"
"""A KPI's values, one per run, are the metric ``kpi:<id>``."""
RUNS_SHOWN = 40
HISTORY = 60
"""Tapes whose values are remembered: an outlier is one among these."""
_CLOSE = 1e-9


class Anomaly(msgspec.Struct, frozen=True):
    """Why a KPI of one tape is conspicuous."""

    kpi: str
    at: datetime
    run_id: str
    tape: str
    value: float
    kinds: tuple[str, ...]
    """``change``, ``outlier``, or both."""
    text: str


class KpiMemory(msgspec.Struct, frozen=True):
    """What a monitor leaves to the next one."""

    tape: str = ""
    """The last tape that was looked at: each is judged once, whichever release computed it first."""
    before: dict[str, Published] = {}
    """By release: what it published on the tape before."""
    history: dict[str, tuple[float, ...]] = {}
    """By KPI: one value per tape, oldest first."""
    anomalies: dict[str, Anomaly] = {}
    """By KPI: what is conspicuous about the present tape."""


@dataclass(frozen=True, slots=True)
class Against:
    """What the KPIs of now are set against."""

    memory: KpiMemory
    runs: Mapping[str, Sequence[float]]
    baseline: Baseline | None
    old: Published | None
    """What the old release made of this very tape; None where it has not, or where it runs itself."""
    old_name: str
    why_not: str
    """Why there is nothing of the old release; empty where nothing is wanted."""
    absolute: float
    decimals: tuple[int, int]


class KpiWatch:
    """Follows what is published, run by run."""

    def __init__(self, deployment: Deployment, memory: KpiMemory, store: SampleStore | None) -> None:
        self._rules = deployment.kpis.anomaly
        self._absolute = deployment.monitoring.variance.absolute
        self._titles = {name: kpi.title for name, kpi in deployment.kpis.kpis.items()}
        self._decimals = {name: release.decimals for name, release in deployment.releases.items()}
        self.memory = memory
        self.new: list[Anomaly] = []
        """Found since they were last taken, each once."""
        self.runs: dict[str, deque[float]] = {}
        for name in self._titles:
            samples = store.newest_samples(SERIES + name, RUNS_SHOWN)[0] if store is not None else []
            self.runs[name] = deque((sample.value for sample in samples), maxlen=RUNS_SHOWN)

    def published(self, found: Published, before: Published | None) -> None:
        """A run published; ``before``: what was published last, by whichever release."""
        for name, value in found.values.items():
            if value is not None and name in self.runs:
                self.runs[name].append(value)
        tape = found.tape_sha256 or found.run_id
        if tape == self.memory.tape:
            return
        history = dict(self.memory.history)
        anomalies = {}
        digits = [self._decimals.get(one.release, 12) for one in (found, before or found)]
        noise = rounding((digits[0], digits[1]), self._absolute)
        for name, title in self._titles.items():
            value = found.values.get(name)
            if value is None:
                continue
            last = before.values.get(name) if before is not None else None
            said = dict(conspicuous(value, last, history.get(name, ()), found.trend.get(name, ()), noise, self._rules))
            if said:
                text = f"{title} {value:g}: {'; '.join(said.values())}"
                anomalies[name] = Anomaly(name, found.at, found.run_id, tape, value, tuple(said), text)
            history[name] = (*history.get(name, ()), value)[-HISTORY:]
        self.new += anomalies.values()
        self.memory = msgspec.structs.replace(self.memory, tape=tape, history=history, anomalies=anomalies)

    def tape_changed(self, release: str, before: Published) -> None:
        """The release published on another tape; ``before`` is its last word on the one before."""
        self.memory = msgspec.structs.replace(self.memory, before={**self.memory.before, release: before})

    def taken(self) -> list[Anomaly]:
        """What is new, once."""
        new, self.new = self.new, []
        return new


def conspicuous(
    value: float,
    last: float | None,
    history: Sequence[float],
    dates: Sequence[float],
    noise: float,
    rules: AnomalySection,
) -> Iterable[tuple[str, str]]:
    """Kinds of anomaly with their words. ``last``: the run before; ``history``: tapes before; ``dates``: the tape's own
    measurement dates up to now; ``noise``: a difference that is no more than rounding.
    """
    if last is not None and abs(value - last) > noise + _CLOSE:
        percent = abs(value - last) / abs(last) * 100 if last else float("inf")
        if percent > rules.change_percent:
            moved = f"{(value - last) / abs(last) * 100:+.0f} %" if last else "up from 0"
            yield "change", f"{moved} from the last run ({last:g}), more than {rules.change_percent:g} %"
    for kept, what in ((tuple(history), "tapes"), (tuple(dates)[:-1], "measurement dates")):
        sigmas = deviations(value, kept, noise, rules.outlier_least)
        if sigmas is not None and sigmas > rules.outlier_sigma:
            far = f"{sigmas:.1f}" if sigmas < 1000 else "far more than " + f"{rules.outlier_sigma:g}"
            yield "outlier", f"{far} standard deviations from the last {len(kept)} {what}"
            return


def deviations(value: float, kept: Sequence[float], noise: float, least: int) -> float | None:
    """How many standard deviations ``value`` lies from the mean of ``kept``; None where these are too few."""
    if len(kept) < least:
        return None
    apart, spread = abs(value - fmean(kept)), pstdev(kept)
    if apart <= noise + _CLOSE:
        return 0.0
    return apart / spread if spread > 0 else float("inf")


def medians(published: Iterable[Published]) -> dict[str, float]:
    """Median of each KPI over the runs that defined it."""
    found: dict[str, list[float]] = {}
    for one in published:
        for name, value in one.values.items():
            if value is not None:
                found.setdefault(name, []).append(value)
    return {name: median(values) for name, values in found.items()}


def set_against(readings: Sequence[KpiReading], release: str, against: Against) -> tuple[KpiReading, ...]:
    """The readings with everything that they are compared with."""
    before = against.memory.before.get(release)
    return tuple(_one(reading, before, against) for reading in readings)


def _one(reading: KpiReading, before: Published | None, against: Against) -> KpiReading:
    name = reading.id
    baseline = against.baseline
    old = against.old.values.get(name) if against.old is not None else None
    anomaly = against.memory.anomalies.get(name)
    agreement = compared(old, reading.value, against.decimals, against.absolute) if against.old is not None else None
    return msgspec.structs.replace(
        reading,
        last=before.values.get(name) if before is not None else None,
        baseline=baseline.kpis.get(name) if baseline is not None else None,
        baseline_of=f"{baseline.runs} runs of {baseline.release}" if baseline is not None else "",
        old_release=against.old_name if against.old is not None or against.why_not else "",
        old_value=old,
        apart=agreement.percent if agreement is not None else None,
        agreement=agreement.words if agreement is not None else against.why_not,
        agrees=agreement.rounding if agreement is not None else None,
        anomaly=anomaly.text if anomaly is not None else "",
        runs=tuple(against.runs.get(name, ())),
    )
