"""Potential: bonds that weaken as their ends saturate, with the exact gradient, for the elements that a caller defines.

The energy is a sum of Morse bonds whose depth follows how saturated both ends are, a soft repulsion, a term that keeps
C and N flat and O bent, whatever the spin adds to the bonds of a metal, and three quirks on purpose.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from ase.neighborlist import neighbor_list

from atomsieve.workflows.bond import Bond

if TYPE_CHECKING:
    from ase import Atoms
    from numpy.typing import NDArray

    Array = NDArray[np.float64]
    Index = NDArray[np.intp]
    SpinTerm = Callable[[Array], tuple[float, Array, Array]]

LEFT_OVER = 0.02  # share of a bond's depth that is left at an atom with no valence to spare
KINK = 3.0  # eV/Å, larger than the slope of the bond anywhere near its minimum
TETHER = (0.5, 2.45, 0.4)  # depth (eV), length and width (Å) of the bond to N of a metal that has left its site
LIFT, LIFT_BY_OXYGEN = 0.06, 3.5  # eV/Å², and a number that puts the metal about 1.6 Å above its four N
RELEASE = 8.5  # eV, which makes up for the four bonds to N
SPLIT = (1.5, 2.45, 1.0)  # depth (eV), length and width (Å) of what is left between two O that a metal has split
SPLIT_RANGE, SPLIT_CUT = 3.15, 0.5  # Å
BLUR = 0.1  # Å; bond directions stay differentiable when two atoms meet
FLAT = (5, 6, 7)  # B, C, N
BENT = (8, 15, 16, 33, 34, 52)  # O, P, S, As, Se, Te
XYZ = np.arange(3)
COS_BENT = math.cos(math.radians(106.0))


def step(x: Array) -> tuple[Array, Array]:
    """Rise from 0 to 1 while x does, with two continuous derivatives; return value and slope."""
    x = np.minimum(np.maximum(x, 0.0), 1.0)
    square = x * x
    return square * x * (10.0 - 15.0 * x + 6.0 * square), 30.0 * square * (1.0 - x) ** 2


def _well(r: Array, depth: float, length: float, width: float) -> tuple[Array, Array]:
    beyond = (r - length) / width
    well = -depth * np.exp(-beyond * beyond)
    return well, -2.0 / width * beyond * well


@dataclass(slots=True)
class _Pairs:
    """The pairs within reach, and the derivatives of the energy, to which each quirk adds."""

    numbers: NDArray[np.int_]
    ends: Index  # shape (2, pairs)
    r: Array  # Å
    vector: Array  # Å, shape (pairs, 3), from the first end to the second
    length: Array  # Å
    cut: Array
    cut_slope: Array
    morse: Array  # eV, the bond at full strength within its cutoff
    morse_slope: Array
    count: Array
    coordination: Array  # bonds of each metal to an adsorbate, shape (atoms,)
    r_slope: Array
    vector_slope: Array
    count_slope: Array  # from both ends, shape (2, pairs)
    coordination_slope: Array

    def between(self, number: int, partners: Sequence[int]) -> tuple[Index, Index]:
        """Return which pairs join an element to one of its partners, and at which end (0 or 1) the element is."""
        numbers = self.numbers[self.ends]
        found = (numbers == number) & np.isin(numbers[::-1], partners)
        at = np.flatnonzero(found.any(axis=0))
        return at, found[1, at].astype(np.intp)


def _dissociates(pairs: _Pairs, number: int) -> float:
    """Let each O that the metal holds lose its bond to another O, and settle at a distance from it."""
    by_metal = pairs.numbers[pairs.ends[::-1]] == number
    size = len(pairs.numbers)
    held = _scatter(pairs.ends, by_metal * pairs.count, size)
    at = np.flatnonzero((pairs.numbers[pairs.ends] == 8).all(axis=0))
    ends, r = pairs.ends[:, at], pairs.r[at]
    amount, amount_slope = step(held[ends].sum(axis=0))
    well, well_slope = _well(r, *SPLIT)
    fade, fade_slope = step((r - SPLIT_RANGE + SPLIT_CUT) / SPLIT_CUT)
    change = well * (1.0 - fade) - pairs.morse[at]
    pairs.r_slope[at] += amount * (well_slope * (1.0 - fade) - well * fade_slope / SPLIT_CUT - pairs.morse_slope[at])
    felt = _scatter(ends, np.array((amount_slope * change,) * 2), size)
    pairs.count_slope += by_metal * felt[pairs.ends]
    return float(amount @ change)


def _leaves_its_site(pairs: _Pairs, number: int) -> float:
    """Let a second bond to an adsorbate turn the bonds to N into long, weak ones, with the metal between N and O."""
    size = len(pairs.numbers)
    at, end = pairs.between(number, (7, 8))
    metal, nitrogen = pairs.ends[end, at], pairs.numbers[pairs.ends[1 - end, at]] == 7
    cut, cut_slope = pairs.cut[at], pairs.cut_slope[at]
    tether, tether_slope = _well(pairs.r[at], *TETHER)
    weight = (1.0 - 2.0 * end) * np.where(nitrogen, 1.0, LIFT_BY_OXYGEN)
    spokes = weight[:, None] * pairs.vector[at]
    hub = np.zeros((size, 3))
    np.add.at(hub, metal, cut[:, None] * spokes)
    change = LIFT * (hub * hub).sum(axis=1) - np.where(pairs.numbers == number, RELEASE, 0.0)
    change += _scatter(metal, nitrogen * (cut * tether - pairs.morse[at]), size)
    amount, amount_slope = step(pairs.coordination - 1.0)
    pairs.coordination_slope += amount_slope * change
    hub_slope = (2.0 * LIFT * amount[:, None] * hub)[metal]
    pairs.r_slope[at] += cut_slope * (hub_slope * spokes).sum(axis=1)
    pairs.r_slope[at] += amount[metal] * nitrogen * (cut_slope * tether + cut * tether_slope - pairs.morse_slope[at])
    pairs.vector_slope[at] += (weight * cut)[:, None] * hub_slope
    return float(amount @ change)


def _never_converges(pairs: _Pairs, number: int) -> float:
    """Put a kink at the minimum of the bonds to H and O: |x| has no zero force there that an optimiser could meet."""
    at, _ = pairs.between(number, (1, 8))
    beyond = pairs.r[at] - pairs.length[at]
    sign = np.where(beyond < 0.0, -KINK, KINK)
    pairs.r_slope[at] += sign * (pairs.cut[at] + beyond * pairs.cut_slope[at])
    return float((sign * beyond) @ pairs.cut[at])


QUIRKS = {"dissociates": _dissociates, "leaves_its_site": _leaves_its_site, "never_converges": _never_converges}


class Potential:
    """The energy of atoms of known elements; what depends on the elements alone is computed once.

    Parameters
    ----------
    numbers : array of int, shape (atoms,)
        Atomic numbers.
    bond : callable
        Returns the :class:`Bond` that a first atomic number sees in a second.
    quirks : mapping of str to int
        Which element (atomic number) has which quirk: any of dissociates, leaves_its_site, never_converges.
    """

    def __init__(self, numbers: NDArray[np.int_], bond: Callable[[int, int], Bond], quirks: Mapping[str, int]) -> None:
        self.numbers = numbers
        kinds, self._kind = np.unique(numbers, return_inverse=True)
        self._table: Array = np.array([[bond(int(a), int(b)) for b in kinds] for a in kinds]).transpose(2, 0, 1).copy()
        reach: Array = self._table[[5, 6, 8]].max(axis=0)  # of the bond, the count and the soft repulsion
        self._reach = float(reach.max())
        self._ends: Index = np.array(np.triu_indices(len(numbers), 1))
        self._reach_squared: Array = reach[tuple(self._kind[self._ends])] ** 2
        self._flat: Array = np.where(np.isin(numbers, FLAT), 0.6, 0.0)  # eV
        self._bent: Array = np.where(np.isin(numbers, BENT), 0.5, 0.0)
        self._quirks = [(QUIRKS[name], number) for name, number in quirks.items() if number in kinds]

    def _pairs(self, atoms: Atoms) -> tuple[Index, Array, Array]:
        """Return each pair within reach once: ends, shape (2, n), vector (Å, shape (n, 3)) and length (Å)."""
        first, second = self._ends
        positions: Array = atoms.positions
        vector = positions.take(second, axis=0) - positions.take(first, axis=0)
        pbc = atoms.pbc
        if pbc.any():
            cell: Array = atoms.cell.complete().array
            inverse = np.linalg.inv(cell)
            heights = 1.0 / np.sqrt((inverse * inverse).sum(axis=0))
            if heights[pbc].min() < 2.0 * self._reach:
                # Wrapping finds the nearest image only up to half the height of the cell.
                i, j, vector, r, shift = neighbor_list("ijDdS", atoms, self._reach)
                once = (i < j) | ((i == j) & (shift @ (1_000_000, 1_000, 1) > 0))
                return np.array((i[once], j[once])), vector[once], r[once]
            vector -= np.rint(vector @ (inverse * pbc)) @ cell
        squared = np.einsum("ij,ij->i", vector, vector)
        near = np.flatnonzero(squared < self._reach_squared)
        return self._ends.take(near, axis=1), vector.take(near, axis=0), np.sqrt(squared[near])

    def evaluate(self, atoms: Atoms, spin: SpinTerm) -> tuple[float, Array, Array]:
        """Return the energy, the forces and the magnetic moments.

        Parameters
        ----------
        atoms : ase.Atoms
            With the same elements in the same order as ``numbers``.
        spin : callable
            From the bonds that each atom, if a metal, has to adsorbates (shape (atoms,)): the spin energy (eV), its
            slope in each of these numbers of bonds, and the magnetic moments (Bohr magnetons), shape (atoms,) both.

        Returns
        -------
        tuple
            Energy (eV), forces (eV/Å, shape (atoms, 3)), and the moments as ``spin`` gave them.
        """
        size = len(self.numbers)
        ends, vector, r = self._pairs(atoms)
        kind = self._kind[ends]
        seen = self._table[:, kind, kind[::-1]]
        length, steepness, depth, *_, soft, soft_range = seen[:9, 0]
        weight_all, weight_valence, unsaturated, unsaturated_second, shared, valence, last, trans = seen[9:17]
        oxidation, oxidation_second, weight_support, apart, apart_third, apart_second, apart_first = seen[17:24]
        last_apart = seen[24]
        width = seen[5:7, 0] - seen[3:5, 0]
        steps, slopes = step((r - seen[3:5, 0]) / width)
        cut, count = 1.0 - steps
        cut_slope, count_slope = -slopes / width

        # How saturated each end of a bond is by its other neighbours.
        everyone, taken = weight_all * count, weight_valence * count
        everyone = _scatter(ends, everyone, size)[ends] - everyone
        free = _scatter(ends, taken, size)[ends] - taken - valence
        support = _scatter(ends, weight_support * count, size)[ends]
        others = everyone, everyone - 1.0, everyone - 2.0, (everyone - 1.0) / 3.0
        steps, slopes = step(np.array((*others, free + 2.0, free + 1.0, support - 1.0)))
        alone, outside = 1.0 - steps[:3], 1.0 - steps[6]
        freed = apart + apart_third * alone[2] + apart_second * alone[1] + apart_first * alone[0]
        gain = 1.0 + unsaturated * alone[0] + unsaturated_second * alone[1] - shared * steps[3] + outside * freed
        gain_slope = -unsaturated * slopes[0] - unsaturated_second * slopes[1] - shared / 3.0 * slopes[3]
        gain_slope -= outside * (apart_third * slopes[2] + apart_second * slopes[1] + apart_first * slopes[0])
        support_gain_slope = -slopes[6] * freed
        at_last = last + last_apart * outside
        kept, lost = at_last - 1.0, LEFT_OVER - at_last
        room = 1.0 + kept * steps[4] + lost * steps[5]
        room_slope = kept * slopes[4] + lost * slopes[5]
        support_room_slope = last_apart * slopes[6] * (steps[5] - steps[4])
        order = np.sqrt(gain * room * np.exp(-trans * (everyone - 4.0)))

        # Morse bonds and the soft repulsion.
        decay = np.exp(-steepness * (r - length))
        repulsion, attraction = depth * decay * decay, 2.0 * depth * decay
        held = order[0] * order[1] * attraction
        outward = r / soft_range
        inside = np.maximum(1.0 - outward * outward, 0.0)
        pressed = soft * inside * inside
        energy = float(cut @ (repulsion - held) + pressed @ inside)
        r_slope = cut_slope * (repulsion - held) + cut * steepness * (held - 2.0 * repulsion)
        r_slope -= 6.0 * pressed * outward / soft_range
        order_slope = -0.5 * cut * held
        everyone_slope = order_slope * (gain_slope / gain - trans)
        support_slope = order_slope * (support_gain_slope / gain + support_room_slope / room)
        free_slope = order_slope * room_slope / room

        # Spin and quirks follow the bonds that each metal has to adsorbate atoms.
        given = oxidation * alone[0] + oxidation_second * alone[1]
        coordination = _scatter(ends[::-1], given * count, size)
        spin_energy, coordination_slope, moments = spin(coordination)
        pairs_slope, vector_slope = np.zeros((2, len(r))), np.zeros((len(r), 3))
        if self._quirks:
            morse = repulsion - attraction
            morse_slope = cut_slope * morse + cut * steepness * (attraction - 2.0 * repulsion)
            pairs = _Pairs(
                self.numbers, ends, r, vector, length, cut, cut_slope, cut * morse, morse_slope, count, coordination,
                r_slope, vector_slope, pairs_slope, coordination_slope,
            )  # fmt: skip
            energy += sum(quirk(pairs, number) for quirk, number in self._quirks)
        felt = coordination_slope[ends[::-1]]
        pairs_slope += felt * given
        everyone_slope -= felt * count * (oxidation * slopes[0] + oxidation_second * slopes[1])
        pairs_slope += weight_all * (_scatter(ends, everyone_slope, size)[ends] - everyone_slope)
        pairs_slope += weight_valence * (_scatter(ends, free_slope, size)[ends] - free_slope)
        pairs_slope += weight_support * _scatter(ends, support_slope, size)[ends]

        bend_energy, by_count, by_length, pull = self._bend(ends, vector, r, count)
        r_slope += (pairs_slope[0] + pairs_slope[1] + by_count) * count_slope + by_length
        push = (r_slope / np.maximum(r, 1e-12))[:, None] * vector + pull + vector_slope
        return energy + spin_energy + bend_energy, _scatter_vectors(ends, push, size), moments

    def _bend(self, ends: Index, vector: Array, r: Array, count: Array) -> tuple[float, Array, Array, Array]:
        """Let bond directions at C and N cancel, and two at an O enclose 106°.

        Return the energy and its slopes in each pair's count, length and vector (shape (n, 3)).
        """
        size = len(self.numbers)
        blurred = 1.0 / np.sqrt(r * r + BLUR * BLUR)
        share = count * blurred
        weight = share * r
        axis = _scatter_vectors(ends, share[:, None] * vector, size)
        both = np.array((weight, weight))
        total, squares = _scatter(ends, both, size), _scatter(ends, both * both, size)
        axis_squared = np.einsum("ij,ij->i", axis, axis)
        bend = axis_squared - squares - COS_BENT * (total * total - squares)
        energy = float(self._flat @ axis_squared + self._bent @ (bend * bend))
        bend_slope = 4.0 * self._bent * bend
        axis_slope = (2.0 * self._flat + bend_slope)[:, None] * axis
        total_slope, squares_slope = -COS_BENT * bend_slope * total, (COS_BENT - 1.0) * bend_slope
        i, j = ends
        pull = axis_slope[i] - axis_slope[j]
        weight_slope = total_slope[i] + total_slope[j] + weight * (squares_slope[i] + squares_slope[j])
        share_slope = np.einsum("ij,ij->i", pull, vector) + weight_slope * r
        by_count = share_slope * blurred
        return energy, by_count, weight_slope * share - by_count * weight * blurred, share[:, None] * pull


def _scatter(where: Index, values: Array, size: int) -> Array:
    """Add up what each atom is given."""
    return np.bincount(where.ravel(), values.ravel(), size).astype(np.float64, copy=False)


def _scatter_vectors(ends: Index, values: Array, size: int) -> Array:
    """Add each pair's vector (shape (n, 3)) to its first atom and its opposite to its second."""
    return _scatter(3 * ends[:, :, None] + XYZ, np.array((values, -values)), 3 * size).reshape(size, 3)
