"""Views 2 to 9: one list each, in full."""

from __future__ import annotations

from time import monotonic

from engine.monitoring.at_hand import at_hand
from engine.monitoring.model import KpiReading
from engine.state.gates import summary_line
from engine.state.model import State, WayBackView
from tui.commands.command import key_of
from tui.glyphs import spark
from tui.lines import Line, Lines, Role, clause, fit, heading, join, put, right, wrap
from tui.listing import Listing, Row
from tui.panels import checklist, kpis, matrix, operation, resources, validation
from tui.screens.gate import PREFIX, open_gate
from tui.screens.log import Log
from tui.screens.over import held_of
from tui.screens.samples import Because
from tui.screens.whole import open_check, open_step
from tui.words import age, ago, change, number, rests_on, seconds, stamp

_TIER: dict[str, Role] = {"WARNING": "warn", "CRITICAL": "crit"}

_DOUBLED = 1.5
"""Seconds in which Enter may still be meant for the sheet that was here before."""


class Conditions(Listing):
    """View 2: every condition; Enter shows its evidence."""

    def heading(self, state: State, width: int) -> Lines:
        """How many speak."""
        firing = sum(bool(condition.firing) for condition in state.conditions)
        watched = f"{len(state.conditions)} watched"
        stale = state.monitor.stale and not self.look.replay
        notes: list[Line | str] = (
            [watched, put("STALE: nothing is judged", "warn")] if stale else [f"{watched}, {firing} firing"]
        )
        return [heading(self.look.glyphs.rule, "2", "Conditions", notes, width)]

    def rows(self, state: State, width: int) -> list[Row]:
        """One row each: level, id, value, what holds, evidence."""
        made = []
        for item in state.conditions:
            word = resources.level_of(state, item)
            level: Role = resources.LEVELS["stale" if item.stale else word if word in resources.LEVELS else item.level]
            tier = item.firing or (f"{item.pending}?" if item.pending else "")
            held = f"{tier} {held_of(item)}" if tier else ""
            seen = (
                put(f"stale {ago(item.observed_at, self.look.now)}" if item.observed_at else "never measured", "warn")
                if item.stale
                else put(item.evidence, "dim")
            )
            line = join(
                " ",
                fit(put(word, level), 8),
                fit(put(item.id, "text"), 7),
                fit(put(resources.words_of(state, item), "stale" if item.stale else "strong"), 19),
                fit(put(held, level), 24) if held else "",
                seen,
            )
            made.append(Row(line, item.id))
        made = made or [Row(put(f" none: {state.monitor.reason or 'nothing measured yet'}", "warn"))]
        if state.unjudged:
            made += [Row(()), Row(put(" Measured beside them, judged by no limit", "title"))]
        return made + [Row(resources.plain_row(gauge, width, self.look)) for gauge in state.unjudged]

    def why(self) -> None:
        """The evidence of one condition."""
        item = self.item_in_hand()
        if item is not None:
            self.console_app.show_condition(item)


