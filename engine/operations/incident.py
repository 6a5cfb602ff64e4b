"""The end of a rollback for the record: the proof that nothing was lost, the incident, and whom to tell."""

from __future__ import annotations

from typing import Any

import msgspec

from engine.clock import iso
from engine.config import Deployment
from engine.errors import OpsError
from engine.operations.journal import Journal, list_operations, read_operation
from engine.operations.model import Operation
from engine.operations.nothing_lost import prove
from engine.operations.rollback_inventory import NOT_THERE
from engine.operations.step import Outcome, StepFailed
from engine.operations.work import Work
from engine.records import append_event, harmless, write_file
from engine.snapshots import LossProof
from engine.snapshots.manifest import encoded


def record_incident(work: Work) -> Outcome:
    """Prove zero loss by hash, write ``incident.json`` and ``incident.md``, close what this rollback put right."""
    proof = None if work.facts["abort_only"] else prove(work)
    facts = _facts(work, proof)
    write_file(work.directory / "incident.json", encoded(facts, indent=2))
    write_file(work.directory / "incident.md", _markdown(facts, proof).encode("utf-8", "backslashreplace"))
    _must_be_complete(work, proof)
    _close_cutovers(work)
    if proof is None:
        return Outcome("metrics were not touched; incident.json")
    removed = f", {len(proof.only_in_snapshot)} in snapshot {work.facts['snapshot']}" if proof.only_in_snapshot else ""
    return Outcome(
        f"{proof.files} of {proof.files} files that were live are found: {proof.in_restored} restored, "
        f"{proof.in_set_aside} in side snapshot {work.facts['side']}{removed}"
    )


def tell_people(work: Work) -> Outcome:
    """Name whom to tell, in the audit trail; nothing here waits for anybody."""
    told, text = people_to_tell(work.deployment)
    try:
        work.event("rollback.tell", {"contacts": told, "text": text}, work.record("tell", detail=text))
    except (OSError, OpsError) as error:
        work.warn(f"the audit trail cannot be written: {error}")
    return Outcome(text)


def people_to_tell(deployment: Deployment) -> tuple[list[str], str]:
    """Whom the monitor tells that a rollback was performed: their names in the configuration, and a line for people."""
    contacts, named = deployment.monitoring.contacts, deployment.monitoring.escalation.rolled_back
    told = named or next((row.told for row in deployment.monitoring.matrix if row.verdict == "ROLL BACK"), [])
    people = [f"{contacts[name].role} ({contacts[name].reach})" for name in told if name in contacts]
    text = harmless("tell now: " + ", ".join(people)) if people else "nobody is named in config/monitoring.yml"
    return list(told), text


def _facts(work: Work, proof: LossProof | None) -> dict[str, Any]:
    operation = read_operation(work.directory)
    return {
        "operation": work.orders.operation,
        "at": iso(work.clock.now().wall),
        "actor": work.orders.actor,
        "origin": work.orders.origin,
        "reason": work.orders.reason,
        "from": {"release": work.new, "build": work.plan.build_from, "config": work.plan.config_now},
        "to": {"release": work.old, "build": work.plan.build_to, "config": work.plan.config_then},
        "new_release_started": not work.facts["abort_only"],
        "snapshot": work.facts["snapshot"],
        "passed_over": work.facts.get("passed_over", []),
        "recorded_not_there": work.facts.get(NOT_THERE, []),
        "side_snapshot": work.facts.get("side"),
        "not_covered": list(work.plan.not_covered),
        "proof": msgspec.to_builtins(proof) | {"complete": proof.complete} if proof else None,
        "steps": [{"name": step.name, "seconds": step.seconds, "detail": step.detail} for step in operation.steps],
        "warnings": list(operation.warnings),
        "closes": list(_unfinished(work)),
    }


def _markdown(facts: dict[str, Any], proof: LossProof | None) -> str:
    lines = [
        f"# Incident {facts['operation']}",
        "",
        f"{facts['at']}: {facts['actor']} ({facts['origin']}) went back from {facts['from']['release']} to "
        f"{facts['to']['release']}. Reason: {facts['reason'] or 'not given yet'}.",
        "",
        _headline(facts, proof),
        "",
        *_proof_lines(facts, proof),
        "",
        "## Steps",
        "",
        *(f"- {step['name']}: {_seconds(step['seconds'])} {step['detail']}" for step in facts["steps"]),
        "",
        "## Warnings",
        "",
        *([f"- {warning}" for warning in facts["warnings"]] or ["- none"]),
    ]
    return "\n".join(lines) + "\n"


