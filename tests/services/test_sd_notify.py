"""Telling systemd that one is ready and alive: only where it asks, and never at the cost of the work."""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.config import Deployment
from engine.monitoring import loop
from engine.monitoring.monitor import Monitor
from engine.services.sd_notify import service_manager


@pytest.fixture
def listener(tmp_path: Path) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as channel:
        channel.bind(str(tmp_path / "notify"))
        channel.settimeout(5)
        yield channel


def heard(listener: socket.socket) -> list[str]:
    listener.setblocking(False)
    found = []
    while True:
        try:
            found.append(listener.recv(4096).decode())
        except BlockingIOError:
            return found


def test_it_is_told_and_what_we_start_does_not_speak_for_us(listener: socket.socket) -> None:
    environment = {"NOTIFY_SOCKET": listener.getsockname(), "WATCHDOG_USEC": "1", "WATCHDOG_PID": "1", "HOME": "/"}
    manager = service_manager(environment)
    assert environment == {"HOME": "/"}
    assert manager.tell("READY=1", "STATUS=watching")
    assert heard(listener) == ["READY=1\nSTATUS=watching"]


def test_an_abstract_address_is_one_too() -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as channel:
        channel.bind(f"\0abaco-ops-test-{os.getpid()}")
        assert service_manager({"NOTIFY_SOCKET": f"@abaco-ops-test-{os.getpid()}"}).tell("READY=1")
        assert channel.recv(100) == b"READY=1"


@pytest.mark.parametrize("environment", [{}, {"NOTIFY_SOCKET": ""}, {"NOTIFY_SOCKET": "vsock:2:1"}])
def test_where_nobody_asks_nobody_is_told(environment: dict[str, str]) -> None:
    assert not service_manager(environment).tell("READY=1")


def test_one_that_does_not_listen_costs_nothing(tmp_path: Path) -> None:
    assert not service_manager({"NOTIFY_SOCKET": str(tmp_path / "nobody")}).tell("READY=1")


def test_the_monitor_is_ready_then_alive_at_each_good_tick(
    deployment: Deployment, listener: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NOTIFY_SOCKET", listener.getsockname())
    monkeypatch.setattr(Monitor, "tick", lambda self: None)
    loop.watch(deployment.root, threading.Event(), ticks=2)
    assert heard(listener) == ["READY=1", "WATCHDOG=1", "WATCHDOG=1", "STOPPING=1"]
    assert "NOTIFY_SOCKET" not in os.environ


def test_ticks_that_fail_do_not_keep_the_watchdog_quiet(
    deployment: Deployment, listener: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(_monitor: Monitor) -> None:
        raise RuntimeError("a mistake of our own")

    monkeypatch.setenv("NOTIFY_SOCKET", listener.getsockname())
    monkeypatch.setattr(Monitor, "tick", fails)
    loop.watch(deployment.root, threading.Event(), ticks=1)
    assert heard(listener) == ["READY=1", "STOPPING=1"]
