"""What a unit has printed since a place in the journal, inside the machine: ``since.py UNIT MICROSECONDS``."""

import json
import sys

from engine.errors import OpsError
from engine.monitoring.service_output import JournalOutput

output = JournalOutput(sys.argv[1])
try:
    lines, _, place = output.new_lines(0, int(sys.argv[2]))
    print(json.dumps({"lines": lines, "place": place, "now": output.end()[1]}))
except OpsError as error:
    print(json.dumps({"error": error.what, "fix": error.fix}))
