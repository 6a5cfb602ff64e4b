"""Earlier validations for the screen: the kept lines, and one report whole. Nothing here writes."""

from __future__ import annotations

from engine.config import Deployment
from engine.errors import Refused
from engine.records import harmless
from engine.validation.history import History, read_history
from engine.validation.kept_reports import place_of, read_report
from engine.validation.model import Part

SHOWN = 500
_LONGEST = 2000


def past_validations(deployment: Deployment) -> History:
    """The newest of them, oldest first. Refused when they cannot be read."""
    try:
        return read_history(deployment.paths, SHOWN)
    except OSError as error:
        raise Refused(f"logs/validations.jsonl cannot be read: {harmless(error)}", "see the file") from error


def whole_validation(deployment: Deployment, name: str) -> tuple[tuple[str, str], ...]:
    """A kept report as facts: its verdicts, every issue, and what was not run. OpsError when it cannot be read."""
    report = read_report(place_of(deployment.paths, name))
    facts = [("verdict", report.status), ("of", f"{report.release or 'no release'}, {report.timestamp}")]
    facts.append(("tape", f"{report.tape}, {report.measurement_date or 'undated'}"))
    for check_name, check in report.checks.items():
        facts.append((check_name.replace("_", " "), f"{check.status}: {check.summary}"))
        facts += [("issue", issue) for issue in check.issues]
        facts += [(f"  {part.status}", _part(part)) for part in check.parts if part.status != "PASS"]
    return tuple((label, harmless(text, _LONGEST)) for label, text in facts)


def _part(part: Part) -> str:
    """What the issues above do not say."""
    return f"{part.title}{f'; {part.share}' if part.count else '' if part.issues else f': {part.summary}'}"
