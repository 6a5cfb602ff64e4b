"""The monitor tells people: over restarts at any moment, past servers that hang, disks that are full, operations."""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import pytest
import yaml
from watching import Watching, condition

sys.path.insert(0, str(Path(__file__).parent.parent / "notify"))
from servers import Web, closed_port, until, web_server

from engine.config import Deployment, load_deployment
from engine.config.notify import Channel, Route, UpdatesSection
from engine.config.paths import Paths
from engine.config.templates import write_config
from engine.monitoring import answers
from engine.monitoring.launch import ensure_monitor, monitor_pid, monitor_running
from engine.monitoring.model import Evaluation
from engine.monitoring.store import SampleStore

LATE = 100.0


@pytest.fixture
def web() -> Iterator[Web]:
    with web_server() as found:
        yield found


def told_by(deployment: Deployment, url: str, **sections: Any) -> Deployment:
    """The deployment with one channel, a webhook."""
    notify = msgspec.structs.replace(
        deployment.monitoring.notify,
        channels={"x": Channel(kind="webhook", url=url)},
        routes=[Route(channels=["x"])],
        retry=0.02,  # type: ignore[arg-type]
        retry_longest=0.05,  # type: ignore[arg-type]
    )
    return replace(deployment, monitoring=msgspec.structs.replace(deployment.monitoring, notify=notify, **sections))


@pytest.fixture(scope="module")
def shipped(tmp_path_factory: pytest.TempPathFactory) -> Deployment:
    root = tmp_path_factory.mktemp("shipped") / "d"
    write_config(root, demo=True)
    return load_deployment(root)


@pytest.fixture
def here(shipped: Deployment, tmp_path: Path) -> Deployment:
    """The demo configuration, read once, on a directory of this test's own."""
    return replace(shipped, paths=Paths(tmp_path / "here"))


@pytest.fixture
def watch_with(clock: Any, here: Deployment) -> Iterator[Callable[..., Watching]]:
    made: list[Watching] = []

    def make(url: str, **sections: Any) -> Watching:
        made.append(Watching(told_by(here, url, **sections), clock))
        made[-1].stage.release = made[-1].stage.configured = "v2"
        made[-1].tick(3)
        return made[-1]

    yield make
    for watching in made:
        watching.monitor.stop()


def events(watching: Watching, kind: str) -> list[dict[str, Any]]:
    path = watching.deployment.paths.events
    found = [json.loads(line) for line in path.read_text().splitlines()] if path.is_file() else []
    return [event["data"] for event in found if event["kind"] == kind]


def said(web: Web) -> list[str]:
    return [f"{message['kind']} {message['condition']}" for message in web.messages]


def failing(watching: Watching, ticks: int = 1, **how: Any) -> Evaluation:
    """CRASH is critical at once: three restarts."""
    watching.stage.restarts = (watching.clock.now().wall,) * 3
    return watching.tick(ticks, **how)


def crash(watching: Watching) -> None:
    """The monitor is gone between two instructions; nobody drained or closed anything but its threads."""
    watching.monitor.paging.close()
    watching.monitor = watching._new()


def test_a_critical_condition_is_told_recorded_and_shown(watch_with: Any, web: Web) -> None:
    watching = watch_with(web.url)
    failing(watching)
    until(lambda: said(web) == ["opened CRASH"])
    until(lambda: events(watching, "notified"))
    (opened,) = events(watching, "alert.opened")
    assert (opened["condition"], opened["tier"], opened["priority"], opened["to"]) == (
        "CRASH",
        "critical",
        "P1",
        ["on_call"],
    )
    assert {"alert", "text", "level"} <= set(opened)
    evaluation = watching.tick()
    (alert,) = [alert for alert in evaluation.alerts if alert.condition == "CRASH"]
    first = "on-call operations engineer"
    assert (alert.id, alert.told, alert.called) == (opened["alert"], (first,), first)
    assert alert.escalates_at is not None


def test_a_crash_after_the_decision_was_kept_and_before_anyone_was_told_loses_and_repeats_nothing(
    watch_with: Any, web: Web
) -> None:
    watching = watch_with(web.url)
    watching.monitor.paging.tell = lambda now: []
    failing(watching)
    assert web.messages == [] and events(watching, "alert.opened") == []
    crash(watching)
    failing(watching, 3)
    until(lambda: said(web) == ["opened CRASH"])
    assert len(events(watching, "alert.opened")) == 1


