"""The swaps of a rollback as its journal knows them, and whether the live trees really are the snapshot's."""

from __future__ import annotations

import msgspec

from engine.operations.step import StepFailed
from engine.operations.work import Work
from engine.snapshots import Manifest, Swap, entries_of, swapped, take_back

_FACT = "swap:"


def swap_of(work: Work, covered: str) -> Swap | None:
    """The journaled swap of one covered tree."""
    known = work.facts.get(_FACT + covered)
    return msgspec.convert(known, Swap) if known else None


def known_swap(work: Work, covered: str) -> Swap:
    """The same, where there must be one: StepFailed."""
    swap = swap_of(work, covered)
    if swap is None:
        raise StepFailed(f"the swap of {covered} was never journaled", "nothing was moved")
    return swap


def write_down(work: Work, covered: str, swap: Swap) -> None:
    """Journal a swap before anything moves."""
    work.fact(_FACT + covered, msgspec.to_builtins(swap))


def moved(work: Work) -> frozenset[str]:
    """The covered trees that have been swapped in, by this worker or by one that died."""
    return frozenset(
        covered for covered, swap in _journaled(work).items() if swap.staged_inode is not None and swapped(swap)
    )


def undo_half_swaps(work: Work) -> None:
    """A tree that was moved away and not yet replaced comes back: what is live can be listed, the swap planned anew."""
    for swap in _journaled(work).values():
        if not swapped(swap):
            take_back(swap)


def live_problem(work: Work, manifest: Manifest, covered: str) -> str:
    """How the live tree falls short of the snapshot, hashed where it stands; empty when all of it is there."""
    there = entries_of(work.deployment.root, (covered,), work.checkpoint, remembered=work.remembered)
    live = {entry.path: entry for entry in there}
    for entry in manifest.below(covered):
        found = live.get(entry.path)
        if found is None:
            return f"{entry.path} is missing"
        if (found.type, found.sha256, found.target) != (entry.type, entry.sha256, entry.target):
            return f"{entry.path} has another content"
    return ""


def _journaled(work: Work) -> dict[str, Swap]:
    return {
        name.removeprefix(_FACT): msgspec.convert(value, Swap)
        for name, value in work.facts.items()
        if name.startswith(_FACT) and value
    }
