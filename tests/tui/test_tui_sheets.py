"""The sheets as values: what a key does to them, and what they let through."""

from __future__ import annotations

from dataclasses import replace

import pytest
import states
from msgspec.structs import replace as with_fields
from plans import CUTOVER, ROLLBACK

from engine.operations.plan import READY, Evidence, PlannedStep
from tui.field import Field
from tui.glyphs import UNICODE
from tui.lines import plain, width_of
from tui.look import Look
from tui.sheets import cutover, rollback

LOOK = Look(UNICODE, states.NOW)


def armed(**more: object) -> rollback.RollbackSheet:
    return replace(rollback.RollbackSheet("v1", open_for=1.0, plan=ROLLBACK), **more)  # type: ignore[arg-type]


def typed(sheet: rollback.RollbackSheet, text: str) -> rollback.RollbackSheet:
    for character in text:
        after = sheet.key(character, character)
        assert after is not None
        sheet = after
    return sheet


def test_the_name_and_enter_are_let_through() -> None:
    assert typed(armed(), "v1").wrong() == ""


def test_a_wrong_name_changes_nothing() -> None:
    for name in ("", "v2", "V1", "v1 ", "v11"):
        assert "nothing changed" in typed(armed(), name).wrong()


@pytest.mark.early
def test_keys_before_it_is_armed_are_discarded_and_counted() -> None:
    sheet = typed(armed(open_for=0.3), "v1")
    assert sheet.field.text == ""
    assert sheet.discarded == 2
    assert sheet.wrong()


def test_it_is_not_armed_before_its_facts_are_there_but_does_not_wait_for_ever() -> None:
    assert not rollback.RollbackSheet("v1", open_for=1.0).armed
    assert rollback.RollbackSheet("v1", open_for=rollback.PLAN_WITHIN).armed
    assert rollback.RollbackSheet("v1", open_for=1.0, trouble="the plan failed").armed


def test_a_paste_is_refused() -> None:
    sheet = armed().pasted()
    assert sheet.field.text == ""
    assert "paste" in sheet.trouble


def test_a_refused_plan_is_not_sent() -> None:
    plan = with_fields(ROLLBACK, evidence=(Evidence("no", "release", "v1 is live: nothing to roll back"),))
    assert "nothing to roll back" in typed(armed(plan=plan), "v1").wrong()


def test_a_second_enter_is_not_sent() -> None:
    assert typed(armed(), "v1").wrong() == ""
    assert replace(typed(armed(), "v1"), sent=True).wrong()


def test_the_rollback_sheet_shows_its_facts_at_80x24() -> None:
    lines = rollback.draw(typed(armed(), "v1"), states.WARNING, 80, 20, LOOK)
    assert [width_of(line) for line in lines] == [80] * 20
    drawn = "\n".join(plain(line) for line in lines)
    for words in (
        "ROLL BACK   v2 c03d77  →  v1 a41f09",
        "about 2.1 s; proven 3m ago, 2.1 s",
        "v1 a41f09, config 7c1e22 (3 keys differ), metrics of 01:58:04Z",
        "PAR30 2.2 (now 2.21)  PAR90 0.3 (now 0.32)  shadow run 12s ago",
        "V2's 14 runs, 42 files, 18 MB, in a side snapshot",
        "WATCH: no rollback tier is met. The decision is yours.",
        "stop v2 > config > metrics > start v1 > verify v1 > record > tell",
        "Type  v1  then Enter    [ v1▏",
        "armed",
        "Line drops: it finishes.",
        "ssh -t ops1 abaco-ops --root /srv/abaco rollback",
    ):
        assert words in drawn, words


def test_more_evidence_than_fits_never_hides_the_question() -> None:
    many = with_fields(ROLLBACK, evidence=tuple(Evidence("ok", f"fact {n}", "x" * 90) for n in range(40)))
    for height in (6, 11, 20, 46):
        lines = rollback.draw(armed(plan=many), states.WARNING, 80, height, LOOK)
        assert len(lines) == height
        assert any("Where do you want to be?" in plain(line) for line in lines)


def test_cancel_is_in_hand_first() -> None:
    assert cutover.CutoverSheet().place == "cancel"


def test_letters_typed_before_the_reason_is_in_hand_are_not_lost() -> None:
    sheet = cutover.CutoverSheet()
    for letter in "planned":
        sheet = sheet.key(letter, letter) or sheet
    assert (sheet.place, sheet.reason.text) == ("reason", "planned")


