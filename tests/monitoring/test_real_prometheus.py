"""A real Prometheus scrapes what one monitor exposes, and is asked for it as a source of conditions."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import msgspec
import pytest
from prometheus_at_work import CONDITION, asking
from test_monitoring_metrics import a_free_port
from watching import Watching

from engine.clock import SystemClock
from engine.config import Deployment
from engine.config.metrics import MetricsSection
from engine.doctor.prometheus import examine_prometheus
from engine.monitoring.prometheus_source import PrometheusSource
from engine.monitoring.reading import Missing, Reading

PROMETHEUS = shutil.which("prometheus")
QUERIES = """queue_depth: {query: 'abaco_ops_kpi{kpi="PAR30"}', unit: messages}
    several: {query: 'abaco_ops_condition_known', unit: ''}
    nothing: {query: 'no_such_series', unit: ''}
    not_a_number: {query: 'vector(0) / 0', unit: ''}
    table: {query: 'up[1m]', unit: ''}
    no_query: {query: 'sum(', unit: ''}"""


@dataclass
class Scraping:
    """A Prometheus of the test's own, the monitor that it scrapes, and the deployment that asks it."""

    exposing: Watching
    deployment: Deployment
    process: subprocess.Popen[bytes]


@contextmanager
def running(directory: Path, port: int, scraped: int) -> Iterator[subprocess.Popen[bytes]]:
    assert PROMETHEUS is not None
    config = directory / "prometheus.yml"
    config.write_text(
        "global: {scrape_interval: 200ms, scrape_timeout: 200ms}\nscrape_configs:\n  - job_name: abaco\n"
        f"    static_configs: [{{targets: ['127.0.0.1:{scraped}']}}]\n"
    )
    command = [PROMETHEUS, f"--config.file={config}", f"--storage.tsdb.path={directory / 'data'}"]
    with (directory / "output").open("wb") as output:
        process = subprocess.Popen(
            [*command, f"--web.listen-address=127.0.0.1:{port}"], cwd=directory, stdout=output, stderr=output
        )
    try:
        yield process
    finally:
        process.kill()
        process.wait()


@pytest.fixture
def scraping(deployment: Deployment, clock: Any, tmp_path: Path) -> Iterator[Scraping]:
    if PROMETHEUS is None:
        assert not os.environ.get("ABACO_OPS_EVERY_TOOL"), "Prometheus is not installed (apt package prometheus)"
        pytest.skip("Prometheus is not installed (apt package prometheus)")
    port, scraped = a_free_port(), a_free_port()
    section = MetricsSection(listen=f"127.0.0.1:{scraped}")
    monitoring = msgspec.structs.replace(deployment.monitoring, metrics=section)
    exposing = Watching(replace(deployment, monitoring=monitoring), clock)
    try:
        exposing.tick(5)
        queries = CONDITION.replace("prometheus:queue_depth", "prometheus:nothing").replace("QUEUE", "NOTHING")
        both = CONDITION + queries.replace("unit: messages", "unit: ''")
        asks = asking(deployment, f"http://127.0.0.1:{port}", queries=QUERIES, condition=both, more="deadline: 5s")
        with running(tmp_path, port, scraped) as process:
            yield Scraping(exposing, asks, process)
    finally:
        exposing.monitor.stop()


def until(source: PrometheusSource, metric: str, met: Callable[[Reading], bool]) -> Reading:
    """The first reading that is as it should be; asked for as a monitor does."""
    end = time.monotonic() + 60
    while not met(reading := source.look("v1", SystemClock().now())[metric]):
        assert time.monotonic() < end, reading
        time.sleep(0.05)
    return reading


def said(text: str) -> Callable[[Reading], bool]:
    return lambda reading: isinstance(reading, Missing) and text in reading.reason


def test_what_prometheus_scraped_is_the_value_and_what_it_does_not_have_is_missing(scraping: Scraping) -> None:
    quick = msgspec.structs.replace(scraping.deployment.monitoring.prometheus, every=0.1)
    monitoring = msgspec.structs.replace(scraping.deployment.monitoring, prometheus=quick)
    console = msgspec.structs.replace(scraping.deployment.console, stale_after=100.0)
    source = PrometheusSource(replace(scraping.deployment, monitoring=monitoring, console=console), SystemClock())
    queue = "prometheus:queue_depth"
    found = until(source, queue, lambda reading: isinstance(reading, tuple))
    assert isinstance(found, tuple) and found[0].value == 2.2
    assert until(source, "prometheus:nothing", said("gives no sample"))

    words = {one.name.removeprefix("prometheus "): one.what for one in examine_prometheus(scraping.deployment)}
    assert words["queue_depth"] == "answers now: 2.2 messages"
    assert "samples where one is meant" in words["several"]
    assert "gives no sample" in words["nothing"]
    assert "gives NaN, which is no number" in words["not_a_number"]
    assert "gives a matrix, no single value" in words["table"]
    assert "HTTP 400 Bad Request: invalid parameter" in words["no_query"]

    scraping.exposing.monitor.stop()  # what is scraped is gone: the server marks the series as ended
    assert until(source, queue, said("gives no sample"))
    scraping.process.kill()
    assert until(source, queue, said("cannot be reached"))
    source.close()
