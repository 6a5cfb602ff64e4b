"""Snapshots: taken, sealed, verified, staged, and put back without losing what stood there."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from engine.snapshots.catalogue import (
        Snapshot,
        choices,
        different,
        list_snapshots,
        newest_first,
        prune,
        read_snapshot,
        verify_snapshot,
    )
    from engine.snapshots.fallback import PassedOver, let_read, passed_over, unread
    from engine.snapshots.manifest import Entry, Manifest, SnapshotProblem, entries_of
    from engine.snapshots.owners import give_back_owners
    from engine.snapshots.proof import LossProof, prove_no_loss
    from engine.snapshots.remembered import Remembered, load_remembered
    from engine.snapshots.restore import Swap, displaced, move_tree, plan_swap, swap_in, swapped, take_back
    from engine.snapshots.staging import stage, staged_path, staged_problem, trees
    from engine.snapshots.take import (
        COMPLETE,
        TREE,
        Origin,
        covers_of,
        new_snapshot,
        seal_displaced,
        take_snapshot,
    )

__all__ = [
    "COMPLETE",
    "TREE",
    "Entry",
    "LossProof",
    "Manifest",
    "Origin",
    "PassedOver",
    "Remembered",
    "Snapshot",
    "SnapshotProblem",
    "Swap",
    "choices",
    "covers_of",
    "different",
    "displaced",
    "entries_of",
    "give_back_owners",
    "let_read",
    "list_snapshots",
    "load_remembered",
    "move_tree",
    "new_snapshot",
    "newest_first",
    "passed_over",
    "plan_swap",
    "prove_no_loss",
    "prune",
    "read_snapshot",
    "seal_displaced",
    "stage",
    "staged_path",
    "staged_problem",
    "swap_in",
    "swapped",
    "take_back",
    "take_snapshot",
    "trees",
    "unread",
    "verify_snapshot",
]

_NAMES = {
    "catalogue": (
        "Snapshot",
        "choices",
        "different",
        "list_snapshots",
        "newest_first",
        "prune",
        "read_snapshot",
        "verify_snapshot",
    ),
    "fallback": ("PassedOver", "let_read", "passed_over", "unread"),
    "manifest": ("Entry", "Manifest", "SnapshotProblem", "entries_of"),
    "owners": ("give_back_owners",),
    "proof": ("LossProof", "prove_no_loss"),
    "remembered": ("Remembered", "load_remembered"),
    "restore": ("Swap", "displaced", "move_tree", "plan_swap", "swap_in", "swapped", "take_back"),
    "staging": ("stage", "staged_path", "staged_problem", "trees"),
    "take": ("COMPLETE", "Origin", "TREE", "covers_of", "new_snapshot", "seal_displaced", "take_snapshot"),
}
_WHERE = {name: module for module, names in _NAMES.items() for name in names}


def __getattr__(name: str) -> Any:
    """Who only walks a tree, as a console does at its start, does not pay for all of it."""
    if name not in _WHERE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    found = globals()[name] = getattr(import_module(f"{__name__}.{_WHERE[name]}"), name)
    return found
