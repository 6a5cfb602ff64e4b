"""What a rehearsal does, part by part: each can fail, each is timed, and none touches what is live."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

import msgspec

from engine.clock import Clock
from engine.config import Deployment
from engine.errors import LockHeld, OpsError
from engine.operations.commands import Command, finish
from engine.operations.journal import list_operations
from engine.operations.rehearsal_place import Place
from engine.operations.rollback_verify import agree_command, disagreement
from engine.operations.runner import in_words
from engine.operations.started import new_release_started
from engine.operations.way_back import computes
from engine.records import existing, harmless, make_directory, sync_directory
from engine.services import open_service
from engine.services.build import build_hash
from engine.snapshots import (
    TREE,
    Origin,
    Snapshot,
    choices,
    covers_of,
    entries_of,
    let_read,
    passed_over,
    read_snapshot,
    staged_problem,
    take_snapshot,
    trees,
    unread,
    verify_snapshot,
)
from engine.snapshots.catalogue import differences
from engine.snapshots.copying import copy_tree, sync_tree
from engine.snapshots.exchange import CannotExchange, exchange, inode
from engine.snapshots.manifest import sha256_of, walk

RECORDS = 16 << 20
"""Bytes that a rollback's journal, inventory and manifests may take, with room left for the services."""


class Part(msgspec.Struct, frozen=True):
    """One part. ``times``: how often a rollback does the same; 0: a cutover has done it beforehand."""

    name: str
    ok: bool
    seconds: float
    detail: str
    times: int


class NotReady(OpsError):
    """A part of a rollback that would not succeed now."""


class Look(Protocol):
    """Raises when the rehearsal has to leave."""

    def __call__(self, *, at_once: bool = False) -> None:
        """Look."""
        ...


