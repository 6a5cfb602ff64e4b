"""The tapes that a deployment rests on: the live one, and the reference with what is documented of it."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from pathlib import Path

from engine.clock import SystemClock, pretty_duration
from engine.config import Deployment
from engine.doctor.finding import Finding
from engine.records import harmless
from engine.records.regular import open_regular


def examine_tape(deployment: Deployment) -> Iterator[Finding]:
    """Is it there, with the columns that are configured?"""
    from engine.portfolio.unreadable import TapeUnreadable, check_place

    tape = deployment.tape
    if not tape.exists():
        yield Finding("tape", "FAIL", f"{tape} is not there", "deliver the tape, or mend paths.tape in console.yml")
        return
    try:
        check_place(tape)
    except TapeUnreadable as error:
        yield Finding("tape", "FAIL", f"{harmless(tape)} {error.what}", error.fix)
        return
    columns = _columns(tape)
    lacking = [name for name in deployment.kpis.tape.amounts if columns and name not in columns]
    if lacking:
        yield Finding(
            "tape", "FAIL", f"lacks {harmless(', '.join(lacking))}", "abaco-ops kpi TAPE says what that means"
        )
        return
    age = SystemClock().now().wall.timestamp() - tape.stat().st_mtime
    yield Finding("tape", "ok", f"{tape.name}, changed {pretty_duration(age)} ago")


def examine_reference_tape(deployment: Deployment) -> Iterator[Finding]:
    """By the formulas alone; what the new release's program makes of it, a cutover asks in phase 2."""
    from engine.portfolio.unreadable import TapeUnreadable
    from engine.validation.reference import examine_reference, reference_tape

    path = reference_tape(deployment)
    later = "a cutover would come to nothing in phase 2"
    if not path.exists():
        fix = "deliver one (any small tape), or mend paths.reference_tape in console.yml"
        yield Finding("reference", "FAIL", f"{path} is not there: {later}", fix)
        return
    try:
        found = examine_reference(deployment)
    except TapeUnreadable as error:
        yield Finding("reference", "FAIL", f"{error.what}: {later}", error.fix)
        return
    if found.wrong:
        fix = "mend the formula, the tape, or reference.expected in kpis.yml, whichever is wrong"
        yield Finding("reference", "FAIL", harmless(f"{'; '.join(found.wrong)}: {later}"), fix)
    else:
        yield Finding("reference", "ok", f"{path.name} gives what is documented, {found.documented} KPIs")


def _columns(tape: Path) -> list[str]:
    """The header of a CSV; empty for other formats, which the KPI program judges itself."""
    if tape.suffix.lower() != ".csv":
        return []
    with io.TextIOWrapper(open_regular(tape), encoding="utf-8-sig", newline="") as stream:
        return next(csv.reader(stream), [])
