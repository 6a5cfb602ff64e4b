"""Reports of earlier validations, read back from the disk."""

from __future__ import annotations

import re
from pathlib import Path

import msgspec

from engine.config.paths import Paths
from engine.errors import OpsError, Refused
from engine.records import harmless
from engine.records.atomic import open_to_read
from engine.records.undecodable import UNDECODABLE
from engine.validation.model import Report

NEWEST = "newest"
_NAME = re.compile(r"(?:logs/)?(?:validation_)?(\d{8}_\d{6}(?:_\d{1,6})?)(?:\.json)?")


class ReportDamaged(OpsError):
    """A kept report cannot be read."""


def place_of(paths: Paths, name: str) -> Path:
    """Where a report stands: ``newest``, or its time as in the name of its file. Refused when it can be none."""
    if name == NEWEST:
        return paths.validation_report
    found = _NAME.fullmatch(name)
    if found is None:
        raise Refused(f"{harmless(name, 60)!r} names no report", "newest, or its time: 20260131_020000")
    return paths.logs / f"validation_{found[1]}.json"


def read_report(path: Path) -> Report:
    """The report at ``path``. Refused when there is none; ReportDamaged when it is none."""
    try:
        with open_to_read(path) as stream:
            return msgspec.json.decode(stream.read(), type=Report)
    except FileNotFoundError:
        raise Refused(f"there is no report {path}", "abaco-ops validations lists them") from None
    except (OSError, *UNDECODABLE) as error:
        raise ReportDamaged(
            f"{path} cannot be read: {harmless(error)}", "abaco-ops validations lists others"
        ) from error
