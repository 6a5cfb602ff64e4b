"""One question to the systemd backend, inside the machine: ``ask.py ACTION UNIT [SPEC-AS-JSON]``; JSON answers."""

from __future__ import annotations

import json
import sys
from typing import Any

import msgspec

from engine.errors import OpsError
from engine.services.systemd import SystemdService, UnitSpec

action, unit = sys.argv[1:3]
spec: dict[str, Any] = {
    "name": unit.removesuffix(".service"),
    "unit": unit,
    "release": "v1",
    "build": "b1",
    "mark": f"/srv|{unit}",
    "stop_deadline": 5.0,
    "settle": 0.6,
    **json.loads(sys.argv[3] if len(sys.argv) > 3 else "{}"),
}
service = SystemdService(UnitSpec(**spec))
answer: Any
try:
    if action == "lines":
        answer = service.last_lines(3)
    elif action == "members":
        identity = service.status().identity
        assert identity is not None
        answer = list(service.members(identity))
    else:
        answer = getattr(service, action)()
except OpsError as error:
    answer = {"error": type(error).__name__, "what": error.what, "fix": error.fix}
print(msgspec.json.encode(answer).decode())
