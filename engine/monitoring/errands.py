"""What the monitor sends children for when the time has come: proof, shadow run, status update, end of a drill."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence

from engine.clock import Instant
from engine.config import Deployment
from engine.drills.order import read_order
from engine.monitoring.children import Children, Ended
from engine.monitoring.model import Evaluation
from engine.monitoring.shadow import tape_stamp
from engine.monitoring.trail_source import TrailSource
from engine.monitoring.updates import update_due

PROOF, SHADOW = "proof of the way back", "shadow run of the old release"
UPDATE = "status update"
UPDATE_AGAIN = 300.0
"""Seconds after which one that could not be sent is tried again."""
DRILL = "end of a drill"
Note = Callable[[Instant, Sequence[str]], None]
"""Takes problems in words."""


class Errands:
    """Remembers when each was begun last; a restart begins it once more at most."""

    def __init__(self, deployment: Deployment, children: Children) -> None:
        self._deployment = deployment
        self.children = children
        self._proof_tried = -1e18
        self._shadowed: tuple[str, float] = ("", -1e18)
        self._shadow_failed = False
        self._update_tried = -1e18
        self._drill_ended = ""

    def run(self, evaluation: Evaluation, trail: TrailSource, now: Instant, note: Note) -> None:
        """Begin what is due."""
        self._prove(evaluation, trail, now, note)
        self._shadow(evaluation, now, note)
        self._update(evaluation, trail, now, note)
        self._end_drill(now, note)

    def ended(self, ended: Ended) -> None:
        """A child has ended."""
        if ended.name == SHADOW:
            self._shadow_failed = ended.code != 0

    def start(self, name: str, command: list[str], until: float, now: Instant, note: Note) -> None:
        """Start a child that is killed at ``until`` (boot time); that it could not be started is noted."""
        try:
            self.children.start(name, command, until=until)
        except OSError as error:
            note(now, [f"{name} could not be started: {error.strerror}"])

    def _prove(self, evaluation: Evaluation, trail: TrailSource, now: Instant, note: Note) -> None:
        """The way back is proven again while there is one to go."""
        if evaluation.cutover_at is None or not evaluation.paging or self.children.running(PROOF):
            return
        every = self._deployment.console.cadence.prove_way_back
        proven = trail.facts.proven_at
        since_cutover = proven is not None and proven >= evaluation.cutover_at
        fresh = since_cutover and proven is not None and (now.wall - proven).total_seconds() < every
        if fresh or now.boot - self._proof_tried < every:
            return
        self._proof_tried = now.boot
        command = [sys.executable, "-m", "engine.operations.way_back", "--root", str(self._deployment.root)]
        self.start(PROOF, command, now.boot + self._deployment.console.operations.budgets.rollback, now, note)

    def _shadow(self, evaluation: Evaluation, now: Instant, note: Note) -> None:
        """After a cutover the old release computes each tape in the shadow; one that failed is tried again later."""
        if evaluation.cutover_at is None or not evaluation.paging or self.children.running(SHADOW):
            return
        cadence = self._deployment.console.cadence
        stamp, began = self._shadowed
        since = now.boot - began
        if since < cadence.shadow_every:
            return
        found = tape_stamp(self._deployment.tape)
        if found == stamp and not (self._shadow_failed and since >= cadence.prove_way_back):
            return
        self._shadowed = (found, now.boot)
        command = [sys.executable, "-m", "engine.monitoring.shadow", "--root", str(self._deployment.root)]
        self.start(SHADOW, command, now.boot + 2 * cadence.command_deadline, now, note)

    def _update(self, evaluation: Evaluation, trail: TrailSource, now: Instant, note: Note) -> None:
        """A status update that is due goes to the channels that are named for it."""
        section = self._deployment.monitoring.updates
        if evaluation.cutover_at is None or not section.channels or not evaluation.paging:
            return
        if self.children.running(UPDATE) or now.boot - self._update_tried < UPDATE_AGAIN:
            return
        scale = float(self._deployment.console.time_scale)
        due, _ = update_due(section, evaluation.cutover_at, now.wall, scale, trail.facts.updated_at)
        if due is None:
            return
        self._update_tried = now.boot
        known = self._deployment.monitoring.notify.channels
        longest = 30.0 + sum(known[name].deadline for name in section.channels)
        command = [sys.executable, "-m", "engine.state.sending", "--root", str(self._deployment.root)]
        self.start(UPDATE, command, now.boot + longest, now, note)

    def _end_drill(self, now: Instant, note: Note) -> None:
        """A drill whose keeper is gone is ended when its time is over: tried once, then it is a person's turn."""
        if not self._deployment.console.deployment.demo or self.children.running(DRILL):
            return
        order = read_order(self._deployment.root)
        if order is not None and order.id != self._drill_ended and order.overdue(now):
            self._drill_ended = order.id
            command = [sys.executable, "-m", "engine.drills", "end", "--root", str(self._deployment.root)]
            self.start(DRILL, command, now.boot + self._deployment.console.cadence.command_deadline, now, note)
