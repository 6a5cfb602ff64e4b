"""Where a person's own files are, beside those of any deployment: settings, and what the console keeps for them."""

from __future__ import annotations

import os
import pwd
from collections.abc import Mapping
from pathlib import Path

_OURS = "abaco-ops"


def settings_directory(environment: Mapping[str, str] | None = None) -> Path:
    """``$XDG_CONFIG_HOME/abaco-ops``, else ``~/.config/abaco-ops``."""
    return _below("XDG_CONFIG_HOME", ".config", environment)


def state_directory(environment: Mapping[str, str] | None = None) -> Path:
    """``$XDG_STATE_HOME/abaco-ops``, else ``~/.local/state/abaco-ops``."""
    return _below("XDG_STATE_HOME", ".local/state", environment)


def _below(variable: str, usual: str, environment: Mapping[str, str] | None) -> Path:
    environment = os.environ if environment is None else environment
    chosen = environment.get(variable, "")
    if chosen.startswith("/"):  # a relative one is to be ignored, says the XDG specification
        return Path(chosen) / _OURS
    return Path(environment.get("HOME") or _home()) / usual / _OURS


def _home() -> str:
    try:
        return pwd.getpwuid(os.getuid()).pw_dir
    except KeyError:
        return "/"
