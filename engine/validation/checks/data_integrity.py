"""Is the tape sound, was all of it read, and is all that was published still there as it was written?"""

from __future__ import annotations

from engine.config.kpis import KpiConfig
from engine.portfolio.integrity import Integrity, examine
from engine.portfolio.tape import Tape
from engine.records import harmless
from engine.validation.evidence import Evidence
from engine.validation.model import Check, Findings
from engine.validation.runs import NotPublished, read_output


def check_integrity(evidence: Evidence) -> Check:
    """Schema, values, nulls, duplicates of the tape; rows and outputs of the newest run."""
    findings = Findings()
    findings.figures["data_loss"] = False
    config = evidence.deployment.kpis
    if evidence.tape is None:
        findings.fail(evidence.tape_problem)
    else:
        _judge_tape(evidence.tape, config, examine(evidence.tape, config), findings)
    _judge_published(evidence, findings)
    rows = evidence.tape.rows if evidence.tape is not None else 0
    outputs = findings.figures.get("outputs_verified", 0)
    return findings.check(f"{rows:,} rows sound, {outputs} published files unaltered")


def _judge_tape(tape: Tape, config: KpiConfig, found: Integrity, findings: Findings) -> None:
    days = len(tape.dates.days) if tape.dates is not None else 0
    findings.figures |= {
        "rows": found.rows,
        "dates": days,
        "nulls": found.nulls,
        "null_percent": max(found.null_percent.values(), default=0.0),
        "duplicates": found.duplicates.count if found.duplicates is not None else None,
        "negative_values": sum(count.count for count in found.negatives.values()),
        "outliers": found.outliers,
    }
    if not found.rows:
        findings.fail("the tape has no rows")
    for sentence in tape.missing.values():
        findings.fail(sentence)
    for name, fault in found.faults.items():
        findings.fail(f"{name}: {fault}")
    _judge_rows(config, found, findings)
    _judge_identity(config, found, findings)


def _judge_rows(config: KpiConfig, found: Integrity, findings: Findings) -> None:
    for name, rows in found.negatives.items():
        findings.fail(f"{name} is negative in {rows}")
    for name, rows in found.too_large.items():
        findings.fail(f"{name} is larger than {config.tape.total} in {rows}")
    if found.overfull.count:
        findings.warn(f"the parts add up to more than {config.tape.total} in {found.overfull}")
    for name, percent in found.null_percent.items():
        told = f"{name}: {found.nulls[name]:,} nulls counted as 0 ({percent:.2g} %)"
        if percent > config.anomaly.null_percent:
            findings.fail(f"{told}, more than {config.anomaly.null_percent:g} %")
        else:
            findings.warn(told)


def _judge_identity(config: KpiConfig, found: Integrity, findings: Findings) -> None:
    if found.duplicates is None:
        findings.warn(f"duplicates cannot be told: the tape has no {config.tape.id}, and rows share their date")
    elif found.duplicates.count:
        findings.fail(f"duplicate ({config.tape.id}, {config.tape.date}): {found.duplicates}")
    if found.unnamed.count:
        findings.warn(f"{config.tape.id} is empty in {found.unnamed}")


def _judge_published(evidence: Evidence, findings: Findings) -> None:
    """Loss: rows that the run did not read, files that are gone or changed."""
    run = evidence.run
    if run is None or not run.ok:
        return
    losses = []
    if evidence.comparable and evidence.tape is not None and run.rows != evidence.tape.rows:
        losses.append(f"{evidence.release.release} read {run.rows:,} of {evidence.tape.rows:,} rows")
    verified = 0
    for output in run.outputs:
        try:
            verified += len(read_output(evidence.deployment, output)) == output.bytes
        except NotPublished as error:
            losses.append(error.what)
    if not run.outputs:
        losses.append(f"run {harmless(run.run_id, 40)} recorded no output")
    findings.figures |= {"outputs": len(run.outputs), "outputs_verified": verified, "data_loss": bool(losses)}
    for loss in losses:
        findings.fail(loss)
