"""Descriptor: an adsorption free energy by which sites are laid out, and what follows of the others from it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np

from atomsieve.analysis.batch import Array
from atomsieve.analysis.trends.scaling import ScalingRelation
from atomsieve.structures.adsorbate import adsorbate, adsorbates
from atomsieve.structures.errors import InputError, unknown

#: Below this a combination of equations is none.
NOISE = 1e-9


@dataclass(frozen=True)
class Descriptor:
    """An adsorption free energy, or the difference of two.

    Parameters
    ----------
    name : str
        ``OH`` for ΔG(OH*), ``O-OH`` for ΔG(O*) - ΔG(OH*).
    parts : mapping of str to int
        How often each adsorbate enters: 1 or -1.
    """

    name: str
    parts: Mapping[str, int]

    @classmethod
    def parse(cls, name: str) -> Descriptor:
        """Read a descriptor from its name.

        Raises
        ------
        InputError
            If it is neither an adsorbate nor the difference of two.
        """
        if name in adsorbates():
            return cls(name, MappingProxyType({name: 1}))
        # names of adsorbates may have hyphens themselves
        pieces = name.split("-")
        for cut in range(1, len(pieces)):
            first, second = "-".join(pieces[:cut]), "-".join(pieces[cut:])
            if {first, second} <= adsorbates().keys() and first != second:
                return cls(name, MappingProxyType({first: 1, second: -1}))
        raise InputError(unknown(name, adsorbates(), "descriptor") + "; or the difference of two, as 'O-OH'")

    @property
    def quantity(self) -> str:
        """What labels.yaml calls it."""
        return f"free_{self.name}"

    def of(self, free: Mapping[str, Any]) -> Any:
        """Return it of ΔG by adsorbate, eV."""
        return sum(sign * free[name] for name, sign in self.parts.items())


def lines(
    descriptors: Sequence[Descriptor], relations: Sequence[ScalingRelation], fixed: Mapping[str, float]
) -> dict[str, Array]:
    """Solve descriptors and scaling relations for the free energies of adsorbates.

    Each of them is an equation between two free energies; they are solved together, so that a relation may start from
    what another one gives.

    Parameters
    ----------
    descriptors : sequence of Descriptor
        What may be chosen.
    relations : sequence of ScalingRelation
        What follows.
    fixed : mapping of str to float
        ΔG of adsorbates that are the same all over, eV.

    Returns
    -------
    dict of str to array, shape (descriptors + 1,)
        By adsorbate the factor of each descriptor, and the constant (eV). What the equations leave open is not there.

    Raises
    ------
    InputError
        If an energy is given twice.
    """
    count = len(descriptors)
    constant = [0.0] * count
    equations: list[tuple[dict[str, float], list[float]]] = []
    for place, descriptor in enumerate(descriptors):
        right = [float(other == place) for other in range(count)] + [0.0]
        equations.append(({name: float(sign) for name, sign in descriptor.parts.items()}, right))
    for relation in relations:
        if relation.x == relation.y:
            raise InputError(f"a relation of {relation.x}* with itself says nothing; leave it out")
        equations.append(({relation.y: 1.0, relation.x: -relation.slope}, [*constant, relation.intercept]))
    equations += [({name: 1.0}, [*constant, value]) for name, value in fixed.items()]
    names = sorted({adsorbate(name).name for left, _ in equations for name in left})
    matrix = np.array([[left.get(name, 0.0) for name in names] for left, _ in equations])
    _, sizes, directions = np.linalg.svd(matrix)
    rank = int(np.sum(sizes > NOISE))
    if rank < len(equations):
        stated = [d.name for d in descriptors] + [f"{r.y} over {r.x}" for r in relations] + list(fixed)
        raise InputError(f"an energy is given twice by {', '.join(stated)}; leave one out")
    solution = np.linalg.pinv(matrix) @ np.array([right for _, right in equations])
    # an adsorbate that a direction moves which no equation fixes may have any energy
    is_open = np.abs(directions[rank:]).max(axis=0, initial=0.0) > NOISE
    return {name: solution[place] for place, name in enumerate(names) if not is_open[place]}
