"""The State as JSON for scripts: ``status --json``."""

from __future__ import annotations

from typing import Any

import msgspec

from engine.state.model import State


def as_json(state: State) -> dict[str, Any]:
    """Plain values; times are ISO 8601 UTC. KPIs, resources and conditions stand by their id.

    ``verdict`` is the word alone, ``verdict_detail`` the rest; ``observed_at`` and ``stale`` at the top are those
    of the newest sample, which everything measured rests on. What no condition judges stands among the resources.
    """
    plain: dict[str, Any] = msgspec.to_builtins(state)
    plain["verdict_detail"] = plain["verdict"]
    plain["verdict"] = state.verdict.word
    plain["resources"] += plain.pop("unjudged")
    for name in ("kpis", "resources", "conditions"):
        plain[name] = {item["id"]: item for item in plain[name]}
    plain["observed_at"] = plain["monitor"]["observed_at"]
    plain["stale"] = state.monitor.stale
    plain["checklist"] |= {"observed_at": plain["at"], "stale": False}  # folded from the records just now
    return plain
