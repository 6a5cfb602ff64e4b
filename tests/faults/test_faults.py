"""The harness itself: it breaks what it says, it misses no call, and its judge can say no. Then a few of its cases."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
from breaker import Call, read_log
from invariants import Scene, violations

HERE = Path(__file__).parent
needs_compiler = pytest.mark.skipif(shutil.which("gcc") is None, reason="the breaker is compiled with gcc")
needs_strace = pytest.mark.skipif(shutil.which("strace") is None, reason="compared with what strace records")


def run(program: str, *words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(HERE / program), *words]
    return subprocess.run(command, capture_output=True, text=True, timeout=240, check=False)


# --- the judge ---


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    """V2 live after a cutover: everything as promised."""
    (tmp_path / "config").mkdir()
    (tmp_path / "config/pipeline.yml").write_bytes(b"new")
    (tmp_path / "data/metrics").mkdir(parents=True)
    published = []
    for release in ("v1", "v2"):
        path = tmp_path / f"data/metrics/{release}.json"
        path.write_text(release)
        published.append((release, subprocess.check_output(["sha256sum", path], text=True).split()[0], path.name))
    return Scene(tmp_path, b"old", b"new", published, frozenset(), [], ["v2"], "SUCCEEDED")


def changed(scene: Scene, **values: object) -> Scene:
    fields = {name: getattr(scene, name) for name in Scene.__dataclass_fields__}
    return Scene(**{**fields, **values})  # type: ignore[arg-type]


def test_a_whole_deployment_breaks_no_promise(scene: Scene) -> None:
    assert violations(scene) == []


def test_a_lost_file_of_the_new_release_is_found(scene: Scene) -> None:
    (scene.root / "data/metrics/v2.json").unlink()
    assert "LOST: v2.json of v2" in violations(scene)


def test_a_file_that_was_set_aside_is_not_lost(scene: Scene) -> None:
    aside = scene.root / ".rollback/snapshots/0001"
    aside.mkdir(parents=True)
    (scene.root / "data/metrics/v2.json").rename(aside / "v2.json")
    assert violations(changed(scene, running=["v2"])) == []


def test_metrics_that_are_half_new_are_found(scene: Scene) -> None:
    more = scene.root / ".rollback/v2_2.json"
    more.parent.mkdir()
    more.write_text("another")
    digest = subprocess.check_output(["sha256sum", more], text=True).split()[0]
    found = violations(changed(scene, published=[*scene.published, ("v2", digest, more.name)]))
    assert any("neither wholly old nor wholly new" in text for text in found)


def test_a_configuration_that_is_neither_is_found(scene: Scene) -> None:
    (scene.root / "config/pipeline.yml").write_bytes(b"ne")
    assert any("neither the old nor the new" in text for text in violations(scene))


def test_the_old_release_on_the_new_ones_metrics_is_found(scene: Scene) -> None:
    (scene.root / "config/pipeline.yml").write_bytes(b"old")
    assert violations(changed(scene, running=["v1"])) == ["v1 runs on the metrics of v2"]


def test_two_releases_at_once_are_found(scene: Scene) -> None:
    assert "v1 and v2 run at once" in violations(changed(scene, running=["v1", "v2"]))
    assert "they met" in violations(changed(scene, together=["they met"]))


@pytest.mark.parametrize("declared", ["", "SUCCEEDED", "ABORTED"])
def test_no_release_running_has_to_be_said(scene: Scene, declared: str) -> None:
    found = violations(changed(scene, running=[], declared=declared))
    assert any("no release runs" in text for text in found)
    assert violations(changed(scene, running=[], declared="NEEDS_HUMAN")) == []


def test_an_operation_that_is_called_running_while_nobody_works_is_found(scene: Scene) -> None:
    assert any("nobody works" in text for text in violations(changed(scene, declared="RUNNING")))


# --- the breaker ---

_SCRIPT = """
import os, sys
sys.path.insert(0, {here!r})
import breaker
breaker.preloaded(sys.argv)
root = sys.argv[1]
breaker.arm(root, int(sys.argv[2]), sys.argv[3], os.open(sys.argv[4], os.O_WRONLY | os.O_CREAT))
from pathlib import Path
from engine.records import append_line, make_directory, write_file
from engine.records.atomic import sync_directory
from engine.snapshots.copying import copy_file, sync_tree
here = Path(root)
make_directory(here / "a/b")
write_file(here / "a/b/one", b"1")
append_line(here / "a/lines", {{"x": 1}})
copy_file(here / "a/b/one", here / "a/two")
sync_tree(here / "a")
(here / "a/two").rename(here / "a/three")
os.chmod(here / "a/three", 0o600)
(here / "a/link").symlink_to("three")
os.unlink(here / "a/link")
os.truncate(here / "a/three", 0)
with open(here / "a/reserve", "wb") as stream:
    os.posix_fallocate(stream.fileno(), 0, 4096)
