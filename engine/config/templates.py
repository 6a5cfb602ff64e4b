"""The configuration that comes with abaco-ops, written into a new deployment."""

from __future__ import annotations

import shutil
from pathlib import Path

import engine
from engine.config.paths import Paths
from engine.errors import Refused
from engine.records.atomic import make_directory, write_file

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


def write_config(root: Path, *, demo: bool = False) -> Paths:
    """Write the commented default configuration below ``root``; Refused when one is already there."""
    paths = Paths(root.resolve())
    if (paths.config / "console.yml").exists():
        raise Refused(f"{paths.config} holds a configuration already", "give an empty directory")
    make_directory(paths.config / "releases")
    for directory in (paths.logs, paths.rollback):
        make_directory(directory)
    source = defaults()
    for name in ("kpis.yml", "monitoring.yml", "checklist.yml", "releases/v1.yml", "releases/v2.yml"):
        shutil.copyfile(source / name, paths.config / name)
    shutil.copyfile(source / "releases/v1.yml", paths.config / "pipeline.yml")
    text = (source / "console.yml").read_text(encoding="utf-8")
    write_file(paths.config / "console.yml", (_as_demo(text) if demo else text).encode())
    return paths


def _as_demo(text: str) -> str:
    for old, new in _DEMO.items():
        if text.count(old) != 1:
            raise Refused(f"the shipped console.yml lacks the line with {old!r}", "reinstall abaco-ops")
        text = text.replace(old, new)
    return text
