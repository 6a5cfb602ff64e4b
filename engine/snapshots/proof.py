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

    @property
    def complete(self) -> bool:
        """True when nothing is missing."""
        return not self.missing


def prove_no_loss(before: Iterable[Entry], restored: Iterable[Entry], aside: Iterable[Entry]) -> LossProof:
    """Compare by content. A file counts once: as restored if its content is there, else as set aside."""
    live = {_content(entry) for entry in restored}
    kept = {_content(entry) for entry in aside}
    had = [entry for entry in before if entry.type != "directory"]
    in_restored = [entry for entry in had if _content(entry) in live]
    rest = [entry for entry in had if _content(entry) not in live]
    only = tuple(entry.path for entry in rest if _content(entry) in kept)
    missing = tuple(entry.path for entry in rest if _content(entry) not in kept)
    return LossProof(len(had), sum(entry.size for entry in had), len(in_restored), len(only), missing, only)


def _content(entry: Entry) -> tuple[str, str]:
    return entry.sha256, entry.target
