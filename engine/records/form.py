"""The version of the records: each says of which it is, so that an older abaco-ops knows what it cannot know."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

VERSION = 1
"""Raised when one that knows only the version before could misread a record: that one then looks, and writes nothing.
What is only added (a kind, a field) does not raise it: readers pass over what they do not know.
"""


def version_of(record: Mapping[str, Any]) -> int:
    """Of a record; those that do not say are of the first version, and what is no number is damaged, not newer."""
    found = record.get("v", 1)
    return found if isinstance(found, int) and not isinstance(found, bool) else 1
