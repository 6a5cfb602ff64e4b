"""One's own steps: commands from the configuration, sealed in the plan, run with the guarantees of every step."""

from __future__ import annotations

import math
import shlex
import shutil
from collections.abc import Sequence
from functools import partial

from engine.config import Deployment
from engine.config.console import ConsoleConfig, PhaseBudgets
from engine.operations.commands import CommandNotStarted, CommandResult
from engine.operations.journal import read_operation
from engine.operations.plan import OwnStep
from engine.operations.step import Outcome, Step, StepFailed
from engine.operations.work import Work
from engine.records.harmless import harmless, one_line

CHECK = "check_own_steps"
UNDO = "undo_own_steps"
_LONGEST = 160
"""Characters of a command's last line that stand in a step's detail."""


def sealed(console: ConsoleConfig) -> tuple[OwnStep, ...]:
    """The configured steps as they go into a plan: what is edited afterwards changes nothing about it."""
    return tuple(
        OwnStep(
            name=step.name,
            title=harmless(one_line(step.title), 60),
            operation=step.operation,
            before=step.place.before,
            after=step.place.after,
            do=tuple(step.do),
            precheck=tuple(step.precheck or ()),
            verify=tuple(step.verify or ()),
            undo=tuple(step.undo or ()),
            deadline=float(console.cadence.command_deadline if step.deadline is None else step.deadline),
            needed=step.needed,
        )
        for step in console.operations.own_steps
    )


def as_step(own: OwnStep, phase: str) -> Step:
    """The step that runs it. A rollback that has begun with one is not undone: it may have acted already."""
    return Step(
        name=own.name,
        title=own.title,
        phase=phase,
        budget=_its_own_deadlines,
        do=partial(_do, own),
        probe=partial(_is_there, own) if own.verify else None,
        undo=partial(_undo, own) if own.undo else None,
        no_return=own.operation == "rollback",
    )


def check_step(steps: Sequence[OwnStep], phase: str) -> Step:
    """Asks every precheck before a cutover has touched anything."""
    return Step(
        name=CHECK,
        title="prechecks of your own steps",
        phase=phase,
        budget=_its_own_deadlines,
        do=partial(_check, tuple(steps)),
    )


def undo_step(phase: str) -> Step:
    """In a rollback that takes over from a cutover: undoes, backwards, what its own steps have done."""
    return Step(
        name=UNDO,
        title="the cutover's own steps undone",
        phase=phase,
        budget=_its_own_deadlines,
        do=_undo_those_of_cutover,
        no_return=True,
    )


def to_undo(work: Work) -> list[OwnStep]:
    """Own steps of the cutover that this rollback ends, backwards, that have acted and are not undone.

    None once the new release has started: then the rollback's own steps lead back.
    """
    if not work.facts.get("abort_only") or not work.plan.undoes:
        return []
    now = read_operation(work.deployment.paths.operation(work.plan.undoes_of))
    acted = {step.name for step in now.steps if step.state not in ("waiting", "undone")}
    return [own for own in reversed(work.plan.undoes) if own.name in acted]


def by_hand(deployment: Deployment, release: str, *commands: Sequence[str]) -> str:
    """A line for a shell that runs these commands, one after another, where the step would have run them."""
    filled = [shlex.join(deployment.command(list(command), release)) for command in commands if command]
    return f"(cd {shlex.quote(str(deployment.root))} && {' && '.join(filled)})"


def _its_own_deadlines(_budgets: PhaseBudgets) -> float:
    """Each of its commands has a deadline; a phase's budget says nothing about them."""
    return math.inf


def _check(steps: tuple[OwnStep, ...], work: Work) -> Outcome:
    """The programs of all are there, those of the way back too; every precheck of this cutover passes."""
    for own in steps:
        for command in (own.precheck, own.do, own.verify, own.undo):
            _program_there(own, work, command)
    asked = [own for own in steps if own.operation == work.plan.kind and own.precheck]
    for own in asked:
        _run(own, work, "precheck", own.precheck)
    return Outcome(f"{len(asked)} prechecks passed; the programs of {', '.join(own.name for own in steps)} are there")


def _program_there(own: OwnStep, work: Work, command: Sequence[str]) -> None:
    if not command:
        return
    program = work.deployment.command([command[0]], _release(own, work))[0]
    if shutil.which(str(work.deployment.root / program) if "/" in program else program) is None:
        raise StepFailed(
            f"own step {own.name} of the {own.operation}: there is no program {harmless(program)}",
            "see operations.own_steps in config/console.yml; nothing was changed",
        )


def _do(own: OwnStep, work: Work) -> Outcome:
    if own.operation == "cutover" or own.needed:
        return Outcome(_act(own, work))
    try:
        return Outcome(_act(own, work))
    except StepFailed as error:
        text = f"{error.what} ({error.fix})"
        return Outcome(f"NOT DONE, and not needed: {error.what}", ((own.name, text),), skipped=True)


def _act(own: OwnStep, work: Work) -> str:
    if own.precheck:
        _run(own, work, "precheck", own.precheck)
    result = _run(own, work, "do", own.do)
    if own.verify:
        _run(own, work, "verify", own.verify)
    return _told(result)


def _is_there(own: OwnStep, work: Work) -> bool:
    """Whether ``verify`` passes; where it cannot even be started, the step is done again, and says why."""
    try:
        _run(own, work, "verify", own.verify)
    except StepFailed:
        return False
    return True


def _undo(own: OwnStep, work: Work) -> str:
    return _told(_run(own, work, "undo", own.undo))


def _undo_those_of_cutover(work: Work) -> Outcome:
    if not work.facts.get("abort_only"):
        return Outcome(f"{work.new} has started: the rollback's own steps lead back, not these", skipped=True)
    undone = to_undo(work)
    for own in undone:
        work.narrate(f"UNDONE {work.plan.undoes_of} {own.title}: {_undo(own, work)}")
    return Outcome(f"undone: {', '.join(own.name for own in undone) or 'none of them had acted'}")


def _run(own: OwnStep, work: Work, part: str, command: Sequence[str]) -> CommandResult:
    """One of its commands, to its end. StepFailed with what it said, and the line that runs it by hand."""
    release = _release(own, work)
    hand = f"by hand: {by_hand(work.deployment, release, command)}"
    try:
        running = work.start(work.deployment.command(list(command), release), deadline=own.deadline)
    except (CommandNotStarted, OSError) as error:
        raise StepFailed(f"own step {own.name}: its {part} command cannot be started: {error}", hand) from error
    result = work.finish([running])[0]
    if not result.passed:
        raise StepFailed(f"own step {own.name}: its {part} command failed, {result.said}", hand)
    return result


def _release(own: OwnStep, work: Work) -> str:
    """What {release} stands for: the release that the step's operation leads to."""
    return work.new if own.operation == "cutover" else work.old


def _told(result: CommandResult) -> str:
    """The last line of its output, harmless; how long it took where it said nothing."""
    lines = [line.strip() for line in (result.out or result.err).splitlines() if line.strip()]
    return harmless(lines[-1], _LONGEST) if lines else f"done in {result.seconds:.1f} s"
