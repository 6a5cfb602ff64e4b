"""What must be true after every case, whatever happened: asked of files, processes and ledgers, never of the engine."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

OVER = frozenset({"SUCCEEDED", "ABORTED", "ROLLED_BACK"})
WAITS_FOR_A_PERSON = frozenset({"INTERRUPTED", "NEEDS_HUMAN"})


@dataclass(frozen=True, slots=True)
class Scene:
    """What is seen when nobody works any more."""

    root: Path
    old_config: bytes
    new_config: bytes
    published: list[tuple[str, str, str]]
    """From the ledger outside: release, sha256, file name of all that was ever published."""
    aside: frozenset[str]
    """sha256 of what the new release wrote before an earlier rollback: not live any more."""
    together: list[str]
    """When two releases ran at the same time."""
    running: list[str]
    declared: str
    """How the newest operation calls its end; empty when there is none."""
    rebooted: bool = False
    """Everything was ended from outside, as by a reboot: nothing runs, whatever was declared before."""

    @property
    def set_aside(self) -> frozenset[str]:
        """What the new release has published and is not live any more: it has to be found elsewhere."""
        new = _new(self)
        return frozenset() if new & _live(self) else frozenset(new)

    @property
    def configured_old(self) -> bool:
        """Whether the old release's configuration is active."""
        return _config(self) == self.old_config


def violations(scene: Scene) -> list[str]:
    """Every promise that is broken, in words; none when all hold."""
    return [
        *scene.together,
        *_declared(scene),
        *_configuration(scene),
        *_metrics(scene),
        *_runs_what_it_says(scene),
        *_lost(scene),
    ]


def _declared(scene: Scene) -> list[str]:
    """An end that is no end, or that nobody says."""
    if scene.declared and scene.declared not in OVER | WAITS_FOR_A_PERSON:
        return [f"the end state is {scene.declared}, and nobody works"]
    if scene.rebooted:
        return [f"{', '.join(scene.running)} was started by nobody"] if scene.running else []
    if not scene.running and scene.declared not in WAITS_FOR_A_PERSON:
        return [f"no release runs, and it is called {scene.declared or 'nothing'}"]
    return []


def _configuration(scene: Scene) -> list[str]:
    found = _config(scene)
    if found in (scene.old_config, scene.new_config):
        return []
    return [f"the configuration is neither the old nor the new one: {found[:60]!r}"]


def _metrics(scene: Scene) -> list[str]:
    """All that the old release had published is live; of the new one's, everything or nothing."""
    live = _live(scene)
    old = {digest for release, digest, _ in scene.published if release == "v1"}
    new = _new(scene)
    found = [f"{len(old - live)} of {len(old)} files of v1 are not live"] if old - live else []
    if new & live and new - live:
        found.append(f"of {len(new)} files of v2 {len(new & live)} are live: neither wholly old nor wholly new")
    if scene.aside & live:
        found.append("files that an earlier rollback set aside are live")
    return found


def _runs_what_it_says(scene: Scene) -> list[str]:
    """One release or none; with its own configuration; the old one never on the new one's metrics."""
    if len(scene.running) > 1:
        return [f"{' and '.join(scene.running)} run at once"]
    found = []
    for release in scene.running:
        meant = scene.old_config if release == "v1" else scene.new_config
        if _config(scene) != meant:
            found.append(f"{release} runs with another configuration")
        if release == "v1" and _new(scene) & _live(scene):
            found.append("v1 runs on the metrics of v2")
    return found


def _lost(scene: Scene) -> list[str]:
    """Every byte that was ever published is somewhere in the deployment."""
    there = set(_hashes(scene.root).values())
    return [f"LOST: {name} of {release}" for release, digest, name in scene.published if digest not in there]


def _config(scene: Scene) -> bytes:
    path = scene.root / "config/pipeline.yml"
    return path.read_bytes() if path.is_file() else b""


def _new(scene: Scene) -> set[str]:
    return {digest for release, digest, _ in scene.published if release == "v2"} - scene.aside


def _live(scene: Scene) -> set[str]:
    return set(_hashes(scene.root / "data/metrics").values())


def _hashes(directory: Path) -> dict[str, str]:
    return {
        str(path): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in directory.rglob("*")
        if path.is_file() and not path.is_symlink() and not path.name.endswith(".tmp")
    }
