"""Activity: the limiting potential of a reaction as a function of one or two adsorption free energies."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from types import MappingProxyType
from typing import Any

import numpy as np

from atomsieve.analysis.batch import Array, Batch, Places, batch
from atomsieve.analysis.pathways import Search, search
from atomsieve.analysis.surroundings import Surroundings, surroundings
from atomsieve.analysis.trends.descriptor import Descriptor, lines
from atomsieve.analysis.trends.scaling import ScalingRelation
from atomsieve.structures.errors import InputError
from atomsieve.structures.reaction import Path, Reaction

#: Points a descriptor on which legs are told apart, and eV to which their ends are found.
GRID, PRECISION = 2001, 1e-7


@dataclass(frozen=True)
class Leg:
    """A stretch of a volcano in one descriptor, along which one step of one path limits.

    Parameters
    ----------
    low, high : float
        Descriptor energies at its ends, eV.
    step : str
        The step.
    path : str
        The path.
    """

    low: float
    high: float
    step: str
    path: str


@dataclass(frozen=True, eq=False)
class Landscape:
    """An activity at many points.

    Parameters
    ----------
    limiting_potential, overpotential : array
        V against RHE, and V; in the shape of the descriptors.
    step : array of int
        Which of ``steps`` limits; the first of equal ones.
    path : array of int
        Which of ``paths`` is the cheapest.
    steps : tuple of str
        All proton-electron steps.
    paths : tuple of Path
        All paths of which every intermediate is known.
    """

    limiting_potential: Array
    overpotential: Array
    step: Places
    path: Places
    steps: tuple[str, ...]
    paths: tuple[Path, ...]


class Activity:
    """A reaction over descriptors: all that it needs beside follows from scaling relations.

    Relations and descriptors are equations between the free energies of adsorbates, solved together; a relation may
    start from what another one gives. What they leave open is unknown, as are the paths that need it.

    Parameters
    ----------
    reaction : Reaction
        Any network.
    descriptors : sequence of (str or Descriptor)
        One or two.
    relations : sequence of ScalingRelation
        Fitted, or stated: ``ScalingRelation("OH", "OOH", 1.0, 3.2)``.
    fixed : mapping of str to float, optional
        ΔG of adsorbates that are the same all over, eV.
    around : Surroundings, optional
        Free energies of the molecules, and pH; the standard state unless given.

    Raises
    ------
    InputError
        If there are none or more than two descriptors, an energy is stated twice, or no path can be determined: says
        what is lacking.
    """

    def __init__(
        self,
        reaction: Reaction,
        descriptors: Sequence[str | Descriptor],
        relations: Sequence[ScalingRelation] = (),
        *,
        fixed: Mapping[str, float] | None = None,
        around: Surroundings | None = None,
    ) -> None:
        self.reaction = reaction
        self.descriptors = tuple(Descriptor.parse(d) if isinstance(d, str) else d for d in descriptors)
        self.relations = tuple(relations)
        self.fixed = dict(fixed or {})
        self.around = surroundings() if around is None else around
        if len(self.descriptors) not in (1, 2):
            raise InputError(f"{reaction.name}: {len(self.descriptors)} descriptors; an activity has one or two")
        self._lines = lines(self.descriptors, self.relations, self.fixed)
        if not reaction.is_within(self._lines):
            lacking = min(
                (sorted(set(path.adsorbates) - self._lines.keys()) for path in reaction.paths),
                key=lambda names: len(names),
            )
            given = ", ".join(self._lines) or "none"
            raise InputError(
                f"{reaction.name} needs {', '.join(f'{name}*' for name in lacking)}; descriptors and relations give "
                f"{given}; add a scaling relation for each"
            )

    @property
    def equilibrium_potential(self) -> float:
        """U°, V against RHE: what the ideal catalyst would reach."""
        return self.around.equilibrium(self.reaction.overall)

    def free(self, *energies: Any) -> dict[str, Any]:
        """Return ΔG by adsorbate at descriptor energies, eV.

        Parameters
        ----------
        *energies : float or array
            One for each descriptor, eV.

        Raises
        ------
        InputError
            If their number is another.
        """
        if len(energies) != len(self.descriptors):
            names = ", ".join(d.name for d in self.descriptors)
            raise InputError(f"{len(energies)} energies for the descriptors {names}; pass one of each")
        return {
            name: sum(
                (factor * energy for factor, energy in zip(line[:-1], energies, strict=True)), start=float(line[-1])
            )
            for name, line in self._lines.items()
        }

    def place(self, free: Mapping[str, Any]) -> tuple[Any, ...]:
        """Return the descriptor energies of a site, eV, from ΔG by adsorbate."""
        return tuple(descriptor.of(free) for descriptor in self.descriptors)

    def at(self, *energies: Any) -> Landscape:
        """Return what limits where.

        Parameters
        ----------
        *energies : float or array
            One for each descriptor, eV; arrays of shapes that go together, as ``np.meshgrid`` gives them.
        """
        spread = np.broadcast_arrays(*(np.asarray(energy, dtype=float) for energy in energies))
        found = self._batch([own.ravel() for own in spread])
        shape = spread[0].shape
        limiting = found.limiting_potentials.reshape(shape)
        sign = 1.0 if self.reaction.is_reduction else -1.0
        return Landscape(
            limiting,
            sign * (self.equilibrium_potential - limiting),
            found.limiting_steps.reshape(shape),
            found.cheapest.reshape(shape),
            tuple(step.text for step in found.steps),
            found.paths,
        )

    def _batch(self, energies: Sequence[Array]) -> Batch:
        return batch(self.reaction, self.free(*energies), self.around)

    def search(self, *energies: float) -> Search:
        """Return all that is known of the network at one point."""
        return search(self.reaction, self.free(*energies), self.around)

    def legs(self, low: float, high: float) -> tuple[Leg, ...]:
        """Return which step limits where along the only descriptor.

        Parameters
        ----------
        low, high : float
            The range, eV.

        Raises
        ------
        InputError
            If there are two descriptors.
        """
        if len(self.descriptors) != 1:
            raise InputError("legs belong to one descriptor; with two, look at the steps of at()")

        def kinds(grid: Array) -> Array:
            there = self.at(grid)
            return np.stack([there.step, there.path])

        grid = np.linspace(low, high, GRID)
        found = kinds(grid)
        ends = [low]
        for place in np.flatnonzero((found[:, 1:] != found[:, :-1]).any(axis=0)):
            left, right = float(grid[place]), float(grid[place + 1])
            while right - left > PRECISION:
                middle = (left + right) / 2
                is_left = bool((kinds(np.array([middle]))[:, 0] == found[:, place]).all())
                left, right = (middle, right) if is_left else (left, middle)
            ends.append((left + right) / 2)
        there = self.at(np.array([(a + b) / 2 for a, b in pairwise([*ends, high])]))
        return tuple(
            Leg(a, b, there.steps[step], there.paths[path].name)
            for (a, b), step, path in zip(pairwise([*ends, high]), there.step, there.path, strict=True)
        )

    @cached_property
    def ideal(self) -> Mapping[str, float]:
        """ΔG of the intermediates on which every step of the first path is level at U°, eV: the ideal catalyst.

        With calculated molecules the reaction does not close on its experimental total, and the last step keeps the
        rest.
        """
        path, potential = self.reaction.paths[0], self.equilibrium_potential
        energy = self.around.free(self.reaction.start)
        found: dict[str, float] = {}
        for step in path.steps[:-1]:
            energy -= self.around.shift(step, potential)
            ((name, number),) = step.end.adsorbed.items()
            found.setdefault(name, (energy - self.around.free(step.end)) / number)
        return MappingProxyType(found)
