"""A release's service that does not behave: ``misbehaving_service.py MODE ARGUMENT -- REAL COMMAND``.

``stubborn``: deaf to SIGTERM, with a deaf grandchild in a session and an environment of its own; its pid goes into the
file ARGUMENT. ``stuck``: with a child that hangs in the kernel, writing to the frozen disk at ARGUMENT.
"""

import os
import signal
import subprocess
import sys
from pathlib import Path

DEAF = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('deaf', flush=True); time.sleep(600)"

mode, argument = sys.argv[1:3]
command = sys.argv[sys.argv.index("--") + 1 :]
if mode == "stuck":
    if os.fork() == 0:
        (Path(argument) / "never").write_bytes(b"x" * 4096)
        os._exit(0)
    os.execv(command[0], command)
if os.fork() == 0:
    os.setsid()
    away = subprocess.Popen(
        [sys.executable, "-S", "-c", DEAF], env={}, start_new_session=True, stdout=subprocess.PIPE, text=True
    )
    assert away.stdout
    away.stdout.readline()
    Path(argument).write_text(str(away.pid))
    os._exit(0)
signal.signal(signal.SIGTERM, signal.SIG_IGN)
subprocess.run(command, check=False, preexec_fn=lambda: signal.signal(signal.SIGTERM, signal.SIG_DFL))
signal.pause()
