"""FEFF input: the files from which FEFF calculates EXAFS or XANES of a metal atom in a site, made by pymatgen."""

from __future__ import annotations

from typing import Final, Literal

from ase import Atoms
from ase.data import atomic_numbers

from atomsieve.analysis.exafs import RADIUS, sphere
from atomsieve.structures.errors import InputError, unknown

Spectrum = Literal["EXAFS", "XANES"]
SPECTRA: Final[tuple[Spectrum, ...]] = ("EXAFS", "XANES")
EDGES: Final = ("K", "L1", "L2", "L3")
#: Å of surroundings that atoms on the longest paths have, so that their potentials are those of atoms inside.
MARGIN: Final = 2.0
#: Atomic number of hafnium: from there on the K edge is beyond what beamlines reach, and L3 is measured.
_FIRST_L3: Final = 72


def usual_edge(symbol: str) -> str:
    """Return the edge that is measured of a metal: K of 3d and 4d metals, L3 of 5d ones."""
    return "L3" if atomic_numbers[symbol] >= _FIRST_L3 else "K"


def feff_files(
    atoms: Atoms,
    absorber: int,
    radius: float = RADIUS,
    edge: str | None = None,
    spectrum: Spectrum = "EXAFS",
    *,
    source: str = "",
    comment: str = "",
) -> dict[str, str]:
    """Return the input of FEFF for one absorbing atom.

    pymatgen's set for the spectrum (``MPEXAFSSet``, ``MPXANESSet``) is given the atoms around the absorber as a
    molecule, which is what FEFF itself calculates: of a periodic site the images that are really there, and none
    across a vacuum. A charge of the site does not go in.

    Parameters
    ----------
    atoms : ase.Atoms
        A site, as :func:`~atomsieve.analysis.exafs.without_vacuum` gives it.
    absorber : int
        Index of the atom.
    radius : float
        Å: half the length of the longest path (EXAFS), or the radius of full multiple scattering (XANES). Atoms up to
        2 Å farther away shape the potentials.
    edge : str or None
        ``K``, ``L1``, ``L2`` or ``L3``; None for the usual one.
    spectrum : {"EXAFS", "XANES"}
        What is to be calculated.
    source, comment : str
        Go into the title.

    Returns
    -------
    dict of str to str
        Text by file name: ``feff.inp``, which is all that FEFF reads, and its parts ``HEADER``, ``PARAMETERS``,
        ``POTENTIALS`` and ``ATOMS``.

    Raises
    ------
    InputError
        If there is no such atom, edge or spectrum, or the radius is out of range.
    """
    from pymatgen.core.structure import Molecule
    from pymatgen.io.feff.sets import MPEXAFSSet, MPXANESSet

    if spectrum not in SPECTRA:
        raise InputError(unknown(spectrum, SPECTRA, "spectrum"))
    symbols, vectors = sphere(atoms, absorber, radius, MARGIN)
    symbol = atoms.symbols[absorber]
    edge = edge or usual_edge(symbol)
    if edge not in EDGES:
        raise InputError(unknown(edge, EDGES, "edge"))
    # pymatgen writes six digits, and a rounded position is the same before and after
    molecule = Molecule([symbol, *symbols], [[0.0, 0.0, 0.0], *(vectors.round(5) + 0.0).tolist()])
    made = (MPEXAFSSet if spectrum == "EXAFS" else MPXANESSet)(
        0,
        molecule,
        edge=edge,
        radius=radius + MARGIN + 0.01,
        user_tag_settings={"RPATH": radius} if spectrum == "EXAFS" else {"FMS": f"{radius:g} 0"},
    )
    title = [text.encode("ascii", "replace").decode() for text in (source, comment)]
    files = {name: str(part) for name, part in made.all_input().items()}  # type: ignore[no-untyped-call]
    files["HEADER"] = str(made.header(*title))
    parts = ("HEADER", "PARAMETERS", "POTENTIALS", "ATOMS")
    return {"feff.inp": "\n\n".join(files[name] for name in parts) + "\n", **{name: files[name] for name in parts}}
