"""Is the tape sound, was all of it read, and is what was published still there as it was written?

Of the newest run every output is hashed. Of the runs of the same process before it, as far as ``pipeline.keep_runs``
keeps them: the newest 20 by hash, up to 1,000 by presence and size. Runs of earlier processes are not looked at.
"""

from __future__ import annotations

from engine.config.kpis import KpiConfig
from engine.portfolio.examined import Examined
from engine.portfolio.integrity import Integrity
from engine.records import harmless
from engine.validation.checks.earlier_outputs import judge_earlier
from engine.validation.evidence import Evidence
from engine.validation.model import Check, Findings
from engine.validation.runs import NotPublished, read_output


def check_integrity(evidence: Evidence) -> Check:
    """Schema, values, nulls, duplicates of the tape; rows and outputs of the newest run; outputs of those before."""
    findings = Findings()
    findings.figures["data_loss"] = False
    config = evidence.deployment.kpis
    if evidence.tape is None:
        findings.fail(evidence.tape_problem)
    else:
        _judge_tape(evidence.tape, config, findings)
    _judge_published(evidence, findings)
    rows = evidence.tape.rows if evidence.tape is not None else 0
    return findings.check(f"{rows:,} rows sound, {_published_in_words(findings)}")


def _published_in_words(findings: Findings) -> str:
    earlier = findings.figures.get("earlier_runs", 0)
    if earlier:
        return f"outputs of {earlier + 1:,} runs in place"
    return f"{findings.figures.get('outputs_verified', 0)} published files unaltered"


def _judge_tape(tape: Examined, config: KpiConfig, findings: Findings) -> None:
    found = tape.found
    findings.figures |= {
        "rows": found.rows,
        "dates": len(tape.state.days),
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
        findings.fail(f"duplicate ({config.tape.id}, {config.tape.date}): {_named(found)}")
    if found.unnamed.count:
        findings.warn(f"{config.tape.id} is empty in {found.unnamed}")


def _named(found: Integrity) -> str:
    """How many repeated rows, and the first of them by number and identity."""
    assert found.duplicates is not None
    first = zip(found.duplicates.first_rows, found.repeated, strict=True)
    told = [f"row {row} ({harmless(name, 40)})" for row, name in first]
    more = found.duplicates.count - len(told)
    return f"{found.duplicates.counted}: {', '.join(told)}{f' and {more:,} more' if more else ''}"


def _judge_published(evidence: Evidence, findings: Findings) -> None:
    """Loss: rows that the run did not read, files of it or of kept runs before it that are gone or changed."""
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
    losses += judge_earlier(evidence, findings)
    findings.figures |= {"outputs": len(run.outputs), "outputs_verified": verified, "data_loss": bool(losses)}
    for loss in losses:
        findings.fail(loss)
