"""Commands about people: silence a condition, send the status update."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tui.commands.command import Command

if TYPE_CHECKING:
    from tui.app import ConsoleApp


class Silence(Command):
    """Page nobody about the alert under the cursor for a while; it still stands in the verdict. A reason is needed."""

    id, keys, title, risk = "silence", ("m",), "silence an alert", "write"
    also = "mute snooze quiet"

    def run(self, app: ConsoleApp) -> None:
        from tui import asking

        state = app.shown_state
        if state is not None:
            app.ask(asking.silence(app.actions, state, app.frame.item_in_hand()))


class SendUpdate(Command):
    """Send the status update through the configured channels, or record that you pasted it: type so."""

    id, keys, title, risk = "update.send", ("U",), "send the status update", "write"
    also = "slack message team paste"

    def run(self, app: ConsoleApp) -> None:
        from tui import asking, telling

        channels, state = app.actions.update_channels(), app.shown_state
        if not channels:
            app.ask(asking.pasted(app.actions))
        elif state is not None:
            app.ask(asking.send_update(app.actions, channels, telling.update(state, app.look)))