class OperationScreen(Listing):
    """View 3: the running or the last operation."""

    scopes = frozenset({"anywhere", "list", "operation"})

    def heading(self, state: State, width: int) -> Lines:
        """Which one, by whom, how far; and that it was accepted, when this console started it."""
        shown = operation.newest(state)
        if shown is None:
            return [heading(self.look.glyphs.rule, "3", "Operation", [], width)]
        accepted = self.console_app.launching.accepted
        own = accepted is not None and accepted[0] >= shown.id
        lines = [operation.title(shown, width, self.look)]
        if accepted is not None and own:
            lines.append(put(f" ACCEPTED {accepted[0]}, runs without you; worker pid {accepted[1]}", "strong"))
        if not own or not self._screen_is_small():
            lines += operation.facts(shown, width)
        lines += operation.people(state, width, self.look)
        gap: Lines = [] if self._screen_is_small() else [()]
        return [*lines, operation.progress(shown, width, self.look), *gap]

    def rows(self, state: State, width: int) -> list[Row]:
        """One row for each step."""
        shown = operation.newest(state)
        accepted = self.console_app.launching.accepted
        if shown is None:
            told = f" ACCEPTED {accepted[0]}, runs without you; worker pid {accepted[1]}" if accepted else ""
            return [Row(put(told or " no operation yet", "text"))]
        lines = operation.step_rows(shown, width, self.look)
        return [Row(line, step.name) for line, step in zip(lines, shown.steps, strict=True)]

    def why(self) -> None:
        """Everything about the step under the cursor; not for the Enter too many that confirmed a sheet."""
        if monotonic() - self._opened < _DOUBLED:
            return
        state, name = self.state, self.item_in_hand()
        shown = operation.newest(state) if state is not None else None
        step = next((step for step in shown.steps if step.name == name), None) if shown is not None else None
        if shown is not None and step is not None:
            open_step(self.console_app, shown, step)

    def __init__(self) -> None:
        super().__init__()
        self._seen: object = None
        self._opened = monotonic()

    def body(self, state: State, width: int, height: int) -> Lines:
        """The cursor goes to the step at hand, or the one that failed, whenever that changes."""
        shown = operation.newest(state)
        if shown is not None:
            at_hand = next((i for i, step in enumerate(shown.steps) if step.state in ("running", "failed")), None)
            if at_hand is not None and (shown.id, at_hand) != self._seen:
                self._seen, self.cursor = (shown.id, at_hand), at_hand
        return super().body(state, width, height)

    def footing(self, state: State, width: int) -> Lines:
        """Failure, warnings, what can be done, the last output."""
        shown = operation.newest(state)
        if shown is None:
            return []
        lines: Lines = []
        if shown.failure:
            lines += wrap(shown.failure, width - 1, "crit", indent=1)[:2]
        lines += [put(f" ! {text}", "warn") for text in shown.warnings[:2]]
        lines += operation.offers(shown, width, self.look, brief=self._screen_is_small())
        quiet = self._screen_is_small() and not shown.failure
        lines += operation.output(shown, 0 if quiet else 2 if self._screen_is_small() else 6, "   ")
        return [(), *lines] if lines else []

    def _screen_is_small(self) -> bool:
        return self.size.height < 32


class Kpis(Listing):
    """View 4: the KPIs with limits and a long trend."""

    def heading(self, state: State, width: int) -> Lines:
        """Where they come from."""
        notes = [f"published {ago(state.kpis_at, self.look.now)}", "tiers are the portfolio's, not the release's"]
        return [heading(self.look.glyphs.rule, "4", "KPIs", notes, width), ()]

    def rows(self, state: State, width: int) -> list[Row]:
        """A few rows for each KPI: value, limits, the same tape in the old release, what it was, trends."""
        return [row for kpi in self.console_app.windows.shown(state).kpis for row in self._kpi(kpi, width)]

    def _kpi(self, kpi: KpiReading, width: int) -> list[Row]:
        if kpi.value is None:
            return [
                Row(join(fit(put(f" {kpi.title}", "text"), 14), put(f"none: {kpi.reason}", "warn")), kpi.id),
                Row(()),
            ]
        role: Role = "stale" if kpi.stale else _TIER.get(kpi.status, "dim")
        value = right(put(f"{number(kpi.value, kpi.decimals)} {kpi.unit}", "stale" if kpi.stale else "strong"), 13)
        moved = put(f"   {change(kpi.change, kpi.decimals)} vs {kpi.change_from}", "dim") if kpi.change_from else ()
        stale = put(f"   STALE, {ago(kpi.observed_at, self.look.now)}", "warn") if kpi.stale else ()
        held = put(f"   unheld {kpi.unheld:.2f}", "dim") if kpi.unheld is not None else ()
        sign = "below" if kpi.worse_when == "lower" else "above"
        limits = f"warning {sign} {kpi.warning:g}, critical {sign} {kpi.critical:g}; owner {kpi.owner}"
        status = put(f"was {kpi.status}" if kpi.stale else kpi.status, role)
        first = join(fit(put(f" {kpi.title}", "text"), 14), value, "   ", status, moved, held, stale)
        second = join(" " * 14, put(limits if kpi.warning is not None else f"owner {kpi.owner}", "dim"))
        known = [each for each in kpi.trend if each == each]
        trend = put(spark(kpi.trend, min(width - 46, 80), self.look.glyphs).lstrip(), "stale" if kpi.stale else "trend")
        told = f"{number(min(known), 2)} to {number(max(known), 2)}, " if known else "nothing measured, "
        third = join(" " * 14, trend, put(f"  {told}{self.look.window or 'tape dates'}", "dim"))
        beside = [Row(line, kpi.id) for line in kpis.compared(kpi, width - 14)]
        by_run = [Row(kpis.run_trend(kpi, width, self.look), kpi.id)] if len(kpi.runs) > 1 else []
        return [Row(first, kpi.id), Row(second, kpi.id), *beside, Row(third, kpi.id), *by_run, Row(())]


