"""A service that behaves as told: ``fake_service.py MODE [DIRECTORY]``."""

import os
import signal
import subprocess
import sys
import time


def stop_on(number: int) -> None:
    signal.signal(number, lambda *_: sys.exit(0))


def fork_away(keep_environment: bool) -> None:
    """A grandchild in a session of its own, deaf to SIGTERM, orphaned at once."""
    if os.fork() == 0:
        os.setsid()
        if os.fork():
            os._exit(0)
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        environment = dict(os.environ) if keep_environment else {}
        code = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(300)"
        os.execve(sys.executable, [sys.executable, "-S", "-c", code], environment)
    os.wait()


mode = sys.argv[1]
print(f"{mode} {os.getpid()} {os.environ.get('ABACO_OPS_BUILD', '')}", flush=True)
if mode == "dies":
    sys.exit(3)
if mode == "refuses":
    sys.exit(2)
if mode == "leaves":
    fork_away(keep_environment=True)
    sys.exit(0)
if mode == "stubborn":
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
else:
    stop_on(signal.SIGTERM)
if mode == "forks":
    fork_away(keep_environment=False)
if mode == "forks-marked":
    fork_away(keep_environment=True)
if mode == "asks":  # a worker or monitor asked for from in here: the one who asks is gone, and it outlives everyone
    asker = (
        "import pathlib; from engine.services.detached import spawn_detached; "
        "print('asked', spawn_detached(['sleep', '300'], cwd=pathlib.Path('.'), output=pathlib.Path('asked.out')))"
    )
    subprocess.run([sys.executable, "-c", asker], check=True)
print("ready", flush=True)
while True:
    time.sleep(60)
