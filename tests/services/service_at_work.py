"""One embedded service with a fake program, and what a test can see of it from outside."""

from __future__ import annotations

import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path

import msgspec

from engine.services.embedded import EmbeddedService
from engine.services.identity import is_alive, send_signal
from engine.services.protocol import Identity
from engine.services.record import ServiceFiles, ServiceRecord, ServiceSpec
from engine.services.remains import MARK_VARIABLE, Belonging, find_remains
from engine.services.restarts import RestartPolicy

FAKE = Path(__file__).with_name("fake_service.py")
QUICK = RestartPolicy(first=0.02, longest=0.05, most=3, window=900)


def eventually(true: Callable[[], bool], within: float = 20.0) -> None:
    """Wait until it is so; AssertionError when it does not come."""
    end = time.monotonic() + within
    while not true():
        assert time.monotonic() < end, "it did not come to this in time"
        time.sleep(0.01)


class Fake:
    """``changes`` replace fields of its specification."""

    def __init__(self, root: Path, mode: str, **changes: object) -> None:
        root.mkdir(parents=True, exist_ok=True)
        self.mark = f"{root}|fake"
        self.files = ServiceFiles(root / "services" / "fake")
        self.events = root / "events.jsonl"
        self.spec = ServiceSpec(
            name="fake",
            release="v1",
            build="b1",
            command=(sys.executable, "-S", str(FAKE), mode),
            root=str(root),
            environment={MARK_VARIABLE: self.mark, "ABACO_OPS_BUILD": "b1"},
            mark=self.mark,
            stop_deadline=5.0,
            events=str(self.events),
            restart=QUICK,
        )
        self.spec = msgspec.structs.replace(self.spec, **changes)
        self.service = EmbeddedService(self.files, self.spec)

    def main(self) -> Identity:
        identity = self.service.status().identity
        assert identity is not None, self.service.status()
        return identity

    def record(self) -> ServiceRecord:
        record = self.files.read_record()
        assert record is not None
        return record

    def supervisor(self) -> Identity:
        supervisor = self.record().supervisor
        assert supervisor is not None
        return supervisor

    def kill_supervisor(self) -> None:
        supervisor = self.supervisor()
        send_signal(supervisor, signal.SIGKILL)
        eventually(lambda: not is_alive(supervisor))

    def ready(self) -> None:
        """Wait until the program has installed its signal handling."""
        eventually(lambda: "ready" in self.service.last_lines(1))

    def everyone(self) -> list[int]:
        """Pids of every process that carries the mark."""
        return [stat.pid for stat in find_remains(Belonging(self.mark))]

    def write_spec_file(self) -> Path:
        path = Path(self.spec.root) / "spec-of-a-starter.json"
        path.write_bytes(msgspec.json.encode(self.spec))
        return path
