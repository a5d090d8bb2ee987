"""Clusters: how they are described, their schedulers, and pilots, on a real Slurm."""

from __future__ import annotations

import time
from typing import Any

import pytest


@pytest.mark.faults
def test_a_node_of_the_lab_dies_and_comes_back(slurm: Any) -> None:
    number = slurm.call("sbatch", "--parsable", "--output=/dev/null", "--nodelist=n1", "--wrap", "sleep 60").strip()
    deadline = time.monotonic() + 30
    while "RUNNING" not in slurm.call("squeue", "-h", "-o", "%T", "-j", number) and time.monotonic() < deadline:
        time.sleep(0.1)
    slurm.kill_node("n1")
    assert slurm.call("squeue", "-h", "-o", "%T", "-j", number).strip() == "RUNNING"
    slurm.mend()
    slurm.call("scancel", number)
    deadline = time.monotonic() + 30
    while slurm.call("squeue", "-h", "-o", "%T", "-j", number).strip() and time.monotonic() < deadline:
        time.sleep(0.1)
    assert "CANCELLED" in slurm.call("sacct", "-c", "-n", "-j", number, "-o", "state%20")
