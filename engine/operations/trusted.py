"""Configuration names commands that run as whoever operates: nobody else may be able to change it."""

from __future__ import annotations

import stat
from collections.abc import Iterator
from pathlib import Path

from engine.config import Deployment


def open_to_everyone(deployment: Deployment) -> list[str]:
    """What any account of this machine could change or replace, one line each; empty when nothing."""
    return [problem for path in _trusted(deployment) if (problem := _problem(path))]


def _trusted(deployment: Deployment) -> Iterator[Path]:
    yield from reversed(deployment.root.resolve().parents)
    yield deployment.root
    yield deployment.paths.config
    for path in sorted(deployment.paths.config.rglob("*")):
        if path.is_dir() or path.suffix in (".yml", ".yaml"):
            yield path


def _problem(path: Path) -> str:
    try:
        mode = path.stat().st_mode
    except OSError:
        return ""  # whoever reads it says so
    if not mode & stat.S_IWOTH or (stat.S_ISDIR(mode) and mode & stat.S_ISVTX):
        return ""
    return f"every account can change {path}, and configuration names commands that run as you: chmod o-w {path}"
