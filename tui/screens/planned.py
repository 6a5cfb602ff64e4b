"""What the sheets of cutover and rollback share: a plan, made again whenever what it rests on changes."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from time import monotonic

from engine.operations.plan import Plan
from tui.frame import Frame
from tui.sheets import cutover, grounds, rollback

_AGAIN = 5.0
"""Seconds after which the plan is made again while somebody operates."""


class PlannedSheet(Frame):
    """A sheet made from a plan. When what the plan rests on changes, it is made again, as often as that happens."""

    sheet: rollback.RollbackSheet | cutover.CutoverSheet

    def __init__(self) -> None:
        super().__init__()
        self._opened = monotonic()
        self._grounds: grounds.Grounds | None = None
        self._asked = 0
        self._again = 0.0
        self._changed: tuple[str, datetime] | None = None
        """What changed last, and when that was seen."""

    def make_plan(self) -> Plan:
        """The plan as it would be now; may block."""
        raise NotImplementedError

    def on_mount(self) -> None:
        """Ask for the plan."""
        super().on_mount()
        self.fetch()

    def redraw(self) -> None:
        """Draw again; first see whether the facts are of the past."""
        self._follow()
        super().redraw()

    def _follow(self) -> None:
        if self.state is None:
            return
        before, self._grounds = self._grounds, grounds.grounds_of(self.state)
        if before is not None and before != self._grounds and not self.sheet.sent:
            self._changed = grounds.what_changed(before, self._grounds), self.look.now
            self._opened = monotonic()
            self.sheet = self.sheet.outdated(grounds.seen(*self._changed))
            self.fetch()
        elif grounds.busy(self.state) is not None and not self.sheet.sent and monotonic() >= self._again:
            self.fetch()  # how far it is, and whether its worker has gone silent, changes all the time

    def fetch(self, keep: str = "") -> None:
        """Have the plan made; of several on their way only the newest counts. ``keep``: what stays said beside it."""
        self._asked += 1
        self._again = monotonic() + _AGAIN
        number = self._asked

        def planned(plan: Plan) -> None:
            if number == self._asked:
                self.planned(plan, keep)

        def failed(why: str) -> None:
            if number == self._asked and not keep:
                self.refused(why)

        self.console_app.background(self.make_plan, planned, failed)

    def planned(self, plan: Plan, keep: str = "") -> None:
        """The facts are here; where others were shown before, they count after another moment to read them."""
        trouble = keep or (self.sheet.trouble if self.sheet.plan is not None else "")
        if self.sheet.looking and self._changed is not None:
            self._opened = monotonic()
            changed = grounds.seen(*self._changed)
            self.sheet = replace(self.sheet.outdated(changed), looking=False)
        self.sheet = replace(self.sheet, plan=plan, trouble=trouble)
        self.redraw()

    def refused(self, reason: str) -> None:
        """There is no plan, or it was not accepted."""
        raise NotImplementedError
