"""A deployment right after its cutover whose two releases are small shell services: nothing in it needs Python.

What is checked after each case is in :func:`violations`, which knows nothing of how the engine or the script work: it
reads files, hashes and ``/proc``.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import select
import shutil
import signal
import stat
import subprocess
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import msgspec

from engine.clock import SystemClock, boot_id
from engine.config import Deployment, load_deployment
from engine.config.templates import write_config
from engine.operations.break_glass import mark_of, write_return
from engine.operations.configuration import hash_of
from engine.operations.journal import Journal
from engine.operations.plan import OwnStep, Plan
from engine.records import append_event, make_directory
from engine.services import open_service
from engine.services.identity import identity_of
from engine.services.record import ServiceFiles, ServiceRecord
from engine.snapshots import Origin, read_snapshot, stage, take_snapshot

# what the script may need: coreutils, flock and setsid; and sh itself
COREUTILS = (
    *("cat", "chmod", "comm", "cp", "cut", "date", "env", "expr", "head", "id", "join", "ls", "mkdir", "mktemp", "mv"),
    *("od", "paste", "printf", "readlink", "rm", "rmdir", "sha256sum", "sleep", "sort", "stat", "sync", "tail"),
    *("timeout", "tr", "truncate", "uname", "wc"),
)
UTIL_LINUX = ("flock", "setsid")

SERVICE = r"""#!/bin/sh
# RELEASE [HOW]: publishes a file at each turn, and notes what it wrote; HOW: stubborn, dies
PATH=/usr/bin:/bin
cd "$(dirname "$0")/.." || exit 2
[ "${2-}" != dies ] || { echo "$1 has no interpreter"; exit 3; }
if [ "${2-}" = stubborn ]; then trap '' TERM; else trap 'exit 0' TERM; fi
read -r line </proc/$$/stat
set -- "$1" ${line##*)}
release=$1 start=${21}
read -r boot </proc/sys/kernel/random/boot_id
echo "$release runs, pid $$, build ${ABACO_OPS_BUILD-none}"
number=0
while :; do
    number=$((number + 1))
    name="${release}_$$_$number.json"
    now=$(date -u +%Y-%m-%dT%H:%M:%S.%3NZ)
    printf '{"release":"%s","run":%d}\n' "$release" "$number" >"data/metrics/.$name.tmp"
    sum=$(sha256sum <"data/metrics/.$name.tmp")
    echo "${sum%% *}" >>"logs/written.$release"
    mv "data/metrics/.$name.tmp" "data/metrics/$name"
    who=$(printf '{"pid":%d,"start_time":%s,"boot_id":"%s"}' $$ "$start" "$boot")
    what=$(printf '{"path":"data/metrics/%s","sha256":"%s","bytes":1}' "$name" "${sum%% *}")
    when=$(printf '"started":"%s","ended":"%s"' "$now" "$now")
    rest='"build":"","rows":1,"errors":0,"status":"ok","error":null,"tape_sha256":null'
    printf '{"v":1,"run_id":"%s","release":"%s",%s,%s,"incarnation":%s,"outputs":[%s]}\n' \
        "$name" "$release" "$when" "$rest" "$who" "$what" >>logs/runs.jsonl
    sleep 0.3 &
    wait
done
"""
# an own step's command that says that it has begun, and waits for the file go-on
WAITS = ("/bin/sh", "-c", "echo $$ >begun; while ! test -e go-on; do sleep 0.02; done")
# sets counting wrappers apart from what they wrap: the script's own process group dies at the chosen call
WRAPPER = """#!/bin/dash
printf x >>"$GLASS_COUNT"
read -r calls <"$GLASS_COUNT"
[ ${#calls} -lt "$GLASS_KILL_AT" ] || kill -KILL -- "-$GLASS_GROUP"
exec @REAL@ "$@"
"""


class ShellSite:
    """``how_old`` and ``how_new`` are the last argument of each release's service."""

    def __init__(self, root: Path, *, how_old: str = "", how_new: str = "", own: tuple[OwnStep, ...] = ()) -> None:
        self.root = root
        self.own = own
        self.how = {"v1": how_old, "v2": how_new}
        self._started: list[subprocess.Popen[bytes]] = []

    # --- making ---

    def make(self, *, ended: bool = True, staged: bool = True, started: bool = True) -> ShellSite:
        """V2 live after a cutover; ``ended``: it came to its end; ``started``: it got as far as V2's first start."""
        write_config(self.root, demo=True)
        self._describe_releases()
        (self.root / "bin").mkdir()
        (self.root / "bin/service.sh").write_text(SERVICE)
        self._publish_of_old()
        deployment = self.deployment
        clock = SystemClock()
        origin = Origin("final", "0001-cutover", "v1", "b1", clock.now().wall)
        taken = take_snapshot(deployment, origin)
        snapshot = read_snapshot(deployment, deployment.paths.snapshots / taken.id)
        if staged:
            stage(deployment, snapshot, origin)
        write_return(deployment, "0001-cutover", self._plan(), snapshot, clock)
        self.old_config = deployment.active_config.read_bytes()
        self.new_config = deployment.paths.release("v2").read_bytes()
        self.old_metrics = tree_of(deployment.metrics)
        self._write_cutover(snapshot.id, ended=ended, started=started)
        (deployment.paths.rollback / "operations/.last").write_text("1")
        deployment.active_config.write_bytes(self.new_config)
        if started:
            self.start("v2")
        return self

    @property
    def deployment(self) -> Deployment:
        return load_deployment(self.root)

    @property
    def script(self) -> Path:
        return self.root / ".rollback/RETURN.sh"

    def _describe_releases(self) -> None:
        for name, path in ((name, self.root / f"config/releases/{name}.yml") for name in ("v1", "v2")):
            lines = path.read_text().splitlines()
            how = f', "{self.how[name]}"' if self.how[name] else ""
            for index, line in enumerate(lines):
                if line.startswith("  command:"):
                    lines[index] = f'  command: ["/bin/sh", "{{root}}/bin/service.sh", "{{release}}"{how}]'
                elif line.startswith("  verify:"):
                    lines[index] = '  verify: ["/bin/true"]'
                elif line.startswith("  files:"):
                    lines[index] = '  files: ["{root}/bin/service.sh"]'
            path.write_text("\n".join(lines) + "\n")
        (self.root / "config/pipeline.yml").write_bytes((self.root / "config/releases/v1.yml").read_bytes())
        console = self.root / "config/console.yml"
        console.write_text(console.read_text().replace("verify_hold: 1s", "verify_hold: 200ms"))

    def _publish_of_old(self) -> None:
        metrics = self.root / "data/metrics"
        (metrics / "by day").mkdir(parents=True)
        for number in range(3):
            (metrics / f"v1_{number}.json").write_text(f"old {number}")
        (metrics / 'by day/it\'s "quoted".csv').write_text("old, by day")
        (metrics / "by day/día.csv").write_text("old, accented")
        (metrics / "empty").mkdir()
        (metrics / "latest").symlink_to("v1_2.json")

    def _plan(self) -> Plan:
        then = hash_of(self.root / "config/releases/v2.yml")
        return Plan(
            kind="cutover",
            release_from="v1",
            release_to="v2",
            build_from="b1",
            build_to="b2",
            config_now=hash_of(self.root / "config/pipeline.yml"),
            config_then=then,
            basis="",
            made_at=SystemClock().now().wall,
            own_steps=self.own,
        )

    def _write_cutover(self, snapshot: str, *, ended: bool, started: bool) -> None:
        directory = self.deployment.paths.operation("0001-cutover")
        make_directory(directory)
        journal = Journal(directory, SystemClock())
        names = {"operation_kind": "cutover", "release_from": "v1", "release_to": "v2"}
        journal.write("planned", **names, actor="tester", origin="local", reason="", steps=[])
        journal.write("worker", pid=4_000_000, start_time=1)
        accepted = journal.write("accepted", plan="")
        self._tell("operation.accepted", {"kind": "cutover", "reason": ""}, accepted)
        journal.write("fact", name="final_snapshot", value=snapshot)
        for step in self.own:
            if step.operation == "cutover":
                journal.write("intent", step=step.name, title=step.title, no_return=False)
        if started:
            journal.write("intent", step="start_new", title="new release's first start", no_return=True)
        if ended:
            seq = journal.write("ended", state="SUCCEEDED", failure="", offers=[])
            self._tell("operation.ended", {"kind": "cutover", "state": "SUCCEEDED", "seconds": 4.0}, seq)

    def _tell(self, kind: str, data: dict[str, object], seq: int) -> None:
        events = self.deployment.paths.events
        append_event(events, kind, data, source="operation", operation="0001-cutover", operation_seq=seq)

    # --- its services ---

    def mark(self, release: str) -> str:
        return mark_of(self.deployment, f"abaco-pipeline-{release}")

    def start(self, release: str, *, written_down: bool = True) -> subprocess.Popen[bytes]:
        """Start a release as a supervisor would that has gone since."""
        files = ServiceFiles(self.root / f".rollback/services/abaco-pipeline-{release}")
        make_directory(files.directory)
        how = [self.how[release]] if self.how[release] else []
        with files.output.open("ab") as output:
            process = subprocess.Popen(
                ["/bin/sh", str(self.root / "bin/service.sh"), release, *how],
                env={**os.environ, "ABACO_OPS_SERVICE": self.mark(release)},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        self._started.append(process)
        if written_down:
            files.write_record(ServiceRecord("up", "running", None, identity_of(process.pid)))
        return process

    def await_runs(self, release: str, count: int = 2, seconds: float = 20) -> None:
        """Until the release has published this often."""
        until = time.monotonic() + seconds
        while len(self.written(release)) < count:
            assert time.monotonic() < until, f"{release} does not publish"
            time.sleep(0.01)

    def running(self, release: str) -> list[int]:
        """The session leaders that carry the release's mark."""
        entry = f"ABACO_OPS_SERVICE={self.mark(release)}".encode()
        found = []
        for path in Path("/proc").iterdir():
            try:
                if not path.name.isdigit() or entry not in (path / "environ").read_bytes().split(b"\0"):
                    continue
                fields = (path / "stat").read_text().rpartition(")")[2].split()
                if fields[0] not in "ZX" and fields[3] == path.name:
                    found.append(int(path.name))
            except OSError:
                continue
        return found

    def end(self) -> None:
        """End both releases with their supervisors; nothing of them may be left."""
        for release in ("v1", "v2"):
            for pid in self.running(release):
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(pid, signal.SIGKILL)  # a stubborn one need not be waited for
            stopped = open_service(self.deployment, release).stop()
            assert stopped.stopped, stopped.left
        for process in self._started:
            process.wait()

    # --- the script ---

    def run(self, *words: str, path: Path | None = None, more: Mapping[str, str] | None = None, **options: object):  # type: ignore[no-untyped-def]
        """``sh RETURN.sh WORDS`` where nothing but these programs is on the PATH."""
        environment = {"PATH": str(path), "HOME": "/", **(more or {})} if path else {**os.environ, **(more or {})}
        command = ["/bin/sh", "-c", 'GLASS_GROUP=$$; export GLASS_GROUP; exec /bin/sh "$@"', "run"]
        return subprocess.run(
            [*command, str(self.script), *words],
            env=environment,
            cwd="/",
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
            process_group=0,
            **options,  # type: ignore[call-overload]
        )

    @contextlib.contextmanager
    def waiting(self, path: Path) -> Iterator[subprocess.Popen[bytes]]:
        """The script while it waits in an own step that does WAITS; in the end the step is told to go on."""
        begun, go_on = self.root / "begun", self.root / "go-on"
        script = subprocess.Popen(
            ["/bin/sh", str(self.script), "--yes"],
            env={"PATH": str(path)},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            while not begun.exists() or not begun.read_text().strip():
                assert script.poll() is None, "it ended before that"
                time.sleep(0.01)
            handle = os.pidfd_open(int(begun.read_text()))
            try:
                yield script
            finally:
                go_on.touch()
                select.select([handle], [], [], 60)
                os.close(handle)
        finally:
            if script.poll() is None:
                script.kill()
            script.wait()

    # --- looking, with nothing of the engine ---

    def written(self, release: str) -> set[str]:
        path = self.root / f"logs/written.{release}"
        return set(path.read_text().split()) if path.exists() else set()

    def journal(self, operation: str) -> list[dict[str, object]]:
        path = self.root / ".rollback/operations" / operation / "journal.jsonl"
        return [json.loads(line) for line in path.read_text().splitlines()]

    def rollbacks(self) -> list[str]:
        return sorted(path.parent.name for path in self.root.glob(".rollback/operations/*-rollback/journal.jsonl"))

    def end_states(self) -> dict[str, object]:
        """The newest state that each journal declares."""
        states: dict[str, object] = {}
        for path in sorted(self.root.glob(".rollback/operations/*/journal.jsonl")):
            for record in self.journal(path.parent.name):
                if record["kind"] in ("ended", "closed"):
                    states[path.parent.name] = record["state"]
                elif record["kind"] == "worker":
                    states[path.parent.name] = "nothing"
        return states

    def kept(self) -> set[str]:
        """The hash of every file below the deployment."""
        found = set()
        for directory, _, names in os.walk(self.root):
            for name in names:
                path = Path(directory) / name
                try:
                    if stat.S_ISREG(path.lstat().st_mode):
                        found.add(hashlib.sha256(path.read_bytes()).hexdigest())
                except FileNotFoundError:
                    continue
        return found

    def violations(self, *, settled: bool = True) -> list[str]:
        """What must never be so; ``settled``: the way back has come to its end."""
        found = []
        old, new = self.running("v1"), self.running("v2")
        if (old and new) or len(old) > 1:
            found.append(f"v1 {old} and v2 {new} run at once")
        lost = self.written("v2") - self.kept()
        if lost:
            found.append(f"{len(lost)} files that v2 wrote are nowhere")
        config = (self.root / "config/pipeline.yml").read_bytes()
        if config not in (self.old_config, self.new_config):
            found.append("the configuration is neither the old nor the new one")
        if settled:
            found += self._unsettled(config, old)
        return found

    def _unsettled(self, config: bytes, old: list[int]) -> list[str]:
        found = []
        if config != self.old_config:
            found.append("the configuration is not the old one")
        now = tree_of(self.root / "data/metrics")
        if {name: now.get(name) for name in self.old_metrics} != self.old_metrics:
            found.append("the metrics are not those of the snapshot")
        if any(name.startswith("v2_") for name in now):
            found.append("metrics of v2 are live")
        if len(old) != 1:
            found.append(f"{len(old)} processes of v1 run")
        states = self.end_states()
        if states.get((self.rollbacks() or ["none"])[-1]) != "SUCCEEDED":
            found.append(f"the end is not declared: {states}")
        if any(state not in ("SUCCEEDED", "ROLLED_BACK", "ABORTED") for state in states.values()):
            found.append(f"something is still open: {states}")
        return found


def tree_of(directory: Path) -> dict[str, str]:
    """Relative name to what stands there, of everything below; links unfollowed."""
    found = {}
    for path in sorted(directory.rglob("*")):
        name = str(path.relative_to(directory))
        if path.is_symlink():
            found[name] = f"-> {path.readlink()}"
        elif path.is_dir():
            found[name] = "directory"
        elif not name.endswith(".tmp"):
            found[name] = hashlib.sha256(path.read_bytes()).hexdigest()
    return found


def bare_path(directory: Path, *, without: tuple[str, ...] = ()) -> Path:
    """A PATH with coreutils and util-linux and nothing else."""
    directory.mkdir()
    for name in [*COREUTILS, *UTIL_LINUX]:
        real = shutil.which(name)
        assert real is not None, name
        if name not in without:
            (directory / name).symlink_to(real)
    return directory


def counting_path(directory: Path) -> Path:
    """The same, each program behind a wrapper that counts, and that kills the script at a chosen call."""
    directory.mkdir()
    for name in [*COREUTILS, *UTIL_LINUX]:
        path = directory / name
        path.write_text(WRAPPER.replace("@REAL@", str(shutil.which(name))))
        path.chmod(0o755)
    return directory


def boot() -> str:
    return boot_id()


def encoded(record: object) -> bytes:
    """As the engine writes a record."""
    return msgspec.json.encode(record, order="deterministic")
