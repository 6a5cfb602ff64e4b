"""What runs as whom: the operators' group, its files, and what a log-out would end."""

from __future__ import annotations

import os
from collections.abc import Iterator
from itertools import islice

from engine.config import Deployment
from engine.config.may_write import account_here
from engine.doctor.finding import Finding
from engine.errors import Refused
from engine.operations.shared_files import group_number, not_shared
from engine.services.logout import ended_at_logout

_SHOWN = 3


def examine_accounts(deployment: Deployment) -> Iterator[Finding]:
    """The group, its files, and whether an operation outlives the login of whoever asks for it."""
    group = deployment.console.deployment.group
    if deployment.onlooker:
        yield Finding("account", "ok", f"{deployment.onlooker}: it looks, and operates nothing")
    elif group is not None:
        yield from _group(deployment, group)
    problem = ended_at_logout(deployment)
    if problem:
        yield Finding("log-out", "FAIL", problem.what, problem.fix)


def _group(deployment: Deployment, name: str) -> Iterator[Finding]:
    try:
        number = group_number(name)
    except Refused as refused:
        yield Finding("group", "FAIL", refused.what, refused.fix)
        return
    if number not in (os.getegid(), *os.getgroups()) and os.geteuid() != 0:
        fix = f"usermod -aG {name} {account_here()}, then log in anew"
        yield Finding("group", "WARN", f"this account is not in {name!r}", fix)
    found = list(islice(not_shared(deployment, number), _SHOWN + 1))
    if not found:
        yield Finding("group", "ok", f"{name} shares the files")
        return
    more = " and more" if len(found) > _SHOWN else ""
    said = "; ".join(one.why for one in found[:_SHOWN])
    fix = f"as root: abaco-ops init {deployment.root} --share {name}"
    yield Finding("group", "FAIL", f"not all files are {name}'s to write: {said}{more}", fix)
