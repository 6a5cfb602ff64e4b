"""RETURN.sh: the way back without Python, and records that the console then reads."""

from __future__ import annotations

import fcntl
import json
import os
import pwd
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
from shell_site import ShellSite, bare_path, encoded, tree_of

from engine.clock import SystemClock
from engine.doctor import examine_deployment
from engine.operations import break_glass, rollback
from engine.operations.journal import list_operations
from engine.operations.lock import Holder
from engine.operations.plan import Orders
from engine.records import read_lines, verify_chain
from engine.services import open_service
from engine.snapshots import list_snapshots, verify_snapshot
from engine.state.reader import StateReader
from engine.state.told import lines

TEMPLATE = Path(break_glass.__file__).with_name(break_glass.NAME)
Sites = Callable[..., ShellSite]


# --- what it is ---


def test_it_is_posix_shell() -> None:
    assert subprocess.run(["sh", "-n", TEMPLATE], check=False).returncode == 0


def test_shellcheck_finds_nothing(gone_back: tuple[ShellSite, str]) -> None:
    if shutil.which("shellcheck") is None:
        pytest.skip("shellcheck is not installed")
    script = gone_back[0].script
    found = subprocess.run(["shellcheck", "-s", "sh", script], capture_output=True, text=True, check=False)
    assert found.stdout == ""


def test_every_step_of_a_rollback_is_one_of_its_own() -> None:
    text = TEMPLATE.read_text()
    assert [step.name for step in rollback.STEPS if f"\n{step.name}() {{" not in text] == []


def test_it_is_whole_and_for_the_owner_to_run(gone_back: tuple[ShellSite, str]) -> None:
    assert gone_back[0].script.stat().st_mode & 0o777 == 0o750


# --- what it does ---


def test_it_puts_the_old_release_back_and_loses_nothing(gone_back: tuple[ShellSite, str]) -> None:
    site, said = gone_back
    assert site.violations() == []
    assert "SUCCEEDED after" in said


def test_its_last_words_are_that_the_old_release_has_no_supervisor_and_how_it_gets_one(
    gone_back: tuple[ShellSite, str],
) -> None:
    bare, gets_one = [line.split("  ", 1)[1] for line in gone_back[1].splitlines()[-2:]]
    assert bare == "v1 runs without a supervisor: if it crashes, nothing starts it again"
    account = pwd.getpwuid(os.geteuid()).pw_name
    assert gets_one == f"  it gets one, once Python works again, as {account}: abaco-ops service start v1"


def test_until_then_status_and_doctor_say_so_and_afterwards_nothing(sites: Sites, bare: Path) -> None:
    site = sites()
    assert site.run("--yes", path=bare).returncode == 0

    def told() -> list[str]:
        state = StateReader(site.deployment, SystemClock()).read()
        found = [line.strip() for line in lines(state) if "supervisor" in line]
        return [*found, *(one.what for one in examine_deployment(site.deployment) if one.name == "service v1")]

    told_so = "problem  v1 runs without a supervisor: abaco-ops service start v1"
    assert told() == [told_so, "RUNNING, without a supervisor"]

    before = site.running("v1")
    assert open_service(site.deployment, "v1").start().supervised
    assert site.running("v1") == before, "it goes on: only a supervisor came"
    assert told() == ["RUNNING"]


def test_nothing_is_deleted_and_what_the_new_release_wrote_is_in_a_side_snapshot(
    gone_back: tuple[ShellSite, str],
) -> None:
    site, _ = gone_back
    side = list_snapshots(site.deployment)[-1]
    assert side.manifest is not None and side.manifest.purpose == "side"
    assert verify_snapshot(side) == ""
    assert site.written("v2") <= {entry.sha256 for entry in side.manifest.files}


def test_the_old_release_runs_with_its_mark_and_build_and_the_engine_knows_it(
    gone_back: tuple[ShellSite, str],
) -> None:
    site, _ = gone_back
    status = open_service(site.deployment, "v1").status()
    assert (status.state, [status.identity.pid if status.identity else 0]) == ("RUNNING", site.running("v1"))
    assert "build b1" in " ".join(open_service(site.deployment, "v1").last_lines(1))


