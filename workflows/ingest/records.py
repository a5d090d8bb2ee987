"""Run: a finished calculation as it was found, or why it cannot be used."""

from __future__ import annotations

import pickle
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ase import Atoms

from atomsieve.structures.method import Method


@dataclass(frozen=True, eq=False)
class Run:
    """A calculation that somebody made.

    Parameters
    ----------
    source : str
        Where it was found: a path; a frame as ``path@3``, a line of a table as ``path:7``.
    energy : float
        Electronic energy, eV; extrapolated to zero smearing where the code does so.
    atoms : ase.Atoms or None
        Final geometry, positions in Å; None where only an energy is given.
    method : Method
        Level of theory.
    trouble : str
        Why it has not converged; empty if it has.
    multiplicity : int or None
        2S + 1 of the final state, None where nothing tells.
    moments : tuple of float or None
        Magnetic moments of the atoms, μB.
    charge : int
        Total charge, e.
    fmax : float
        Largest force at convergence as it was asked for, eV/Å; 0 where that is not stated.
    max_force : float
        Largest force on a free atom at the end, eV/Å; 0 where that is not known.
    force_calls : int
        Ionic steps; 0 where that is not known.
    stated : mapping of str to str
        What the file itself says it is: ``site``, ``adsorbate``, ``gas``, ``metals``.
    remarks : tuple of str
        What a person should know of how it was read.
    uncertainty : float or None
        One standard deviation of the adsorption energy that is made of it, eV; None where nothing states it.
    """

    source: str
    energy: float
    atoms: Atoms | None
    method: Method
    trouble: str = ""
    multiplicity: int | None = None
    moments: tuple[float, ...] | None = None
    charge: int = 0
    fmax: float = 0.0
    max_force: float = 0.0
    force_calls: int = 0
    stated: Mapping[str, str] = field(default_factory=dict)
    remarks: tuple[str, ...] = ()
    uncertainty: float | None = None


@dataclass(frozen=True)
class Refused:
    """What was found and cannot be used.

    Parameters
    ----------
    source : str
        Where.
    reason : str
        Why, and what would mend it.
    """

    source: str
    reason: str


class Spool:
    """Runs on disk while they wait for the others of their site, so that ten thousand do not lie in memory."""

    def __init__(self) -> None:
        self._file = tempfile.TemporaryFile()  # noqa: SIM115 - lives as long as the spool

    def put(self, run: Run) -> int:
        """Write a run; return where it lies."""
        self._file.seek(0, 2)
        place = self._file.tell()
        pickle.dump(run, self._file, protocol=pickle.HIGHEST_PROTOCOL)
        return place

    def get(self, place: int) -> Run:
        """Read a run from where it lies."""
        self._file.seek(place)
        run: Any = pickle.load(self._file)
        assert isinstance(run, Run)
        return run

    def __enter__(self) -> Spool:
        """Return itself."""
        return self

    def __exit__(self, *exception: object) -> None:
        self._file.close()
