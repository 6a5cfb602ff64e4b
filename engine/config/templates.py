"""The configuration that comes with abaco-ops, written into a new deployment."""

from __future__ import annotations

import os
from pathlib import Path

import msgspec
import yaml

import engine
from engine.config.monitoring import Contact
from engine.config.paths import Paths, paths_below
from engine.errors import Refused
from engine.records.atomic import make_directory, write_file

_FILES = ("kpis.yml", "monitoring.yml", "checklist.yml", "releases/v1.yml", "releases/v2.yml")
_DEMO = {
    "environment: PROD ": "environment: DEMO ",
    "demo: false ": "demo: true  ",
    "profile: production ": "profile: demo       ",
}


def defaults() -> Path:
    """The directory of the shipped configuration: inside the package, or the checkout's own ``config/``."""
    package = Path(engine.__file__).parent
    packaged = package / "defaults"
    return packaged if packaged.is_dir() else package.parent / "config"


def write_config(root: Path, *, demo: bool = False, group: str | None = None) -> Paths:
    """Write the commented default configuration below ``root``; Refused when any of it is already there.

    ``group``: the operators' group, which shares the files.
    """
    paths = paths_below(root)
    source = defaults()
    console = (source / "console.yml").read_text(encoding="utf-8")
    contents = {name: (source / name).read_bytes() for name in _FILES}
    changes = dict(_DEMO) if demo else {}
    if group is not None:
        changes["group: null "] = f"group: {group} "
    contents["console.yml"] = _changed(console, changes).encode()
    contents["pipeline.yml"] = contents["releases/v1.yml"]
    taken = [name for name in contents if os.path.lexists(paths.config / name)]
    if taken:
        raise Refused(f"{paths.config} holds a configuration already ({', '.join(taken)})", "give another directory")
    for directory in (paths.config / "releases", paths.logs, paths.rollback):
        make_directory(directory)
    for name, data in contents.items():
        write_file(paths.config / name, data)
    return paths


def sample_contacts() -> dict[str, Contact]:
    """The contacts that a new deployment begins with: roles, and no person."""
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    shipped = yaml.load((defaults() / "monitoring.yml").read_bytes(), Loader=loader)  # noqa: S506
    return msgspec.convert(shipped["contacts"], dict[str, Contact])


def _changed(text: str, changes: dict[str, str]) -> str:
    for old, new in changes.items():
        if text.count(old) != 1:
            raise Refused(f"the shipped console.yml lacks the line with {old!r}", "reinstall abaco-ops")
        text = text.replace(old, new)
    return text
