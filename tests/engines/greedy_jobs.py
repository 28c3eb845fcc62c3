"""Jobs that take too much, and leave processes behind; alone in a file that imports nothing large."""

import os
import subprocess
import sys
import time
from pathlib import Path


def take(job):
    """Take more and more of what the job is called after."""
    if job == "memory":
        hoard = []
        while True:
            hoard.append(b"x" * 10_000_000)
            time.sleep(0.01)
    if job == "memory of a child":
        subprocess.run([sys.executable, "-c", "import time; x = b'x' * 500_000_000; time.sleep(600)"])
    if job == "disk":
        with Path("large").open("wb", buffering=0) as file:
            while True:
                file.seek(0)
                file.write(bytes(10_000_000))
                time.sleep(0.01)
    if job == "processes":
        # Twice as many after each: 64, were it let.
        for _ in range(6):
            os.fork()
        time.sleep(600)
    if job == "log":
        for number in range(100_000):
            print(f"line {number} of very many")
    return job


def leave_behind(folder):
    """Leave a process that no session, group or parent ties to this one."""
    program = "import os, time; os.setsid(); time.sleep(600)"
    middle = (
        f"from subprocess import *; print(Popen({[sys.executable, '-c', program]}, stdout=DEVNULL).pid)"
    )
    pid = subprocess.run([sys.executable, "-c", middle], stdout=subprocess.PIPE, text=True).stdout
    (folder / "left.part").write_text(pid)
    (folder / "left.part").rename(folder / "left")
    if (folder / "stays").exists():
        time.sleep(600)
