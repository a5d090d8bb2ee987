"""Batch: a network with many sets of adsorption energies at once, and the cheapest path of each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from atomsieve.analysis.pathways import DECIMALS, toll
from atomsieve.analysis.surroundings import Surroundings
from atomsieve.structures.errors import InputError
from atomsieve.structures.reaction import Path, Reaction
from atomsieve.structures.state import Step

Array = npt.NDArray[np.float64]
Places = npt.NDArray[np.intp]


@dataclass(frozen=True, eq=False)
class Batch:
    """What a reaction does with each set of energies, as :func:`~atomsieve.analysis.pathways.search` has it for one.

    Parameters
    ----------
    limiting_potentials : array, shape (m,)
        U_L of the cheapest path, V against RHE; nan where an energy of every path is nan.
    paths : tuple of Path
        Those whose intermediates all have energies.
    cheapest : array of int, shape (m,)
        Which of these it is.
    hardness : mapping of Step to array, shape (m,)
        ΔG of each proton-electron step for each electron, eV.
    """

    limiting_potentials: Array
    paths: tuple[Path, ...]
    cheapest: Places
    hardness: Mapping[Step, Array]

    @property
    def steps(self) -> tuple[Step, ...]:
        """The proton-electron steps, in the order of the network."""
        return tuple(self.hardness)

    @cached_property
    def limiting_steps(self) -> Places:
        """Which of :attr:`steps` is the hardest of the cheapest path, the first of equal ones; -1 where U_L is nan."""
        on_path = np.array([[step in path.steps for step in self.steps] for path in self.paths])
        rounded = np.array(list(self.hardness.values())).round(DECIMALS)
        hardest = np.where(on_path[self.cheapest].T, rounded, -np.inf).argmax(axis=0)
        return np.where(np.isnan(self.limiting_potentials), -1, hardest)


def batch(reaction: Reaction, free: Mapping[str, Any], around: Surroundings) -> Batch:
    """Follow many sets of adsorption energies through a network.

    Parameters
    ----------
    reaction : Reaction
        The network.
    free : mapping of str to (float or array, shape (m,))
        ΔG of each adsorbate at 0 V against RHE, against H2, H2O, CO2 and N2, eV; absent where it is not known, nan
        where one set does not have it: its paths are none of this set's.
    around : Surroundings
        Free energies of the molecules, potential and pH.

    Raises
    ------
    InputError
        If no path is determined.
    """
    (number,) = np.broadcast_shapes((1,), *(np.shape(own) for own in free.values()))
    # a step between bare sites is the same in all sets
    changes = {
        step: np.zeros(number) + change for step in reaction.steps if (change := around.change(step, free)) is not None
    }
    paths = tuple(path for path in reaction.paths if changes.keys() >= set(path.steps))
    if not paths:
        raise InputError(f"no path of {reaction.name} is determined; pass the energies of one path at least")
    hardness = {step: own / abs(step.electrons) for step, own in changes.items() if step.kind == "proton-electron"}
    for step in changes.keys() - hardness.keys():
        changes[step] += around.shift(step)
    tolls = np.array([toll(path.steps, changes, np.minimum, np.maximum) for path in paths])
    # a state that only chemical steps at the end reach is no part of the toll
    lacking = np.array([np.isnan([changes[step] for step in path.steps]).any(axis=0) for path in paths])
    tolls[lacking] = np.nan
    worst = np.array([np.max([hardness[step] for step in path.steps if step in hardness], axis=0) for path in paths])
    other = np.array([_hardest_other(path, changes, hardness, number) for path in paths])
    lengths = np.repeat([[len(path.steps)] for path in paths], number, axis=1)
    # the order of the search of one set; nan comes last
    order = np.lexsort((lengths, other.round(DECIMALS), worst.round(DECIMALS), tolls.round(DECIMALS)), axis=0)[0]
    sign = 1.0 if reaction.is_reduction else -1.0
    chosen = np.where(np.isnan(tolls[order, np.arange(number)]), np.nan, worst[order, np.arange(number)])
    return Batch(-sign * chosen, paths, order, hardness)


def _hardest_other(path: Path, changes: Mapping[Step, Array], hardness: Mapping[Step, Array], number: int) -> Array:
    others = [changes[step] for step in path.steps if step not in hardness]
    return np.asarray(np.max(others, axis=0)) if others else np.zeros(number)
