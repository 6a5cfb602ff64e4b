"""A copy of a deployment's directory names the processes of the original, and touches none of them."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from service_at_work import Fake

from engine.errors import OpsError
from engine.records import FileLock
from engine.services.embedded import EmbeddedService
from engine.services.identity import is_alive
from engine.services.record import ServiceFiles


class Placed(Fake):
    """A fake service whose files lie where a deployment has them."""

    def __init__(self, root: Path) -> None:
        super().__init__(root, "ok")
        self.files = ServiceFiles(root / ".rollback" / "services" / "fake")
        self.service = EmbeddedService(self.files, self.spec)

    def unlabelled(self) -> None:
        """Its record as an earlier version wrote it, which does not say where."""
        path = self.files.directory / "state.json"
        record = msgspec.json.decode(path.read_bytes())
        record.pop("written_in", None)
        path.write_bytes(msgspec.json.encode(record))


@pytest.fixture
def original(tmp_path: Path) -> Iterator[Placed]:
    one = Placed(tmp_path / "original")
    one.service.start()
    one.ready()
    yield one
    one.service.stop()
    assert one.everyone() == []


@pytest.fixture(params=["by this version", "by an earlier version"])
def copy(request: pytest.FixtureRequest, original: Placed, tmp_path: Path) -> Iterator[Placed]:
    """Of the running original."""
    if request.param == "by an earlier version":
        original.unlabelled()
    subprocess.run(["cp", "-a", original.spec.root, str(tmp_path / "copy")], check=True)
    made = Placed(tmp_path / "copy")
    yield made
    made.service.stop()
    assert made.everyone() == []


def untouched(original: Placed, before: object) -> bool:
    status = original.service.status()
    return (status.state, status.supervised, status.identity) == ("RUNNING", True, before)


def test_in_a_copy_nothing_runs_and_the_original_says_that_it_does(original: Placed, copy: Placed) -> None:
    assert copy.service.status().state == "STOPPED"
    assert original.service.status().state == "RUNNING"
    assert copy.files.copied_from() == original.files.directory
    assert original.files.copied_from() is None


def test_stopped_in_a_copy_the_originals_go_on(original: Placed, copy: Placed) -> None:
    before = original.main()
    assert copy.service.stop().stopped
    assert untouched(original, before)


def test_stopped_in_a_copy_without_a_supervisor_the_original_goes_on(original: Placed, tmp_path: Path) -> None:
    before = original.main()
    original.kill_supervisor()
    subprocess.run(["cp", "-a", original.spec.root, str(tmp_path / "copy")], check=True)
    copy = Placed(tmp_path / "copy")
    assert copy.service.obstacle() == ""
    assert copy.service.stop().stopped
    assert is_alive(before)


def test_who_stops_a_copy_that_another_is_stopping_asks_no_supervisor_of_the_original(
    original: Placed, copy: Placed, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = original.main()
    monkeypatch.setattr("engine.services.embedded._SUPERVISOR_GRACE", 0.1)
    copy.service = EmbeddedService(copy.files, msgspec.structs.replace(copy.spec, stop_deadline=0.1))
    with FileLock(copy.files.lock) as lock:
        assert lock.acquire()
        assert not copy.service.stop().stopped
    assert untouched(original, before)


def test_a_copy_starts_one_of_its_own_and_each_stops_its_own(original: Placed, copy: Placed) -> None:
    before = original.main()
    own = copy.service.start()
    assert (own.state, own.supervised) == ("RUNNING", True)
    assert own.identity != before
    assert untouched(original, before)
    copy.ready()
    assert copy.service.stop().stopped
    assert untouched(original, before)


def test_a_record_of_an_earlier_version_counts_where_it_was_written(original: Placed) -> None:
    before = original.main()
    original.unlabelled()
    assert untouched(original, before)
    original.kill_supervisor()
    assert original.service.start().identity == before
    original.unlabelled()
    assert original.service.stop().stopped
    assert not is_alive(before)


def test_moved_while_it_runs_it_is_said_and_can_be_stopped(original: Placed, tmp_path: Path) -> None:
    before = original.main()
    Path(original.spec.root).rename(tmp_path / "elsewhere")
    moved = Placed(tmp_path / "elsewhere")
    status = moved.service.status()
    assert status.state == "UNSURE"
    assert f"pid {before.pid} of it was started in {original.files.directory}, before the deployment was moved" in (
        status.reason
    )
    with pytest.raises(OpsError, match=r"cannot be started: pid .* before the deployment was moved here"):
        moved.service.start()
    assert is_alive(before)
    assert moved.service.stop().stopped
    assert not is_alive(before)
    assert moved.service.start().state == "RUNNING"
    moved.ready()
    assert moved.service.stop().stopped
    shutil.move(tmp_path / "elsewhere", original.spec.root)


def test_under_another_name_of_the_same_directory_it_is_the_same_service(original: Placed, tmp_path: Path) -> None:
    """A mount, or a link."""
    before = original.main()
    (tmp_path / "alias").symlink_to(original.spec.root)
    alias = EmbeddedService(ServiceFiles(tmp_path / "alias/.rollback/services/fake"), original.spec)
    assert alias.status().identity == before
    assert alias.stop().stopped
    assert not is_alive(before)
