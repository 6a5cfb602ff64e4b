"""A validation that is asked to stop when all is judged: its report, its event and its answer are of one mind."""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from production import Production

from engine.records import read_lines
from engine.validation import run as validation_run
from engine.validation.__main__ import main
from engine.validation.history import read_history
from engine.validation.reports import publish_report
from engine.validation.run import Judged


@pytest.fixture
def handler() -> Iterator[None]:
    """SIGTERM ends it, as where it is a program; whatever it does about it, the next test finds it as it was."""
    before = signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))
    yield
    signal.signal(signal.SIGTERM, before)


@pytest.mark.usefixtures("handler")
def test_it_is_published_whole_and_not_said_to_be_stopped(
    production: Production, monkeypatch: pytest.MonkeyPatch, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    monkeypatch.setattr(validation_run, "running_release", lambda deployment, release: Judged("v2", ""))

    def asked_to_stop(*words: Any) -> Any:
        os.kill(os.getpid(), signal.SIGTERM)
        return publish_report(*words)

    monkeypatch.setattr(validation_run, "publish_report", asked_to_stop)
    root = production.deployment.root
    console = root / "config/console.yml"  # its runs are of another day: not on a schedule
    console.write_text(console.read_text().replace("pipeline_run: 5s", "pipeline_run: null"))
    main(["run", "--root", str(root), "--json"])
    report = json.loads(capfdbinary.readouterr().out)
    assert json.loads(production.deployment.paths.validation_report.read_bytes()) == report
    assert [line.timestamp for line in read_history(production.deployment.paths).kept] == [report["timestamp"]]
    assert read_lines(production.deployment.paths.events)[-1]["kind"] == "validation.finished"
