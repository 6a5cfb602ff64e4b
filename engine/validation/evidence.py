"""What a validation judges: the release that runs, the tape, and the newest run, brought together before judging."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import yaml

from engine.clock import Clock, pretty_duration
from engine.config import Deployment
from engine.config.release import ReleaseConfig
from engine.portfolio.examined import Examined, examine_tape
from engine.portfolio.plan import plan_of
from engine.portfolio.results import TapeKpis
from engine.portfolio.unreadable import TapeUnreadable
from engine.records import harmless
from engine.records.regular import read_regular
from engine.validation.reading import Reading, TellReading, silent
from engine.validation.runs import Run, of_release, sound_runs
from engine.validation.stint import Stint, of_stint, present_stint

RUN_INTERVALS = 2
"""How many run intervals a validation waits for the run that has read the tape as it is now."""
_POLL = 0.1
_TRIES = 3
"""How often a tape is read that changes meanwhile."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """All there is to judge. ``run`` is the newest run of the release, whatever became of it."""

    deployment: Deployment
    release: ReleaseConfig
    not_running: str
    """Why the release is not the running one; empty when it is."""
    tape: Examined | None
    tape_problem: str
    """Why there is no tape; empty when there is."""
    foreign: bool
    """The tape is not the live one: no run is expected to have read it."""
    runs: tuple[Run, ...]
    """Every run of every release, oldest first."""
    overdue: str
    """What the newest run should have been or done by now; empty when it is in time."""
    settings: Mapping[str, Any]
    """The pipeline's own settings (``pipeline:``): of the active configuration where it is this release's."""
    damage: str = ""
    """What is damaged among the run records, in words; empty when nothing is."""
    newest_unsure: bool = False
    """The damage comes after the newest run that can be read: it may hide a newer one. True without any run."""
    stint: Stint | None = None
    """Since when runs of the release count; None: all do."""
    at: datetime | None = None
    """When it was brought together."""

    @property
    def kpis(self) -> TapeKpis | None:
        """The KPIs of the tape, recomputed."""
        return self.tape.kpis if self.tape is not None else None

    @property
    def own_runs(self) -> list[Run]:
        """The runs of the release in its present stint, oldest first."""
        return of_stint(of_release(self.runs, self.release.release), self.stint)

    @property
    def run(self) -> Run | None:
        """The newest run of the release in its present stint."""
        return self.own_runs[-1] if self.own_runs else None

    @property
    def since(self) -> str:
        """``, counted since 03:12:04Z``: since when runs count; empty when all do."""
        return f", counted since {self.stint.at:%H:%M:%SZ}" if self.stint is not None else ""

    @property
    def before(self) -> int:
        """Runs of the release that belong to earlier stints, and do not count."""
        return len(of_release(self.runs, self.release.release)) - len(self.own_runs)

    @property
    def comparable(self) -> bool:
        """Whether the newest run published from exactly this tape."""
        return _same_tape(self.tape, self.run)


@dataclass(slots=True)
class _TapeReader:
    """Reads the tape again only when its file changed."""

    path: Path
    deployment: Deployment
    tell: TellReading
    tape: Examined | None = None
    problem: str = ""
    _seen: tuple[object, ...] = ()

    def look(self) -> None:
        seen = _fingerprint(self.path)
        if seen == self._seen:
            return
        for _ in range(_TRIES):
            self._seen, self.tape, self.problem = seen, None, ""
            self._read()
            seen = _fingerprint(self.path)
            if seen == self._seen:
                return
        # of what was read, some may be of one tape and some of another
        self.tape, self.problem, self._seen = None, f"{harmless(self.path)} changed each time it was read", ()

    def _read(self) -> None:
        try:
            self.tape = examine_tape(self.path, plan_of(self.deployment.kpis), told=Reading(self.tell).told)
        except TapeUnreadable as error:
            self.problem = error.what
        except Exception:
            if _fingerprint(self.path) == self._seen:
                raise
            self.problem = f"{harmless(self.path)} changed while it was read"  # one look at it, another at the next


def gather(
    deployment: Deployment,
    release: str,
    not_running: str,
    tape: Path,
    clock: Clock,
    wait: Callable[[float], None],
    tell: TellReading = silent,
) -> Evidence:
    """Read tape and runs; while the live tape is newer than the newest run, wait for the next two runs at most.

    ``tell`` hears how far the reading is. Of damaged run records the sound ones are taken; ``damage`` says so.
    """
    foreign = tape.resolve() != deployment.tape.resolve()
    interval = deployment.console.cadence.pipeline_run
    patience = 0.0 if foreign or not_running or interval is None else RUN_INTERVALS * float(interval)
    until = clock.now().boot + patience
    reader = _TapeReader(tape, deployment, tell)
    stint = present_stint(deployment, release)
    while True:
        reader.look()
        recorded = sound_runs(deployment.paths)
        runs = recorded.runs
        own = of_stint(of_release(runs, release), stint)
        overdue = "" if not_running else _overdue(deployment, release, own, clock)
        newest = own[-1] if own else None
        settled = (
            not overdue and newest is not None and (_same_tape(reader.tape, newest) or _both_failed(reader, newest))
        )
        if settled or clock.now().boot >= until:
            break
        wait(_POLL)
    config = deployment.releases[release]
    return Evidence(
        deployment,
        config,
        not_running,
        reader.tape,
        reader.problem,
        foreign,
        runs,
        overdue,
        _settings(deployment, config),
        recorded.damage,
        not of_stint(of_release(runs[len(runs) - recorded.after_damage :], release), stint),
        stint,
        clock.now().wall,
    )


def _settings(deployment: Deployment, config: ReleaseConfig) -> Mapping[str, Any]:
    """What the release was told to do; its own file says it where another or no configuration is active."""
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        active: Any = yaml.load(read_regular(deployment.active_config), Loader=loader)  # noqa: S506
    except (OSError, yaml.YAMLError):
        return config.pipeline  # that it cannot be read is told by who asks which release is active
    own = isinstance(active, dict) and active.get("release") == config.release
    settings = active.get("pipeline") if own else config.pipeline
    return settings if isinstance(settings, dict) else {}


def _same_tape(tape: Examined | None, run: Run | None) -> bool:
    return (
        tape is not None
        and run is not None
        and run.ok
        and run.tape_sha256 is not None
        and (run.tape_sha256 == tape.sha256)
    )


def _both_failed(reader: _TapeReader, run: Run) -> bool:
    return bool(reader.problem) and not run.ok


def _overdue(deployment: Deployment, release: str, own: Sequence[Run], clock: Clock) -> str:
    """A release that stopped running is not judged by what it did before."""
    interval = deployment.console.cadence.pipeline_run
    if interval is None or not own:
        return ""
    age = (clock.now().wall - own[-1].ended).total_seconds()
    if age <= deployment.console.stale_after * interval:
        return ""
    return f"the last run of {release} ended {pretty_duration(age)} ago; one is due every {pretty_duration(interval)}"


def _fingerprint(path: Path) -> tuple[object, ...]:
    """What tells that a tape is the one of before; of a directory with every file in it: its own time tells of few."""
    try:
        files = sorted(file for file in path.rglob("*") if file.is_file()) if path.is_dir() else []
        return tuple(_stamp(file) for file in (path, *files))
    except OSError as error:
        return (error.errno or 0,)


def _stamp(path: Path) -> tuple[object, ...]:
    status = path.stat()
    return path.name, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns
