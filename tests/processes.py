"""Processes that tests start, signal and kill."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path


def started(*arguments: str, cwd: Path, **environment: str) -> subprocess.Popen[str]:
    """Start the command line in a group of its own, which Ctrl-C reaches; what it says is one text."""
    return subprocess.Popen(
        [sys.executable, "-m", "atomsieve.workflows.cli", *arguments],
        cwd=cwd,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
        env={**os.environ, **environment},
        # a shell that runs the tests in the background has its children ignore Ctrl-C
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )


def wait_until_alone(group: int) -> None:
    """Wait until no process of a group is left: a killed process holds its locks until it is gone."""
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        try:
            os.killpg(group, 0)
        except ProcessLookupError:
            return
        time.sleep(0.01)
    raise AssertionError("processes were left behind")
