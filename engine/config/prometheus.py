"""The section ``prometheus`` of ``config/monitoring.yml``: series that a Prometheus server measures."""

from __future__ import annotations

import ipaddress
import re
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any
from urllib.parse import SplitResult, urlsplit

import msgspec

from engine.config.literal_secrets import secret_in_url
from engine.config.located import KeyPath, Located
from engine.config.quantities import Duration

if TYPE_CHECKING:
    from engine.config.monitoring import Condition, MonitoringConfig

PREFIX = "prometheus:"
"""A condition's ``metric`` that begins so names a query: ``prometheus:queue_depth``."""
MOST_QUERIES = 50
LONGEST_QUERY = 4000
_NAME = re.compile(r"[a-z][a-z0-9_]{0,39}")


def _lasts(seconds: float) -> Any:
    return msgspec.field(default_factory=lambda: Duration(seconds))


class QuerySection(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One series."""

    query: str
    """PromQL that gives one value; ``{release}`` is the release that is judged."""
    unit: str
    """What the value is in; a condition that is made of it says the same."""


class PrometheusSection(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A server and what it is asked; null: no server is asked."""

    url: str
    """Where the server answers, with any path before ``/api/v1``."""
    queries: dict[str, QuerySection]
    every: Duration = _lasts(15)
    """How often each is asked; a value is stale after ``stale_after`` (console.yml) of these."""
    deadline: Duration = _lasts(5)
    """The whole of one answer; what takes longer is no answer."""
    token_file: str = ""
    """Absolute path of a file with a bearer token and nothing else, that only its owner may read."""

    def series(self, metric: str) -> QuerySection | None:
        """The query that a condition's metric names; None where it names none."""
        return self.queries.get(metric.removeprefix(PREFIX)) if metric.startswith(PREFIX) else None


def seconds_between(config: MonitoringConfig, condition: Condition, sample: float) -> float:
    """Between two values of a condition that is judged per sample. ``sample``: the monitor's own cadence."""
    section = config.prometheus
    if section is None or section.series(condition.metric) is None:
        return sample
    return max(float(section.every), sample)


def check_prometheus(located: Located, config: MonitoringConfig) -> None:
    """Report what cannot work, and what would send a token in the clear."""
    section = config.prometheus
    if section is not None:
        _check_section(located, section)
    for name, condition in config.conditions.items():
        if condition.metric.startswith(PREFIX):
            _check_condition(located, ("conditions", name), condition, section)


def _check_section(located: Located, section: PrometheusSection) -> None:
    where: KeyPath = ("prometheus",)
    _check_address(located, section)
    for key in ("every", "deadline"):
        if not getattr(section, key):
            located.report((*where, key), "is 0", "give a time above 0")
    if section.deadline > section.every:
        located.report((*where, "deadline"), "is longer than every", "an answer is there before the next one is asked")
    if section.token_file and not PurePosixPath(section.token_file).is_absolute():
        located.report((*where, "token_file"), "is no absolute path", "such as /etc/abaco-ops/prometheus.token")
    if len(section.queries) > MOST_QUERIES:
        located.report((*where, "queries"), f"are more than {MOST_QUERIES}", "each is asked by itself: leave some out")
    for name, query in section.queries.items():
        if _NAME.fullmatch(name) is None:
            right = "a small letter, then small letters, digits and _"
            located.report((*where, "queries", name), f"is {name[:60]!r}, no name of a series", right)
        if not query.query.strip():
            located.report((*where, "queries", name, "query"), "is empty", 'such as sum(queue_depth{job="abaco"})')
        elif len(query.query) > LONGEST_QUERY:
            right = "make it a recording rule of the server, and ask for that"
            located.report((*where, "queries", name, "query"), f"is longer than {LONGEST_QUERY} characters", right)


def _check_address(located: Located, section: PrometheusSection) -> None:
    where: KeyPath = ("prometheus", "url")
    right = "such as http://127.0.0.1:9090 or https://prometheus.example.com"
    try:
        parts = urlsplit(section.url)
        secret, _ = secret_in_url(section.url), parts.port
    except ValueError:
        located.report(where, "is no URL", right)
        return
    if parts.scheme not in ("http", "https") or not parts.hostname:
        located.report(where, "is no web address", right)
    elif parts.username or parts.query or parts.fragment or secret:
        located.report(where, "holds more than an address and a path", "a secret goes into the file of token_file")
    elif section.token_file and parts.scheme == "http" and not _is_this_machine(parts):
        right = "https:// for a server on another machine, or no token"
        located.report(where, "would carry the token over the network in the clear", right)


def _is_this_machine(parts: SplitResult) -> bool:
    if parts.hostname == "localhost":
        return True
    try:
        return ipaddress.ip_address(parts.hostname or "").is_loopback
    except ValueError:
        return False


def _check_condition(located: Located, where: KeyPath, condition: Condition, section: PrometheusSection | None) -> None:
    query = section.series(condition.metric) if section is not None else None
    if query is None:
        known = ", ".join(PREFIX + name for name in section.queries) if section is not None else "none is configured"
        said = f"is {condition.metric[:60]!r}, and there is no such query"
        located.report((*where, "metric"), said, f"prometheus.queries has: {known}")
        return
    if condition.per != "sample":
        located.report((*where, "per"), f"is {condition.per}", "per: sample, for it is asked at a cadence of its own")
    if condition.of_baseline:
        located.report((*where, "of_baseline"), "is true", "leave it out: no baseline of such a series is recorded")
    if condition.unit != query.unit:
        said = f"is {condition.unit[:40]!r}, while the query gives {query.unit[:40]!r}"
        located.report((*where, "unit"), said, "the limits are in the unit of the value: say the same in both")