def test_each_record_is_byte_for_byte_one_of_the_engines(gone_back: tuple[ShellSite, str]) -> None:
    site, _ = gone_back
    directory = site.root / ".rollback/operations" / site.rollbacks()[-1]
    for line in (directory / "journal.jsonl").read_bytes().splitlines():
        assert encoded(json.loads(line)) == line
    orders = msgspec.json.decode((directory / "plan.json").read_bytes(), type=Orders)
    assert (orders.operation, orders.plan.kind, orders.reason) == (directory.name, "rollback", 'it\'s "bad"')
    assert [step.name for step in orders.plan.steps] == [step.name for step in rollback.STEPS]
    holder = msgspec.json.decode((site.root / ".rollback/operation.holder.json").read_bytes(), type=Holder)
    assert holder.operation == directory.name


def test_history_tells_of_it_and_the_cutover_it_put_right(gone_back: tuple[ShellSite, str]) -> None:
    site, _ = gone_back
    cutover, back = list_operations(site.deployment.paths.operations)
    assert (cutover.state, back.state) == ("ROLLED_BACK", "SUCCEEDED")
    states = {step.name: step.state for step in back.steps}
    assert states.pop("verify_old") == "skipped", "it was not compared with the tape, and that is said"
    assert set(states.values()) == {"done"}
    assert any("abaco-ops validate" in warning for warning in back.warnings)


def test_the_audit_trail_goes_on_unbroken(gone_back: tuple[ShellSite, str]) -> None:
    site, _ = gone_back
    events = site.deployment.paths.events
    assert verify_chain(events).intact
    ends = [event["data"] for event in read_lines(events) if event["kind"] == "operation.ended"]
    assert [(data["kind"], data["state"]) for data in ends] == [("cutover", "ROLLED_BACK"), ("rollback", "SUCCEEDED")]


def test_the_console_says_that_it_is_back(gone_back: tuple[ShellSite, str]) -> None:
    site, _ = gone_back
    state = StateReader(site.deployment, SystemClock()).read()
    assert (state.release, state.phase) == ("v1", "BACK ON V1")
    assert state.operation is None or state.operation.state == "SUCCEEDED"


def test_run_again_it_finds_nothing_to_go_back_from(gone_back: tuple[ShellSite, str], bare: Path) -> None:
    site, _ = gone_back
    again = site.run("--yes", path=bare)
    assert again.returncode == 2
    assert "nothing to go back from: v1 is live" in again.stderr
    assert len(site.rollbacks()) == 1


# --- what it refuses ---


def test_a_dry_run_checks_and_changes_nothing(sites: Sites, bare: Path) -> None:
    site = sites(ended=False)
    site.await_runs("v2", 1)
    before = tree_of(site.root / ".rollback")
    looked = site.run("--dry-run", path=bare)
    assert looked.returncode == 0, looked.stderr
    assert "every hash verified" in looked.stdout and "data/metrics is whole" in looked.stdout
    assert tree_of(site.root / ".rollback") == before
    assert site.running("v2")


def test_nobody_is_asked_where_nobody_is(sites: Sites, bare: Path) -> None:
    site = sites()
    assert site.run(path=bare).returncode == 2
    assert site.rollbacks() == [] and site.running("v2")


def test_while_somebody_operates_it_is_refused_and_says_who(sites: Sites, bare: Path) -> None:
    site = sites()
    (site.root / ".rollback/operation.holder.json").write_text('{"operation":"0007-cutover","actor":"K. Lee"}')
    with (site.root / ".rollback/operation.lock").open("w") as stream:
        fcntl.flock(stream, fcntl.LOCK_EX)
        refused = site.run("--yes", path=bare)
    assert refused.returncode == 5 and "K. Lee with 0007-cutover" in refused.stderr
    assert site.running("v2") and site.rollbacks() == []


