"""The sheets as screens: they take the keys, count the seconds, and hand the answer to the application."""

from __future__ import annotations

from dataclasses import replace
from time import monotonic

from engine.operations.plan import Plan
from engine.state.model import State
from tui.commands.command import key_of, stands_for, typing_key
from tui.field import EMPTY
from tui.frame import Frame, spaced
from tui.lines import Line, Lines, join, put
from tui.opening import open_plan
from tui.screens.planned import PlannedSheet
from tui.sheets import cutover, form, rollback

_TICK = 0.1
_ASIDE = ("plan.differences", "snapshots", "contacts", "help")
"""What the rollback's sheet shows while nothing is typed."""
_BESIDE = ("rollback", "back", "quit", "help", "find")
"""What a letter may do in the cutover's sheet when it is no text of the reason."""


class RollbackScreen(PlannedSheet):
    """R: the sheet that takes the release's name for an answer."""

    scopes = frozenset({"anywhere", "rollback"})
    sheet: rollback.RollbackSheet

    def __init__(self, target: str) -> None:
        super().__init__()
        self.sheet = rollback.RollbackSheet(target)

    def make_plan(self) -> Plan:
        """What a rollback would do now."""
        return self.console_app.actions.plan_rollback()

    def on_mount(self) -> None:
        """Ask for the plan, and count until the sheet is armed."""
        super().on_mount()
        self.set_interval(_TICK, self._tick)

    def _tick(self) -> None:
        was = self.sheet.discards
        self._count()
        if was:
            self.redraw()

    def _count(self) -> None:
        self.sheet = replace(self.sheet, open_for=monotonic() - self._opened)

    def refused(self, reason: str) -> None:
        """There is no plan, or it was not accepted; said, and nothing changed. The new facts need a new answer."""
        trouble = reason.splitlines()[0]
        if self.sheet.sent:
            self._opened = monotonic()
            self.sheet = replace(self.sheet.armed_later(), field=EMPTY)
        plan = None if self.sheet.looking else self.sheet.plan  # one of the past is none
        self.sheet = replace(self.sheet, plan=plan, trouble=trouble, sent=False, looking=False)
        self.redraw()

    def body(self, state: State, width: int, height: int) -> Lines:
        """The sheet."""
        return rollback.draw(self.sheet, state, width, height, self.look)

    def takes(self, name: str, character: str | None) -> bool:
        """The answer; ``d``, ``s`` and ``w`` are commands while nothing is typed."""
        self._count()
        if name == "enter":
            self._enter()
            return True
        if not self.sheet.field.text and not self.sheet.discards and self._aside(name, character):
            return False
        after = self.sheet.key(name, character)
        if after is None:
            return False
        self.sheet = after
        self.redraw()
        return True

    def _aside(self, name: str, character: str | None) -> bool:
        """A command that shows more, unless the release's name begins with its key."""
        begins = character is not None and self.sheet.target.startswith(character)
        return not begins and any(stands_for(command, name, character) for command in _ASIDE)

    def pasted(self, text: str) -> None:
        """Refused, visibly."""
        self.sheet = self.sheet.pasted()
        self.redraw()

    def _enter(self) -> None:
        reason = self.sheet.wrong()
        if reason and self.sheet.discards:
            self.sheet = self.sheet if self.sheet.sent else self.sheet.too_soon()
        elif reason:
            self.sheet = replace(self.sheet, trouble=reason)
        else:
            self.sheet = replace(self.sheet, sent=True, trouble="")
            self.console_app.launching.confirm_rollback(self)
        self.redraw()

    def differences(self) -> None:
        """Everything the plan knows."""
        if self.sheet.plan is not None:
            open_plan(self.console_app, self.sheet.plan)

    def hints(self) -> Line:
        """What the keys do here."""
        hint = [("back", "back, nothing changed"), ("plan.differences", "differences")]
        hint += [("snapshots", "snapshots"), ("contacts", "who to call")]
        return spaced([join(put(key_of(command), "key"), put(f" {words}", "dim")) for command, words in hint])


