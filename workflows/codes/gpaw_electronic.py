"""Electronic structure by GPAW: Hirshfeld's and Mulliken's charges, moments, the gap and the d states of metals."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from atomsieve.workflows.electronic import D, d_bands, frontier, metals
from atomsieve.workflows.order import Order

if TYPE_CHECKING:
    from ase import Atoms
    from numpy.typing import NDArray

#: Å beyond which the density of a free atom counts as none; that of iron is 1e-7 electrons/Å³ there.
REACH = 6.0
#: Times finer than the grid of the calculation on which the density of all electrons is partitioned.
FINER = 2


def electronic(order: Order, atoms: Atoms) -> dict[str, Any]:
    """Return what GPAW knows of the electrons.

    Charges are Hirshfeld's, from the density of all electrons and the neutral spherical atoms that the setups were made
    from (doi 10.1007/BF00549096; ``gpaw.analyse.hirshfeld`` is for GPAW's older calculators alone), and in atomic
    orbitals Mulliken's as well. Moments are those of the PAW spheres. The share of d in a level is the square of its
    overlap with the bound d projector of the metal.
    """
    framed = atoms.calc.framed
    dft = framed.calc.dft
    waves = sorted(dft.ibzwfs, key=lambda one: (one.spin, one.k))
    spins = 1 + max(one.spin for one in waves)
    levels, occupations, weights = (
        np.array(values).reshape(spins, -1)
        for values in zip(*((one.eig_n, one.occ_n, np.full(len(one.eig_n), one.weight)) for one in waves), strict=True)
    )
    levels *= _hartree()
    held = len(dft.ibzwfs.fermi_levels) > 1
    middle, gap = frontier(levels, occupations, weights[0], held=held)
    fermi = middle if held else float(framed.calc.get_fermi_level())
    charges = {"hirshfeld": hirshfeld(dft, framed)}
    if order.settings["basis"] != "grid":
        charges["mulliken"] = _mulliken(dft, waves, len(atoms))
    shares = {index: _d_shares(dft, waves, index, spins) * weights for index in metals(framed)}
    return {
        "charges": charges,
        "moments": [float(moment) for moment in atoms.calc.results["magmoms"]],
        "gap": gap,
        **d_bands(levels, shares, occupations, fermi),
    }


def _hartree() -> float:
    from ase.units import Hartree

    return float(Hartree)


def _d_shares(dft: Any, waves: list[Any], index: int, spins: int) -> NDArray[np.float64]:
    from gpaw.dos import get_projector_numbers

    projectors = get_projector_numbers(dft.setups[index], D)
    found = [(np.abs(np.asarray(one.P_ani[index])[:, projectors]) ** 2).sum(axis=1) for one in waves]
    return np.reshape(found, (spins, -1))


def _mulliken(dft: Any, waves: list[Any], size: int) -> list[float]:
    owner = np.repeat(np.arange(size), [setup.nao for setup in dft.setups])
    electrons = np.zeros(size)
    for one in waves:
        coefficients, overlap = one.C_nM.data, one.S_MM.data
        gross = (coefficients.conj() * (coefficients @ overlap.T)).real
        filled = one.occ_n * one.weight * dft.ibzwfs.spin_degeneracy
        electrons += np.bincount(owner, filled @ gross, size)
    return [float(setup.Nv - own) for setup, own in zip(dft.setups, electrons, strict=True)]


def hirshfeld(dft: Any, atoms: Atoms) -> list[float]:
    """Return the charge of each atom: its number less the electrons of the density that are its.

    Each point of the density is shared out by what the free atoms would have there. Near a nucleus nearly all is that
    atom's own, so that what a grid makes of a core does not matter.
    """
    density = dft.densities().all_electron_densities(grid_refinement=FINER)
    grid = density.desc
    electrons = density.data.sum(axis=0)
    free = _Free(grid, atoms, electrons.shape)
    promolecule = np.zeros(electrons.size)
    for index in range(len(atoms)):
        points, own = free.density(dft.setups[index].data, index)
        promolecule += np.bincount(points, own, electrons.size)
    share = np.divide(electrons.ravel(), promolecule, out=np.zeros(electrons.size), where=promolecule > 0.0)
    volume = abs(float(np.linalg.det(np.asarray(grid.cell)))) / float(np.prod(grid.size_c))
    charges = []
    for index, number in enumerate(atoms.numbers):
        points, own = free.density(dft.setups[index].data, index)
        charges.append(float(number - volume * (own @ share[points])))
    return charges


class _Free:
    """Densities of free atoms on a periodic grid, or one that is not."""

    def __init__(self, grid: Any, atoms: Atoms, shape: tuple[int, ...]) -> None:
        self.cell, self.size, self.shape = np.asarray(grid.cell), np.asarray(grid.size_c), shape
        self.start = np.asarray(grid.start_c)
        self.fractions = np.linalg.solve(self.cell.T, atoms.positions.T).T
        # grid points within reach, along each axis
        heights = 1.0 / np.linalg.norm(np.linalg.inv(self.cell), axis=0)
        self.points = np.ceil(REACH / heights * self.size).astype(int)
        self.periodic = np.asarray(grid.pbc_c, dtype=bool)

    def density(self, setup: Any, index: int) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
        """Return the points near an atom, one as often as an image of it is near, and the density there, 1/Å³."""
        from ase.units import Bohr

        at = self.fractions[index] * self.size
        axes, places = [], []
        for axis in range(3):
            near = np.arange(int(at[axis]) - self.points[axis], int(at[axis]) + self.points[axis] + 2)
            place = near - self.start[axis]
            if self.periodic[axis]:
                place %= self.size[axis]
            inside = (place >= 0) & (place < self.shape[axis])
            axes.append((near[inside] - at[axis]) / self.size[axis])
            places.append(place[inside])
        offsets = sum(np.multiply.outer(fraction, row) for fraction, row in zip(np.ix_(*axes), self.cell, strict=True))
        distance = np.linalg.norm(offsets, axis=-1).ravel()
        close = distance < REACH
        points = np.ravel_multi_index(np.ix_(*places), self.shape).ravel()[close]
        valence = sum(filled * wave**2 for filled, wave in zip(setup.f_j, setup.phi_jg, strict=True))
        # a setup file holds the core times the square root of 4π
        radial = valence / (4 * np.pi) + setup.nc_g / np.sqrt(4 * np.pi)
        return points, np.interp(distance[close] / Bohr, setup.rgd.r_g, radial) / Bohr**3
