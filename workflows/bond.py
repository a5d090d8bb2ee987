"""Bond: what a neighbour is to an atom, as the potential sees it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.float64]
    Index = NDArray[np.intp]
    SpinTerm = Callable[[Array], tuple[float, Array, Array]]


class Bond(NamedTuple):
    """How an atom sees a neighbour; the first nine are the same from both sides."""

    length: float  # Å
    steepness: float  # 1/Å
    depth: float  # eV
    bond_on: float  # Å, where the cutoff of the bond begins
    count_on: float  # Å, where the other begins to stop counting as a neighbour
    bond_off: float
    count_off: float
    soft: float = 0.0  # eV, height of the soft repulsion
    soft_range: float = 1.0  # Å
    weight_all: float = 1.0  # the other's weight among all neighbours
    weight_valence: float = 0.0  # the other's weight in the valence
    unsaturated: float = 0.0  # relative gain of depth without any other neighbour
    unsaturated_second: float = 0.0  # and with no more than one
    shared: float = 0.0  # relative loss of depth with many others
    valence: float = 99.0
    last: float = 1.0  # share of depth left at the last valence
    trans: float = 0.0  # relative loss of depth for each donor beyond four
    oxidation: float = 0.0  # what the atom takes from a metal while it has no other neighbour
    oxidation_second: float = 0.0  # and while it has no more than one
    weight_support: float = 0.0  # the other's weight among what holds the atom in a support
    apart: float = 0.0  # relative gain of depth outside of a support
    apart_third: float = 0.0  # and there with no more than two other neighbours
    apart_second: float = 0.0  # no more than one
    apart_first: float = 0.0  # none
    last_apart: float = 0.0  # what is left more at the last valence outside of a support
