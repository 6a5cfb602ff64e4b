"""What runs as whom: the operators' group, its files, and what a log-out would end."""

from __future__ import annotations

import os
from collections.abc import Iterator
from itertools import islice

from engine.config import Deployment
from engine.config.may_write import account_here, name_of
from engine.doctor.finding import Finding
from engine.errors import Refused
from engine.operations.shared_files import give_them, group_number, in_group, not_shared
from engine.services.logout import ended_at_logout

_SHOWN = 3
_LOOKED_AT = 1000
"""Files whose owners are looked at, to say who can mend them."""


def examine_accounts(deployment: Deployment) -> Iterator[Finding]:
    """The group, its files, and whether an operation outlives the login of whoever asks for it."""
    group = deployment.console.deployment.group
    if deployment.onlooker:
        others = f"what is to be done, others do; {_edits(deployment)}"
        yield Finding("account", "ok", f"{deployment.onlooker}: it looks, and operates nothing; {others}")
    elif not os.access(deployment.paths.config, os.W_OK | os.X_OK):
        yield Finding("account", "ok", f"{account_here()} operates; {_edits(deployment)}")
    if group is not None and (not deployment.onlooker or _is_member(group)):
        yield from _group(deployment, group)
    problem = ended_at_logout(deployment)
    if problem:
        yield Finding("log-out", "FAIL", problem.what, problem.fix)


def _edits(deployment: Deployment) -> str:
    owner = deployment.paths.config.stat().st_uid
    whose = f"{name_of(owner)}{'' if owner == 0 else ' or root'}"
    return f"config/ is edited, and .rollback/RETURN.sh run, by {whose}"


def _is_member(group: str) -> bool:
    """A member who only looks is one to whom the files were not given yet."""
    try:
        return in_group(group_number(group))
    except Refused:
        return False


def _group(deployment: Deployment, name: str) -> Iterator[Finding]:
    try:
        number = group_number(name)
    except Refused as refused:
        yield Finding("group", "FAIL", refused.what, refused.fix)
        return
    if not in_group(number) and os.geteuid() != 0:
        fix = f"as root: usermod -aG {name} {account_here()}, then log in anew"
        yield Finding("group", "WARN", f"this account is not in {name!r}", fix)
    found = list(islice(not_shared(deployment, number), _LOOKED_AT))
    if not found:
        yield Finding("group", "ok", f"{name} shares the files")
        return
    more = " and more" if len(found) > _SHOWN else ""
    said = "; ".join(one.why for one in found[:_SHOWN])
    fix = give_them(deployment, name, {one.owner for one in found})
    yield Finding("group", "FAIL", f"not all files are {name}'s to write: {said}{more}", fix)