def test_a_damaged_snapshot_stops_it_before_anything_is_touched(sites: Sites, bare: Path) -> None:
    site = sites()
    (site.root / ".rollback/snapshots/0001/tree/data/metrics/v1_1.json").write_text("old X")
    stopped = site.run("--yes", path=bare)
    assert stopped.returncode == 3, stopped.stdout
    assert "v1_1.json: FAILED" in stopped.stdout and "sha256sum --quiet -c" in stopped.stdout
    assert site.running("v2") and (site.root / "config/pipeline.yml").read_bytes() == site.new_config
    assert site.end_states()[site.rollbacks()[-1]] == "ABORTED"
    assert site.violations(settled=False) == []


@pytest.mark.parametrize("what", ["entries", "COMPLETE", "an odd file"])
def test_lists_seal_and_odd_names_are_looked_at_too(sites: Sites, bare: Path, what: str) -> None:
    site = sites(started=False)
    name = "tree/data/metrics/odd" if what == "an odd file" else what
    (site.root / ".rollback/snapshots/0001" / name).write_text("odd")
    checked = site.run("--dry-run", path=bare)
    assert checked.returncode == 3 and "NO  snapshot 0001 is damaged" in checked.stdout


def test_a_script_of_an_older_cutover_is_refused(sites: Sites, bare: Path) -> None:
    site = sites()
    older = site.root / ".rollback/operations/0001-cutover"
    shutil.copytree(older, older.with_name("0002-cutover"))
    refused = site.run("--yes", path=bare)
    assert refused.returncode == 2 and "this script is of 0001-cutover, and 0002-cutover started v2" in refused.stderr


# --- what goes wrong ---


def test_a_staged_tree_that_is_damaged_is_copied_anew_and_kept(sites: Sites, bare: Path) -> None:
    site = sites()
    (site.root / ".rollback/staged/0001/data/metrics/v1_1.json").write_text("an odd content")
    site.await_runs("v2")
    ended = site.run("--yes", path=bare)
    assert site.violations() == [], ended.stdout
    assert "staged now" in ended.stdout and "kept as snapshot 0002" in ended.stdout
    kept = next(item for item in list_snapshots(site.deployment) if item.id == "0002")
    assert kept.manifest is not None and kept.manifest.purpose == "salvaged" and verify_snapshot(kept) == ""


def test_an_old_release_that_cannot_start_leaves_everything_restored_and_says_how(sites: Sites, bare: Path) -> None:
    site = sites(how_old="dies")
    site.await_runs("v2")
    ended = site.run("--yes", path=bare)
    assert ended.returncode == 4, ended.stdout
    assert "NEEDS YOU after" in ended.stdout and "NEEDS_HUMAN" not in ended.stdout
    assert "v1 cannot start" in ended.stdout and "v1 has no interpreter" in ended.stdout
    assert "setsid -f env" in ended.stdout
    assert (site.root / "config/pipeline.yml").read_bytes() == site.old_config
    assert tree_of(site.root / "data/metrics") == site.old_metrics
    assert not site.running("v1") and not site.running("v2")
    service = site.root / "bin/service.sh"
    service.write_text(service.read_text().replace("!= dies", "!= never"))
    mended = site.run("--yes", path=bare)
    assert mended.returncode == 0, mended.stdout
    assert site.violations() == []
    assert len(site.rollbacks()) == 1, "it went on with its own"


def test_the_command_it_prints_starts_the_old_release_and_it_is_known_again(sites: Sites, bare: Path) -> None:
    site = sites(how_old="dies")
    ended = site.run("--yes", path=bare)
    command = next(line for line in ended.stdout.splitlines() if line.partition("Z")[2].strip().startswith("cd "))
    service = site.root / "bin/service.sh"
    service.write_text(service.read_text().replace("!= dies", "!= never"))
    subprocess.run(["sh", "-c", command.partition("cd ")[1] + command.partition("cd ")[2]], check=True, timeout=20)
    site.await_runs("v1", 1)
    by_hand = site.running("v1")
    assert site.run("--yes", path=bare).returncode == 0
    assert site.violations() == []
    assert site.running("v1") == by_hand, "no second one was started"
    status = open_service(site.deployment, "v1").start()
    assert status.supervised and site.running("v1") == by_hand, "from now on it is started again when it dies"


