"""A report as files, and its event in the audit trail."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from engine.clock import Clock, compact
from engine.config import Deployment
from engine.config.looking import must_write
from engine.errors import OpsError, Refused
from engine.records import append_event, harmless, make_directory, write_file
from engine.records.atomic import open_to_read
from engine.reports.compose import compose
from engine.reports.found import Found, look
from engine.reports.render import html, markdown

Form = Literal["md", "html"]
FORMS: dict[str, tuple[Form, ...]] = {"md": ("md",), "html": ("html",), "both": ("md", "html")}
DIRECTORY = "reports"


@dataclass(frozen=True, slots=True)
class Written:
    """What became of a report."""

    paths: tuple[Path, ...]
    warnings: tuple[str, ...]
    found: Found


def write_report(
    deployment: Deployment,
    clock: Clock,
    at: str | None,
    *,
    incident: str = "",
    forms: tuple[Form, ...] = ("md", "html"),
    place: Path | None = None,
    actor: str | None = None,
) -> Written:
    """Make it and write it, below ``logs/reports`` or at ``place``; OSError when the disk refuses.

    A report that is there already with the same bytes stays as it is; another one gets a name of its own.
    """
    must_write(deployment, "a report")
    found = look(deployment, clock, at, incident)
    paths, warnings = [], []
    for form, text in rendered(found, forms).items():
        data = text.encode("utf-8", "backslashreplace")
        path = _free(deployment, found, form, data) if place is None else _placed(place, found, form, forms)
        if not _holds(path, data):
            write_file(path, data)
        paths.append(path)
        try:
            _tell(deployment, found, path, data, clock, actor)
        except (OpsError, OSError) as error:
            warnings.append(harmless(f"the audit trail cannot be written: {getattr(error, 'what', error)}"))
    return Written(tuple(paths), tuple(dict.fromkeys(warnings)), found)


def rendered(found: Found, forms: tuple[Form, ...]) -> Mapping[Form, str]:
    """The report in each form; a pure function of what was found."""
    document = compose(found)
    makers = {"md": markdown, "html": html}
    return {form: makers[form](document, found) for form in forms}


def _placed(place: Path, found: Found, form: Form, forms: tuple[Form, ...]) -> Path:
    """The given name, with an ending for each of two forms; in a given directory the report's own name."""
    if place.is_dir():
        return place / f"{_stem(found)}.{form}"
    chosen = place if len(forms) == 1 else place.with_suffix(f".{form}")
    check_place(chosen)
    return chosen


def check_place(place: Path) -> None:
    """Refused where no file can be put: without its directory, or in the place of a device, pipe or directory."""
    if not place.parent.is_dir():
        raise Refused(f"{place.parent} is no directory", "name a file in one that is there")
    if place.exists() and not place.is_file():
        raise Refused(
            f"{place} is no ordinary file, and would be replaced by one", "name another; - is standard output"
        )


def _free(deployment: Deployment, found: Found, form: Form, data: bytes) -> Path:
    """``report_24h_20260201_020004.html``, with ``_2`` where another report has that name."""
    directory = deployment.paths.logs / DIRECTORY
    make_directory(directory)
    number = 1
    while True:
        path = directory / f"{_stem(found)}{'' if number == 1 else f'_{number}'}.{form}"
        if not (path.exists() or path.is_symlink()) or _holds(path, data):
            return path
        number += 1


def _stem(found: Found) -> str:
    return f"report_{found.span.at}_{compact(found.span.end)}"


def _holds(path: Path, data: bytes) -> bool:
    try:
        with open_to_read(path) as stream:
            return stream.read(len(data) + 1) == data
    except OSError:
        return False


def _tell(deployment: Deployment, found: Found, path: Path, data: bytes, clock: Clock, actor: str | None) -> None:
    inside = path.resolve().is_relative_to(deployment.root)
    shown = path.resolve().relative_to(deployment.root).as_posix() if inside else str(path)
    append_event(
        deployment.paths.events,
        "report.written",
        {"report": found.span.at, "path": shown, "sha256": hashlib.sha256(data).hexdigest()},
        source="report",
        actor=actor,
        clock=clock,
    )