class Rehearsing:
    """One rehearsal under way."""

    def __init__(
        self,
        deployment: Deployment,
        place: Place,
        clock: Clock,
        look: Look,
        wait: Callable[[], None],
        tell: Callable[[Part], None],
    ) -> None:
        self._deployment = deployment
        self._place = place
        self._clock = clock
        self._look = look
        self._wait = wait
        self._tell = tell
        self._old = deployment.console.releases.old
        self.parts: list[Part] = []
        self.notes: list[str] = []
        self.snapshot: Snapshot | None = None
        self.own_snapshot = False
        self.exchange = ""
        self.build = ""

    def run(self) -> None:
        """All parts; one that fails stops only what rests on it. What ``look`` raises ends it."""
        self._look(at_once=True)
        operations = list_operations(self._deployment.paths.operations)
        acting = [item for item in operations if item.kind != "validate" and item.started is not None]
        self.own_snapshot = not new_release_started(self._deployment, acting)
        if not self.own_snapshot:
            self._part("snapshot", self._choose, times=1)
        room = self._part("space", self._space, times=0)
        if self.own_snapshot and room:
            self._part("snapshot", self._take, times=0)
            if self.snapshot is not None:
                self._part("verify", self._verify_own, times=1)
        if self.snapshot is not None and not self.own_snapshot:
            self._part("staged", self._staged, times=_RESTORED)
        if self.snapshot is not None and room and self._part("stage", self._stage, times=0):
            self._part("verify copy", self._verify_copy, times=_RESTORED if self.own_snapshot else 0)
        if self._deployment.console.services.backend == "systemd":
            self._part("rights", self._rights, times=0)
        self._part("inventory", self._inventory, times=_LIVE)
        self._part("configuration", self._configuration, times=1)
        self._part("exchange", self._exchange, times=1)
        self._part("compute", self._compute, times=1)
        if self.own_snapshot:
            self._ask_the_new_one()

    def cannot_begin(self, why: str) -> None:
        """Not even a place of its own can be had: then a rollback has none either."""

        def fail() -> str:
            raise NotReady(why)

        self._part("place", fail, times=0)

    def _part(self, name: str, act: Callable[[], str], *, times: int) -> bool:
        began = time.monotonic()
        try:
            ok, detail = True, act()
        except LockHeld:
            raise
        except (OSError, OpsError) as error:
            ok, detail = False, in_words(error)
        part = Part(name, ok, round(time.monotonic() - began, 3), harmless(detail, 300), times)
        self.parts.append(part)
        self._tell(part)
        return ok

    # ---- what would be restored

    def _choose(self) -> str:
        """As a rollback chooses: the newest whose every hash is right. One that is passed over for it is no PASS."""
        found = choices(self._deployment, self._old)
        damaged: dict[str, str] = {}
        for snapshot in found:
            problem = verify_snapshot(snapshot, self._look)
            if not problem:
                self.snapshot = snapshot
                break
            damaged[snapshot.id] = problem
        newer = passed_over(self._deployment, self._old, self.snapshot, damaged)
        said = "; ".join(str(item) for item in newer)
        if self.snapshot is None:
            raise NotReady(f"no snapshot can be restored{': ' + said if said else ''}")
        stops = unread(newer)
        if stops is not None:
            raise NotReady(f"snapshot {stops.id} {stops.reason}; {let_read(self._deployment, stops.id)}")
        if damaged:
            raise NotReady(f"a rollback would restore {self.snapshot.id} instead: {said}")
        self.notes += [str(item) for item in newer]
        return f"{self.snapshot.id}: {self._size()}, every hash right"

    def _take(self) -> str:
        """What the coming cutover will take, in a place where no rollback looks, and of a kind that none restores."""
        self._place.make()
        self.build = self._build()
        origin = Origin("rehearsal", "rehearsal", self._old, self.build, self._clock.now().wall)
        directory = self._place.own / "snapshot"
        take_snapshot(self._deployment, origin, directory=directory, checkpoint=self._look, living=True)
        taken = read_snapshot(self._deployment, directory)
        if taken.manifest is None:
            raise NotReady(taken.problem)
        self.snapshot = taken
        return f"one of its own, as the cutover will take it: {self._size()}"

    def _verify_own(self) -> str:
        assert self.snapshot is not None
        problem = verify_snapshot(self.snapshot, self._look)
        if problem:
            raise NotReady(problem)
        return "every hash right"

    # ---- room

    def _space(self) -> str:
        """A copy for the rehearsal, the records of a rollback, and the side snapshot where it cannot be a mere move."""
        deployment = self._deployment
        live = self._covered_bytes()
        if not self.own_snapshot:
            copies = self.snapshot.manifest.bytes if self.snapshot and self.snapshot.manifest else 0
        else:
            copies = 2 * live
        covered = [existing(deployment.root / name) for name in covers_of(deployment)]
        own = deployment.paths.rollback
        elsewhere = any(place.stat().st_dev != own.stat().st_dev for place in covered)
        needed = copies + RECORDS + (live if elsewhere else 0)
        places = {own, *covered}
        free = min(shutil.disk_usage(place).free for place in places)
        if free < needed:
            raise NotReady(f"{_mb(free)} free, {_mb(needed)} needed for copy, side snapshot and records")
        return f"{_mb(free)} free, {_mb(needed)} needed"

    def _covered_bytes(self) -> int:
        root = self._deployment.root
        return sum(status.st_size for covered in covers_of(self._deployment) for _, status in walk(root, covered, []))

    # ---- trees

    def _staged(self) -> str:
        """The tree that a rollback would swap in stands ready and is whole."""
        assert self.snapshot is not None
        problem = staged_problem(self._deployment, self.snapshot, self._look)
        if problem.endswith("is not staged"):
            return f"{problem}: a rollback stages it first, which takes the time of the copy below"
        if problem:
            raise NotReady(f"{problem}; a rollback would stage it first")
        return "the tree that would be swapped in is whole"

    def _stage(self) -> str:
        assert self.snapshot is not None
        self._place.make()
        for covered in trees(self._deployment, self.snapshot):
            root = self._place.tree_root(covered)
            make_directory((root / covered).parent)
            copy_tree(self.snapshot.path / TREE, root, covered, checkpoint=self._look)
            sync_tree(root)
        return f"{self._size()} copied to the file system of their target"

    def _verify_copy(self) -> str:
        assert self.snapshot is not None and self.snapshot.manifest is not None
        for covered in trees(self._deployment, self.snapshot):
            meant = self.snapshot.manifest.below(covered)
            problem = differences(self._place.tree_root(covered), meant, (covered,), self._look)
            if problem:
                raise NotReady(f"the copy is wrong: {problem}")
        return "every hash of the copy right"

    def _rights(self) -> str:
        """Whether polkit lets this account, the one that a rollback runs as, end the one and start the other."""
        for release in self._deployment.releases:
            if refused := open_service(self._deployment, release).refusal():
                raise NotReady(f"{release} could not be started and ended: {refused}")
        return f"this account may start and end {' and '.join(self._deployment.releases)}"

    def _inventory(self) -> str:
        """What a rollback lists and sets aside: everything live can be read."""
        found = entries_of(self._deployment.root, covers_of(self._deployment), self._look, living=True, passing=[])
        return f"{sum(entry.type == 'file' for entry in found)} live files hashed"

    # ---- configuration and swap, without either

    def _configuration(self) -> str:
        """As it would be written: a temporary beside the active one, synced, read back; then removed, not renamed."""
        data = self._configuration_to_restore()
        temporary = self._place.configuration()
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        descriptor = os.open(temporary, flags, 0o600)
        try:
            with os.fdopen(descriptor, "wb") as stream:
                stream.write(data)
                stream.flush()
                os.fsync(stream.fileno())
            if temporary.read_bytes() != data:
                raise NotReady(f"what was written beside {self._deployment.active_config} reads back differently")
        finally:
            temporary.unlink(missing_ok=True)
        sync_directory(temporary.parent)
        return f"{len(data)} bytes written and synced beside the active one"

    def _configuration_to_restore(self) -> bytes:
        if self.snapshot is None:
            return self._deployment.paths.release(self._old).read_bytes()
        name = self._deployment.console.paths.active_config
        data = (self.snapshot.path / TREE / name).read_bytes()
        sealed = self.snapshot.manifest.entry(name) if self.snapshot.manifest else None
        if sealed is None or sealed.sha256 != sha256_of(self.snapshot.path / TREE / name):
            raise NotReady("the snapshot's configuration is not what was sealed")
        return data

    def _exchange(self) -> str:
        """Two scratch directories where the staged and the live tree stand: can this file system swap them?"""
        how = set()
        for covered in self._deployment.console.snapshot.covers:
            staged = self._place.tree_root(covered).parent / "exchange"
            beside = self._place.beside(self._deployment.root / covered) / "exchange"
            for scratch in (staged, beside):
                make_directory(scratch.parent)
            if staged == beside:
                staged = staged.with_name("exchange-staged")
            how.add(_tried(staged, beside))
        self.exchange = " and ".join(sorted(how))
        return f"scratch directories beside the live tree: {self.exchange}"

    # ---- the old release

    def _compute(self) -> str:
        """The old release's KPI program computes the live tape and the snapshot's, and agrees, as a rollback asks."""
        deployment = self._deployment
        self.build = self.build or self._build()
        agree = self._agree(self._old, None)
        try:
            reason, note = computes(deployment, self.snapshot, self._wait)
        except BaseException:
            agree.kill()
            raise
        (agreed,) = finish([agree], self._wait)
        if reason:
            raise NotReady(reason)
        if note:
            self.notes.append(note)
            (agreed,) = finish([self._agree(self._old, self._probe())], self._wait)
        problem = disagreement(agreed)
        if problem:
            raise NotReady(f"{self._old} does not agree with the tape: {problem}")
        return f"{self._old} computes {'the snapshot' if note else 'the live'} tape and agrees with it"

    def _ask_the_new_one(self) -> None:
        """Before a cutover: its own program on the reference tape, as phase 2 will ask. It bars no way back: a note."""
        new = self._deployment.console.releases.new
        tape = self._deployment.console.paths.reference_tape
        try:
            (agreed,) = finish([self._agree(new, self._deployment.root / tape)], self._wait)
            problem = disagreement(agreed)
        except LockHeld:
            raise
        except (OSError, OpsError) as error:
            problem = in_words(error)
        if problem:
            self.notes.append(f"a cutover would stop in phase 2, {new} on {tape}: {problem}")

    def _agree(self, release: str, tape: Path | None) -> Command:
        command = agree_command(self._deployment, release, tape)
        return Command(command, self._deployment.root, self._deployment.console.cadence.command_deadline)

    def _probe(self) -> Path | None:
        manifest = self.snapshot.manifest if self.snapshot else None
        return self.snapshot.path / manifest.probe.path if self.snapshot and manifest and manifest.probe else None

    def _build(self) -> str:
        try:
            return build_hash(self._deployment, self._old)
        except (OSError, OpsError) as error:  # a rollback goes on without it
            self.notes.append(f"the build of {self._old} cannot be read: {harmless(error)}")
            return ""

    def _size(self) -> str:
        manifest = self.snapshot.manifest if self.snapshot else None
        return f"{len(manifest.files)} files, {_mb(manifest.bytes)}" if manifest else "nothing"


_RESTORED = 3
"""How often a rollback hashes the tree that it restores: staged, in place, and for the proof at its end."""
_LIVE = 5
"""The same for what was live: listed, sealed and read back as side snapshot, verified and listed for the proof."""


def _tried(staged: Path, beside: Path) -> str:
    staged.mkdir()
    beside.mkdir()
    was = inode(staged), inode(beside)
    try:
        exchange(staged, beside)
    except CannotExchange as why:
        aside = staged.with_name(f"{staged.name}-aside")
        beside.rename(aside)
        staged.rename(beside)
        sync_directory(beside.parent)
        return f"two renames ({why})"
    if (inode(beside), inode(staged)) != was:
        raise NotReady("an exchange that was reported done did not happen")
    return "exchanged in one step"


def _mb(size: int) -> str:
    return f"{size / 1e9:.1f} GB" if size >= 1e9 else f"{size / 1e6:.2f} MB"