@pytest.mark.early
def test_a_cutover_needs_a_reason_a_plan_and_a_moment() -> None:
    ready = cutover.CutoverSheet("go", Field("planned"), since_turn=1.0, plan=CUTOVER)
    assert ready.wrong() == ""
    assert "reason" in replace(ready, reason=Field(" ")).wrong()
    assert "plan" in replace(ready, plan=None).wrong()
    assert "soon" in replace(ready, since_turn=0.1).wrong()
    refused = with_fields(CUTOVER, evidence=(Evidence("no", "release", "v2 is active already"),))
    assert "v2 is active already" in replace(ready, plan=refused).wrong()


def test_the_cutover_sheet_shows_the_point_of_no_return() -> None:
    sheet = cutover.CutoverSheet("reason", Field("planned"), plan=CUTOVER)
    drawn = "\n".join(plain(line) for line in cutover.draw(sheet, states.BEFORE, 80, 20, LOOK))
    for words in ("CUT OVER   v1 a41f09  →  v2 c03d77", "v2's first start", "R, v1, Enter", "planned▏", " Cancel "):
        assert words in drawn, words


def test_a_field_takes_one_line() -> None:
    assert Field("a").pasted("b\n\x1b[31mc\x00").text == "ab [31mc"
    assert Field("a note").key("backspace", None) == Field("a not")
    assert Field("a note").key("f5", None) is None


def cutover_text(state: object, **more: object) -> str:
    sheet = replace(cutover.CutoverSheet(plan=with_fields(CUTOVER, **more)))
    return "\n".join(plain(line) for line in cutover.draw(sheet, state, 80, 20, LOOK))  # type: ignore[arg-type]


def test_the_cutover_sheet_says_in_words_when_evidence_is_missing_old_or_of_another_release() -> None:
    assert "validation PASS, 12m ago" in cutover_text(states.BEFORE_CHECKED)
    assert "no validation of v1 yet; Esc, then V runs one" in cutover_text(states.BEFORE)
    old = with_fields(states.BEFORE_CHECKED, checks=with_fields(states.CHECKS, stale=True, release="v1"))
    assert "12m ago: too old; Esc, then V runs one" in cutover_text(old)
    other = with_fields(states.BEFORE_CHECKED, checks=with_fields(states.CHECKS, stale=True, release="v2"))
    assert "12m ago, but of v2; Esc, then V runs one" in cutover_text(other)


def test_the_cutover_sheet_says_when_the_cutover_validates_by_itself() -> None:
    steps = (with_fields(CUTOVER.steps[0], name="validate_old"), *CUTOVER.steps)
    assert "no validation of v1 yet; the cutover runs its own first" in cutover_text(states.BEFORE, steps=steps)


def rollback_text(**more: object) -> str:
    sheet = armed(plan=with_fields(ROLLBACK, evidence=ROLLBACK.evidence[:2], **more))
    return "\n".join(plain(line) for line in rollback.draw(sheet, states.WARNING, 80, 20, LOOK))


def test_the_rollback_sheet_says_what_the_matrix_says() -> None:
    assert "WATCH: no rollback tier holds; you decide" in rollback_text()


def test_what_readers_get_is_what_the_old_release_computed_and_never_made_up() -> None:
    drawn = rollback.draw(armed(plan=ROLLBACK), with_fields(states.WARNING, shadow=None), 80, 20, LOOK)
    assert any("not known: V1 has not computed this tape" in plain(line) for line in drawn)
    for changes, words in (
        ({"values": {"PAR30": 3.14}}, "PAR30 3.1 (now 2.21)  PAR90 undefined (now 0.32)"),
        ({"reason": "the tape is empty"}, "not known: V1's shadow run 12s ago: the tape is empty"),
        ({"current": False}, "earlier tape 12s ago"),
    ):
        state = with_fields(states.WARNING, shadow=with_fields(states.SHADOW, **changes))
        drawn = rollback.draw(armed(plan=ROLLBACK), state, 120, 20, LOOK)
        assert any(words in plain(line) for line in drawn), words


