"""The snapshots: what could be restored, which one a rollback would take, which are refused and why."""

from __future__ import annotations

from datetime import datetime
from time import monotonic
from typing import TYPE_CHECKING

from engine.state.kept_snapshots import KeptFile, KeptSnapshot, Verified
from engine.state.model import State
from tui.lines import Line, Lines, Role, fit, heading, join, put, right, wrap
from tui.listing import Listing, Row
from tui.words import age, ago, amount, stamp

if TYPE_CHECKING:
    from tui.app import ConsoleApp

_EVERY = 5.0
"""Seconds between two looks at the list."""


def open_snapshots(app: ConsoleApp) -> None:
    """The list."""
    if not isinstance(app.screen, Snapshots):
        app.open(Snapshots())


class Snapshots(Listing):
    """One row each, newest first; Enter reads and hashes every file of it."""

    def __init__(self) -> None:
        super().__init__()
        self._found: tuple[KeptSnapshot, ...] | None = None
        self._trouble = ""
        self._busy = False
        self._next = self._read_at = 0.0

    def _look(self) -> None:
        if self._busy or monotonic() < self._next:
            return
        self._busy, app = True, self.console_app

        def arrived(found: tuple[KeptSnapshot, ...] | None, trouble: str) -> None:
            self._busy, self._trouble, self._next = False, trouble, monotonic() + _EVERY
            if found is not None:
                self._found, self._read_at = found, monotonic()
            if self.is_attached:
                self.redraw()

        app.background(app.looks.snapshots, lambda found: arrived(found, ""), lambda why: arrived(None, why))

    def heading(self, state: State, width: int) -> Lines:
        """How many, and which one a rollback takes."""
        self._look()
        notes: list[Line | str] = []
        if self._found is not None:
            refused = sum(bool(one.problem) for one in self._found)
            notes = [f"{len(self._found)} kept", put(f"{refused} refused", "warn") if refused else ""]
            old = monotonic() - self._read_at
            notes += [put(f"STALE, read {age(old)} ago", "warn")] if old > 3 * _EVERY else []
        if self.look.replay:
            notes.append(put("as they are now, not in the replay", "warn"))
        lines: Lines = [heading(self.look.glyphs.rule, "s", "Snapshots", notes, width)]
        if self._trouble:
            lines.append(put(f" {self._trouble}", "warn"))
        head = f"   {'id':<6}{'purpose':<9}{'of':<5}{'taken':<17}{'size':>8}  {'staged':<11}files"
        return [*lines, put(head, "title")]

    def rows(self, state: State, width: int) -> list[Row]:
        """Newest first."""
        if self._found is None:
            return [Row(put(" reading ...", "dim"))] if not self._trouble else []
        made = [Row(self._row(one, state, width), one.id) for one in self._found]
        return made or [Row(put(" none yet: a cutover takes two, before and after the old release stops", "dim"))]

    def _row(self, one: KeptSnapshot, state: State, width: int) -> Line:
        glyphs = self.look.glyphs
        if one.problem:
            head = join(put(f" {glyphs.missed} ", "crit"), fit(put(one.id), 6), put("REFUSED  ", "crit"))
            return join(head, put(one.problem, "text"))
        taken = f"{stamp(one.taken_at)[:11]} {ago(one.taken_at, self.look.now).removesuffix(' ago')}"
        words, role = self._proof(one, state)
        return join(
            put(f" {glyphs.here if one.chosen else ' '} ", "info"),
            fit(put(one.id, "strong" if one.chosen else "text"), 6),
            fit(put(one.purpose, "text"), 9),
            fit(put(one.release, "text"), 5),
            fit(put(taken, "dim"), 17),
            right(put(amount(one.bytes), "text"), 8),
            "  ",
            fit(put(one.staged or "-", "warn" if one.chosen and one.staged != "staged" else "dim"), 11),
            put(words, role),
        )

    def _proof(self, one: KeptSnapshot, state: State) -> tuple[str, Role]:
        """Who last read its files, and what that found: this console, or the proof of the way back."""
        return proof_of(one, self.console_app.verified.get(one.id), state, self.look.now)

    def footing(self, state: State, width: int) -> Lines:
        """What the mark means."""
        chosen = next((one.id for one in self._found or () if one.chosen), "")
        back = state.release == state.way_back.release
        takes = f"would take {chosen} if it were not {state.release} that is live" if back else f"takes {chosen}"
        told = f" {self.look.glyphs.here} a rollback {takes}" if chosen else " a rollback finds none to restore"
        return [(), put(f"{told}; Enter reads and hashes every file", "dim")]

    def hints(self) -> Line:
        """What the keys do here."""
        return self.hints_of(("Enter", "read every file"), ("9", "way back"), ("j k", "move"))

    def why(self) -> None:
        """One snapshot with its files, read and hashed now."""
        item = self.item_in_hand()
        found = next((one for one in self._found or () if one.id == item), None)
        if found is not None:
            self.console_app.open(SnapshotFacts(found))


