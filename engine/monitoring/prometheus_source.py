"""Source: a Prometheus server. Each series is asked for by itself; a tick takes what is there and waits for nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta

from engine.clock import Clock, Instant
from engine.config import Deployment
from engine.config.prometheus import PREFIX
from engine.monitoring.prometheus_answer import NoValue, aged
from engine.monitoring.prometheus_asking import Asking
from engine.monitoring.reading import Missing, Nothing, Reading, Value

_NOTHING_NEW = Nothing()


@dataclass(frozen=True, slots=True)
class _Asked:
    """One series, as it was asked for last."""

    release: str
    """The release that it was asked for: an answer about another one is nobody's."""
    at: float
    """Boot time."""
    asking: Asking | None = None
    """What is under way, or hangs; None: it has ended."""
    reading: Reading = _NOTHING_NEW
    """What stands until the next answer: Nothing, or why there is no value."""
    moment: float = -1e18
    """The server's time of the newest value."""


class PrometheusSource:
    """The series that a condition names; others are not asked for."""

    def __init__(self, deployment: Deployment, clock: Clock) -> None:
        self._clock = clock
        self._section = deployment.monitoring.prometheus
        self._slack = float(deployment.console.cadence.sample) / 2
        """Ticks do not come on the dot: without it every second one would find that it is not time yet."""
        self._longest = float(self._section.every if self._section else 0.0) * deployment.console.stale_after
        metrics = {condition.metric for condition in deployment.monitoring.conditions.values()}
        queries = self._section.queries if self._section else {}
        self._queries = {PREFIX + name: one.query for name, one in queries.items() if PREFIX + name in metrics}
        self._asked: dict[str, _Asked] = {}

    def look(self, release: str, now: Instant) -> Mapping[str, Reading]:
        """What has come since the last tick; what is due is asked for."""
        return {metric: self._one(metric, query, release, now) for metric, query in self._queries.items()}

    def close(self) -> None:
        """Give up what is under way."""
        for asked in self._asked.values():
            if asked.asking is not None:
                asked.asking.give_up()

    def _one(self, metric: str, query: str, release: str, now: Instant) -> Reading:
        asked = self._asked.get(metric)
        if asked is None or asked.release != release:
            if asked is not None and asked.asking is not None:
                asked.asking.give_up()
            asked = _Asked(release, -1e18)
        reading = asked.reading
        if asked.asking is not None:
            asked, reading = self._taken(asked, asked.asking)
        due = self._section is not None and now.boot - asked.at >= self._section.every - self._slack
        if self._section is not None and due and asked.asking is None:
            asking = Asking(self._section, query.replace("{release}", release), self._clock)
            asked = replace(asked, at=now.boot, asking=asking)
        self._asked[metric] = asked
        return reading

    def _taken(self, asked: _Asked, asking: Asking) -> tuple[_Asked, Reading]:
        """With its answer, if it is there; one whose time is over is remembered as long as its thread hangs."""
        try:
            found = asking.answer()
            if found is None:
                return asked, asked.reading
            answered, here = found
            age = aged(answered, here.wall.timestamp(), self._longest)
            if answered.at <= asked.moment:
                raise NoValue(f"answers for one and the same moment again, {age:.0f} s ago: is a cache between?")
        except NoValue as error:
            missing = Missing(f"Prometheus {error}")
            return replace(asked, asking=asking if asking.hangs else None, reading=missing), missing
        value = Value(answered.value, here.wall - timedelta(seconds=age), here.boot - age, asked.release)
        return replace(asked, asking=None, reading=Nothing(), moment=answered.at), (value,)
