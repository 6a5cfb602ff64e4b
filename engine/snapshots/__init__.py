"""Snapshots: taken, sealed, verified, staged, and put back without losing what stood there."""

from engine.snapshots.catalogue import (
    Snapshot,
    choices,
    different,
    list_snapshots,
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
