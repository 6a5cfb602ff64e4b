"""Zero loss, proven: everything that was live before is found, by hash, in what is live or in what was set aside."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from engine.snapshots.manifest import Entry


class LossProof(msgspec.Struct, frozen=True):
    """The counts. ``missing`` names what was found nowhere: then something was lost, and it is said."""

    files: int
    bytes: int
    in_restored: int
    in_set_aside: int
    missing: tuple[str, ...]
    only_set_aside: tuple[str, ...]
    """Live before, not live now: what the new release wrote, to be replayed if it is wanted."""
    only_in_snapshot: tuple[str, ...] = ()
    """Restored, and no longer live since the old release runs: the snapshot still holds it."""
    gone: tuple[str, ...] = ()
    """Restored, and not live now as it was restored, without the old release's own doing."""
    nothing_restored: bool = False
    """A snapshot that is not empty was restored, and of what the old release had live nothing is live again."""

    @property
    def complete(self) -> bool:
        """True when nothing is missing, and what was restored is live and is what was there."""
        return not self.missing and not self.gone and not self.nothing_restored


def prove_no_loss(
    before: Iterable[Entry],
    restored: Iterable[Entry],
    aside: Iterable[Entry],
    snapshot: Iterable[Entry] = (),
    gone: tuple[str, ...] = (),
) -> LossProof:
    """Compare by content. A file counts once: as restored if it is live, else as set aside, else in the snapshot.

    All four are lists of what was hashed where it stands; a manifest proves nothing here.
    """
    live, kept, held = _contents(restored), _contents(aside), _contents(snapshot)
    had = [entry for entry in before if entry.type != "directory"]
    rest = [entry for entry in had if _content(entry) not in live]
    only = tuple(entry.path for entry in rest if _content(entry) in kept)
    nowhere = [entry for entry in rest if _content(entry) not in kept]
    in_snapshot = tuple(entry.path for entry in nowhere if _content(entry) in held)
    missing = tuple(entry.path for entry in nowhere if _content(entry) not in held)
    size = sum(entry.size for entry in had)
    return LossProof(len(had), size, len(had) - len(rest), len(only), missing, only, in_snapshot, gone)


def _contents(entries: Iterable[Entry]) -> set[tuple[str, str]]:
    return {_content(entry) for entry in entries if entry.type != "directory"}


def _content(entry: Entry) -> tuple[str, str]:
    return entry.sha256, entry.target
