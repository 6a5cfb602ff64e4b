"""Prometheus as a source: what is no value is missing, each time for its own reason, and nothing waits for a server."""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest
from prometheus_at_work import CONDITION, MadeUp, answer, answered, asking, made_up, send, vector
from watching import Watching, condition, row

from engine.clock import SystemClock
from engine.config import ConfigError, Deployment, load_deployment
from engine.config.prometheus import PrometheusSection, QuerySection
from engine.config.quantities import Duration
from engine.doctor.prometheus import examine_prometheus
from engine.monitoring.prometheus_answer import LARGEST, Answered, NoValue, aged, read_answer
from engine.monitoring.prometheus_asking import Asking
from engine.monitoring.prometheus_source import PrometheusSource
from engine.monitoring.reading import Missing
from engine.monitoring.trace_sources import traced

NOW = 1_769_824_800.0
JSON = "application/json"


@pytest.fixture
def server() -> Iterator[MadeUp]:
    with made_up() as found:
        yield found


@pytest.fixture
def queue(deployment: Deployment, clock: Any, server: MadeUp) -> Iterator[Watching]:
    """A monitor whose condition QUEUE is asked of the server, in real service on V1, 12 messages waiting."""
    server.gives("12", at=lambda: clock.now().wall.timestamp())
    found = Watching(asking(deployment, server.url), clock)
    yield found
    found.monitor.stop()


def ticks(watching: Watching, count: int) -> Any:
    """Ticks a second apart, each with every answer there that was asked for in the one before."""
    evaluation = None
    for _ in range(count):
        evaluation = watching.tick()
        answered()
    return evaluation


def section(url: str, *, seconds: float = 5.0, token_file: str = "") -> PrometheusSection:
    queries = {"queue_depth": QuerySection("queue_depth", "messages")}
    return PrometheusSection(url, queries, every=Duration(15), deadline=Duration(seconds), token_file=token_file)


def why(asked: Asking) -> str:
    asked.wait()
    with pytest.raises(NoValue) as said:
        asked.answer()
    return str(said.value)


# ---- what an answer says


def test_one_sample_is_a_value_of_its_moment() -> None:
    assert read_answer(200, JSON, vector("12.5", at=NOW)) == Answered(12.5, NOW)
    assert read_answer(200, JSON, answer({"resultType": "scalar", "result": [NOW, "-3e2"]})) == Answered(-300.0, NOW)


@pytest.mark.parametrize(
    ("status", "kind", "body", "said"),
    [
        (200, JSON, vector(at=NOW), "gives no sample: nothing fits the query now"),
        (200, JSON, vector("1", "2", "3", at=NOW), "gives 3 samples where one is meant"),
        (200, JSON, vector("NaN", at=NOW), "gives NaN, which is no number"),
        (200, JSON, vector("+Inf", at=NOW), "gives +Inf, which is no number"),
        (200, JSON, vector("1_000", at=NOW), "gives '1_000', which is no number"),
        (200, JSON, vector("1e999", at=NOW), "gives '1e999', which is no number"),
        (200, JSON, answer({"resultType": "matrix", "result": []}), "gives a matrix, no single value"),
        (200, JSON, answer({"resultType": "string", "result": [NOW, "a"]}), "gives a string, no single value"),
        (200, JSON, answer({"resultType": "vector", "result": [{"metric": {}}]}), "in a form that is not Prometheus's"),
        (200, JSON, answer({"resultType": "scalar", "result": [NOW, 5]}), "in a form that is not Prometheus's"),
        (200, JSON, answer({"resultType": "scalar", "result": [True, "5"]}), "in a form that is not Prometheus's"),
        (200, JSON, answer({"resultType": "scalar", "result": [10**400, "5"]}), "in a form that is not Prometheus's"),
        (200, JSON, answer({"resultType": "vector", "result": 7}), "in a form that is not Prometheus's"),
        (200, JSON, b'{"status": "success"', "in a form that is not Prometheus's"),
        (200, JSON, b"[" * 100_000, "in a form that is not Prometheus's"),
        (200, JSON, b'{"status":"success","data":{"resultType":"\xff"}}', "in a form that is not Prometheus's"),
        (200, JSON, b'{"status":"error","error":"too many"}', "refuses the query: too many"),
        (200, JSON, answer(None), "refuses the query: it does not say why"),
        (200, "text/html", b"<html>sign in</html>", "answers with text/html, no JSON"),
        (200, "", vector("1", at=NOW), "answers with no content type, no JSON"),
        (200, JSON, vector("1", at=NOW) + b" " * LARGEST, "answers with more than 256 kB"),
        (302, JSON, vector("1", at=NOW), "redirects elsewhere (HTTP 302)"),
        (503, "text/html", b"busy", "answers HTTP 503 Service Unavailable"),
        (400, JSON, b'{"status":"error","error":"parse \\u001b[31m"}', "HTTP 400 Bad Request: parse \\x1b[31m"),
        (401, JSON, b"", "answers HTTP 401 Unauthorized: it wants a token"),
        (204, JSON, vector("1", at=NOW), "answers HTTP 204 No Content"),
    ],
)
def test_what_is_no_value_says_what_it_is_instead(status: int, kind: str, body: bytes, said: str) -> None:
    with pytest.raises(NoValue) as error:
        read_answer(status, kind, body)
    assert said in str(error.value)