import shutil
shutil.rmtree(here / "a")
"""


def scripted(tmp_path: Path, at: int = 0, how: str = "kill", *, under: tuple[str, ...] = ()) -> tuple[int, list[Call]]:
    script, root, log = tmp_path / "script.py", tmp_path / "root", tmp_path / "log"
    script.write_text(_SCRIPT.format(here=str(HERE)))
    shutil.rmtree(root, ignore_errors=True)
    root.mkdir()
    log.unlink(missing_ok=True)
    environment = {**os.environ, "PYTHONPATH": str(HERE.parents[1])}
    command = [*under, sys.executable, str(script), str(root), str(at), how, str(log)]
    code = subprocess.run(command, env=environment, check=False, stderr=subprocess.DEVNULL).returncode
    return code, read_log(log.read_text(), root)


@needs_compiler
def test_the_call_with_the_number_is_broken_and_no_other(tmp_path: Path) -> None:
    code, calls = scripted(tmp_path)
    assert code == 0
    renames = [call.number for call in calls if call.name.startswith("rename")]
    killed, seen = scripted(tmp_path, renames[0])
    assert killed == -9
    assert len(seen) == renames[0]
    assert not (tmp_path / "root/a/b/one").exists(), "it was killed before the call, not after it"
    failed, seen = scripted(tmp_path, renames[0], "ENOSPC")
    assert failed == 1
    assert len(seen) > renames[0], "what failed was cleaned up"


@needs_compiler
@needs_strace
def test_the_breaker_misses_no_call_that_strace_records(tmp_path: Path) -> None:
    record = tmp_path / "strace"
    kinds = "open,openat,creat,write,pwrite64,writev,fsync,fdatasync,syncfs,rename,renameat,renameat2,unlink,unlinkat"
    kinds += ",rmdir,mkdir,mkdirat,link,linkat,symlink,symlinkat,truncate,ftruncate,fallocate,chmod,fchmod,fchmodat"
    kinds += ",utimensat,copy_file_range,sendfile"
    strace = ("strace", "-f", "-qq", "-y", "-e", f"trace={kinds}", "-e", "signal=none", "-o", str(record))
    code, calls = scripted(tmp_path, under=strace)
    assert code == 0
    root = str(tmp_path / "root")
    recorded = Counter(_kind(line) for line in record.read_text().splitlines() if _below(line, root) and _changes(line))
    counted = Counter(_plain(call.name) for call in calls if call.name != "clone")
    assert counted == recorded


def _below(line: str, root: str) -> bool:
    return f"{root}/" in line or f"<{root}>" in line


def _changes(line: str) -> bool:
    return "open" not in line.split("(")[0] or any(flag in line for flag in ("O_WRONLY", "O_RDWR", "O_CREAT"))


def _kind(line: str) -> str:
    found = re.match(r"\d+\s+(\w+)\(", line)
    assert found, line
    return _plain(found[1])


def _plain(name: str) -> str:
    """What the C library calls otherwise than the kernel does."""
    name = re.sub(r"(at2?|64)$", "", name)
    return {"posix_fallocate": "fallocate", "rmdir": "unlink", "utimens": "futimens"}.get(name, name)


# --- some of its cases ---


@needs_compiler
def test_every_rename_is_made_durable_before_the_journal_goes_on() -> None:
    """A missing directory fsync is found by no power cut: it is looked for in the calls that were recorded."""
    done = run("durable.py")
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.search(r"[1-9]\d* renames, 0 not made durable", done.stdout)


@needs_compiler
def test_a_sweep_prints_cases_failures_and_seconds() -> None:
    done = run("sweep.py", "--what", "calls", "--part", "11/499")
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.search(r"[1-9]\d* cases, 0 failures, \d+ seconds", done.stdout)