class CutoverScreen(PlannedSheet):
    """C: the sheet with Cancel in hand."""

    scopes = frozenset({"anywhere"})
    sheet: cutover.CutoverSheet

    def __init__(self) -> None:
        super().__init__()
        self.sheet = cutover.CutoverSheet()

    def make_plan(self) -> Plan:
        """What a cutover would do now."""
        return self.console_app.actions.plan_cutover()

    def refused(self, reason: str) -> None:
        """Said, and nothing changed. Cancel is in hand again: the new facts need a new answer."""
        if self.sheet.sent:
            self._opened = monotonic()
            self.sheet = replace(self.sheet, place="cancel", since_turn=0.0)
        plan = None if self.sheet.looking else self.sheet.plan
        self.sheet = replace(self.sheet, plan=plan, trouble=reason.splitlines()[0], sent=False, looking=False)
        self.redraw()

    def body(self, state: State, width: int, height: int) -> Lines:
        """The sheet."""
        return cutover.draw(self.sheet, state, width, height, self.look)

    def turn(self, steps: int) -> None:
        """Reason, Cut over, Hold, Cancel."""
        self.sheet = self.sheet.turned(steps)
        self._opened = monotonic()
        self.redraw()

    def takes(self, name: str, character: str | None) -> bool:
        """Text for the reason; Enter acts on the place in hand. While no reason is typed, R is the way back."""
        if name == "enter":
            self._enter()
            return True
        if name in ("left", "right", "up", "down"):
            self.turn(1 if name in ("right", "down") else -1)
            return True
        if stands_for("rollback", name, character) and not self.sheet.reason.text:
            return False
        after = self.sheet.key(name, character)
        if after is not None:
            self.sheet = after
            self.redraw()
            return True
        return bool(character) and not any(stands_for(command, name, character) for command in _BESIDE)

    def pasted(self, text: str) -> None:
        """A reason may be pasted; it confirms nothing. Elsewhere pasted text is refused, visibly."""
        if self.sheet.place == "reason":
            self.sheet = replace(self.sheet, reason=self.sheet.reason.pasted(text))
        else:
            self.sheet = replace(self.sheet, trouble="pasted text is refused here")
        self.redraw()

    def _enter(self) -> None:
        self.sheet = replace(self.sheet, since_turn=monotonic() - self._opened)
        if self.sheet.place == "cancel":
            if not self.sheet.trouble or self.sheet.armed:  # a doubled Enter must not take the refusal away
                self.console_app.back(leave=False)
            return
        if self.sheet.place == "reason":
            self.turn(1)
            return
        if self.sheet.early:
            self.sheet = self.sheet.too_soon()
        elif reason := self.sheet.wrong():
            self.sheet = replace(self.sheet, trouble=reason, hasty=False)
        else:
            self.sheet = replace(self.sheet, sent=True, hasty=False)
            self.console_app.launching.confirm_cutover(self)
        self.redraw()

    def hints(self) -> Line:
        """What the keys do here."""
        hint = [
            ("Tab", "next"),
            ("Enter", "does what is in hand"),
            ("Esc", "back, nothing changed"),
            (key_of("rollback"), "roll back"),
        ]
        return spaced([join(put(key, "key"), put(f" {words}", "dim")) for key, words in hint])


class FormScreen(Frame):
    """A small form over whatever was in front."""

    scopes = frozenset({"anywhere"})

    def __init__(self, ask: form.Ask) -> None:
        super().__init__()
        self._opened = monotonic()
        self.form = form.Form(ask)

    def on_mount(self) -> None:
        """Count until keys are taken."""
        super().on_mount()
        self._counting = self.set_interval(_TICK, self._tick)

    def _tick(self) -> None:
        was = self.form.discards
        self._count()
        if was:
            self.redraw()
        else:
            self._counting.stop()

    def _count(self) -> None:
        self.form = replace(self.form, open_for=monotonic() - self._opened)

    def body(self, state: State, width: int, height: int) -> Lines:
        """The form."""
        return form.draw(self.form, width, height, self.look)

    def takes(self, name: str, character: str | None) -> bool:
        """Text; Enter answers. While nothing is typed, R is the way back, but not as a letter in the middle of text."""
        self._count()
        if name == "enter":
            self._enter()
            return True
        if stands_for("rollback", name, character) and not self.form.field.text and not self._runs_on(character):
            return False
        after = self.form.key(name, character)
        if after is None:
            return False
        self.form = after
        self.redraw()
        return True

    def pasted(self, text: str) -> None:
        """Notes may be pasted; a word that confirms may not."""
        self.form = self.form.pasted(text)
        self.redraw()

    def _runs_on(self, character: str | None) -> bool:
        """Whether it is a letter of text that was being typed before the form opened."""
        return character is not None and self.form.discarded > 0 and self.form.discards

    def _enter(self) -> None:
        if self.form.discards:
            self.form = self.form.too_soon()
            self.redraw()
            return
        trouble = self.form.wrong()
        if trouble:
            self.form = replace(self.form, trouble=trouble)
            self.redraw()
            return
        self.console_app.answer(self.form.ask, self.form.field.text.strip())

    def hints(self) -> Line:
        """What the keys do here."""
        ask = self.form.ask
        back = "back" if ask.local else "back, nothing written"
        hint = [("Enter", ask.enter), ("Esc", back), (typing_key("rollback"), "roll back")]
        return spaced([join(put(key, "key"), put(f" {words}", "dim")) for key, words in hint])
