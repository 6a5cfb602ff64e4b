"""Who acts is who the kernel says: no environment variable makes anybody another person."""

from __future__ import annotations

import os
import pwd
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.records.account import _name, account, accounts_of

NAMES = {0: "root", 1001: "kim", 990: "abaco"}


@pytest.fixture
def accounts(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    def known(uid: int) -> pwd.struct_passwd:
        return pwd.struct_passwd((NAMES[uid], "x", uid, uid, "", "/", "/bin/sh"))

    _name.cache_clear()
    monkeypatch.setattr(pwd, "getpwuid", known)
    yield
    _name.cache_clear()


def test_no_variable_of_the_environment_changes_who_one_is(tmp_path: Path) -> None:
    forged = dict.fromkeys(("USER", "LOGNAME", "LNAME", "USERNAME", "SUDO_USER"), "somebody-else")
    said = subprocess.run(
        [sys.executable, "-c", "from engine.records import whoami; print(whoami())"],
        env={key: value for key, value in os.environ.items() if key != "SUDO_UID"} | forged,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert "somebody-else" not in said
    assert pwd.getpwuid(os.getuid()).pw_name in said


@pytest.mark.usefixtures("accounts")
def test_behind_root_and_a_shared_account_stands_who_logged_in() -> None:
    assert account(1001, None, {}) == "kim"
    assert account(1001, 1001, {}) == "kim"
    assert account(0, 1001, {}) == "kim (sudo)"
    assert account(990, 1001, {}) == "kim (as abaco)"
    assert account(5555, None, {}) == "5555"
    assert account(0, 5555, {}) == "root"


@pytest.mark.usefixtures("accounts")
def test_sudo_uid_is_believed_of_root_alone_and_only_where_the_kernel_kept_no_login() -> None:
    assert account(0, None, {"SUDO_UID": "1001"}) == "kim (sudo)"
    assert account(990, None, {"SUDO_UID": "1001"}) == "abaco"
    assert account(0, 0, {"SUDO_UID": "1001"}) == "root"
    for nobody in ("5555", "kim", "-1", "", "99999999999999999999"):
        assert account(0, None, {"SUDO_UID": nobody}) == "root"


@pytest.mark.usefixtures("accounts")
def test_an_author_stands_for_each_account_in_use() -> None:
    assert accounts_of("kim@ops1") == ("kim",)
    assert accounts_of("kim (sudo)@ops1") == ("kim", "root")
    assert accounts_of("kim (as abaco)@ops1") == ("kim", "abaco")
