"""The proof at the end of a rollback: every file that was live is hashed where it stands now, or it is missed."""

from __future__ import annotations

import contextlib
from pathlib import Path

import msgspec

from engine.operations.configuration import release_in
from engine.operations.displaced_config import displaced_configs
from engine.operations.recorded import keep_runs, recorded
from engine.operations.rollback_inventory import inventory
from engine.operations.rollback_prepare import chosen
from engine.operations.rollback_restore import side_directory
from engine.operations.step import StepFailed
from engine.operations.work import Work
from engine.records.regular import read_regular
from engine.snapshots import Entry, LossProof, Manifest, different, entries_of, prove_no_loss, read_snapshot
from engine.snapshots.take import TREE


def prove(work: Work) -> LossProof:
    """Hash what is live now and what was set aside, and hold both against what was live before and was restored.

    The side snapshot is hashed once more: whoever had files open may have written meanwhile. The old release runs
    already, so what it removed or rewrote since is told apart from what nobody can explain.
    """
    snapshot = chosen(work)
    manifest = snapshot.manifest
    if manifest is None:
        raise StepFailed(f"snapshot {snapshot.id} cannot be read", "delete nothing")
    live = entries_of(work.deployment.root, manifest.covers, living=True, remembered=work.remembered, passing=[])
    lacking = _lacking(manifest, live)
    gone = _unexplained(work, lacking)
    others = [entry.path for entry in lacking if entry.path not in gone]
    if others:
        work.warn(
            f"{work.old} has removed or rewritten {len(others)} files since it runs again; "
            f"snapshot {snapshot.id} holds what was restored: {', '.join(others[:5])}"
        )
    held = entries_of(snapshot.path / TREE, [entry.path for entry in lacking])
    before = inventory(work)
    proof = prove_no_loss(before, live, _set_aside(work), held, tuple(gone))
    return msgspec.structs.replace(proof, nothing_restored=_nothing_restored(work, manifest, before, live))


def _nothing_restored(work: Work, manifest: Manifest, before: tuple[Entry, ...], live: tuple[Entry, ...]) -> bool:
    """Whether the restored tree has nothing to do with the one that was live: whatever it is, it is not the way back.

    What the new release wrote does not count, for it is not meant to be restored; nor does the configuration.
    """
    config = work.deployment.console.paths.active_config
    if not any(entry.path != config for entry in manifest.files):
        return False
    new = {output.sha256 for output in recorded(work.deployment, work.new).outputs()}
    files = [entry for entry in before if entry.type == "file" and entry.path != config and entry.sha256 not in new]
    now = {entry.sha256 for entry in live if entry.path != config}
    return bool(files) and not any(entry.sha256 in now for entry in files)


def _lacking(manifest: Manifest, live: tuple[Entry, ...]) -> list[Entry]:
    """What was restored and is not live now as it was."""
    now = {entry.path: entry for entry in live}
    return [
        entry
        for entry in manifest.entries
        if entry.type != "directory"
        and (entry.path not in now or (now[entry.path].sha256, now[entry.path].target) != (entry.sha256, entry.target))
    ]


def _unexplained(work: Work, lacking: list[Entry]) -> list[str]:
    """A published file is never rewritten, and removed only when its release keeps it no longer: else it is missed."""
    if not lacking:
        return []
    published = recorded(work.deployment, work.old)
    if published.problem:
        work.warn(f"what {work.old} may have removed is not known for sure: {published.problem}")
    kept = {keep_runs(configuration) for configuration in it_may_have_run_with(work, chosen(work).path)}
    due = {(output.path, output.sha256) for runs in kept for output in published.due(runs)}
    all_of_it = {(output.path, output.sha256) for output in published.outputs()}
    there = work.deployment.root
    return [
        entry.path
        for entry in lacking
        if (entry.path, entry.sha256) in due
        or ((entry.path, entry.sha256) in all_of_it and (there / entry.path).exists())
        or entry.path == work.deployment.console.paths.active_config
    ]


def _set_aside(work: Work) -> list[Entry]:
    side = read_snapshot(work.deployment, side_directory(work))
    manifest = side.manifest
    kept = [*entries_of(side.path / TREE, manifest.covers if manifest else (), passing=[])]
    changed = different(manifest.entries, kept) if manifest else side.problem
    if changed:
        work.warn(f"the side snapshot changed after it was sealed: {changed}")
    for name in displaced_configs(work):
        kept += entries_of(work.directory, (name,))
    return kept


def it_may_have_run_with(work: Work, snapshot: Path) -> list[bytes]:
    """What is active now, what was restored, and what an attempt before found and replaced: the old release's own."""
    name = work.deployment.console.paths.active_config
    paths = [
        work.deployment.active_config,
        snapshot / TREE / name,
        *(work.directory / displaced for displaced in displaced_configs(work)),
    ]
    found = []
    for path in paths:
        with contextlib.suppress(OSError):
            found.append(read_regular(path))
    return [found[0], *(data for data in found[1:] if release_in(data) == work.old)] if found else [b""]
