"""Looks at processes through /proc."""

import os
import pathlib
import time


def started_at(pid):
    """Returns when a live process was started, in clock ticks since boot, or None for a dead or finished one.

    A number together with this time names one process for good: the system reuses numbers alone.
    """
    try:
        fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return None
    return None if fields[0] in "ZX" else fields[19]


def working_in(folder):
    """Tells whether a live process has a folder as its working directory."""
    for entry in pathlib.Path("/proc").glob("[0-9]*"):
        try:
            if os.readlink(entry / "cwd") == str(folder):
                return True
        except OSError:  # ended meanwhile, or belongs to another user
            continue
    return False


def wait_until(condition, seconds):
    """Returns whether a condition came true within some seconds."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True
