"""A mistake in the configuration, and the error that carries all of them at once."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import msgspec

from engine.errors import OpsError
from engine.records import harmless

REFUSED_EDIT = "the edited configuration is not used"
"""What a monitor says first of an edit with mistakes; the configuration before it stays in force."""


class Problem(msgspec.Struct, frozen=True):
    """One mistake: the file, its line, the key path, what is wrong, and what would be right."""

    path: Path
    line: int
    where: tuple[str | int, ...]
    what: str
    right: str

    @property
    def at(self) -> str:
        """Where it stands: ``config/console.yml:12: paths.tape``."""
        key = ".".join(harmless(part, 60) for part in self.where)
        return f"{self.path}:{self.line}" + (f": {key}" if key else "")

    def __str__(self) -> str:
        return f"{self.at}: {harmless(self.what)}; {harmless(self.right)}"


class ConfigError(OpsError):
    """The configuration cannot be used; ``problems`` holds every mistake found, in file order."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        count = len(self.problems)
        head = f"the configuration has {count} mistake{'s' if count != 1 else ''}:"
        super().__init__("\n".join([head, *(f"  {problem}" for problem in self.problems)]))
