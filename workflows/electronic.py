"""Electronic structure: charges, moments and levels from ASE calculators that have just evaluated an energy."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from atomsieve.analysis.dband import d_band_of_levels
from atomsieve.builders.family import TRANSITION_METALS
from atomsieve.workflows.order import Order

if TYPE_CHECKING:
    from ase import Atoms
    from numpy.typing import ArrayLike

#: e that go over a bond for each unit of electronegativity between its ends, in the mock.
MOCK_CHARGE = 0.15
#: Electrons that a level may lack, or have too many, and still count as full, or empty.
PARTLY = 1e-3
#: Angular momentum of d.
D = 2


def of_mock(order: Order, atoms: Atoms) -> dict[str, Any]:
    """Return charges that follow Pauling's electronegativities along the bonds, and the moments."""
    from ase.neighborlist import natural_cutoffs, neighbor_list
    from pymatgen.core.periodic_table import Element

    eager = np.array([Element(symbol).data.get("X") or np.nan for symbol in atoms.symbols], dtype=float)
    first, second = neighbor_list("ij", atoms, natural_cutoffs(atoms, mult=1.15))
    passed = np.nan_to_num(MOCK_CHARGE * (eager[second] - eager[first]))
    charges = order.charge / len(atoms) + np.bincount(first, passed, len(atoms))
    return {"charges": {"electronegativity": _listed(charges)}, **moments(order, atoms)}


def moments(order: Order, atoms: Atoms) -> dict[str, Any]:
    """Return the magnetic moments that the calculator has among its results."""
    del order
    return {"moments": _listed(atoms.calc.results["magmoms"])}


def of_xtb(order: Order, atoms: Atoms) -> dict[str, Any]:
    """Return Mulliken's charges and moments, the gap, and the d states of the metals whose d is in the basis.

    The overlap of the orbitals is kept only where tblite is told so, which takes another self-consistent field from the
    density that is there.
    """
    del order
    from ase.units import Hartree

    api = atoms.calc._xtb
    api.set("save-integrals", 1)
    found = api.singlepoint(atoms.calc._res)
    overlap = found.get("overlap-matrix")
    coefficients = found.get("orbital-coefficients")
    spins = 2 if np.ndim(coefficients) == 3 else 1
    coefficients = np.reshape(coefficients, (spins, *np.shape(overlap)))
    levels = Hartree * np.reshape(found.get("orbital-energies"), (spins, -1))
    occupations = np.reshape(found.get("orbital-occupations"), (spins, -1)) * spins / 2
    # populations of the orbitals in each level, shape (spins, orbital, level): Mulliken's gross ones
    gross = coefficients * (overlap @ coefficients)
    shell = np.asarray(api.get("orbital-map"))
    atom = np.asarray(api.get("shell-map"))[shell]
    is_d = np.asarray(api.get("angular-momenta"))[shell] == D
    answer: dict[str, Any] = {"charges": {"mulliken": _listed(found.get("charges"))}}
    if spins == 2:
        populations = np.einsum("sol,sl->so", gross, occupations)
        answer["moments"] = _listed(np.bincount(atom, populations[0] - populations[1], len(atoms)))
    fermi, gap = frontier(levels, occupations, np.ones(levels.shape[1]), held=True)
    answer["gap"] = gap
    shares = {index: gross[:, is_d & (atom == index)].sum(axis=1) for index in metals(atoms)}
    return answer | d_bands(levels, {at: share for at, share in shares.items() if share.any()}, occupations, fermi)


def d_bands(
    levels: ArrayLike, shares: Mapping[int, ArrayLike], occupations: ArrayLike, fermi: float
) -> dict[str, dict[str, Any]]:
    """Return the d states of atoms from levels; nothing where there are none.

    Parameters
    ----------
    levels, occupations, fermi
        As for :func:`~atomsieve.analysis.dband.d_band_of_levels`.
    shares : mapping of int to array_like
        How much d of each metal is in each level, times the weight of its k-point.
    """
    found = {str(at): d_band_of_levels(levels, own, occupations, fermi).to_dict() for at, own in shares.items()}
    return {"d_band": found} if found else {}


def frontier(levels: ArrayLike, occupations: ArrayLike, weights: ArrayLike, *, held: bool) -> tuple[float, float]:
    """Return the middle between the highest occupied and the lowest empty level, and the gap between them, eV.

    The levels are filled from below with all electrons, whatever a smearing makes of them: a level that is not full
    then is both. Where the spin is held, each spin has electrons, and a Fermi level, of its own; the middle is one zero
    for both, and the gap is 0 where an occupied level of one lies above an empty one of the other.

    Parameters
    ----------
    levels, occupations : array_like of float, shape (spins, n)
        eV, and from 0 to 1, of all k-points.
    weights : array_like of float, shape (n,)
        Of the k-point of each level.
    held : bool
        Whether the spin is held.
    """
    rows, filled = (np.asarray(values, dtype=float) for values in (levels, occupations))
    counts = np.broadcast_to(np.asarray(weights, dtype=float), rows.shape)
    groups = [(rows, filled, counts)] if not held else list(zip(rows, filled, counts, strict=True))
    below, above = -np.inf, np.inf
    for group in groups:
        at, occupied, places = (np.ravel(values) for values in group)
        order = np.argsort(at, kind="stable")
        electrons, full = float(places @ occupied), np.cumsum(places[order])
        last = int(np.searchsorted(full, electrons - PARTLY))
        first = last if last < len(full) and full[last] > electrons + PARTLY else last + 1
        if electrons > PARTLY:
            below = max(below, at[order][last])
        else:
            first = 0
        if first < len(at):
            above = min(above, at[order][first])
    if not np.isfinite([below, above]).all():
        # nothing is filled, or nothing is empty
        above = below = above if np.isfinite(above) else below
    return float(below + above) / 2, max(0.0, float(above - below))


def metals(atoms: Atoms) -> list[int]:
    """Return the indices of the transition metals."""
    return [index for index, symbol in enumerate(atoms.symbols) if symbol in TRANSITION_METALS]


def _listed(values: Any) -> list[float]:
    return [float(value) for value in np.ravel(values)]
