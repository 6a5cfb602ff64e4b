"""Leaves a process deaf to SIGTERM behind, in a session and an environment of its own, then becomes the real command:
``stray_behind.py ITS-NAME COMMAND...``.
"""

import os
import signal
import sys

ready, write = os.pipe()
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        os.write(write, b"x")
        os.execve("/bin/sleep", [sys.argv[1], "1000"], {})
    os._exit(0)
os.wait()
os.read(ready, 1)
os.close(ready)
os.close(write)
os.execv(sys.argv[2], sys.argv[2:])