class Checklist(Listing):
    """View 5: the checklist around now."""

    ticks = True

    def __init__(self) -> None:
        super().__init__()
        self._placed = False

    def heading(self, state: State, width: int) -> Lines:
        """How many hourly validations passed."""
        items = state.checklist.items
        waiting = sum(item.state in ("due", "overdue") for item in items)
        notes: list[Line | str] = [f"{waiting} open"]
        if state.checklist.hourly_due:
            notes.insert(0, f"{state.checklist.hourly_passed}/{state.checklist.hourly_due} hourly PASS")
        if state.checklist.stale and not self.look.replay:
            notes.insert(0, put("measured: STALE", "warn"))
        closed = next((item.note for item in items if item.state == "closed"), "")
        lines = wrap(closed, width - 2, "warn", indent=1) if closed else []
        return [heading(self.look.glyphs.rule, "5", "Checklist", notes, width), *lines]

    def rows(self, state: State, width: int) -> list[Row]:
        """One row for each item, its note with it."""
        here = at_hand(state.checklist.items)
        made: list[Row] = []
        for index, item in enumerate(checklist.shown(state, self.look)):
            if index == here and not self._placed:
                self._placed, self.cursor, self._first = True, len(made), max(len(made) - 1, 0)
            line = checklist.row(item, width - 2, self.look)
            made.append(Row(line, item.key))
            if item.note and item.state != "closed":  # why a list is closed is said once, at the top
                made.append(Row(put(f"{'':12}{item.note}", "dim"), item.key))
        return made or [Row(put(" nothing is due", "dim"))]

    def why(self) -> None:
        """A gate: its criteria."""
        item = self.item_in_hand() or ""
        if item.startswith(PREFIX):
            open_gate(self.console_app, item.removeprefix(PREFIX))

    def footing(self, state: State, width: int) -> Lines:
        """What can be done with the row."""
        tick, override, note = key_of("checklist.tick"), key_of("checklist.override"), key_of("note")
        words = f" {tick} confirms what was measured; {override} overrides it with a reason; {note} writes a note"
        return [
            (),
            put(words if self.may("checklist.tick") else " this console is read-only: it confirms nothing", "dim"),
        ]


class Matrix(Listing):
    """View 6: the decision matrix with evidence, action and who is told."""

    def heading(self, state: State, width: int) -> Lines:
        """The rule of the matrix."""
        notes = ["the heaviest matching row is the verdict"]
        return [heading(self.look.glyphs.rule, "6", "Decision matrix", notes, width)]

    def rows(self, state: State, width: int) -> list[Row]:
        """Four rows for each verdict."""
        made: list[Row] = []
        for entry in state.matrix:
            made.append(Row(matrix.row(entry, width, self.look), entry.verdict))
            names = [state.contacts.get(name, name.replace("_", " ")) for name in entry.told]
            told = f"; told: {', '.join(name.partition(':')[0] for name in names)}" if names else ""
            when = f"when {entry.when}"
            made.append(Row(join(" " * 14, put(clause(when, width - 15) or when, "dim")), entry.verdict))
            made += [Row(line, entry.verdict) for line in wrap(f"{entry.action}{told}", width - 2, "dim", 14)[:2]]
        waiting = [gate for gate in state.gates if gate.state != "go"][:1]
        return made + [Row(put(f" {summary_line(gate, self.look.now)}"), PREFIX + gate.id) for gate in waiting]

    def why(self) -> None:
        """The conditions behind the row; for a gate, its criteria."""
        item = self.item_in_hand()
        if item is not None and item.startswith(PREFIX):
            open_gate(self.console_app, item.removeprefix(PREFIX))
        elif item is not None:
            self.console_app.open(Because(item))


