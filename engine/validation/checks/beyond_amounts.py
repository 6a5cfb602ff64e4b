"""The tape beyond its amounts: against earlier tapes, and within its own rows. Each question by itself."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from functools import cache

from engine.errors import OpsError
from engine.portfolio.tape_rows import RowFacts, look_at_rows
from engine.portfolio.tape_schema import schema_of
from engine.validation.checks.contradictions import TapeChanged, contradiction_questions
from engine.validation.checks.earlier_tapes import TRIAL, TapeNow, earlier_questions
from engine.validation.evidence import Evidence
from engine.validation.history import LOOKED_AT, Kept, read_history
from engine.validation.model import Findings
from engine.validation.parts import ask_all


def judge_beyond(evidence: Evidence, findings: Findings) -> None:
    """Ask them all, and leave the tape's form among the figures for the next validation."""
    config, tape, kpis = evidence.deployment.kpis, evidence.tape, evidence.kpis
    section = config.checks

    @cache
    def columns() -> dict[str, str]:
        assert tape is not None
        return schema_of(tape.path, config.tape)

    @cache
    def rows() -> RowFacts:
        assert tape is not None
        facts = look_at_rows(tape.path, config)
        if facts.broken and facts.rows != tape.rows:
            raise TapeChanged("the tape changed while it was read", "validate again")
        return facts

    @cache
    def earlier() -> Sequence[Kept]:
        return read_history(evidence.deployment.paths, LOOKED_AT).live

    now = None
    if tape is not None and kpis is not None:
        latest = kpis.latest
        findings.figures["latest_rows"] = latest.rows
        with suppress(OpsError, OSError):  # the question itself tells of it
            findings.figures["columns"] = columns()
        now = TapeNow(columns, tape.sha256, latest.measurement_date, latest.rows, evidence.at)
    trial = TRIAL if evidence.foreign and tape is not None else ""
    ask_all(earlier_questions(now, earlier, section), findings, not_run=trial)
    ask_all(contradiction_questions(rows if tape is not None else None, config), findings)
