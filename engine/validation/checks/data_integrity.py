"""Is the tape sound, was all of it read, and is what was published still there as it was written?

Of the newest run every output is hashed. Of the runs of the same process before it, as far as ``pipeline.keep_runs``
keeps them: the newest 20 by hash, up to 1,000 by presence and size. Runs of earlier processes are not looked at.
"""

from __future__ import annotations

from engine.config.kpis import KpiConfig
from engine.portfolio.examined import Examined
from engine.records import harmless
from engine.validation.checks.beyond_amounts import judge_beyond
from engine.validation.checks.earlier_outputs import judge_earlier
from engine.validation.checks.tape_parts import Seen, tape_questions
from engine.validation.evidence import Evidence
from engine.validation.model import Check, Findings, Part, Sample
from engine.validation.parts import ask_all, complete
from engine.validation.runs import NotPublished, read_output

OUTPUTS = "what was published is there as it was written"


def check_integrity(evidence: Evidence) -> Check:
    """Schema, values, nulls, duplicates of the tape; rows and outputs of the newest run; outputs of those before."""
    findings = Findings()
    findings.figures["data_loss"] = False
    config = evidence.deployment.kpis
    if evidence.tape is None:
        findings.fail(evidence.tape_problem)
        ask_all(tape_questions(None, config), findings)
    else:
        _judge_tape(evidence.tape, config, findings)
    judge_beyond(evidence, findings)
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
        "outlying_values": sum(found.outliers.values()),
    }
    ask_all(tape_questions(_seen(tape, config), config), findings)


def _seen(tape: Examined, config: KpiConfig) -> Seen:
    """What the questions are put to: figures and the numbers of a few rows."""
    faults = {name: column.fault for name, column in tape.state.whole().columns.items() if column.fault is not None}
    if tape.state.undated is not None:
        faults[config.tape.date] = tape.state.undated
    found, state = tape.found, tape.state
    return Seen(tape.path, found, config, state.columns, tape.missing, faults, tape.named, found.repeated, state)


def _judge_published(evidence: Evidence, findings: Findings) -> None:
    """Loss: rows that the run did not read, files of it or of kept runs before it that are gone or changed."""
    run = evidence.run
    if run is None or not run.ok:
        name = evidence.release.release
        reason = f"{name} has not published anything yet" if run is None else f"the last run of {name} failed"
        complete(findings, {"outputs": OUTPUTS}, reason)
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
    files = findings.figures.get("earlier_runs", 0) + 1
    said = f"{len(losses)} losses" if losses else f"{files:,} run{'s' if files > 1 else ''} looked at, nothing is lost"
    findings.part(
        Part(
            "outputs",
            OUTPUTS,
            "FAIL" if losses else "PASS",
            said,
            limit="every row read, every published file as it was written",
            count=len(losses),
            rows=tuple(Sample(loss) for loss in losses[: evidence.deployment.kpis.checks.sample_rows]),
        )
    )
