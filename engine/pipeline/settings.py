"""What a pipeline reads from ``config/pipeline.yml``: which release is active, and its settings."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from engine.errors import Refused

ACTIVE = "config/pipeline.yml"
_DURATION = re.compile(r"(\d+(?:\.\d+)?)\s*(ms|s|m|h|d)")
_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_FORMATS = ("parquet", "csv", "json")


@dataclass(frozen=True, slots=True)
class Settings:
    """The active configuration, as far as the pipeline itself needs it."""

    root: Path
    release: str
    service: str
    run_every: float
    """Seconds from the start of one run to the start of the next."""
    tape: Path
    output: Path
    formats: tuple[str, ...]
    decimals: int
    keep_runs: int

    @property
    def runs(self) -> Path:
        """The run records."""
        return self.root / "logs" / "runs.jsonl"

    @property
    def events(self) -> Path:
        """The audit trail."""
        return self.root / "logs" / "events.jsonl"

    @property
    def heartbeat(self) -> Path:
        """Where the running service says that it is alive."""
        return self.root / ".rollback" / "services" / self.service / "heartbeat"


def read_settings(root: Path, release: str) -> Settings:
    """The settings of ``release``; Refused when another release is configured, or the file cannot be used."""
    path = root / ACTIVE
    try:
        loaded = yaml.load(path.read_bytes(), Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # noqa: S506
    except (OSError, yaml.YAMLError) as error:
        raise Refused(f"{path} cannot be read: {error}", "put the release's configuration there") from error
    configured = loaded.get("release") if isinstance(loaded, dict) else None
    if configured != release:
        raise Refused(
            f"{path} is the configuration of {configured!r}, this is {release}",
            "a cutover or a rollback switches the configuration",
        )
    try:
        return _settings(root.resolve(), release, loaded)
    except (KeyError, TypeError, ValueError) as error:
        raise Refused(f"{path}: the pipeline's settings are wrong: {error!r}", "see the comments in it") from error


def _settings(root: Path, release: str, loaded: dict[str, Any]) -> Settings:
    pipeline = loaded["pipeline"]
    formats = tuple(str(word) for word in pipeline["formats"])
    unknown = [word for word in formats if word not in _FORMATS]
    if unknown:
        raise ValueError(f"formats: {', '.join(unknown)} is none of {', '.join(_FORMATS)}")
    return Settings(
        root=root,
        release=release,
        service=str(loaded["service"]["name"]),
        run_every=_seconds(pipeline["run_every"]),
        tape=root / str(pipeline["tape"]),
        output=root / str(pipeline["output"]),
        formats=formats,
        decimals=int(pipeline["decimals"]),
        keep_runs=int(pipeline["keep_runs"]),
    )


def _seconds(raw: object) -> float:
    if isinstance(raw, int | float) and not isinstance(raw, bool):
        seconds = float(raw)
    else:
        parts = _DURATION.findall(str(raw))
        if not parts or _DURATION.sub("", str(raw)).strip():
            raise ValueError(f"run_every: {raw!r} is no duration such as 5s or 10m")
        seconds = sum(float(number) * _SECONDS[unit] for number, unit in parts)
    if seconds <= 0:
        raise ValueError("run_every: must be more than 0")
    return seconds
