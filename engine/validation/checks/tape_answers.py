"""Judging one answer of a KPI program about one tape."""

from __future__ import annotations

from engine.portfolio.results import Group
from engine.records import harmless
from engine.validation.agreement import Agreement, compare
from engine.validation.model import Findings
from engine.validation.program import Answer


def judge_answer(answer: Answer, recomputed: Group, decimals: int, where: str, findings: Findings) -> Agreement:
    """Compare, and put every disagreement into ``findings``, with ``where`` in front."""
    if "error" in answer:
        findings.fail(f"{where}the tape was refused: {harmless(answer['error'])}")
    agreement = compare(answer, recomputed, decimals)
    if "error" not in answer:
        for issue in agreement.issues:
            findings.fail(f"{where}{issue}")
    return agreement
