"""A deployment with a live tape and a serving pipeline that is ended after the test."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator

import pytest
from pipeline_at_work import RELEASES, Pipeline, eventually

from engine.config import Deployment
from engine.pipeline.sample_tapes import write_live_book


@pytest.fixture(params=RELEASES)
def pipeline(request: pytest.FixtureRequest, deployment: Deployment) -> Pipeline:
    """Each release in turn, configured, with a healthy tape."""
    write_live_book(deployment.tape)
    made = Pipeline(deployment, str(request.param))
    made.configure()
    return made


@pytest.fixture
def serve() -> Iterator[Callable[[Pipeline], subprocess.Popen[bytes]]]:
    """Starts the service as a plain process and waits for its first run record unless told not to."""
    started: list[subprocess.Popen[bytes]] = []

    def start(pipeline: Pipeline, *, wait: bool = True) -> subprocess.Popen[bytes]:
        before = len(pipeline.runs())
        output = (pipeline.deployment.root / "output.log").open("ab")
        with output:
            started.append(subprocess.Popen(pipeline.command("serve"), stdout=output, stderr=output))
        if wait:
            eventually(lambda: len(pipeline.runs()) > before)
        return started[-1]

    yield start
    for process in started:
        process.kill()
        process.wait()
