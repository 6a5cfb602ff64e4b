"""What starts operations from the console: sheets open, an answer is sent off the event loop, what runs is shown."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tui.actions import AcceptedView
    from tui.app import ConsoleApp
    from tui.screens.sheet import CutoverScreen, RollbackScreen


class Launching:
    """Starts operations for one console, and knows which it started last."""

    def __init__(self, app: ConsoleApp) -> None:
        self._app = app
        self.accepted: tuple[str, int] | None = None
        """The operation that this console started last: id and worker's pid."""
        self.asked_validation: datetime | None = None
        """When a validation was asked for whose end was not told yet."""

    def validate(self) -> None:
        """Start a validation and show where its answer will stand."""
        self.asked_validation = self._app.look.now
        self._app.background(self._app.actions.validate, self._validation_runs, lambda why: self._app.say(why, "crit"))
        self._app.show_view("validation")

    def _validation_runs(self, accepted: AcceptedView) -> None:
        self._app.written(f"ACCEPTED {accepted.id}, runs without you")

    def stop_validation(self, operation: str) -> None:
        """Ask a running validation to stop: it judges nothing then, and the report of before stands."""
        self._app.background(
            lambda: self._app.actions.abort(operation),
            lambda hangs: (
                self._app.say(str(hangs), "warn")
                if hangs
                else self._app.written(f"{operation} was asked to stop, and has taken it")
            ),
            lambda why: self._app.say(why, "crit"),
        )

    def rehearse(self) -> None:
        """Start a rehearsal of the rollback; its answer stands in row 3 and among the events."""
        self._app.background(
            self._app.actions.rehearse,
            lambda who: self._app.written(f"the rehearsal runs without you ({who}): row 3 tells its end"),
            lambda why: self._app.say(why, "crit"),
        )

    def open_rollback(self) -> None:
        """The rollback sheet, in front of whatever is there."""
        from tui.screens.sheet import RollbackScreen

        open_sheet = next((screen for screen in self._app.screen_stack if isinstance(screen, RollbackScreen)), None)
        if open_sheet is None:
            self._app.push_screen(RollbackScreen(self._app.target))
            return
        while self._app.screen is not open_sheet:
            self._app.pop_screen()

    def open_cutover(self) -> None:
        """The cutover sheet."""
        from tui.screens.sheet import CutoverScreen

        if not isinstance(self._app.frame, CutoverScreen):
            self._app.push_screen(CutoverScreen())

    def confirm_rollback(self, sheet: RollbackScreen) -> None:
        """The name was typed and Enter pressed: go. Without a plan yet, one is made first."""
        plan = None if sheet.sheet.looking else sheet.sheet.plan  # one of the past would only be refused
        self._app.background(
            lambda: self._app.actions.launch(plan or self._app.actions.plan_rollback(), ""),
            self.runs,
            lambda why: self._not_accepted(sheet, why),
        )

    def confirm_cutover(self, sheet: CutoverScreen) -> None:
        """Cut over, or Hold, was in hand, a reason given, Enter pressed: begin."""
        plan, reason = sheet.sheet.plan, sheet.sheet.reason.text.strip()
        hold = sheet.sheet.place == "hold"
        if barred := self._app.arming.bars("the cutover", inside=True):
            sheet.refused(barred)
        elif plan is not None:
            self._app.background(
                lambda: self._app.actions.launch(plan, reason, hold=hold),
                self.runs,
                lambda why: self._not_accepted(sheet, why),
            )

    def _not_accepted(self, sheet: RollbackScreen | CutoverScreen, why: str) -> None:
        """Say why, and look again: the next Enter rests on fresh facts."""
        sheet.refused(why)
        sheet.fetch(keep=why)

    def runs(self, accepted: AcceptedView) -> None:
        """It was accepted: show it."""
        self.accepted = (accepted.id, accepted.pid)
        while len(self._app.screen_stack) > 1:
            self._app.pop_screen()
        self._app.show_view("operation")
        self._app.look_again()