def test_a_part_of_the_truth_is_no_value() -> None:
    """Thanos and remote reads answer with what they have, and warn: a sum over it would look healthier than it is."""
    partial = answer({"resultType": "scalar", "result": [NOW, "5"]}, warnings=["store 2 did not answer"])
    with pytest.raises(NoValue, match="a part of the truth only: store 2 did not answer"):
        read_answer(200, JSON, partial)


def test_an_answer_for_another_time_is_no_value() -> None:
    assert aged(Answered(1.0, NOW - 10), NOW, 17.5) == 10
    assert aged(Answered(1.0, NOW + 10), NOW, 17.5) == 0
    with pytest.raises(NoValue, match="for a moment 12m ago"):
        aged(Answered(1.0, NOW - 720), NOW, 17.5)
    with pytest.raises(NoValue, match="for a moment 12m ahead"):
        aged(Answered(1.0, NOW + 720), NOW, 17.5)


# ---- how a server is asked


def test_the_query_and_the_token_arrive_as_they_are(server: MadeUp, tmp_path: Path) -> None:
    server.gives("7", at=NOW)
    token = tmp_path / "token"
    token.write_text("s3cret\n")
    token.chmod(0o600)
    asked = Asking(section(f"{server.url}/", token_file=str(token)), 'up{job="a b"} + 1', SystemClock())
    asked.wait()
    found = asked.answer()
    assert found is not None and found[0] == Answered(7.0, NOW)
    assert (server.asked, server.tokens) == (['up{job="a b"} + 1'], ["Bearer s3cret"])


