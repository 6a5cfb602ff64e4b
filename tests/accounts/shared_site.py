"""A deployment in the place that everybody reaches, and what each account makes of it."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

from real_accounts import People

from engine.config.templates import write_config

QUICK = (("verify_hold: 1s", "verify_hold: 300ms"), ("stop_deadline: 3s", "stop_deadline: 1s"))


class SharedSite:
    """The deployment at ``root``; :meth:`make` brings it up as the service's account."""

    def __init__(self, people: People, group: str) -> None:
        self.people, self.group = people, group
        self.root = people.place / "live"

    def make(self) -> None:
        write_config(self.root, demo=True, group=self.group)
        console, release = self.root / "config/console.yml", self.root / "config/releases/v2.yml"
        text = console.read_text()
        for old, new in QUICK:
            assert text.count(old) == 1
            text = text.replace(old, new)
        console.write_text(text)
        release.write_text(re.sub(r"(?m)^(  test: ).*$", r'\1["{python}", "-c", "pass"]', release.read_text()))
        self.people.root("chown", "-R", f"{People.SERVICE}:{self.group}", str(self.root))
        self.people.root("chmod", "-R", "o-rwx", str(self.root))
        self.must(People.SERVICE, "init", str(self.root), "--share", self.group)
        reads = ["-m", f"u:{People.OLGA}:rX", "-m", f"d:u:{People.OLGA}:rX"]
        self.people.root("setfacl", "-R", *reads, str(self.root))
        self.must(People.SERVICE, "demo", str(self.root), "--no-console", umask="077")

    def end(self) -> None:
        self.must("root", "demo", str(self.root), "--stop")

    def on(self, user: str, *words: str, umask: str = "022") -> subprocess.CompletedProcess[str]:
        """``abaco-ops`` on it, as this account."""
        command = [sys.executable, "-m", "tui.main", "--root", str(self.root), *words]
        return self.people.run(user, *command, umask=umask)

    def must(self, user: str, *words: str, umask: str = "022") -> str:
        ended = self.on(user, *words, umask=umask)
        assert ended.returncode == 0, f"{user}: {' '.join(words)}: {ended.stdout}{ended.stderr}"
        return ended.stdout

    def operate(self, user: str, kind: str, umask: str) -> dict[str, Any]:
        told: dict[str, Any] = json.loads(self.must(user, kind, "--yes", "--reason", "t", "--json", umask=umask))
        return told

    def status(self, user: str) -> dict[str, Any]:
        told: dict[str, Any] = json.loads(self.must(user, "status", "--json"))
        return told

    def files_of(self, user: str) -> list[str]:
        """Every name below the root that this account owns."""
        return self.people.root("find", str(self.root), "-user", user).splitlines()

    def not_the_groups(self) -> list[str]:
        """What an operator could not write to, or what would not hand its group on."""
        wrong = rf"( -type d -not -perm -2070 -o -type f -not -perm -060 -o -not -group {self.group} )"
        found = ["find", str(self.root), "-not", "-type", "l", *wrong.split()]
        return self.people.root(*found, "-printf", r"%M %u %g %p\n").splitlines()

    def journal(self, operation: str) -> Path:
        return self.root / ".rollback/operations" / operation / "journal.jsonl"
