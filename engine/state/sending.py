"""A status update sent through channels: by a person, or by the monitor as a child of its own with a deadline."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from engine.clock import Clock, SystemClock, compact
from engine.config import Deployment, load_deployment
from engine.config.looking import must_write
from engine.errors import CHECK_FAILED, DONE, OpsError, Refused
from engine.notify.channels import DeliveryFailed, Sender
from engine.notify.message import Notice, message_of
from engine.records import append_event, whoami
from engine.state.reader import StateReader
from engine.state.update import update_lines

Results = dict[str, tuple[bool, str]]
"""Channel -> whether it took the message, and what was said."""


def send_update(
    deployment: Deployment,
    channels: Sequence[str],
    *,
    actor: str,
    clock: Clock,
    environment: Mapping[str, str] | None = None,
) -> Results:
    """Send the update of now through ``channels``; ``update.sent`` is recorded when at least one took it.

    Refused when there is no such channel, or none at all.
    """
    must_write(deployment, "a status update that is sent")
    known = deployment.monitoring.notify.channels
    unknown = [name for name in channels if name not in known]
    if unknown or not channels:
        what = f"there is no channel {unknown[0]!r}" if unknown else "no channel is configured for status updates"
        raise Refused(what, f"updates.channels in config/monitoring.yml, or --channel: one of {', '.join(known)}")
    state = StateReader(deployment, clock).read()
    now = clock.now()
    text = "\n".join(update_lines(state, now.wall))
    drill = f"{state.drill.drill} of {state.drill.release}" if state.drill is not None else ""
    notice = Notice(f"update-{compact(now.wall)}", "update", text, (), now.wall, now.boot, tuple(channels), drill=drill)
    message = message_of(deployment, notice)
    results: Results = {}
    for name in channels:
        try:
            results[name] = (True, Sender(deployment, known[name], environment).deliver(message))
        except DeliveryFailed as error:
            results[name] = (False, str(error))
        ok, detail = results[name]
        data = {"notice": notice.id, "alert": "", "about": "update", "channel": name, "to": [], "ok": ok}
        append_event(
            deployment.paths.events, "notified", {**data, "detail": detail}, source="people", actor=actor, clock=clock
        )
    if any(ok for ok, _ in results.values()):
        record_sent(deployment, [name for name, (ok, _) in results.items() if ok], actor=actor, clock=clock)
    return results


def record_sent(deployment: Deployment, channels: Sequence[str], *, actor: str, clock: Clock) -> None:
    """``update.sent``; no channels: a person pasted it somewhere."""
    must_write(deployment, "a status update that is recorded")
    data = {"channels": list(channels), "by_hand": not channels}
    append_event(deployment.paths.events, "update.sent", data, source="people", actor=actor, clock=clock)


def main() -> int:
    """``python -m engine.state.sending --root DIR``: what the monitor starts when one is due."""
    parser = argparse.ArgumentParser(prog="python -m engine.state.sending")
    parser.add_argument("--root", type=Path, required=True)
    try:
        deployment = load_deployment(parser.parse_args().root.resolve())
        channels = deployment.monitoring.updates.channels
        results = send_update(deployment, channels, actor=f"monitor, {whoami()}", clock=SystemClock())
    except (OpsError, OSError) as error:
        sys.stderr.write(f"{error}\n")
        return CHECK_FAILED
    return DONE if all(ok for ok, _ in results.values()) else CHECK_FAILED


if __name__ == "__main__":
    raise SystemExit(main())
