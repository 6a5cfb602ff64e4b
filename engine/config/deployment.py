"""A deployment: its directory, its configuration, all of it read and checked at once."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from pathlib import Path

import engine
from engine.config.checklist import ChecklistConfig
from engine.config.console import ConsoleConfig
from engine.config.kpis import KpiConfig
from engine.config.located import Located, read_yaml
from engine.config.monitoring import MonitoringConfig
from engine.config.paths import Paths
from engine.config.problems import ConfigError, Problem
from engine.config.release import ReleaseConfig
from engine.config.typed import to_struct
from engine.errors import OpsError

ROOT_VARIABLE = "ABACO_OPS_ROOT"


@dataclass(frozen=True, slots=True)
class Deployment:
    """The configuration of one deployment; built by :func:`load_deployment`."""

    paths: Paths
    console: ConsoleConfig
    kpis: KpiConfig
    monitoring: MonitoringConfig
    checklist: ChecklistConfig
    releases: dict[str, ReleaseConfig]

    @property
    def root(self) -> Path:
        """The deployment's directory, absolute."""
        return self.paths.root

    @property
    def old(self) -> ReleaseConfig:
        """The release that a rollback returns to."""
        return self.releases[self.console.releases.old]

    @property
    def new(self) -> ReleaseConfig:
        """The release that a cutover activates."""
        return self.releases[self.console.releases.new]

    @property
    def active_config(self) -> Path:
        """The pipeline's active configuration file."""
        return self.root / self.console.paths.active_config

    @property
    def tape(self) -> Path:
        """The live tape."""
        return self.root / self.console.paths.tape

    @property
    def metrics(self) -> Path:
        """The directory of published metrics."""
        return self.root / self.console.paths.metrics

    def command(self, template: list[str], release: str) -> list[str]:
        """A configured command with its places filled in."""
        places = {
            "{python}": sys.executable,
            "{root}": str(self.root),
            "{release}": release,
            "{engine}": str(Path(engine.__file__).parent),
        }
        return [_filled(part, places) for part in template]


class NoDeployment(OpsError):
    """The directory holds no configuration at all."""

    def __init__(self, root: Path) -> None:
        there = "has no config/ directory" if root.is_dir() else "is not there"
        super().__init__(
            f"{root} is no deployment: it {there}",
            "go to one or name it with --root DIR; abaco-ops demo makes one to try things on, "
            "abaco-ops init DIR writes the configuration of your own",
        )


def find_root(given: str | None) -> Path:
    """The deployment's directory: ``--root``, else ``$ABACO_OPS_ROOT``, else the current one."""
    return Path(given or os.environ.get(ROOT_VARIABLE) or ".").resolve()


def load_deployment(root: Path) -> Deployment:
    """Read and check the whole configuration below ``root``. ConfigError names every mistake."""
    paths = Paths(root.resolve())
    if not paths.config.is_dir():
        raise NoDeployment(paths.root)
    files = [read_yaml(paths.config / name) for name in ("console.yml", "kpis.yml", "monitoring.yml", "checklist.yml")]
    console = to_struct(files[0], ConsoleConfig)
    kpis = to_struct(files[1], KpiConfig)
    monitoring = to_struct(files[2], MonitoringConfig)
    checklist = to_struct(files[3], ChecklistConfig)
    releases: dict[str, ReleaseConfig] = {}
    if console is not None:
        _check_console(files[0], console)
        for name in (console.releases.old, console.releases.new):
            located = read_yaml(paths.release(name))
            files.append(located)
            release = to_struct(located, ReleaseConfig)
            if release is not None:
                _check_release(located, release, name)
                releases[name] = release
    problems = [problem for located in files for problem in located.problems]
    if problems or not (console and kpis and monitoring and checklist):
        raise ConfigError(problems)
    return Deployment(paths, console, kpis, monitoring, checklist, releases)


def _filled(part: str, places: dict[str, str]) -> str:
    for place, value in places.items():
        part = part.replace(place, value)
    return part


def _check_console(located: Located, console: ConsoleConfig) -> None:
    if console.profile not in console.profiles:
        located.problems.append(
            Problem(
                located.path,
                located.line(("profile",)),
                ("profile",),
                f"names the profile {console.profile!r}, which is not there",
                f"one of: {', '.join(console.profiles)}",
            )
        )
    if console.releases.old == console.releases.new:
        located.problems.append(
            Problem(
                located.path,
                located.line(("releases", "to")),
                ("releases", "to"),
                "is the same release as releases.from",
                "name two releases",
            )
        )
    for key in ("active_config", "tape", "reference_tape", "metrics"):
        _check_inside(located, ("paths", key), getattr(console.paths, key))
    for index, covered in enumerate(console.snapshot.covers):
        _check_inside(located, ("snapshot", "covers", index), covered)


def _check_inside(located: Located, where: tuple[str | int, ...], relative: str) -> None:
    if Path(relative).is_absolute() or ".." in Path(relative).parts:
        located.problems.append(
            Problem(
                located.path,
                located.line(where),
                where,
                f"is {relative!r}, outside the deployment",
                "give a path below the deployment's directory, without ..",
            )
        )


def _check_release(located: Located, release: ReleaseConfig, name: str) -> None:
    if release.release != name:
        located.problems.append(
            Problem(
                located.path,
                located.line(("release",)),
                ("release",),
                f"is {release.release!r} in the file of {name!r}",
                f"release: {name}",
            )
        )
