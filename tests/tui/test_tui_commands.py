"""Commands declared once."""

from __future__ import annotations

from tui.commands import COMMANDS, find, refusal


def test_no_two_commands_share_a_key_in_a_scope() -> None:
    seen: dict[tuple[str, str], str] = {}
    for command in COMMANDS.values():
        for key in command.keys:
            assert (key, command.scope) not in seen, (key, command.id)
            seen[(key, command.scope)] = command.id


def test_every_command_explains_itself() -> None:
    for command in COMMANDS.values():
        assert len(command.help()) > 8, command.id
        assert command.title
        assert command.keys or command.palette


def test_keys_that_terminals_keep_for_themselves_are_not_used() -> None:
    used = {key for command in COMMANDS.values() for key in command.keys}
    assert not used & {"ctrl+s", "ctrl+q", "ctrl+z", "ctrl+a", "ctrl+b"}
    assert not any(key.startswith(("alt+", "f1")) for key in used)


def test_a_read_only_console_refuses_whatever_writes() -> None:
    for command in COMMANDS.values():
        assert bool(refusal(command, read_only=True)) == (command.risk != "view")
        assert not refusal(command, read_only=False)


def test_the_way_back_has_its_key_everywhere() -> None:
    for scopes in ({"anywhere"}, {"anywhere", "list"}, {"anywhere", "rollback"}):
        command = find("R", frozenset(scopes))
        assert command is not None and command.id == "rollback"