def proof_of(one: KeptSnapshot, found: Verified | None, state: State, now: datetime) -> tuple[str, Role]:
    """``whole 12s ago``, ``DAMAGED: ...``, ``proven 3m ago``, or that nobody has read it."""
    way = state.way_back
    if found is not None and (found.problem or found.staged_problem):
        return f"{found.word} {ago(found.at, now)}: {found.problem or found.staged_problem}", "crit"
    if found is not None:
        return f"whole, {ago(found.at, now)}", "strong"
    if way.snapshot == one.id and way.proven_at is not None:
        if not way.ready and way.reason:
            return f"NOT proven {ago(way.proven_at, now)}: {way.reason}", "crit"
        return f"proven {ago(way.proven_at, now)}{' STALE' if way.stale else ''}", "warn" if way.stale else "text"
    return "sealed, not read", "dim"


class SnapshotFacts(Listing):
    """Everything about one snapshot; opening it reads and hashes every file."""

    def __init__(self, one: KeptSnapshot) -> None:
        super().__init__()
        self._one = one
        self._files: tuple[KeptFile, ...] = ()
        self._trouble = ""

    def on_mount(self) -> None:
        """Begin to read."""
        super().on_mount()
        app, name = self.console_app, self._one.id

        def listed(found: tuple[KeptFile, ...]) -> None:
            self._files = found
            if self.is_attached:
                self.redraw()

        def arrived(found: Verified) -> None:
            app.verified[name] = found
            if self.is_attached:
                self.redraw()

        def failed(why: str) -> None:
            self._trouble = why
            if self.is_attached:
                self.redraw()

        app.verified.pop(name, None)
        app.background(lambda: app.looks.files(name), listed, failed)
        app.background(lambda: app.looks.verify(name), arrived, failed)

    def heading(self, state: State, width: int) -> Lines:
        """Which, and what reading it found."""
        one, found = self._one, self.console_app.verified.get(self._one.id)
        word = put("REFUSED", "crit") if one.problem else put(f"{one.purpose} of {one.release}", "text")
        lines: Lines = [heading(self.look.glyphs.rule, "s", f"Snapshot {one.id}", [word], width), ()]
        if self._trouble:
            return [*lines, put(f" not read: {self._trouble}", "crit"), ()]
        if found is None:
            return [*lines, put(f" reading and hashing {one.files} files, {amount(one.bytes)} ...", "info"), ()]
        bad = found.problem or found.staged_problem
        if bad:
            return [*lines, *wrap(f"{found.word if not one.problem else 'REFUSED'}: {bad}", width - 2, "crit", 1), ()]
        told = f" whole: {one.files} of {one.files} hashes, read {ago(found.at, self.look.now)}"
        also = ", and what is staged of it" if one.staged == "staged" else ""
        return [*lines, put(f"{told} in {found.seconds:.1f} s{also}", "strong"), ()]

    def rows(self, state: State, width: int) -> list[Row]:
        """Facts, then the files."""
        one = self._one
        if one.problem:
            return [
                Row(put(" It is never offered to a rollback, and nothing in it is trusted or touched.", "text")),
                Row(put(" abaco-ops snapshots lists it too; keep it until somebody knows whose it is.", "dim")),
            ]
        facts = [
            ("taken", f"{stamp(one.taken_at)}, {ago(one.taken_at, self.look.now)}, by {one.operation or 'nobody'}"),
            ("build", one.build or "unknown"),
            ("size", f"{one.files} files, {amount(one.bytes)}"),
            ("rollback", "takes this one" if one.chosen else "would not take it" if one.restorable else "never"),
            ("staged", one.staged or "nothing needs to be"),
            *(("absent", f"{path} did not exist") for path in one.absent),
        ]
        made = [Row(join(fit(put(f" {label}", "dim"), 12), put(text, "text"))) for label, text in facts]
        made += [Row(()), Row(put(" Files", "title"))]
        for each in self._files:
            tail = join(right(put(amount(each.size), "text"), 9), put(f"  {each.sha256[:12]}", "dim"))
            made.append(Row(join(" ", fit(put(each.path), max(width - 26, 20)), tail), each.path))
        return made
