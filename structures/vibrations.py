"""Vibrations: the modes of some atoms about a relaxed geometry, and the displacements that they are worked out from."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from ase import Atoms

from atomsieve.structures.calculation import Request
from atomsieve.structures.errors import InputError
from atomsieve.structures.judgement import Judgement
from atomsieve.structures.molecule import molecule
from atomsieve.structures.units import WAVENUMBER

#: Å by which an atom is moved to either side: small beside a bond, large beside the noise of an SCF.
DISPLACEMENT: Final = 0.01
#: The directions in which an atom is moved, in the order of the rows of a Hessian.
AXES: Final = ("x", "y", "z")
#: The two sides of a central difference, in order.
SIGNS: Final[tuple[Literal[1], Literal[-1]]] = (1, -1)

Vector = tuple[float, float, float]


@dataclass(frozen=True)
class Vibrations:
    """The normal modes of some atoms while all others stay where they are.

    Parameters
    ----------
    request : Request
        Task "vibrations"; its subject holds ``atoms`` (indices of those displaced) and ``displacement`` (Å), its only
        parent is the relaxation that left the geometry.
    atoms : mapping
        That geometry, as :func:`~atomsieve.structures.site.atoms_to_dict` gives it.
    masses : tuple of float
        Of the displaced atoms, u.
    energies : tuple of float
        hν of each mode in ascending order, eV; an imaginary mode is a negative number. The translations and rotations
        of a free molecule are not among them.
    modes : tuple of tuple of (x, y, z)
        How the displaced atoms move in each mode, Å, as Σ m x² = 1 u Å² has it.
    displacements : tuple of str
        Request keys of the displacements.
    asymmetry : float
        Largest difference between two second derivatives that should be equal, eV/Å²: the noise of the forces, and
        what is anharmonic.
    judgement : Judgement
        Its reason says how many modes there are, and which are imaginary.
    force_calls : int
        Evaluations of the forces behind it.
    provenance : mapping
        As for a calculation.
    """

    request: Request
    atoms: Mapping[str, Any]
    masses: tuple[float, ...]
    energies: tuple[float, ...]
    modes: tuple[tuple[Vector, ...], ...]
    displacements: tuple[str, ...]
    asymmetry: float
    judgement: Judgement
    force_calls: int
    provenance: Mapping[str, Any] = field(default_factory=dict)

    @property
    def key(self) -> str:
        """The request key."""
        return self.request.key

    @property
    def displaced(self) -> tuple[int, ...]:
        """Indices of the atoms that were displaced."""
        return tuple(self.request.subject["atoms"])

    @property
    def real(self) -> tuple[float, ...]:
        """Energies of the modes that are not imaginary, eV: those that may enter a sum."""
        return tuple(energy for energy in self.energies if energy > 0)

    @property
    def imaginary(self) -> tuple[float, ...]:
        """Energies of the imaginary modes as negative numbers, eV; empty in a minimum."""
        return tuple(energy for energy in self.energies if energy <= 0)

    @property
    def wavenumbers(self) -> tuple[float, ...]:
        """All modes in cm⁻¹, imaginary ones as negative numbers."""
        return tuple(energy / WAVENUMBER for energy in self.energies)

    @property
    def is_free(self) -> bool:
        """Whether the atoms were taken as a free molecule, which keeps its translations and rotations apart."""
        return len(self.energies) < 3 * len(self.displaced)

    def to_dict(self) -> dict[str, Any]:
        """Return the document that is stored beside the calculations."""
        return {
            "key": self.key,
            "status": "done",
            "request": self.request.to_dict(),
            "atoms": dict(self.atoms),
            "masses": list(self.masses),
            "energies": list(self.energies),
            "modes": [[list(vector) for vector in mode] for mode in self.modes],
            "displacements": list(self.displacements),
            "asymmetry": self.asymmetry,
            "judgement": self.judgement.to_dict(),
            "force_calls": self.force_calls,
            "provenance": dict(self.provenance),
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Vibrations:
        """Make vibrations from their document."""
        return cls(
            request=Request.from_dict(data["request"]),
            atoms=data["atoms"],
            masses=tuple(data["masses"]),
            energies=tuple(data["energies"]),
            modes=tuple(tuple((x, y, z) for x, y, z in mode) for mode in data["modes"]),
            displacements=tuple(data["displacements"]),
            asymmetry=data["asymmetry"],
            judgement=Judgement.from_dict(data["judgement"]),
            force_calls=data["force_calls"],
            provenance=data["provenance"],
        )


def vibrations_request(relaxed: Request, atoms: Iterable[int], displacement: float = DISPLACEMENT) -> Request:
    """Return the request of the vibrations of some atoms of a relaxed geometry.

    Parameters
    ----------
    relaxed : Request
        The relaxation that leaves the geometry; method, spin and charge are its own.
    atoms : iterable of int
        Indices of the atoms to displace, in any order.
    displacement : float
        Å.

    Raises
    ------
    InputError
        If no atoms are named, not all of a molecule, or the displacement is out of range.
    """
    indices = sorted({int(index) for index in atoms})
    if not indices or indices[0] < 0:
        raise InputError(f"atoms {indices} cannot vibrate; name at least one, by index from 0")
    if relaxed.task == "molecule":
        name = relaxed.subject["molecule"]
        if indices != list(range(number := len(molecule(name).symbols))):
            raise InputError(
                f"atoms {indices} are not all {number} of {name}, which moves as a whole; displace them all"
            )
    if not 0.001 <= displacement <= 0.1:
        raise InputError(
            f"displacement {displacement:g} Å is out of range; allowed 0.001 to 0.1, {DISPLACEMENT} is usual"
        )
    return _child(relaxed, "vibrations", {"atoms": indices, "displacement": displacement})


def displacement_requests(relaxed: Request, vibrations: Request) -> list[Request]:
    """Return the requests of all displacements: atom by atom, axis by axis, first forwards then back.

    A displacement knows nothing of the other atoms that are displaced, so that a wider choice of atoms uses it again.

    Parameters
    ----------
    relaxed : Request
        The relaxation that leaves the geometry.
    vibrations : Request
        What :func:`vibrations_request` returned.
    """
    step = vibrations.subject["displacement"]
    return [
        _child(relaxed, "displacement", {"atom": atom, "axis": axis, "sign": sign, "displacement": step})
        for atom in vibrations.subject["atoms"]
        for axis in AXES
        for sign in SIGNS
    ]


def _child(relaxed: Request, task: Literal["displacement", "vibrations"], subject: Mapping[str, Any]) -> Request:
    return Request(
        task,
        subject,
        relaxed.method,
        relaxed.fmax,
        multiplicity=relaxed.multiplicity,
        charge=relaxed.charge,
        parents=(relaxed.key,),
    )


def displaced_atoms(relaxed: Atoms, displacement: Request) -> Atoms:
    """Return a copy of a geometry with one atom moved, as a displacement's request says.

    Parameters
    ----------
    relaxed : ase.Atoms
        The relaxed geometry.
    displacement : Request
        One of :func:`displacement_requests`.

    Raises
    ------
    InputError
        If the geometry has no such atom.
    """
    subject = displacement.subject
    if subject["atom"] >= len(relaxed):
        raise InputError(f"atom {subject['atom']} cannot be displaced; there are {len(relaxed)}, counted from 0")
    positions = relaxed.positions.copy()
    positions[subject["atom"], AXES.index(subject["axis"])] += subject["sign"] * subject["displacement"]
    moved = relaxed.copy()
    moved.set_positions(positions, apply_constraint=False)
    return moved


def describe_modes(energies: Sequence[float]) -> str:
    """Say in one clause how many modes there are, and which are imaginary.

    Examples
    --------
    >>> describe_modes([-0.0124, 0.0124, 0.124])
    '1 of 3 modes is imaginary (100i cm⁻¹) and enters no sum; 2 real modes, 100 to 1000 cm⁻¹'
    """
    real = [f"{energy / WAVENUMBER:.0f}" for energy in sorted(energies) if energy > 0]
    imaginary = [f"{-energy / WAVENUMBER:.0f}i" for energy in sorted(energies) if energy <= 0]
    span = f"{real[0]} to {real[-1]}" if len(real) > 1 else "".join(real)
    clauses = []
    if imaginary:
        verbs = ("is", "enters") if len(imaginary) == 1 else ("are", "enter")
        listed = f"{len(imaginary)} of {len(energies)} modes {verbs[0]} imaginary ({', '.join(imaginary)} cm⁻¹)"
        clauses.append(f"{listed} and {verbs[1]} no sum")
    if real:
        plural = "" if len(real) == 1 else "s"
        clauses.append(f"{len(real)} real mode{plural}, {span} cm⁻¹")
    return "; ".join(clauses) or "no modes"
