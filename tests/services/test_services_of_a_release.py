"""A release's own service: its build, which release is active, and the sample pipelines under a real supervisor."""

from __future__ import annotations

import shutil
from collections.abc import Iterator

import msgspec
import pytest
from service_at_work import eventually

from engine.config import Deployment
from engine.errors import Refused
from engine.pipeline.sample_tapes import write_live_book
from engine.records import read_lines
from engine.services import open_service
from engine.services.active import active_release
from engine.services.build import build_hash


@pytest.fixture
def live(deployment: Deployment) -> Iterator[Deployment]:
    write_live_book(deployment.tape)
    yield deployment
    for name in deployment.releases:
        assert open_service(deployment, name).stop().stopped


def configure(deployment: Deployment, release: str) -> None:
    shutil.copyfile(deployment.paths.release(release), deployment.active_config)


def test_each_release_has_a_build_of_its_own(deployment: Deployment) -> None:
    builds = {name: build_hash(deployment, name) for name in deployment.releases}
    assert len(set(builds.values())) == 2
    assert builds == {name: build_hash(deployment, name) for name in deployment.releases}


def test_a_changed_byte_or_name_is_another_build(deployment: Deployment) -> None:
    program = deployment.root / "program"
    program.mkdir()
    (program / "a.sh").write_text("run")
    with_files = msgspec.structs.replace(deployment.old.build, files=["{root}/program/*"])
    deployment.releases["v1"] = msgspec.structs.replace(deployment.old, build=with_files)
    first = build_hash(deployment, "v1")
    (program / "a.sh").write_text("ruN")
    second = build_hash(deployment, "v1")
    (program / "a.sh").rename(program / "b.sh")
    third = build_hash(deployment, "v1")
    assert len({first, second, third}) == 3
    (program / "b.sh").unlink()
    with pytest.raises(Refused, match="do not exist"):
        build_hash(deployment, "v1")


def test_an_unknown_release_has_no_service(deployment: Deployment) -> None:
    with pytest.raises(Refused, match="v9"):
        open_service(deployment, "v9")


def test_nothing_runs_in_a_fresh_deployment(deployment: Deployment) -> None:
    active = active_release(deployment)
    assert (active.name, active.configured, active.running) == (None, "v1", ())
    assert "no release runs" in active.reason


def test_the_release_that_runs_and_is_configured_is_active(live: Deployment) -> None:
    open_service(live, "v1").start()
    active = active_release(live)
    assert (active.name, active.reason, active.running) == ("v1", "", ("v1",))


def test_what_runs_must_be_what_is_configured(live: Deployment) -> None:
    open_service(live, "v1").start()
    eventually(lambda: bool(read_lines(live.paths.runs)))  # it has read its configuration: another one bars its start
    configure(live, "v2")
    active = active_release(live)
    assert (active.name, active.configured, active.running) == (None, "v2", ("v1",))
    assert "v1 runs, and v2 is configured" in active.reason


@pytest.mark.parametrize("text", ["", "[1, 2]", "release: 7", "release: {", "other: v1"])
def test_a_configuration_that_names_no_release_makes_none_active(live: Deployment, text: str) -> None:
    live.active_config.write_text(text)
    active = active_release(live)
    assert (active.name, active.configured) == (None, None)
    assert active.reason


def test_run_records_name_the_process_and_the_build(live: Deployment) -> None:
    status = open_service(live, "v1").start()
    eventually(lambda: bool(read_lines(live.paths.runs)))
    run = read_lines(live.paths.runs)[0]
    assert run["incarnation"] == msgspec.to_builtins(status.identity)
    assert run["build"] == build_hash(live, "v1")


def test_a_pipeline_that_is_not_configured_refuses_and_stays_down(live: Deployment) -> None:
    service = open_service(live, "v2")
    service.start()
    eventually(lambda: not service.status().supervised)
    status = service.status()
    assert (status.state, status.restarts) == ("FAILED", ())
    assert any("config/pipeline.yml" in line for line in service.last_lines(5))
    assert read_lines(live.paths.runs) == []
