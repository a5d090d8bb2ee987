"""Electronic structure by VASP: d states and gap from vasprun.xml, Bader's charges from ACF.dat where that is there."""

from __future__ import annotations

import gzip
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from xml.etree import ElementTree

import numpy as np

from atomsieve.analysis.dband import d_band
from atomsieve.builders.family import TRANSITION_METALS
from atomsieve.workflows.electronic import frontier

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from pymatgen.electronic_structure.dos import CompleteDos

#: INCAR tags for densities of states that are fine enough for moments, and for the densities of charge that the program
#: of Bader's analysis reads (https://theory.cm.utexas.edu/henkelman/code/bader).
TAGS: Final[Mapping[str, Any]] = {"NEDOS": 3001, "LCHARG": True, "LAECHG": True}
#: What these tags leave behind and nobody reads any more.
LARGE: Final = ("CHG", "CHGCAR", "AECCAR0", "AECCAR1", "AECCAR2")


def electronic(directory: Path, back: Sequence[int], moments: Sequence[float] | None, *, held: bool) -> dict[str, Any]:
    """Return what a finished run tells of the electrons.

    Parameters
    ----------
    directory : Path
        Of the run.
    back : sequence of int
        For each atom that was asked about, its place in the run.
    moments : sequence of float or None
        μB, in the order that was asked.
    held : bool
        Whether the spin was.
    """
    from pymatgen.io.vasp.outputs import Vasprun

    output = _file(directory, "vasprun.xml")
    assert output is not None
    run = Vasprun(output, parse_potcar_file=False)
    levels = gap(run.eigenvalues or {}, run.actual_kpoints_weights, held=held)
    found: dict[str, Any] = {"gap": levels, **d_states(run.complete_dos, back)}
    if moments is not None:
        found["moments"] = list(moments)
    if (table := _file(directory, "ACF.dat")) is not None:
        electrons, valence = acf_electrons(_text(table)), valences(_text(output))
        found["charges"] = {"bader": [valence[index] - electrons[index] for index in back]}
    return found


def d_states(dos: CompleteDos, back: Sequence[int]) -> dict[str, Any]:
    """Return the d states of each transition metal of a projected density of states, by its place as asked."""
    from pymatgen.electronic_structure.core import OrbitalType, Spin

    found = {}
    for asked, index in enumerate(back):
        site = dos.structure[index]
        if site.specie.symbol in TRANSITION_METALS:
            densities = dos.get_site_spd_dos(site)[OrbitalType.d].densities
            rows = [densities[spin] for spin in (Spin.up, Spin.down) if spin in densities]
            found[str(asked)] = d_band(dos.energies, rows, dos.efermi).to_dict()
    return {"d_band": found} if found else {}


def gap(eigenvalues: Mapping[Any, NDArray[np.float64]], weights: Sequence[float], *, held: bool) -> float:
    """Return the gap of all levels of a run, eV.

    Parameters
    ----------
    eigenvalues : mapping
        By spin: energy (eV) and occupation of each band at each k-point, shape (k-points, bands, 2).
    weights : sequence of float
        Of the k-points.
    held : bool
        Whether the spin was.
    """
    tables = [np.asarray(table) for table in eigenvalues.values()]
    levels = [table[:, :, 0].ravel() for table in tables]
    occupations = [table[:, :, 1].ravel() for table in tables]
    return frontier(levels, occupations, np.repeat(weights, tables[0].shape[1]), held=held)[1]


def acf_electrons(text: str) -> list[float]:
    """Return the valence electrons of each atom from ``ACF.dat``: number, x, y, z, charge, distance, volume."""
    rows = [line.split() for line in text.splitlines()]
    return [float(row[4]) for row in rows if len(row) == 7 and row[0].isdigit()]


def valences(text: str) -> list[float]:
    """Return the valence electrons of each atom's potential from ``vasprun.xml``."""
    rows = ElementTree.fromstring(text).findall("atominfo/array[@name='atomtypes']/set/rc")
    return [float(row[3].text or 0) for row in rows for _ in range(int(row[0].text or 0))]


def _file(directory: Path, name: str) -> Path | None:
    return next((path for path in (directory / name, directory / f"{name}.gz") if path.exists()), None)


def _text(path: Path) -> str:
    return (gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()).decode()
