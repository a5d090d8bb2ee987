"""Bulk: the energy of a bulk metal, from its equation of state, or from that of its free atom."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

import numpy as np

from atomsieve.structures.energies import Term
from atomsieve.structures.errors import InputError, unknown
from atomsieve.structures.metal import atom_name, bulk_names, metal
from atomsieve.structures.reference import lowest

#: Where the energy of a bulk metal comes from, and what each scheme is called.
SCHEMES: Final[Mapping[str, str]] = {
    "bulk": "bulk of the same method",
    "cohesive": "free atom of the same method, less the experimental cohesive energy",
    "mixed": "bulk without U, with the published correction between GGA and GGA+U",
}
#: Volumes that an equation of state needs at least: its parameters are four.
LEAST_VOLUMES: Final = 5
#: eV per atom by which volumes may lie beside the equation of state: more is a jump to another magnetic state, or a
#: calculation that is not converged.
WORST_FIT: Final = 0.01
KITTEL: Final = "C. Kittel, Introduction to Solid State Physics, 8th ed. (2005), ch. 3, table 1"
#: Of the correction between GGA and GGA+U: A. Wang et al. 2021.
MIXING: Final = "doi 10.1038/s41598-021-94550-5"


@dataclass(frozen=True)
class EquationOfState:
    """Where the energy of a bulk metal is least.

    Parameters
    ----------
    symbol : str
        Chemical symbol.
    energy : float
        At the minimum, eV per atom.
    volume : float
        There, Å³ per atom.
    lattice : tuple of float
        Lattice constants a and c there, Å, of the conventional cell; they are the same where it is cubic.
    modulus : float
        Bulk modulus there, GPa.
    misfit : float
        Largest distance of a calculated energy from the curve, eV per atom.
    """

    symbol: str
    energy: float
    volume: float
    lattice: tuple[float, float]
    modulus: float
    misfit: float


def equation_of_state(symbol: str, energies: Mapping[float, float]) -> EquationOfState:
    """Return the minimum of the energy of a bulk metal over its volume, by Birch and Murnaghan.

    The equation is that of doi 10.1103/PhysRev.71.809 as ASE fits it. The shape of the cell is that of experiment.

    Parameters
    ----------
    symbol : str
        Chemical symbol.
    energies : mapping of float to float
        Energy of the cell (eV) by its volume as a multiple of the experimental one.

    Raises
    ------
    InputError
        If there are too few volumes, the minimum does not lie between them, or they do not lie on one curve.
    """
    from ase.data import atomic_numbers, reference_states
    from ase.eos import EquationOfState as Fit
    from ase.units import GPa

    cell = metal(symbol).crystal()
    scales = sorted(energies)
    if len(scales) < LEAST_VOLUMES:
        raise InputError(
            f"{symbol}: {len(scales)} volumes make no equation of state; at least {LEAST_VOLUMES} must be calculated"
        )
    experimental = cell.get_volume() / len(cell)
    volumes = np.array(scales) * experimental
    values = np.array([energies[scale] for scale in scales]) / len(cell)
    at_end = {0: "smallest", len(scales) - 1: "largest"}.get(int(np.argmin(values)))
    if at_end is not None:
        raise InputError(
            f"{symbol}: the energy is least at the {at_end} volume that was calculated "
            f"({scales[int(np.argmin(values))]:g} of that in experiment), so that its minimum is not known; take the "
            "scheme 'cohesive', and look at the calculations: a bulk so far from experiment is a sign of an error"
        )
    fit = Fit(volumes, values, eos="birchmurnaghan")
    volume, energy, modulus, misfit = math.nan, math.nan, math.nan, math.inf
    # what lies on no curve drives the fit to impossible volumes
    with contextlib.suppress(RuntimeError, ValueError), np.errstate(all="ignore"):
        volume, energy, modulus = fit.fit(warn=False)
        misfit = float(np.abs(fit.func(volumes, *fit.eos_parameters) - values).max())
    if not volumes[0] < volume < volumes[-1] or modulus <= 0 or misfit > WORST_FIT:
        raise InputError(
            f"{symbol}: the energies of the volumes lie on no one curve (up to {misfit:.3g} eV per atom beside it; "
            f"allowed: {WORST_FIT}); some may be in another magnetic state or not converged; look at their moments, or "
            "take the scheme 'cohesive'"
        )
    state = reference_states[atomic_numbers[symbol]]
    a = float(state["a"] * (volume / experimental) ** (1 / 3))
    lattice = (a, a * float(state.get("c/a", 1.0)))
    return EquationOfState(symbol, float(energy), float(volume), lattice, float(modulus / GPa), misfit)


@dataclass(frozen=True)
class BulkEnergy:
    """The energy of a bulk metal by a scheme.

    Parameters
    ----------
    symbol : str
        Chemical symbol.
    scheme : str
        One of :data:`SCHEMES`.
    terms : tuple of Term
        Its summands, eV per atom.
    state : EquationOfState or None
        The minimum that it was taken at; None where no bulk was calculated.
    """

    symbol: str
    scheme: str
    terms: tuple[Term, ...]
    state: EquationOfState | None = None

    @property
    def energy(self) -> float:
        """The sum of the terms, eV per atom."""
        return sum(term.value for term in self.terms)


def species(symbol: str, scheme: str) -> tuple[str, ...]:
    """Return the names of what a scheme calculates of a metal, as molecules are called.

    Raises
    ------
    InputError
        If there is no such scheme.
    """
    if scheme not in SCHEMES:
        raise InputError(unknown(scheme, SCHEMES, "scheme for bulk metals"))
    return (atom_name(symbol),) if scheme == "cohesive" else tuple(bulk_names(symbol).values())


def bulk_energy(
    symbol: str,
    scheme: str,
    references: Mapping[str, Mapping[str, Any]],
) -> BulkEnergy | str:
    """Return the energy of a bulk metal by a scheme, or why there is none.

    Parameters
    ----------
    symbol : str
        Chemical symbol.
    scheme : str
        One of :data:`SCHEMES`.
    references : mapping of str to mapping
        References (:func:`~atomsieve.structures.reference.reference`) of what :func:`species` names, by name. The
        caller sees to it that they are of one method: the site's, of ``mixed`` that without U.

    Raises
    ------
    InputError
        If there is no such scheme, or no data of the metal.
    """
    points: dict[str, Mapping[str, Any]] = {}
    for name in species(symbol, scheme):
        if name not in references:
            return f"{name} not calculated"
        state = lowest([references[name]])
        if state is None:
            return f"{name} {references[name]['verdict']}, {references[name]['reason']}"
        points[name] = state
    if scheme == "cohesive":
        (name,), known = points, metal(symbol)
        atom = Term(f"E({name})", "electronic", float(points[name]["energy"]), str(points[name]["key"]))
        return BulkEnergy(symbol, scheme, (atom, Term(f"-E(cohesive {symbol})", "experiment", -known.cohesive, KITTEL)))
    by_scale = {scale: float(points[name]["energy"]) for scale, name in bulk_names(symbol).items()}
    try:
        state_of = equation_of_state(symbol, by_scale)
    except InputError as error:
        return str(error)
    keys = " ".join(str(point["key"]) for point in points.values())
    terms = [Term(f"E({symbol} bulk)", "electronic", state_of.energy, keys)]
    if scheme == "mixed":
        # published as what is added to an energy with U to stand beside one without; here the one without is moved
        terms.append(Term(f"-E(GGA to GGA+U, {symbol})", "correction", -mixing_corrections()[symbol], MIXING))
    return BulkEnergy(symbol, scheme, tuple(terms), state_of)


@cache
def mixing_corrections() -> Mapping[str, float]:
    """Return what the Materials Project adds to an energy with U to combine it with one without, eV per metal atom.

    pymatgen's table MP2020 (doi 10.1038/s41598-021-94550-5), fitted to measured heats of formation of oxides and
    fluorides, together with corrections of their anions; a metal held by nitrogen or carbon is neither.
    """
    from pymatgen.entries.compatibility import MaterialsProject2020Compatibility

    table = MaterialsProject2020Compatibility().u_corrections["O"]
    return {str(element): float(value) for element, value in table.items()}
