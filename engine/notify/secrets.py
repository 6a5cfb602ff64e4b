"""``${NAME}`` filled in from the environment, and masked again in every text that leaves this room."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from urllib.parse import quote, quote_plus

from engine.config.literal_secrets import VARIABLE, variables

MASK = "***"


class SecretMissing(Exception):
    """A variable is not set, or is no text; this text names the variable, never a value."""


class Secrets:
    """The values of one channel's variables."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._environment = environment
        self._known: set[str] = set()

    def filled(self, text: str) -> str:
        """``text`` with every ``${NAME}`` replaced. SecretMissing when one is not set or empty."""
        for name in variables(text):
            value = self._environment.get(name, "")
            if not value:
                raise SecretMissing(f"{name} is not set in the environment of the process that sends")
            self._known.add(value)
            if not _is_text(value):
                raise SecretMissing(f"{name} holds bytes that are no text (UTF-8): set it anew, and start the monitor")
        whole = VARIABLE.sub(lambda match: self._environment[match[1]], text)
        if whole != text:
            self._known.add(whole)
        return whole

    def masked(self, text: str) -> str:
        """``text`` without any value that was filled in, in any form in which it is sent."""
        for form in sorted({form for value in self._known for form in _forms(value)}, key=len, reverse=True):
            text = text.replace(form, MASK)
        return text


def _is_text(value: str) -> bool:
    """Bytes of the environment that are no text come as halves of characters, which nothing can send."""
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


def _forms(value: str) -> set[str]:
    sent = value.encode(errors="surrogateescape")
    encoded = base64.b64encode(sent).decode()
    forms = {value, quote(sent), quote(sent, safe=""), quote_plus(sent), repr(value)[1:-1], encoded}
    _, separator, path = value.partition("://")[2].partition("/")
    if separator and len(path) >= 6:
        forms.add(path)  # a URL's path stands alone in some errors
    return {form for form in forms if form}