@pytest.mark.parametrize(
    ("mode", "content", "said"),
    [
        (0o644, "s3cret", "others than its owner may read the token file (chmod 600)"),
        (0o640, "s3cret", "others than its owner may read the token file (chmod 600)"),
        (0o600, "", "does not hold one token and nothing else"),
        (0o600, "s3cret\r\nX-Evil: 1", "does not hold one token and nothing else"),
        (0o600, "s\u00e9cret", "does not hold one token and nothing else"),
        (0o600, None, "cannot be read (No such file or directory)"),
    ],
)
def test_without_a_safe_token_nothing_is_asked(
    server: MadeUp, tmp_path: Path, mode: int, content: str | None, said: str
) -> None:
    token = tmp_path / "token"
    if content is not None:
        token.write_text(content)
        token.chmod(mode)
    assert said in why(Asking(section(server.url, token_file=str(token)), "up", SystemClock()))
    assert server.asked == []


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root to give a file to another account")
def test_a_token_file_of_another_account_is_not_used(server: MadeUp, tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.write_text("s3cret")
    token.chmod(0o600)
    os.chown(token, 4321, 4321)
    assert "belongs to another account" in why(Asking(section(server.url, token_file=str(token)), "up", SystemClock()))


def test_a_token_file_that_is_a_link_is_not_followed(server: MadeUp, tmp_path: Path) -> None:
    (tmp_path / "token").symlink_to("/etc/hostname")
    assert "cannot be read" in why(Asking(section(server.url, token_file=str(tmp_path / "token")), "up", SystemClock()))


def test_a_server_that_repeats_the_token_does_not_get_it_shown(server: MadeUp, tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.write_text("s3cret")
    token.chmod(0o600)
    server.says(b'{"status":"error","error":"bad token s3cret"}', status=400)
    assert why(Asking(section(server.url, token_file=str(token)), "up", SystemClock())).endswith("bad token ***")


def test_a_redirect_is_not_followed(server: MadeUp) -> None:
    with made_up() as elsewhere:
        elsewhere.gives("1", at=NOW)
        server.says(b"", status=307, Location=elsewhere.url)
        assert "redirects elsewhere (HTTP 307)" in why(Asking(section(server.url), "up", SystemClock()))
        assert elsewhere.asked == []


def test_no_more_of_a_huge_answer_is_read_than_is_needed_to_refuse_it(server: MadeUp) -> None:
    sent = 0

    def endless(handler: BaseHTTPRequestHandler) -> None:
        nonlocal sent
        begin(handler)
        while not server.let_go.is_set():
            handler.wfile.write(b" " * 65536)
            sent += 65536

    server.reply = endless
    assert "more than 256 kB" in why(Asking(section(server.url), "up", SystemClock()))
    assert sent < 64 * LARGEST  # what the sockets hold


def test_an_answer_that_breaks_off_is_none(server: MadeUp) -> None:
    body = vector("1", at=NOW)
    server.says(body, Content_Length=str(len(body) + 10))
    assert "breaks off" in why(Asking(section(server.url), "up", SystemClock()))


def test_nobody_there_is_said() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
        asked = Asking(section(f"http://127.0.0.1:{port}"), "up", SystemClock())
        assert why(asked) == "cannot be reached: Connection refused"


def test_what_speaks_no_http_is_said() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def speak() -> None:
            connection, _ = listening.accept()
            with connection:
                connection.sendall(b"SSH-2.0-OpenSSH_9.2\r\n")

        threading.Thread(target=speak, daemon=True).start()
        asked = Asking(section(f"http://127.0.0.1:{listening.getsockname()[1]}"), "up", SystemClock())
        assert "no usable answer over HTTP" in why(asked)


def drip(handler: BaseHTTPRequestHandler, over: threading.Event) -> None:
    """A byte now and then: no single wait is long."""
    while not over.wait(0.02):
        handler.wfile.write(b" ")


def begin(handler: BaseHTTPRequestHandler) -> BaseHTTPRequestHandler:
    handler.send_response(200)
    handler.send_header("Content-Type", JSON)
    handler.end_headers()
    return handler


@pytest.mark.parametrize("way", ["hangs", "drips in its header", "drips in its answer"])
def test_a_server_that_hangs_or_drips_is_left_at_the_deadline_and_its_thread_ends(server: MadeUp, way: str) -> None:
    if way == "hangs":
        server.hangs()
    elif way == "drips in its answer":
        server.reply = lambda handler: drip(begin(handler), server.let_go)
    else:
        server.reply = lambda handler: drip(handler, server.let_go)
    asked = Asking(section(server.url, seconds=0.3), "up", SystemClock())
    assert why(asked) == "gives no answer within 0.3 s"
    answered()
    assert why(asked) == "gives no answer within 0.3 s"


def test_as_long_as_one_question_hangs_there_is_no_second(
    deployment: Deployment, clock: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A name that is never found is the one place where a question cannot be given up."""
    found, looked_up = threading.Event(), []

    def never(*name: object, **_: object) -> list[Any]:
        looked_up.append(name)
        found.wait(20)
        return []

    monkeypatch.setattr(socket, "getaddrinfo", never)
    source = PrometheusSource(asking(deployment, "http://nowhere", more="deadline: 50ms"), clock)
    while not isinstance(source.look("v1", clock.now())["prometheus:queue_depth"], Missing):
        pass
    for _ in range(20):
        clock.advance(5)
        reading = source.look("v1", clock.now())["prometheus:queue_depth"]
        assert isinstance(reading, Missing) and reading.reason == "Prometheus gives no answer within 0.05 s"
    assert len(looked_up) == 1
    found.set()
    answered()
    source.look("v1", clock.now())
    answered()
    assert len(looked_up) == 2


# ---- what the monitor makes of it


def test_a_series_is_judged_like_any_other(queue: Watching) -> None:
    evaluation = ticks(queue, 20)
    found = condition(evaluation, "QUEUE")
    assert (found.value, found.level, found.text) == (12.0, "ok", "12 messages")
    assert evaluation.verdict.word == "CONTINUE"


def test_the_query_names_the_release_that_is_judged(queue: Watching, server: MadeUp) -> None:
    ticks(queue, 3)
    assert set(server.asked) == {'sum(queue_depth{release="v1"})'}
    queue.cut_over()
    ticks(queue, 3)
    assert server.asked[-1] == 'sum(queue_depth{release="v2"})'


def test_it_is_asked_at_its_own_cadence(queue: Watching, server: MadeUp) -> None:
    ticks(queue, 21)
    assert len(server.asked) == 5  # at once, then every 5 s


def test_a_limit_is_held_at_the_cadence_of_the_series(queue: Watching, server: MadeUp, clock: Any) -> None:
    """Gaps of 5 s between values are none where a value comes every 5 s."""
    ticks(queue, 20)
    server.gives("101", at=lambda: clock.now().wall.timestamp())
    assert condition(ticks(queue, 10), "QUEUE").pending == "warning"
    assert condition(ticks(queue, 15), "QUEUE").firing == "warning"


def test_an_answer_that_does_not_come_is_missing_and_holds_up_no_tick(queue: Watching, server: MadeUp) -> None:
    server.hangs()
    evaluation = queue.tick(30)  # each returns while the server still hangs
    found = condition(evaluation, "QUEUE")
    assert (found.level, found.value) == ("missing", None)
    assert evaluation.verdict.word == "UNKNOWN"


def test_its_reason_stands_in_the_verdict(queue: Watching, server: MadeUp) -> None:
    server.says(vector(at=NOW))
    evaluation = ticks(queue, 20)
    assert evaluation.verdict.word == "UNKNOWN"
    assert "QUEUE missing: Prometheus gives no sample: nothing fits the query now" in evaluation.verdict.why
    assert row(evaluation, "UNKNOWN").action == "restore monitoring"  # the release is not to blame


def test_a_value_is_stale_after_its_time_and_fresh_again_with_the_next_one(
    queue: Watching, server: MadeUp, clock: Any
) -> None:
    ticks(queue, 20)
    server.says(b"busy", status=503)
    assert condition(ticks(queue, 10), "QUEUE").level == "ok"  # 3.5 of 5 s
    evaluation = ticks(queue, 15)
    assert condition(evaluation, "QUEUE").stale
    assert "Prometheus answers HTTP 503 Service Unavailable" in evaluation.verdict.why
    server.gives("12", at=lambda: clock.now().wall.timestamp())
    assert ticks(queue, 10).verdict.word == "CONTINUE"


def test_what_fires_goes_on_firing_when_the_server_is_gone(queue: Watching, server: MadeUp, clock: Any) -> None:
    server.gives("600", at=lambda: clock.now().wall.timestamp())
    assert condition(ticks(queue, 20), "QUEUE").firing == "critical"
    server.says(b"", status=500)
    assert condition(ticks(queue, 60), "QUEUE").firing == "critical"


@pytest.mark.parametrize(("off", "said"), [(-3600, "a moment 1h00 ago"), (3600, "a moment 1h00 ahead")])
def test_a_server_that_answers_for_another_time_is_not_believed(
    queue: Watching, server: MadeUp, clock: Any, off: float, said: str
) -> None:
    server.gives("12", at=lambda: clock.now().wall.timestamp() + off)
    evaluation = ticks(queue, 20)
    assert condition(evaluation, "QUEUE").value is None
    assert evaluation.verdict.word == "UNKNOWN" and said in evaluation.verdict.why


def test_one_and_the_same_moment_told_again_and_again_is_one_value_that_grows_old(
    queue: Watching, server: MadeUp, clock: Any
) -> None:
    server.gives("600", at=clock.now().wall.timestamp() + 10)
    ticks(queue, 15)
    assert len(traced(queue.deployment, "QUEUE").samples) == 1
    assert condition(ticks(queue, 10), "QUEUE").stale


def test_an_answer_about_the_release_of_before_is_nobodys(queue: Watching, server: MadeUp, clock: Any) -> None:
    held, go = threading.Event(), threading.Event()

    def late(handler: BaseHTTPRequestHandler) -> None:
        held.set()
        go.wait(20)
        send(handler, vector("600", at=clock.now().wall.timestamp()))

    server.reply = late
    queue.tick()
    assert held.wait(20)
    server.gives("12", at=lambda: clock.now().wall.timestamp())
    queue.cut_over()
    queue.tick()
    go.set()
    ticks(queue, 10)
    assert {one.value for one in traced(queue.deployment, "QUEUE").samples} == {12}


def test_a_restart_of_the_monitor_goes_on_with_the_value_as_old_as_it_is(queue: Watching, server: MadeUp) -> None:
    ticks(queue, 10)
    server.hangs()
    queue.restart()
    assert condition(queue.tick(), "QUEUE").value == 12
    assert condition(queue.tick(30), "QUEUE").stale


def test_why_names_the_series_and_recomputes_what_was_said(queue: Watching) -> None:
    ticks(queue, 20)
    found = traced(queue.deployment, "QUEUE")
    assert found.agrees
    assert {one.source for one in found.samples} == {"prometheus:queue_depth"}


# ---- doctor


def test_doctor_says_of_each_query_whether_it_answers_now(deployment: Deployment, server: MadeUp) -> None:
    server.gives("12", at=lambda: SystemClock().now().wall.timestamp())
    more = "queue_depth: {query: a, unit: messages}\n    idle: {query: b, unit: ''}"
    found = {one.name: one for one in examine_prometheus(asking(deployment, server.url, queries=more))}
    assert (found["prometheus queue_depth"].status, found["prometheus queue_depth"].what) == (
        "ok",
        "answers now: 12 messages",
    )
    assert found["prometheus idle"].status == "WARN"
    assert "no condition is made of it" in found["prometheus idle"].what


@pytest.mark.parametrize(
    ("way", "said"), [("hangs", "no answer within 0.3 s"), ("old", "for a moment"), ("none", "gives no sample")]
)
def test_doctor_warns_of_a_query_that_gives_nothing(
    deployment: Deployment, server: MadeUp, way: str, said: str
) -> None:
    if way == "hangs":
        server.hangs()
    elif way == "old":
        server.gives("1", at=NOW - 10 * 365 * 86400)
    else:
        server.says(vector(at=NOW))
    (finding,) = examine_prometheus(asking(deployment, server.url, more="deadline: 0.3s"))
    assert finding.status == "WARN" and said in finding.what and finding.fix


def test_without_the_section_nothing_is_asked(deployment: Deployment) -> None:
    assert list(examine_prometheus(deployment)) == []


# ---- configuration


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"url": "127.0.0.1:9090"}, "is no web address"),
        ({"url": "http://me:pass@host"}, "holds more than an address and a path"),
        ({"url": "http://host?token=abcdefghij0123456789"}, "holds more than an address and a path"),
        ({"url": "http://host:x"}, "is no URL"),
        ({"more": "token_file: token"}, "is no absolute path"),
        ({"url": "http://db1", "more": "token_file: /etc/token"}, "carry the token over the network in the clear"),
        ({"more": "deadline: 10s"}, "is longer than every"),
        ({"more": "deadline: 0s"}, "is 0"),
        ({"queries": "Queue: {query: a, unit: b}"}, "no name of a series"),
        ({"queries": "queue_depth: {query: ' ', unit: messages}"}, "is empty"),
        ({"queries": "other: {query: a, unit: messages}"}, "prometheus.queries has: prometheus:other"),
        ({"queries": "queue_depth: {query: a, unit: s}"}, "'messages', while the query gives 's'"),
        ({"condition": CONDITION.replace("per: sample", "per: run")}, "asked at a cadence of its own"),
        ({"condition": CONDITION.replace("per: sample", "per: sample\n    of_baseline: true")}, "no baseline"),
    ],
)
def test_what_cannot_work_is_refused(deployment: Deployment, change: dict[str, str], said: str) -> None:
    with pytest.raises(ConfigError) as error:
        asking(deployment, **{"url": "http://127.0.0.1:9090", **change})
    assert said in str(error.value)


def test_a_condition_on_a_series_without_the_section_is_refused(deployment: Deployment) -> None:
    path = deployment.paths.config / "monitoring.yml"
    path.write_text(path.read_text().replace("metric: memory_mb ", "metric: prometheus:memory "))
    with pytest.raises(ConfigError, match="none is configured"):
        load_deployment(deployment.root)


def test_a_token_may_go_to_this_machine_in_the_clear(deployment: Deployment) -> None:
    assert asking(deployment, "http://[::1]:9090", more="token_file: /etc/token").monitoring.prometheus
