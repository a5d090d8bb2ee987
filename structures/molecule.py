"""Molecule: a species that is not bound: what energies refer to, reactants and products, and their free energies."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from types import MappingProxyType
from typing import Any, Final

from ase import Atoms

from atomsieve.structures.adsorbate import count, load_yaml
from atomsieve.structures.errors import InputError, unknown
from atomsieve.structures.metal import free_metal
from atomsieve.structures.phase import Phase
from atomsieve.structures.units import ROOM_TEMPERATURE

#: The molecules that supply each element: H from 1/2 H2, O from H2O - H2, C from CO2 - 2 H2O + 2 H2, N from 1/2 N2,
#: F, S and Cl from the acids that they make with H2.
REFERENCES: Final[Mapping[str, Mapping[str, float]]] = MappingProxyType(
    {
        "H": {"H2": 0.5},
        "O": {"H2O": 1.0, "H2": -1.0},
        "C": {"CO2": 1.0, "H2O": -2.0, "H2": 2.0},
        "N": {"N2": 0.5},
        "F": {"HF": 1.0, "H2": -0.5},
        "S": {"H2S": 1.0, "H2": -1.0},
        "Cl": {"HCl": 1.0, "H2": -0.5},
    }
)
#: The molecules that energies refer to.
REFERENCE_GASES: Final = ("H2", "H2O", "CO2", "N2", "HF", "H2S", "HCl")
#: Decimals of an experimental free energy in eV: more than any of them is known to.
DECIMALS: Final = 4


@dataclass(frozen=True)
class Molecule:
    """A species that is not bound to a site.

    Parameters
    ----------
    name : str
        Its formula, an ion's with its charge: ``NO3-``.
    symbols : tuple of str
        Chemical symbols.
    positions : tuple of (x, y, z)
        Å; empty where the molecule is never calculated.
    multiplicity : int or None
        2S + 1 of its ground state; None where it is not held, as in the bulk of a metal.
    charge : int
        Elementary charges.
    binds : tuple of str
        The adsorbates as which it may stay on a site, protons and electrons aside.
    conjugate : str or None
        What it turns into by taking up or giving off a proton.
    phases : mapping of str to Phase
        Measured data by phase; the first is what a reaction means.
    thermal : mapping of str to float
        Tabulated terms (``zpe``, ``thermal``, ``entropy``; eV) that turn its electronic energy into a free energy.
    from_gas : float or None
        Free energy of an ion with its protons in water against its conjugate as a gas, eV, where a calculated one is to
        be turned into the ion by another number than the difference of the two phases.
    source : str
        Where these come from.
    cell : tuple of (x, y, z)
        Å, three lattice vectors of the bulk of a metal; empty for all else.
    moments : tuple of float
        Magnetic moments at the start, Bohr magnetons; empty where a multiplicity is held.
    """

    name: str
    symbols: tuple[str, ...]
    positions: tuple[tuple[float, float, float], ...]
    multiplicity: int | None
    charge: int
    binds: tuple[str, ...]
    conjugate: str | None
    phases: Mapping[str, Phase]
    thermal: Mapping[str, float]
    from_gas: float | None
    source: str
    cell: tuple[tuple[float, float, float], ...] = ()
    moments: tuple[float, ...] = ()

    @property
    def is_metal(self) -> bool:
        """Whether it is a free atom or the bulk of a metal: nothing in it vibrates against anything else."""
        return not self.phases

    @property
    def composition(self) -> dict[str, int]:
        """Number of atoms by element."""
        return count(self.symbols)

    @property
    def is_reference(self) -> bool:
        """Whether energies refer to it."""
        return self.name in REFERENCE_GASES

    @property
    def calculated(self) -> str | None:
        """The molecule that is calculated for it: itself, of an ion its conjugate; None of O2 and its like."""
        if self.positions:
            return self.name
        return self.conjugate if self.conjugate is not None and molecule(self.conjugate).positions else None

    @property
    def phase(self) -> str:
        """The phase that a reaction means: aqueous for what is soluble, liquid for water, else gas."""
        return next(iter(self.phases))

    @cached_property
    def formation(self) -> float:
        """Experimental free energy against H2, H2O (l), CO2 and N2, eV, at 298.15 K; zero for these."""
        return self.free()

    def free(self, phase: str | None = None, temperature: float = ROOM_TEMPERATURE) -> float:
        """Return its experimental free energy against H2, H2O (l), CO2 and N2 at the same temperature, eV.

        Ions are those with H+ (aq) and electrons at 0 V against SHE, so that H+ + e- is 1/2 H2.

        Parameters
        ----------
        phase : str or None
            One of :data:`~atomsieve.structures.phase.PHASES`; None for the one that a reaction means.
        temperature : float
            K.

        Raises
        ------
        InputError
            If there are no data of it in this phase, or no heat capacity at another temperature than 298.15 K.
        """
        parts = [(1.0, self, phase or self.phase)]
        parts += [(-n, molecule(gas), molecule(gas).phase) for gas, n in reference_amounts(self.composition).items()]
        # an ion takes up its charge from H+ + e-
        parts.append((self.charge / 2, molecule("H2"), "g"))
        return round(sum(factor * part._apparent(name, temperature) for factor, part, name in parts), DECIMALS) + 0.0

    def _apparent(self, phase: str, temperature: float) -> float:
        if phase not in self.phases:
            raise InputError(unknown(phase, self.phases, f"phase of {self.name}"))
        free = self.phases[phase].free(temperature)
        if free is None:
            raise InputError(
                f"temperature {temperature:g} K: no heat capacity of {self.name} ({phase}) is known; "
                f"set temperature to {ROOM_TEMPERATURE}"
            )
        return free

    @property
    def atoms(self) -> Atoms:
        """The molecule in free space; of the bulk of a metal its cell, with moments.

        Raises
        ------
        InputError
            If it is a molecule that is never calculated (O2 and its like come from experiment).
        """
        if not self.positions:
            source = self.phases[self.phase].source
            raise InputError(f"{self.name} is never calculated: its free energy is experimental ({source})")
        if self.cell:
            return Atoms(self.symbols, self.positions, cell=self.cell, pbc=True, magmoms=self.moments)
        return Atoms(self.symbols, self.positions)


def _phase(entry: Mapping[str, Any]) -> Phase:
    return Phase(float(entry["gibbs"]), float(entry["entropy"]), entry.get("heat_capacity"), entry["source"])


def _of_metal(name: str, atoms: Atoms, multiplicity: int | None) -> Molecule:
    return Molecule(
        name=name,
        symbols=tuple(atoms.symbols),
        positions=_points(atoms.positions),
        multiplicity=multiplicity,
        charge=0,
        conjugate=None,
        phases=MappingProxyType({}),
        binds=(),
        thermal=MappingProxyType({}),
        from_gas=None,
        source="ase.data.reference_states",
        cell=_points(atoms.cell.array) if atoms.pbc.all() else (),
        moments=tuple(atoms.get_initial_magnetic_moments().tolist()) if multiplicity is None else (),
    )


def _points(rows: Iterable[Sequence[float]]) -> tuple[tuple[float, float, float], ...]:
    return tuple((float(x), float(y), float(z)) for x, y, z in rows)


@cache
def molecules() -> Mapping[str, Molecule]:
    """Return all molecules by name."""
    table = {
        name: Molecule(
            name=name,
            symbols=tuple(entry["symbols"]),
            positions=_points(entry.get("positions", [])),
            multiplicity=int(entry["multiplicity"]),
            charge=int(entry.get("charge", 0)),
            binds=tuple(entry.get("binds", [name])),
            conjugate=entry.get("conjugate"),
            phases=MappingProxyType({phase: _phase(data) for phase, data in entry["phases"].items()}),
            thermal=MappingProxyType(entry.get("thermal", {})),
            from_gas=entry.get("from_gas"),
            source=entry.get("source", ""),
        )
        for name, entry in load_yaml("molecules.yaml").items()
    }
    return MappingProxyType(table)


def molecule(name: str) -> Molecule:
    """Return one molecule; ``Fe(atom)`` and ``Fe(bulk 0.96)`` are metals (:mod:`atomsieve.structures.metal`).

    Parameters
    ----------
    name : str
        Its formula; of a metal ``Fe(atom)`` or ``Fe(bulk)``.

    Raises
    ------
    InputError
        If no molecule has this name.
    """
    if name not in molecules():
        if (found := free_metal(name)) is not None:
            return _of_metal(*found)
        raise InputError(unknown(name, molecules(), "molecule"))
    return molecules()[name]


def reference_amounts(composition: Mapping[str, int]) -> dict[str, float]:
    """Return how many of each reference gas make up a composition.

    Parameters
    ----------
    composition : mapping of str to int
        Number of atoms by element.

    Returns
    -------
    dict of str to float
        ``{"H2O": 2, "H2": -1.5}`` for OOH; amounts of zero are left out.

    Raises
    ------
    InputError
        If an element has no reference gas.
    """
    amounts: dict[str, float] = {}
    for element, number in composition.items():
        if element not in REFERENCES:
            raise InputError(unknown(element, REFERENCES, "element for gas references"))
        for gas, share in REFERENCES[element].items():
            amounts[gas] = amounts.get(gas, 0.0) + share * number
    return {gas: amount for gas, amount in amounts.items() if amount}