def test_a_new_release_that_will_not_stop_is_killed(sites: Sites, bare: Path) -> None:
    site = sites(how_new="stubborn")
    site.await_runs("v2")
    ended = site.run("--yes", path=bare)
    assert "v2 was killed after its deadline" in ended.stdout
    assert site.violations() == []


def test_processes_that_only_carry_the_mark_are_found(sites: Sites, bare: Path) -> None:
    site = sites()
    site.start("v2", written_down=False)
    assert len(site.running("v2")) == 2
    assert site.run("--yes", path=bare).returncode == 0
    assert site.violations() == []


def test_what_carries_a_mark_below_the_releases_is_ended_too(sites: Sites, bare: Path) -> None:
    """What a command of abaco-ops had started that the new release ran."""
    site = sites()
    below = {"ABACO_OPS_SERVICE": f"{site.mark('v2')}/command 0123"}
    stray = subprocess.Popen(["sleep", "300"], env={**os.environ, **below}, start_new_session=True)
    try:
        assert site.run("--yes", path=bare).returncode == 0
        assert stray.wait(20) < 0
    finally:
        stray.kill()
        stray.wait()


def test_in_a_copy_of_the_deployment_it_takes_nobody_back(sites: Sites, bare: Path, tmp_path: Path) -> None:
    site = sites()
    site.start("v2")
    site.await_runs("v2")
    copy = tmp_path / "a copy"
    shutil.copytree(site.root, copy)
    before, own = site.running("v2"), ["/bin/sh", str(copy / ".rollback/RETURN.sh"), "--yes"]
    ended = subprocess.run(own, env={"PATH": str(bare)}, capture_output=True, text=True, check=False)
    assert ended.returncode == 2
    assert (
        f"this script lies in a copy of the deployment, and would take {site.root} back" in ended.stdout + ended.stderr
    )
    assert site.running("v2") == before


@pytest.mark.parametrize("below", ["", "/command 0123"])
def test_it_is_refused_inside_the_release_that_it_would_end(sites: Sites, bare: Path, below: str) -> None:
    site = sites()
    site.start("v2")
    site.await_runs("v2")
    ended = site.run("--yes", path=bare, more={"ABACO_OPS_SERVICE": site.mark("v2") + below})
    assert ended.returncode == 2
    assert "this shell was started by v2 itself and would end with it" in ended.stderr + ended.stdout
    assert site.running("v2"), "nothing was stopped"


def test_a_supervisor_is_ended_first_so_that_nothing_starts_again(sites: Sites, bare: Path) -> None:
    site = sites(started=True)
    for pid in site.running("v2"):
        os.killpg(pid, signal.SIGKILL)
    status = open_service(site.deployment, "v2").start()
    assert status.supervised
    site.await_runs("v2")
    ended = site.run("--yes", path=bare)
    assert site.violations() == [], ended.stdout
    status = open_service(site.deployment, "v2").status()
    assert (status.state, status.supervised) == ("STOPPED", False)


def test_where_the_new_release_never_started_the_metrics_are_not_touched(sites: Sites, bare: Path) -> None:
    site = sites(ended=False, started=False)
    before = (site.root / "data/metrics").stat().st_ino
    ended = site.run("--yes", path=bare)
    assert site.violations() == [], ended.stdout
    assert (site.root / "data/metrics").stat().st_ino == before
    assert len(list_snapshots(site.deployment)) == 1
    assert site.run("--yes", path=bare).returncode == 2, "then there is nothing to go back from"