def test_a_crash_after_the_event_was_written_and_the_message_delivered_repeats_neither(
    watch_with: Any, web: Web
) -> None:
    watching = watch_with(web.url)
    failing(watching)
    until(lambda: events(watching, "notified"))
    for _ in range(3):
        crash(watching)
        failing(watching, 2)
    assert said(web) == ["opened CRASH"]
    assert len(events(watching, "alert.opened")) == 1
    assert len(events(watching, "notified")) == 1


def test_what_could_not_be_delivered_is_delivered_by_the_next_monitor(watch_with: Any, web: Web) -> None:
    web.status = 503
    watching = watch_with(web.url)
    failing(watching)
    until(lambda: events(watching, "notified"))
    crash(watching)
    web.status = 200
    failing(watching)
    until(lambda: [data["ok"] for data in events(watching, "notified")][-1])
    assert events(watching, "notified")[-1]["alert"] == events(watching, "alert.opened")[0]["alert"]


def test_an_outage_is_a_problem_on_the_screen(watch_with: Any) -> None:
    watching = watch_with(f"http://127.0.0.1:{closed_port()}/")
    failing(watching)
    until(lambda: events(watching, "notified"))
    assert any("channel x failed" in problem for problem in watching.tick().problems)


def test_a_server_that_hangs_holds_up_no_tick(watch_with: Any, web: Web) -> None:
    web.hangs.set()
    watching = watch_with(web.url)
    failing(watching, 30)
    assert web.requests == [], "no answer was given while thirty ticks went by"
    web.hangs.clear()
    until(lambda: said(web) == ["opened CRASH"])


def test_an_audit_trail_that_cannot_be_written_holds_up_no_page(watch_with: Any, web: Web) -> None:
    watching = watch_with(web.url)
    path = watching.deployment.paths.events
    kept = path.rename(path.with_name("aside"))
    path.mkdir()
    evaluation = failing(watching, 2, runs_every=0)
    until(lambda: said(web) == ["opened CRASH"])
    assert any("audit trail" in problem for problem in evaluation.problems)
    path.rmdir()
    kept.rename(path)
    failing(watching, 2)
    assert len(events(watching, "alert.opened")) == 1
    assert said(web) == ["opened CRASH"]


def test_during_an_operation_nobody_is_told_and_what_still_fires_after_it_is_told_then(
    watch_with: Any, web: Web
) -> None:
    watching = watch_with(web.url)
    watching.stage.operating = "0002-rollback"
    assert condition(failing(watching, 5), "CRASH").firing == "critical"
    assert events(watching, "alert.opened") == []
    watching.stage.operating = ""
    failing(watching)
    until(lambda: said(web) == ["opened CRASH"])


def test_what_is_silenced_stands_in_verdict_and_records_and_is_told_to_nobody(watch_with: Any, web: Web) -> None:
    watching = watch_with(web.url)
    answers.silence(watching.deployment, "CRASH", reason="known", lasts=1800, actor="A. Moreno", clock=watching.clock)
    evaluation = failing(watching, 3)
    assert evaluation.verdict.word == "INVESTIGATE"
    (alert,) = evaluation.alerts
    assert (alert.silenced_by, alert.silenced_reason, alert.told) == ("A. Moreno", "known", ())
    assert events(watching, "alert.opened")[0]["silenced"] is True
    assert web.messages == []


def test_an_acknowledgement_reaches_the_book_and_names_its_owner(watch_with: Any, web: Web) -> None:
    watching = watch_with(web.url)
    failing(watching)
    answers.acknowledge(
        watching.deployment, "CRASH", reason="looking", owner="K. Lee", actor="A. Moreno", clock=watching.clock
    )
    (alert,) = failing(watching).alerts
    assert (alert.taken_by, alert.escalates_at, alert.rings) == ("K. Lee", None, False)


