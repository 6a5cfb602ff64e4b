"""Series of a Prometheus server: whether each query answers now, and whether anything is judged by it."""

from __future__ import annotations

from collections.abc import Iterator

from engine.clock import Clock, SystemClock
from engine.config import Deployment
from engine.config.prometheus import PREFIX, PrometheusSection
from engine.doctor.finding import Finding
from engine.monitoring.prometheus_answer import NoValue, aged
from engine.monitoring.prometheus_asking import Asking
from engine.services.active import active_release


def examine_prometheus(deployment: Deployment) -> Iterator[Finding]:
    """One finding for each query; all are asked at the same time, and waited for no longer than the deadline."""
    section = deployment.monitoring.prometheus
    if section is None:
        return
    clock, live = SystemClock(), active_release(deployment)
    release = live.name or live.configured or deployment.old.release
    asked = {
        name: Asking(section, one.query.replace("{release}", release), clock) for name, one in section.queries.items()
    }
    judged = {condition.metric for condition in deployment.monitoring.conditions.values()}
    longest = float(section.every) * deployment.console.stale_after
    for name, asking in asked.items():
        asking.wait()
        yield _one(section, name, asking, clock, longest, judged=PREFIX + name in judged)


def _one(
    section: PrometheusSection, name: str, asking: Asking, clock: Clock, longest: float, *, judged: bool
) -> Finding:
    what = f"prometheus {name}"
    try:
        found = asking.answer()
        if found is None:
            raise NoValue(f"gives no answer within {float(section.deadline):g} s")
        aged(found[0], clock.now().wall.timestamp(), longest)
    except NoValue as error:
        fix = "what is judged by it stays missing, and makes UNKNOWN: mend the server, the query or the token"
        return Finding(what, "WARN", f"Prometheus {error}", fix)
    said = f"answers now: {found[0].value:g} {section.queries[name].unit}".rstrip()
    if not judged:
        fix = f"name it in a condition (metric: {PREFIX}{name}), or leave the query out"
        return Finding(what, "WARN", f"{said}; no condition is made of it, so that the monitor does not ask", fix)
    return Finding(what, "ok", said)
