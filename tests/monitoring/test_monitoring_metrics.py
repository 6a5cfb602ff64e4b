"""What the monitor exposes for Prometheus: read by Prometheus's own parser, from a file and over HTTP."""

from __future__ import annotations

import http.client
import math
import socket
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import pytest
from prometheus_client import parser
from prometheus_client.openmetrics.parser import text_string_to_metric_families as as_open_metrics
from watching import Watching

from engine.config import ConfigError, Deployment, load_deployment
from engine.config.metrics import MetricsSection
from engine.monitoring.exposition import exposition


def read(text: str) -> dict[tuple[str, ...], float]:
    """Each series by its name without the prefix and its label values."""
    return {
        (sample.name.removeprefix("abaco_ops_"), *sample.labels.values()): sample.value
        for family in parser.text_string_to_metric_families(text)
        for sample in family.samples
    }


@pytest.fixture
def exposing(deployment: Deployment, clock: Any) -> Iterator[Callable[[MetricsSection], Watching]]:
    """A monitor that exposes what it finds."""
    made: list[Watching] = []

    def make(section: MetricsSection) -> Watching:
        monitoring = msgspec.structs.replace(deployment.monitoring, metrics=section)
        made.append(Watching(replace(deployment, monitoring=monitoring), clock))
        return made[-1]

    yield make
    for watching in made:
        watching.monitor.stop()


def a_free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def until(met: Callable[[], object], seconds: float = 20.0) -> None:
    end = time.monotonic() + seconds
    while not met():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.01)


def get(port: int, path: str = "/metrics", **headers: str) -> tuple[int, str, str]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request("GET", path, headers=headers)
        answer = connection.getresponse()
        return answer.status, answer.headers.get("Content-Type", ""), answer.read().decode()
    finally:
        connection.close()


def test_verdict_values_tiers_and_kpis_are_there(watching: Watching) -> None:
    found = read(exposition(watching.deployment, watching.tick(20)))
    assert found["verdict", "CONTINUE"] == 1
    assert sum(value for key, value in found.items() if key[0] == "verdict") == 1
    assert found["condition_value", "LAT", "ms"] == 0.65
    assert found["condition_firing", "LAT", "rollback"] == 0
    assert found["kpi", "PAR30", "%"] == 2.2
    assert found["release_live", "v1"] == 1 and found["release_live", "v2"] == 0
    assert found["evaluated_timestamp_seconds",] == pytest.approx(watching.clock.now().wall.timestamp())


def test_a_tier_that_fires_is_1(fast: Watching) -> None:
    fast.tick(20)
    found = read(exposition(fast.deployment, fast.tick(60, latency_ms=900.0)))
    tiers = {key[2]: value for key, value in found.items() if key[:2] == ("condition_firing", "LAT")}
    assert tiers == {"warning": 0, "critical": 0, "rollback": 1}


def test_a_value_that_is_not_known_is_left_out_and_said_to_be_unknown(watching: Watching) -> None:
    watching.tick(20)
    watching.stage.release = watching.stage.configured = "v1"
    watching.stage.state = "STOPPED"
    found = read(exposition(watching.deployment, watching.tick(120, runs_every=0)))
    assert ("condition_value", "LAT", "ms") not in found
    assert found["condition_known", "LAT"] == 0
    assert not any(math.isnan(value) for value in found.values())


def test_whatever_stands_in_a_name_stays_one_label(watching: Watching) -> None:
    evaluation = watching.tick(20)
    odd = msgspec.structs.replace(evaluation.kpis[0], id='a"} 1\nevil{x="\\')
    found = read(exposition(watching.deployment, msgspec.structs.replace(evaluation, kpis=(odd,))))
    assert [key for key in found if key[0] == "kpi"] == [("kpi", 'a"} 1\nevil{x="\\', "%")]


def test_the_file_can_be_read_by_the_account_of_the_node_exporter(
    exposing: Callable[[MetricsSection], Watching], tmp_path: Path
) -> None:
    path = tmp_path / "abaco.prom"
    watching = exposing(MetricsSection(text_file=str(path)))
    watching.tick(5)
    until(path.exists)
    assert path.stat().st_mode & 0o777 == 0o644
    assert read(path.read_text())["verdict", "UNKNOWN"] in (0, 1)


def test_a_file_that_cannot_be_written_is_a_problem_and_stops_nothing(
    exposing: Callable[[MetricsSection], Watching], tmp_path: Path
) -> None:
    watching = exposing(MetricsSection(text_file=str(tmp_path / "missing" / "abaco.prom")))
    until(lambda: any("abaco.prom: No such file or directory" in text for text in watching.tick().problems))


def test_the_endpoint_answers_both_formats(exposing: Callable[[MetricsSection], Watching]) -> None:
    port = a_free_port()
    watching = exposing(MetricsSection(listen=f"127.0.0.1:{port}"))
    watching.tick(5)
    status, kind, text = get(port)
    assert (status, kind.partition(";")[0]) == (200, "text/plain")
    assert read(text)["release_live", "v1"] == 1
    _, kind, text = get(port, Accept="application/openmetrics-text; version=1.0.0")
    assert kind.startswith("application/openmetrics-text")
    assert list(as_open_metrics(text))
    assert get(port, "/")[0] == 404


def test_an_address_that_is_taken_is_a_problem_until_it_is_free(exposing: Callable[[MetricsSection], Watching]) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        watching = exposing(MetricsSection(listen=f"127.0.0.1:{port}"))
        watching.tick(2)
        assert any(f"127.0.0.1:{port}: Address already in use" in text for text in watching.tick().problems)
    watching.tick()
    assert get(port)[0] == 200


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("metrics: {listen: '0.0.0.0:9464'}", "is no loopback address with a port"),
        ("metrics: {listen: '9464'}", "is no loopback address with a port"),
        ("metrics: {text_file: abaco.prom}", "is no absolute path that ends in .prom"),
        ("metrics: {text_file: /tmp/abaco.txt}", "is no absolute path that ends in .prom"),
    ],
)
def test_what_cannot_work_is_refused(deployment: Deployment, line: str, said: str) -> None:
    path = deployment.paths.config / "monitoring.yml"
    path.write_text(path.read_text() + f"\n{line}\n")
    with pytest.raises(ConfigError, match=said):
        load_deployment(deployment.root)
