"""Secrets do not belong into a file that people copy around: what looks like one is refused, and never shown."""

from __future__ import annotations

import re
from urllib.parse import parse_qsl, urlsplit

VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")
ONLY_VARIABLE = re.compile(r"\$\{[A-Za-z_][A-Za-z0-9_]*\}")
_SECRET_NAME = re.compile(
    r"(?i)(^|[-_])(authorization|token|secret|passw(or)?d|pass|api[-_]?key|key|auth|sig(nature)?)$"
)
_RANDOM = re.compile(r"(?=[^/]*[0-9])(?=[^/]*[A-Za-z])[A-Za-z0-9_-]{18,}")
KEYS = frozenset({"url", "urls", "headers", "password", "username"})
"""Configuration keys whose values are never repeated in an error."""


def variables(text: str) -> tuple[str, ...]:
    """The names in ``${NAME}``."""
    return tuple(VARIABLE.findall(text))


def secret_in_url(url: str) -> str:
    """What in a URL looks like a literal secret, in words; empty: nothing. ValueError when it is no URL."""
    bare = VARIABLE.sub("", url)
    parts = urlsplit(bare)
    if parts.password or (parts.username and "@" in parts.netloc and len(parts.username) >= 16):
        return "a user and password"
    for name, value in parse_qsl(parts.query):
        if value and (_SECRET_NAME.search(name) or _RANDOM.search(value)):
            return "a secret in the query"
    if _RANDOM.search(parts.path) or _RANDOM.search(parts.fragment):
        return "a secret in the path"
    return ""


def secret_in_header(name: str, value: str) -> bool:
    """Whether a header's value looks like a literal secret."""
    bare = VARIABLE.sub("", value)
    if VARIABLE.search(value):
        return bool(_RANDOM.search(bare))
    return bool(value and (_SECRET_NAME.search(name) or _RANDOM.search(bare)))