def test_the_sheets_say_what_the_seconds_rest_on() -> None:
    way = with_fields(states.WARNING.way_back, basis="rehearsed", seconds=2.6)
    drawn = rollback.draw(armed(plan=ROLLBACK), with_fields(states.WARNING, way_back=way), 80, 20, LOOK)
    assert any("about 2.1 s; rehearsed 3m ago, 2.6 s" in plain(line) for line in drawn)
    assert "never rehearsed" in cutover_text(states.BEFORE)
    assert "rehearsed 2.6 s, 3m ago" in cutover_text(with_fields(states.BEFORE, way_back=way))


def test_a_release_that_published_nothing_is_said_as_that() -> None:
    drawn = rollback_text(sets_aside_runs=0, sets_aside_files=0, sets_aside_bytes=0)
    assert "nothing: V2 wrote nothing" in drawn and "nothing: V2 published no run since the cutover" in drawn


def test_a_rollback_that_would_be_refused_says_so_before_anything_is_typed() -> None:
    no = (Evidence("no", "live", "v1 is live and nothing is unfinished: nothing to roll back"),)
    lines = rollback.draw(armed(plan=with_fields(ROLLBACK, evidence=no)), states.BEFORE, 80, 11, LOOK)
    drawn = "\n".join(plain(line) for line in lines)
    assert "ROLL BACK   nothing to roll back: v1 a41f09 is live" in drawn
    assert "Nothing to confirm: Esc leads back" in drawn and "wrote nothing" not in drawn and "then Enter" not in drawn


def test_the_question_stays_whole_on_a_narrow_screen() -> None:
    lines = rollback.draw(typed(armed(), "v1"), states.WARNING, 60, 11, LOOK)
    asked = next(plain(line) for line in lines if "then Enter" in plain(line))
    assert "Type  v1  then Enter" in asked and "[ v1" in asked and asked.rstrip().endswith("armed")


def test_the_cutover_sheet_names_your_own_steps() -> None:
    own = PlannedStep("drain", "load balancer drained", "3 shutdown", own="/usr/local/bin/lb drain")
    assert "1: load balancer drained" in cutover_text(states.BEFORE_CHECKED, steps=(*CUTOVER.steps, own))
    assert "Your steps" not in cutover_text(states.BEFORE_CHECKED)


def test_at_80x24_the_cutover_sheet_says_that_it_is_not_ready_and_does_not_stand_in_the_way() -> None:
    line = Evidence("--", READY, "NOT READY: 10 of 18 lines, abaco-ops ready")
    drawn = cutover_text(states.BEFORE_CHECKED, evidence=(*CUTOVER.evidence, line))
    assert "NOT READY: 10 of 18 lines, abaco-ops ready" in drawn
    assert with_fields(CUTOVER, evidence=(line,)).refusals == ()


def test_the_cutover_sheet_says_how_old_its_evidence_is_once_and_where_it_is_live() -> None:
    frozen = (Evidence("ok", "validation", "PASS of v1, 74 s ago"), Evidence("ok", "rehearsal", "rehearsed 3 min ago"))
    drawn = cutover_text(states.BEFORE_CHECKED, evidence=(*CUTOVER.evidence[:2], *frozen))
    assert drawn.count("PASS") == 1 and "74 s ago" not in drawn and "3 min ago" not in drawn
    never = Evidence("--", "rehearsal", "the rollback was never rehearsed: abaco-ops rehearse")
    assert "abaco-ops rehearse" in cutover_text(states.BEFORE_CHECKED, evidence=(never,))


@pytest.mark.parametrize(
    ("root", "width", "typed_elsewhere"),
    [
        ("/srv/abaco", 80, "ssh -t ops1 abaco-ops --root /srv/abaco rollback"),
        ("/srv/abaco", 120, "Elsewhere: ssh -t ops1 abaco-ops --root /srv/abaco rollback"),
        ("/srv/a b", 120, """ssh -t ops1 'abaco-ops --root '"'"'/srv/a b'"'"' rollback'"""),
        (f"/srv/{'long/' * 9}x", 80, f"ssh -t ops1 \\\n abaco-ops --root /srv/{'long/' * 9}x rollback"),
    ],
)
def test_the_command_for_elsewhere_can_be_typed_as_it_stands(root: str, width: int, typed_elsewhere: str) -> None:
    state = with_fields(states.WARNING, root=root)
    rows = [plain(line).rstrip() for line in rollback.draw(armed(), state, width, 21, LOOK)]
    assert "\n".join(rows).endswith(typed_elsewhere)