def test_that_no_release_can_be_identified_is_told_though_no_value_is_missing(watch_with: Any, web: Web) -> None:
    watching = watch_with(web.url)
    watching.monitor._watch = msgspec.structs.replace(watching.monitor._watch, settled_at=0.0)
    watching.stage.release = None
    evaluation = watching.tick(8)
    assert evaluation.verdict.word == "UNKNOWN"
    until(lambda: "opened NODATA" in said(web))


def test_a_status_update_that_is_due_is_started_once_where_channels_are_named(clock: Any, here: Deployment) -> None:
    section = UpdatesSection(channels=["log"])
    made = replace(here, monitoring=msgspec.structs.replace(here.monitoring, updates=section))
    watching = Watching(made, clock)
    watching.tick(2)
    watching.cut_over()
    watching.clock.advance(3590)
    watching.restart()
    watching.tick(5)
    assert "status update" not in watching.started.commands
    watching.tick(10)
    assert watching.started.commands.count("status update") == 1
    watching.event("update.sent", channels=["log"])
    watching.clock.advance(400)
    watching.tick(2)
    assert watching.started.commands.count("status update") == 1
    watching.monitor.stop()


def test_the_monitors_tick_does_not_wait_for_a_name_that_is_never_resolved(
    watch_with: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    import socket

    asked = []

    def never(*_: Any, **__: Any) -> Any:
        asked.append(1)
        time.sleep(LATE)

    watching = watch_with("http://dead-dns.example/")
    monkeypatch.setattr(socket, "getaddrinfo", never)
    failing(watching, 10)
    until(lambda: asked)
    assert events(watching, "notified") == []


def test_a_monitor_that_is_killed_and_started_again_pages_once(deployment: Deployment, web: Web) -> None:
    """The real process, the real signal."""
    root = deployment.root / "config"
    console = (root / "console.yml").read_text()
    (root / "console.yml").write_text(
        console.replace("sample: 1s", "sample: 200ms").replace("first_run: 20s", "first_run: 300ms")
    )
    plain = yaml.safe_load((root / "monitoring.yml").read_text())
    plain["notify"] = {"channels": {"x": {"kind": "webhook", "url": web.url}}, "routes": [{"channels": ["x"]}]}
    (root / "monitoring.yml").write_text(yaml.safe_dump(plain, sort_keys=False))
    made = load_deployment(deployment.root)
    for _ in range(2):
        ensure_monitor(made)
        until(lambda: said(web), 30)
        until(lambda: monitor_pid(made), 30)
        before = newest(made)
        until(
            lambda seen=before: (now := newest(made)) is not None and seen is not None and now.boot > seen.boot + 1, 30
        )
        os.kill(monitor_pid(made) or 0, signal.SIGKILL)
        until(lambda: not monitor_running(made))
    assert said(web) == ["opened NODATA"]


def newest(deployment: Deployment) -> Evaluation | None:
    store = SampleStore(deployment.paths.samples, read_only=True)
    try:
        return store.newest_evaluation()
    finally:
        store.close()


def test_an_overdue_gate_is_told_once_over_restarts_too_and_again_only_when_it_was_decided_and_is_late_anew(
    watch_with: Any, web: Web
) -> None:
    watching = watch_with(web.url)

    def gates() -> list[str]:
        return [message["text"] for message in web.messages if message["kind"] == "gate"]

    watching.cut_over()
    watching.tick()
    watching.clock.advance(3600)
    assert [one.state for one in watching.tick().gates if one.id == "hour-1"] == ["due"]
    assert events(watching, "gate.overdue") == []
    watching.clock.advance(watching.deployment.checklist.schedule.late_after + 60)
    watching.tick()
    until(lambda: len(gates()) == 1)
    crash(watching)
    watching.tick(3)
    (told,) = events(watching, "gate.overdue")
    assert (told["gate"], told["to"]) == ("hour-1", ["on_call"])
    assert "hour-1 gate is overdue since" in gates()[0] and "abaco-ops gate show hour-1" in gates()[0]
    watching.event("gate.decided", gate="hour-1", decision="no-go", by="A. Moreno")
    watching.tick(2)
    watching.clock.advance(3600 + 2 * watching.deployment.checklist.schedule.late_after)
    watching.tick(2)
    until(lambda: len(gates()) == 2)
    assert len(events(watching, "gate.overdue")) == 2
