"""Output of CP2K: the numbers that are read from it, and what it said when it stopped."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np
from ase.units import Bohr, Hartree

if TYPE_CHECKING:
    from numpy.typing import NDArray


def last(pattern: str, text: str) -> float:
    """Return the number that a pattern finds last."""
    return float(re.findall(pattern, text)[-1])


def entropic_energy(text: str) -> float:
    """Return -TS of the electrons in the last energy of an output, eV; 0 where nothing is smeared."""
    pattern = r"Electronic entropic energy:\s+(-?\d+\.\d+)"
    return last(pattern, text) * Hartree if re.search(pattern, text) else 0.0


def mulliken_moments(text: str, atoms: int) -> NDArray[np.float64]:
    """Return the moment of each atom from the last Mulliken analysis of an output; none where spins are paired."""
    return np.array([row[3] if len(row) == 4 else 0.0 for row in mulliken(text, atoms)])


def mulliken(text: str, atoms: int) -> list[list[float]]:
    """Return the last Mulliken analysis, a row an atom, with two numbers where spins are paired, else four."""
    table = text.rpartition("Mulliken Population Analysis")[2]
    # behind number, element and kind: alpha, beta, charge, spin; where spins are paired: population, charge
    rows = re.findall(r"^\s*\d+\s+\w+\s+\d+((?:\s+-?\d+\.\d+)+)\s*$", table, re.MULTILINE)[:atoms]
    return [[float(value) for value in row.split()] for row in rows]


def forces(text: str, atoms: int) -> NDArray[np.float64]:
    """Return the forces of an output, eV/Å, shape (n, 3)."""
    table = text.rpartition("ATOMIC FORCES in [a.u.]")[2]
    rows = re.findall(r"^\s*\d+\s+\d+\s+[A-Z][a-z]?\s+(\S+)\s+(\S+)\s+(\S+)\s*$", table, re.MULTILINE)[:atoms]
    return np.asarray(np.array(rows, dtype=float) * Hartree / Bohr)


def complaint(text: str) -> str:
    """Return what the program said in its output when it stopped; empty where it said nothing."""
    # it draws a hand that holds up what is wrong
    drawn = text.rpartition("[ABORT]")[2].splitlines()[1:5] if "[ABORT]" in text else []
    return " ".join(re.sub(r"^[\s*|\\/_O]+|[\s*]+$", "", line) for line in drawn if ".F:" not in line).strip()
