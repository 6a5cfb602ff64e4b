"""A deployment: its directory, its configuration, all of it read and checked at once."""

from __future__ import annotations

import os
import re
import sys
from dataclasses import dataclass
from pathlib import Path

import engine
from engine.config import consistency
from engine.config.checklist import ChecklistConfig
from engine.config.console import ConsoleConfig
from engine.config.kpis import KpiConfig
from engine.config.located import Located, read_yaml
from engine.config.may_write import account_here, no_right_to_write
from engine.config.monitoring import MonitoringConfig
from engine.config.notify_checks import check_notify
from engine.config.paths import Paths, paths_below
from engine.config.problems import ConfigError, Problem
from engine.config.release import ReleaseConfig
from engine.config.typed import to_struct
from engine.config.units import check_unit
from engine.errors import OpsError

ROOT_VARIABLE = "ABACO_OPS_ROOT"
_PLACE = re.compile(r"\{[a-z]+\}")


@dataclass(frozen=True, slots=True)
class Deployment:
    """The configuration of one deployment; built by :func:`load_deployment`."""

    paths: Paths
    console: ConsoleConfig
    kpis: KpiConfig
    monitoring: MonitoringConfig
    checklist: ChecklistConfig
    releases: dict[str, ReleaseConfig]
    looks_only: bool = False
    """True: whoever opened it was started with ``--read-only``."""
    onlooker: str = ""
    """Why this account only looks: it has no right to write here. Empty: it has one."""

    @property
    def read_only(self) -> bool:
        """Whether only looking is allowed here, for whatever reason."""
        return self.looks_only or self.console.deployment.read_only or bool(self.onlooker)

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
    """Read and check the whole configuration below ``root``. ConfigError names every mistake in every file."""
    paths = paths_below(root)
    if not _is_there(paths):
        raise NoDeployment(paths.root)
    files = {name: read_yaml(paths.config / f"{name}.yml") for name in ("console", "kpis", "monitoring", "checklist")}
    console = to_struct(files["console"], ConsoleConfig)
    kpis = to_struct(files["kpis"], KpiConfig)
    monitoring = to_struct(files["monitoring"], MonitoringConfig)
    checklist = to_struct(files["checklist"], ChecklistConfig)
    if console is not None:
        consistency.check_console(files["console"], console)
    if kpis is not None:
        consistency.check_kpis(files["kpis"], kpis)
    if monitoring is not None:
        consistency.check_monitoring(files["monitoring"], monitoring)
        check_notify(files["monitoring"], monitoring)
    if checklist is not None and monitoring is not None:
        consistency.check_checklist(files["checklist"], checklist, monitoring.conditions)
    releases = _read_releases(paths, files, console.services.backend if console else "")
    problems = [problem for located in files.values() for problem in sorted(located.problems, key=_line)]
    if problems or not (console and kpis and monitoring and checklist):
        raise ConfigError(problems)
    return Deployment(paths, console, kpis, monitoring, checklist, releases, onlooker=no_right_to_write(paths))


def _is_there(paths: Paths) -> bool:
    try:
        return paths.config.is_dir()
    except PermissionError as error:
        raise OpsError(
            f"{paths.root} cannot be looked into by {account_here()}: {error.strerror}",
            f"to operate: a member of the group of {paths.root}; only to look: docs/accounts.md, observers",
        ) from error


def _read_releases(paths: Paths, files: dict[str, Located], backend: str) -> dict[str, ReleaseConfig]:
    """The release files, added to ``files``: those that console.yml names, or all where it cannot be understood."""
    names = consistency.release_names(files["console"])
    if not names:
        names = sorted(path.stem for path in paths.release("any").parent.glob("*.yml"))
    releases: dict[str, ReleaseConfig] = {}
    for name in names:
        located = files[f"releases/{name}"] = read_yaml(paths.release(name))
        release = to_struct(located, ReleaseConfig)
        if release is not None:
            needed = backend == "embedded" or bool(release.service.command)
            consistency.check_release(located, release, name, needs_command=needed)
            check_unit(located, release.service, backend)
            releases[name] = release
    consistency.check_pair(files["console"], releases.values())
    return releases


def _line(problem: Problem) -> int:
    return problem.line


def _filled(part: str, places: dict[str, str]) -> str:
    """One pass, so that a value which looks like a place stays as it is."""
    return _PLACE.sub(lambda match: places.get(match[0], match[0]), part)