class Validation(Listing):
    """View 8: the newest validation, in full."""

    scopes = frozenset({"anywhere", "list", "validation"})

    def heading(self, state: State, width: int) -> Lines:
        """Its status and age."""
        return [heading(self.look.glyphs.rule, "8", "Validation", validation.notes(state, self.look), width)]

    def rows(self, state: State, width: int) -> list[Row]:
        """Five checks, then every issue."""
        checks = state.checks
        if not checks.checks:
            runs = f"{key_of('validate')} runs the five checks on what the running release published"
            return [Row(put(f" not run yet: {runs}", "dim"))]
        made: list[Row] = []
        for check in checks.checks:
            made.append(Row(validation.row(check, width, whole=True, stale=checks.stale), check.name))
            rest = wrap(check.summary, width - 27, "dim")[1:]
            made += [Row(join(" " * 26, line), check.name) for line in rest]
        made += [
            Row(()),
            Row(put(f" {len(checks.issues) or 'no'} issue{'' if len(checks.issues) == 1 else 's'}", "title")),
        ]
        for issue in checks.issues:
            made += [Row(line, issue) for line in wrap(issue, width - 2, "text", 3)]
        earlier = f"{key_of('validations')} shows earlier ones"
        return [*made, Row(()), Row(put(f" report {checks.report}; {earlier}", "dim"))]

    def why(self) -> None:
        """The check under the cursor, or that of the issue under it, whole: every issue, every figure, its rows."""
        name = (self.item_in_hand() or "").partition(":")[0]
        if self.state is not None and any(check.name == name for check in self.state.checks.checks):
            open_check(self.console_app, name)


class WayBack(Listing):
    """View 9: the way back, and the releases as installed."""

    def heading(self, state: State, width: int) -> Lines:
        """Ready or not."""
        way = state.way_back
        word = put("ready", "strong") if way.ready and not way.stale else put(_standing(way), "warn")
        if state.release == way.release:
            word = put("nothing to go back from", "dim")
        return [heading(self.look.glyphs.rule, "9", "Way back", [word], width)]

    def rows(self, state: State, width: int) -> list[Row]:
        """Facts, releases, monitor."""
        way = state.way_back
        proven = f"{stamp(way.proven_at)}, {ago(way.proven_at, self.look.now)}" if way.proven_at else "never"
        back = state.release == way.release
        stale = " (stale)" if way.stale and way.proven_at and not back else ""
        facts = [
            ("leads to", f"{way.release}, build {way.build or 'unknown'}"),
            ("state", _standing(way) if way.ready else way.reason),
            ("takes", f"about {seconds(way.seconds)}" if way.seconds is not None else "not measured yet"),
            ("rests on", f"{rests_on(way, self.look.ago)}{'; ' + way.note if way.note else ''}"),
            ("proven", proven + stale),
            ("snapshot", way.snapshot or f"none in hand: {key_of('snapshots')} shows what is kept"),
        ]
        if not back:
            line = f"abaco-ops --root {state.root} rollback"
            keys = f"{key_of('rollback')}, {way.release}, Enter; or " if self.may("rollback") else ""
            facts.append(("go back", keys + line))
        if way.read_at is not None:
            within = age((self.look.now - way.read_at).total_seconds())
            facts.insert(4, ("every byte", f"read and hashed in the last {within}"))
        made = [Row(self._fact(*fact)) for fact in facts]
        made += [Row(()), Row(put(" Releases", "title"))]
        for release in state.releases:
            live = "LIVE  " if release.name == state.release else ""
            pid = f" pid {release.pid}" if release.pid else ""
            hashes = f"build {release.build or '-'}  config {release.config_hash or '-'}"
            words = f"{live}{release.service_state}{pid}  {hashes}"
            whole = f"{words}  {release.service}"
            fits = len(whole) < width - 12
            made.append(Row(self._fact(release.name, whole if fits else words), release.name))
            made += [] if fits else [Row(self._fact("", release.service), release.name)]
        if state.release is None:
            made.append(Row(put(f" no release is live: {state.release_reason}", "warn")))
        monitor = state.monitor
        reason = monitor.reason.removesuffix("no monitor runs").rstrip(": ")
        words = f"runs, pid {monitor.pid}" if monitor.running else f"does not run{f': {reason}' if reason else ''}"
        made += [Row(()), Row(self._fact("monitor", f"{words}; last sample {ago(monitor.observed_at, self.look.now)}"))]
        return made

    def _fact(self, label: str, text: str) -> Line:
        return join(fit(put(f" {label}", "dim"), 12), put(text, "text"))


def _standing(way: WayBackView) -> str:
    """Ready or not, and whether that was found too long ago to rest on."""
    return ("ready" if way.ready else "not ready") + (", STALE" if way.stale else "")


VIEWS: dict[str, type[Listing]] = {
    "conditions": Conditions,
    "operation": OperationScreen,
    "kpis": Kpis,
    "checklist": Checklist,
    "matrix": Matrix,
    "log": Log,
    "validation": Validation,
    "way-back": WayBack,
}