def test_without_flock_and_setsid_it_says_so_and_works(sites: Sites, tmp_path: Path) -> None:
    site = sites()
    ended = site.run("--yes", path=bare_path(tmp_path / "poor", without=("flock", "setsid")))
    assert "flock (util-linux) is not here" in ended.stdout and "setsid (util-linux) is not here" in ended.stdout
    assert ended.returncode == 0, ended.stdout
    assert not site.running("v2") and tree_of(site.root / "data/metrics").items() >= site.old_metrics.items()


def test_without_flock_the_lock_is_still_seen(sites: Sites, tmp_path: Path) -> None:
    site = sites(started=False)
    with (site.root / ".rollback/operation.lock").open("w") as stream:
        fcntl.flock(stream, fcntl.LOCK_EX)
        refused = site.run("--yes", path=bare_path(tmp_path / "poor", without=("flock",)))
    assert refused.returncode == 5


def test_coreutils_that_are_missing_are_named(sites: Sites, tmp_path: Path) -> None:
    site = sites(started=False)
    refused = site.run("--yes", path=bare_path(tmp_path / "poor", without=("sha256sum", "comm")))
    assert refused.returncode == 2 and "comm sha256sum" in refused.stderr


def test_where_mv_knows_it_the_trees_are_exchanged_in_one_step(sites: Sites, tmp_path: Path) -> None:
    site = sites()
    path = bare_path(tmp_path / "newer", without=("mv",))
    (path / "mv").write_text(f"#!{sys.executable}\n{EXCHANGING_MV.replace('@REAL@', str(shutil.which('mv')))}")
    (path / "mv").chmod(0o755)
    site.await_runs("v2")
    ended = site.run("--yes", path=path)
    assert "data/metrics: exchanged in one step" in ended.stdout, ended.stdout
    assert site.violations() == []


EXCHANGING_MV = """
import ctypes, os, sys
if sys.argv[1:] == ["--help"]:
    print("      --exchange               exchange source and destination")
elif sys.argv[1] == "--exchange":
    first, second = map(os.fsencode, sys.argv[-2:])
    sys.exit(ctypes.CDLL(None).renameat2(-100, first, -100, second, 2) != 0)
else:
    os.execv("@REAL@", ["mv", *sys.argv[1:]])
"""


# --- where no Python exists at all ---


def test_it_works_where_no_python_exists(sites: Sites, tmp_path: Path) -> None:
    if os.geteuid() != 0 or not all(map(shutil.which, ("chroot", "unshare", "ldd"))):
        pytest.skip("a root of its own needs root, chroot, unshare and ldd")
    site = sites(ended=False)
    site.await_runs("v2")
    place = tmp_path / "root"
    make_root(place)
    inside = place / str(site.root.parent).lstrip("/")
    inside.mkdir(parents=True)
    program = 'mount --bind /proc "$1/proc" && mount --bind "$2" "$1$2" && exec chroot "$1" /bin/sh "$3" --yes'
    command = ["unshare", "-m", "sh", "-c", program, "enter", place, site.root.parent, site.script]
    ended = subprocess.run(
        command, env={"PATH": "/usr/bin:/bin:/usr/sbin"}, capture_output=True, text=True, check=False
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert site.violations() == []


def make_root(place: Path) -> None:
    """A directory to be the root: sh, coreutils, flock and setsid with their libraries, and nothing else."""
    from shell_site import COREUTILS, UTIL_LINUX

    for name in ("usr/bin", "proc", "dev", "tmp"):
        (place / name).mkdir(parents=True)
    (place / "bin").symlink_to("usr/bin")
    (place / "dev/null").touch()
    needed = set()
    for name in [*COREUTILS, *UTIL_LINUX, "dirname", "sh"]:
        real = Path(str(shutil.which(name))).resolve()
        shutil.copy2(real, place / "usr/bin" / name)
        said = subprocess.run(["ldd", real], capture_output=True, text=True, check=False).stdout
        needed |= {word for word in said.split() if word.startswith("/")}
    for library in sorted(needed):
        target = place / library.lstrip("/")
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(library, target)