def _proof_lines(facts: dict[str, Any], proof: LossProof | None) -> list[str]:
    if proof is None:
        return ["The new release never started: its metrics were not touched."]
    lines = [
        f"- {proof.files} files ({proof.bytes} bytes) were live; by sha256 {proof.in_restored} are in the restored "
        f"tree, {proof.in_set_aside} in side snapshot {facts['side_snapshot']}, {len(proof.only_in_snapshot)} only in "
        f"snapshot {facts['snapshot']}, {len(proof.missing)} nowhere.",
        f"- Not covered by snapshots: {', '.join(facts['not_covered']) or 'nothing'}.",
    ]
    lines += [
        f"- snapshot {item['id']} is newer and could not be restored ({item['reason']}); only it holds: "
        f"{', '.join(item['not_back']) or 'nothing known'}"
        for item in facts["passed_over"]
    ]
    lines += [f"- recorded as published, and gone already before this rollback: {path}" for path in facts[NOT_THERE]]
    if proof.nothing_restored:
        lines.append("- NOTHING of what was live is in the restored tree: is it the right snapshot?")
    lines += [f"- FOUND NOWHERE: {path}" for path in proof.missing]
    lines += [f"- restored, and NOT LIVE NOW as it was: {path}" for path in proof.gone]
    lines += [
        f"- only in snapshot {facts['snapshot']}, by the old release's own doing: {path}" for path in _held(proof)
    ]
    return lines + [f"- only in the side snapshot: {path}" for path in proof.only_set_aside]


def _headline(facts: dict[str, Any], proof: LossProof | None) -> str:
    if proof is not None and not proof.complete:
        return "## NOT EVERYTHING IS THERE"
    if facts[NOT_THERE]:
        return "## Nothing was lost by this rollback, but not everything was there when it began"
    if facts["passed_over"]:
        return "## Nothing is lost, but not everything is restored"
    return "## Nothing is lost"


def _held(proof: LossProof) -> list[str]:
    return [path for path in proof.only_in_snapshot if path not in proof.gone]


def _must_be_complete(work: Work, proof: LossProof | None) -> None:
    """StepFailed with what is missed."""
    if proof is None or proof.complete:
        return
    if proof.nothing_restored:
        why = f"nothing that was live is restored, though {work.old} had files there and the snapshot is not empty"
        raise StepFailed(why, f"look whether snapshot {work.facts['snapshot']} is the right one; delete nothing")
    missed = proof.missing or proof.gone
    where = "found nowhere" if proof.missing else "not live as they were restored"
    names = ", ".join(missed[:5])
    raise StepFailed(f"{len(missed)} of {proof.files} files are {where}: {names}", "delete nothing; see incident.md")


def _seconds(seconds: float | None) -> str:
    return f"{seconds:.2f} s" if seconds is not None else "-"


def _unfinished(work: Work) -> list[str]:
    return [operation.id for operation in _open_cutovers(work)]


def _open_cutovers(work: Work) -> list[Operation]:
    found = list_operations(work.deployment.paths.operations)
    return [operation for operation in found if operation.kind == "cutover" and operation.open and operation.started]


def _close_cutovers(work: Work) -> None:
    """An unfinished cutover is over now: its journal says by whom."""
    for operation in _open_cutovers(work):
        journal = Journal(work.deployment.paths.operation(operation.id), work.clock)
        by = work.orders.operation
        seq = journal.write("closed", state="ROLLED_BACK", failure=operation.failure, by=by, actor=work.orders.actor)
        data = {"kind": operation.kind, "state": "ROLLED_BACK", "seconds": operation.seconds, "by": by}
        if operation.ended is not None:
            data["later"] = round((work.clock.now().wall - operation.ended).total_seconds(), 1)
        try:
            append_event(
                work.deployment.paths.events,
                "operation.ended",
                data,
                source="operation",
                actor=work.orders.actor,
                operation=operation.id,
                operation_seq=seq,
                clock=work.clock,
            )
        except (OSError, OpsError) as error:
            work.warn(f"the audit trail cannot be written: {error}")
