"""MockCalculator: a calculator that answers at once and behaves like matter, for rehearsing a campaign.

The energy is a sum of Morse bonds whose depth depends on how saturated their two ends are, a soft repulsion between
adsorbate and sheet, a term that keeps C and N flat and O bent, and a spin term. Forces are its exact gradient. The
numbers are in ``mock.yaml``; they are shaped like chemistry and must never be read as chemistry.

What single metal atoms do on a nitrogen-doped carbon (M-N4), by element:

================  =====================================================================================
metal             behaviour
================  =====================================================================================
Sc ... Zn         ΔE(OH) rises linearly with the group from about -1.0 to 1.8 eV; ΔE(O) is about
                  2 ΔE(OH) + 0.75 and ΔE(OOH) about ΔE(OH) + 3.2; the 4d and 5d rows are steeper
Ti, V, Cr, Ni     the clean site and O* have different lowest multiplicities (3 -> 1, 4 -> 2, 5 -> 3,
                  1 -> 3); so have the 4d and 5d metals of groups 4, 5 and 6
Hg                OH, O, OOH and H desorb: they come to rest more than 3 Å away
Ta                OOH falls apart into O and OH, both bound to the metal
Tc                a relaxation with O or H bound never converges; the clean site does
Cd                bound O pulls the metal more than 1.2 Å out of its site; OH and H do not
================  =====================================================================================

Limits: no stress; the charge changes only the parity of the electrons; the energy of Tc has a kink on purpose; the
OOH of Ta wants BFGS or FIRE, for LBFGS loses its way while the bond breaks.
"""

from __future__ import annotations

import functools
import math
import time
from collections.abc import Sequence
from importlib import resources
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

import numpy as np
import yaml
from ase.calculators.calculator import Calculator, CalculatorSetupError, all_changes
from ase.data import atomic_numbers, chemical_symbols, covalent_radii
from ase.neighborlist import neighbor_list

if TYPE_CHECKING:
    from ase import Atoms
    from numpy.typing import NDArray

    Array = NDArray[np.float64]
    Index = NDArray[np.intp]

LEFT_OVER = 0.02  # share of a bond's depth that is left at an atom with no valence to spare
SPIN_STEP = 0.3  # eV for two unpaired electrons too many or too few on a metal site
SPIN_STEP_MOLECULE = 3.0
TRANS_INFLUENCE = 0.06  # relative loss of depth of M-O and M-H for each donor beyond four
KINK = 3.0  # eV/Å, larger than the slope of the bond anywhere near its minimum
TETHER, TETHER_LENGTH, TETHER_WIDTH = 0.5, 2.45, 0.4  # eV, Å, Å
LIFT, LIFT_BY_OXYGEN = 0.06, 3.5  # eV/Å², and a number that puts the metal about 1.6 Å above its four N
SPLIT, SPLIT_LENGTH, SPLIT_WIDTH, SPLIT_RANGE, SPLIT_CUT = 1.5, 2.45, 1.0, 3.15, 0.5  # eV, then Å
RELEASE = 8.5  # eV, which makes up for the four bonds to N
BLUR = 0.1  # Å; bond directions stay differentiable when two atoms meet
NOBLE = frozenset({"He", "Ne", "Ar", "Kr", "Xe", "Rn"})
BENT = frozenset({"O", "S", "Se", "Te", "P", "As"})
FLAT = frozenset({"B", "C", "N"})
MISBEHAVIOURS = ("dissociates", "never_converges", "leaves_its_site")
COS_BENT = math.cos(math.radians(106.0))
DONOR_WEIGHT = {"N": 1.0, "C": 1.3, "O": 0.8, "S": 0.9, "H": 0.8}


class _Bond(NamedTuple):
    """How atom a sees atom b: the first nine are the same from both sides."""

    length: float  # Å
    steepness: float  # 1/Å
    depth: float  # eV
    bond_on: float  # Å, where the cutoff of the bond begins
    bond_width: float
    count_on: float  # Å, where b begins to stop counting as a neighbour
    count_width: float
    soft: float  # eV
    soft_scale: float  # 1/Å², inverse square of the range
    weight_all: float  # b's weight among all neighbours of a
    weight_valence: float  # b's weight in the valence of a
    unsaturated: float  # relative gain of depth when a has no other neighbour
    shared: float  # relative loss of depth when a has many others
    valence: float
    last: float  # share of depth left at the last valence
    trans: float
    oxidation: float  # what a takes from the metal b while unsaturated
    oxidation_second: float

    reach: float  # Å, beyond which the atoms do not know of each other


@functools.cache
def _data() -> dict[str, Any]:
    text = (resources.files("atomsieve.workflows") / "mock.yaml").read_text(encoding="utf-8")
    loaded: dict[str, Any] = yaml.safe_load(text)
    return loaded


def _is_metal(symbol: str) -> bool:
    return symbol not in _data()["valence"] and symbol not in NOBLE


def _d_block(z: int) -> tuple[int, int] | None:
    """Return row (3, 4 or 5) and group (3 to 12) of a transition metal, None for any other element."""
    for row, first in ((3, 21), (4, 39)):
        if first <= z <= first + 9:
            return row, z - first + 3
    if z == 57:
        return 5, 3
    if 72 <= z <= 80:
        return 5, z - 68
    return None


@functools.cache
def _oxygen_depth(z: int) -> float:
    """Depth of a single M-O bond (eV): linear in the group, which makes the volcano."""
    place = _d_block(z)
    if place is None:
        return float(_data()["main_group_depth"].get(chemical_symbols[z], 3.5))
    row, group = place
    return 3.70 - 0.311 * (group - 3) - (0.0, 0.02, 0.03)[row - 3] * (group - 6)


@functools.cache
def _unpaired(z: int) -> tuple[float, float, float]:
    """Unpaired electrons that a metal prefers: bare, with one and with two bonds to an adsorbate."""
    place = _d_block(z)
    if place is None:
        odd = float(z % 2)
        return odd, 1.0 - odd, odd
    row, group = place
    bare, one, two = _data()["unpaired_3d" if row == 3 else "unpaired_4d_5d"][group - 2]
    return float(bare), float(one), float(two)


def _metal_bond(metal: int, other: int) -> tuple[float, float, float, float, float, float, float]:
    """Length, steepness, depth, then on and off of the bond and of the count, for a metal and a non-metal."""
    symbol = chemical_symbols[other]
    size = float(covalent_radii[metal]) - 1.32
    depth = _oxygen_depth(metal)
    if symbol == "N" and chemical_symbols[metal] == _data()["leaves_its_site"]:
        return 1.87 + 0.06 * size, 1.8, 2.6, 3.0, 3.5, 2.2, 2.75
    if symbol == "N":
        # Nearly one length for all: the pocket of a sheet is 1.88 Å wide and any metal must lie flat in it.
        return 1.87 + 0.06 * size, 1.8, 2.6, 2.2, 2.75, 2.2, 2.75
    if symbol == "C":
        return 1.88 + 0.06 * size, 1.8, 2.2, 2.15, 2.5, 2.15, 2.5
    if chemical_symbols[metal] == _data()["desorbs"]:
        return 3.4, 1.5, 0.03, 3.7, 4.2, 2.0, 2.4
    if symbol == "H":
        length, depth = 1.52 + 0.6 * size, 0.06 + 0.75 * depth
    else:
        length = 1.14 + 0.8 * size + float(covalent_radii[other])
    if chemical_symbols[metal] == _data()["dissociates"]:
        # Wide enough to catch the OH that it has split off.
        return length, 1.3, depth, 2.9, 3.9, 1.15 * length, 1.4 * length
    return (
        length,
        1.9,
        depth,
        min(1.25 * length, 2.6),
        min(1.6 * length, 3.1),
        1.2 * length,
        1.33 * length,
    )


@functools.cache
def _bond(a: int, b: int) -> _Bond:
    """Return how an atom of number a sees a neighbour of number b."""
    data = _data()
    first, second = chemical_symbols[a], chemical_symbols[b]
    metal_a, metal_b = _is_metal(first), _is_metal(second)
    unsaturated = shared = trans = oxidation = oxidation_second = soft = soft_range = 0.0
    if metal_a and metal_b:
        length = min(0.9 * float(covalent_radii[a] + covalent_radii[b]), 2.5)
        steepness, depth, on, off, count_on, count_off = 1.5, 0.8, 2.7, 3.1, 2.7, 3.1
    elif metal_a or metal_b:
        metal, other = (a, b) if metal_a else (b, a)
        length, steepness, depth, on, off, count_on, count_off = _metal_bond(metal, other)
        symbol = chemical_symbols[other]
        if metal_a and symbol in ("O", "H"):
            trans = TRANS_INFLUENCE
        if metal_b and symbol in BENT:
            unsaturated, shared = max(0.0, 1.0 - 0.75 / _oxygen_depth(metal)), 0.4
            oxidation = oxidation_second = 1.0
        if metal_b and data["valence"].get(symbol, [0])[0] == 1:
            oxidation = 1.0
    else:
        low, high = sorted((a, b))
        row = data["bonds"].get(f"{chemical_symbols[low]}-{chemical_symbols[high]}")
        if row is None:
            weak = 0.01 if NOBLE & {first, second} else 3.0
            row = [float(covalent_radii[a] + covalent_radii[b]), weak, 2.0, 0.0, 0.0]
        length, depth, steepness = (float(value) for value in row[:3])
        unsaturated = float(row[3] if a == low else row[4])
        on, off, count_on, count_off = 1.2 * length, 1.5 * length, 1.15 * length, 1.45 * length
        if {first, second} & FLAT and {first, second} & {"O", "H"}:
            soft, soft_range = 0.6, 2.6 if "H" in (first, second) else 3.1
    valence, last = (99.0, 1.0) if metal_a else data["valence"].get(first, [4, 1.0])
    weight_all = (0.0 if metal_b else DONOR_WEIGHT.get(second, 1.0)) if metal_a else 1.0
    if first == second == "O":
        soft_range = SPLIT_RANGE
    reach = max(off, count_off, soft_range)
    return _Bond(
        length, steepness, depth, on, off - on, count_on, count_off - count_on, soft,
        soft_range**-2 if soft_range else 0.0, weight_all, 0.0 if metal_a or metal_b else 1.0, unsaturated, shared,
        float(valence), float(last), trans, oxidation, oxidation_second, reach,
    )  # fmt: skip


def _step(x: Array) -> tuple[Array, Array]:
    """Rise from 0 to 1 while x does, with two continuous derivatives; return value and slope."""
    x = np.minimum(np.maximum(x, 0.0), 1.0)
    square = x * x
    return square * x * (10.0 - 15.0 * x + 6.0 * square), 30.0 * square * (1.0 - x) ** 2


def _step_number(x: float) -> tuple[float, float]:
    x = min(max(x, 0.0), 1.0)
    return x * x * x * (10.0 - 15.0 * x + 6.0 * x * x), 30.0 * x * x * (1.0 - x) ** 2


class _Pairs(NamedTuple):
    """The pairs within reach; what ends in 2 holds each pair from both ends, the second half reversed."""

    i2: Index
    j2: Index
    r: Array  # Å
    vector: Array  # Å, shape (n, 3)
    length: Array
    steepness: Array
    depth: Array
    decay: Array
    cut: Array
    cut_slope: Array
    count2: Array


class _Slopes(NamedTuple):
    """Derivatives of the energy, to which each term adds."""

    r: Array  # by the length of each pair
    vector: Array  # by its vector, shape (n, 3)
    count2: Array  # by the count of each pair, from both ends
    coordination: Array  # by the coordination of each metal, shape (atoms,)


class _Composition:
    """All that depends on the elements alone, so that a relaxation computes it once."""

    def __init__(self, numbers: NDArray[np.int_]) -> None:
        data = _data()
        kinds, self.kind = np.unique(numbers, return_inverse=True)
        self.table: Array = np.array([[_bond(int(a), int(b)) for b in kinds] for a in kinds])
        reach = self.table[:, :, -1]
        self.reach = float(reach.max())
        self.first, self.second = np.triu_indices(len(numbers), 1)
        self.reach_squared: Array = reach[self.kind[self.first], self.kind[self.second]] ** 2
        symbols = [chemical_symbols[z] for z in numbers]
        self.flat: Array = np.array([0.6 if s in FLAT else 0.0 for s in symbols])
        self.bent: Array = np.array([0.5 if s in BENT else 0.0 for s in symbols])
        self.metals = [k for k, s in enumerate(symbols) if _is_metal(s)]
        self.unpaired = [_unpaired(int(numbers[k])) for k in self.metals]
        self.numbers = numbers
        self.special = {name: number for name in MISBEHAVIOURS if (number := atomic_numbers[data[name]]) in kinds}
        self.lone_triplet = symbols in (["O"], ["O", "O"])

    def moments(self, unpaired: int, wanted: list[float]) -> Array:
        """Share out the unpaired electrons: on the metals by what they prefer, else evenly on the heavy atoms."""
        share: Array = np.zeros(len(self.numbers))
        if self.metals:
            share[self.metals] = np.array(wanted) + 0.05
        else:
            share[self.numbers > 1 if self.numbers.max() > 1 else self.numbers > 0] = 1.0
        share *= unpaired / float(share.sum())
        return share

    def misbehave(self, pairs: _Pairs, coordination: Array, slopes: _Slopes) -> float:
        """Return the energy (eV) that makes some metals go wrong, and add its derivatives to the slopes."""
        energy = 0.0
        r_slope, vector_slope, count2_slope, coordination_slope = slopes
        size, half = len(self.numbers), len(pairs.r)
        r, cut, cut_slope, i, j = pairs.r, pairs.cut, pairs.cut_slope, pairs.i2[:half], pairs.j2[:half]
        z1, z2 = self.numbers[i], self.numbers[j]
        if number := self.special.get("dissociates"):
            # Each O that the metal holds takes the bond away that it has to another O, and settles at a distance.
            by_metal = self.numbers[pairs.j2] == number
            held_by = _scatter(pairs.i2, np.where(by_metal, pairs.count2, 0.0), size)
            at = np.flatnonzero((z1 == 8) & (z2 == 8))
            amount, amount_slope = _step(held_by[i[at]] + held_by[j[at]])
            depth, decay = pairs.depth[at], pairs.decay[at]
            bond = depth * decay * (decay - 2.0)
            bond_slope = -2.0 * depth * pairs.steepness[at] * decay * (decay - 1.0)
            beyond = (r[at] - SPLIT_LENGTH) / SPLIT_WIDTH
            steps, step_slope = _step((r[at] - SPLIT_RANGE + SPLIT_CUT) / SPLIT_CUT)
            well = SPLIT * np.exp(-beyond * beyond)
            lost = -cut[at] * bond - well * (1.0 - steps)
            energy += float(amount @ lost)
            r_slope[at] -= amount * (cut_slope[at] * bond + cut[at] * bond_slope)
            r_slope[at] += amount * well * (2.0 * beyond / SPLIT_WIDTH * (1.0 - steps) + step_slope / SPLIT_CUT)
            felt = _scatter(i[at], amount_slope * lost, size) + _scatter(j[at], amount_slope * lost, size)
            count2_slope += np.where(by_metal, felt[pairs.i2], 0.0)
        if number := self.special.get("leaves_its_site"):
            # A second bond to an adsorbate, as a terminal O makes, turns the bonds to N into long, weak ones, and puts
            # the metal between N and O.
            at = np.flatnonzero(((z1 == number) & (z2 == 7)) | ((z2 == number) & (z1 == 7)))
            metal = np.where(z1[at] == number, i[at], j[at])
            amount, amount_slope = _step(coordination[metal] - 1.0)
            beyond = (r[at] - TETHER_LENGTH) / TETHER_WIDTH
            depth, decay, tether = pairs.depth[at], pairs.decay[at], TETHER * np.exp(-beyond * beyond)
            lost = -depth * decay * (decay - 2.0) - tether
            lost_slope = 2.0 * depth * pairs.steepness[at] * decay * (decay - 1.0)
            lost_slope += 2.0 * beyond / TETHER_WIDTH * tether
            energy += float(amount @ (cut[at] * lost))
            r_slope[at] += amount * (cut_slope[at] * lost + cut[at] * lost_slope)
            coordination_slope += _scatter(metal, amount_slope * cut[at] * lost, size)
            at = np.flatnonzero(((z1 == number) & np.isin(z2, (7, 8))) | ((z2 == number) & np.isin(z1, (7, 8))))
            metal = np.where(z1[at] == number, i[at], j[at])
            ligand = np.where(z1[at] == number, z2[at], z1[at])
            weight = np.where(z1[at] == number, 1.0, -1.0) * np.where(ligand == 8, LIFT_BY_OXYGEN, 1.0)
            spokes = weight[:, None] * pairs.vector[at]
            hub = np.stack([_scatter(metal, cut[at] * spoke, size) for spoke in spokes.T], axis=1)
            amounts, amount_slopes = _step(coordination - 1.0)
            gain = LIFT * (hub * hub).sum(axis=1) - np.where(self.numbers == number, RELEASE, 0.0)
            energy += float(amounts @ gain)
            coordination_slope += amount_slopes * gain
            hub_slope = (2.0 * LIFT * amounts[:, None] * hub)[metal]
            r_slope[at] += cut_slope[at] * (hub_slope * spokes).sum(axis=1)
            vector_slope[at] += (weight * cut[at])[:, None] * hub_slope
        if number := self.special.get("never_converges"):
            # The minimum of |x| has no zero force, so no optimiser can ever meet a threshold.
            at = np.flatnonzero(((z1 == number) & np.isin(z2, (1, 8))) | ((z2 == number) & np.isin(z1, (1, 8))))
            beyond = r[at] - pairs.length[at]
            energy += float(KINK * (np.abs(beyond) @ cut[at]))
            r_slope[at] += KINK * (np.where(beyond < 0.0, -1.0, 1.0) * cut[at] + np.abs(beyond) * cut_slope[at])
        return energy


def _pairs(atoms: Atoms, composition: _Composition) -> tuple[Index, Index, Array, Array]:
    """Return each pair within reach once: first, second, vector (Å, shape (n, 3)) and length (Å, shape (n,))."""
    positions: Array = atoms.positions
    first, second = composition.first, composition.second
    vector = positions[second] - positions[first]
    pbc = atoms.pbc
    if pbc.any():
        cell: Array = np.asarray(atoms.cell.complete())
        inverse = np.linalg.inv(cell)
        heights = 1.0 / np.sqrt((inverse * inverse).sum(axis=0))
        if heights[pbc].min() < 2.0 * composition.reach:
            # Wrapping finds the nearest image only up to half the height of the cell.
            return _pairs_with_images(atoms, composition)
        vector = vector - (np.rint(vector @ inverse) * pbc) @ cell
    squared = np.einsum("ij,ij->i", vector, vector)
    near = np.flatnonzero(squared < composition.reach_squared)
    return first[near], second[near], vector[near], np.sqrt(squared[near])


def _pairs_with_images(atoms: Atoms, composition: _Composition) -> tuple[Index, Index, Array, Array]:
    i, j, vector, length, shift = neighbor_list("ijDdS", atoms, composition.reach)
    forward = (shift[:, 0] > 0) | ((shift[:, 0] == 0) & ((shift[:, 1] > 0) | ((shift[:, 1] == 0) & (shift[:, 2] > 0))))
    once = (i < j) | ((i == j) & forward)
    return i[once], j[once], vector[once], length[once]


def _scatter(where: Index, values: Array, size: int) -> Array:
    total: Array = np.bincount(where, weights=values, minlength=size).astype(np.float64, copy=False)
    return total


def _scatter_vectors(i2: Index, values: Array, size: int) -> Array:
    """Add each pair's vector (shape (n, 3)) to its first atom and its opposite to its second."""
    flat = (3 * i2[:, None] + np.arange(3)).ravel()
    return _scatter(flat, np.concatenate((values, -values)).ravel(), 3 * size).reshape(size, 3)


class _Answer(NamedTuple):
    energy: float  # eV
    forces: Array  # eV/Å, shape (atoms, 3)
    unpaired: int
    moments: Array  # shape (atoms,)


def _spin(
    composition: _Composition, coordination: list[float], electrons: int, multiplicity: int | None
) -> tuple[float, list[float], int, list[float]]:
    """Return the spin energy (eV), its slope in each metal's coordination, the unpaired electrons and each share."""
    preferred, slopes = [], []
    for (bare, one, two), bonds in zip(composition.unpaired, coordination, strict=True):
        s1, d1 = _step_number(bonds)
        s2, d2 = _step_number(bonds - 1.0)
        preferred.append(bare + (one - bare) * s1 + (two - one) * s2)
        slopes.append((one - bare) * d1 + (two - one) * d2)
    parity = electrons % 2
    wanted = sum(preferred) if preferred else (2.0 if composition.lone_triplet and not parity else float(parity))
    if multiplicity is None:
        lower = max(parity, parity + 2 * math.floor((wanted - parity) / 2.0))
        unpaired = lower if abs(lower - wanted) <= abs(lower + 2 - wanted) else lower + 2
    else:
        unpaired = multiplicity - 1
    away = (unpaired - wanted) / 2.0
    root = math.sqrt(1.0 + 3.0 * away * away)
    step = SPIN_STEP if preferred else SPIN_STEP_MOLECULE
    return step * (root - 1.0), [-1.5 * step * away / root * slope for slope in slopes], unpaired, preferred


def _evaluate(atoms: Atoms, composition: _Composition, electrons: int, multiplicity: int | None) -> _Answer:
    """Energy and its gradient; ``i2, j2`` hold each pair from both ends, and ``*_slope`` is a derivative of energy."""
    size = len(atoms)
    i, j, vector, r = _pairs(atoms, composition)
    half = len(r)
    kind = composition.kind
    i2, j2 = np.concatenate((i, j)), np.concatenate((j, i))
    seen = composition.table[kind[i2], kind[j2]].T
    length, steepness, depth, bond_on, bond_width, count_on, count_width, soft, soft_scale = seen[:9, :half]
    weight_all, weight_valence, unsaturated, shared, valence, last, trans, oxidation, oxidation_second = seen[9:-1]

    steps, step_slopes = _step(np.array(((r - bond_on) / bond_width, (r - count_on) / count_width)))
    cut, count = 1.0 - steps
    cut_slope, count_slope = -step_slopes[0] / bond_width, -step_slopes[1] / count_width
    count2 = np.concatenate((count, count))

    # How saturated each end of a bond is by its other neighbours.
    everyone = _scatter(i2, weight_all * count2, size)[i2] - weight_all * count2
    taken = _scatter(i2, weight_valence * count2, size)[i2] - weight_valence * count2
    free = taken - valence
    steps, step_slopes = _step(np.array((everyone, everyone - 1.0, (everyone - 1.0) / 3.0, free + 2.0, free + 1.0)))
    gain = 1.0 + unsaturated * (1.0 - steps[0]) - shared * steps[2]
    gain_slope = -unsaturated * step_slopes[0] - shared * step_slopes[2] / 3.0
    room = 1.0 - (1.0 - last) * steps[3] - (last - LEFT_OVER) * steps[4]
    room_slope = -(1.0 - last) * step_slopes[3] - (last - LEFT_OVER) * step_slopes[4]
    donors = np.exp(-trans * (everyone - 4.0))
    order = np.sqrt(gain * room * donors)
    partner = np.concatenate((order[half:], order[:half]))

    # Morse bonds and the soft repulsion.
    decay = np.exp(-steepness * (r - length))
    repulsion, attraction = depth * decay * decay, 2.0 * depth * decay
    strength = order[:half] * order[half:]
    bond = repulsion - strength * attraction
    inside = np.maximum(1.0 - soft_scale * r * r, 0.0)
    energy = float(cut @ bond + soft @ inside**3)
    r_slope = cut_slope * bond + cut * steepness * (strength * attraction - 2.0 * repulsion)
    r_slope -= 6.0 * soft * soft_scale * r * inside * inside
    held = cut * attraction
    held2 = np.concatenate((held, held))
    order_slope = -partner * held2
    everyone_slope = order_slope * 0.5 * order * (gain_slope / gain - trans)
    taken_slope = order_slope * 0.5 * order * room_slope / room
    count2_slope = np.zeros(2 * half)
    vector_slope = np.zeros((half, 3))

    # Spin, and what singles out some metals, follow the bonds that each metal has to adsorbate atoms.
    wanted: list[float] = []
    if composition.metals:
        given = oxidation * (1.0 - steps[0]) + oxidation_second * (1.0 - steps[1])
        given_slope = -oxidation * step_slopes[0] - oxidation_second * step_slopes[1]
        coordination = _scatter(j2, given * count2, size)
        slope = np.zeros(size)
        metals = composition.metals
        bonds = coordination[metals].tolist()
        spin_energy, slopes, unpaired, wanted = _spin(composition, bonds, electrons, multiplicity)
        energy += spin_energy
        slope[metals] = slopes
        if composition.special:
            pairs = _Pairs(i2, j2, r, vector, length, steepness, depth, decay, cut, cut_slope, count2)
            energy += composition.misbehave(pairs, coordination, _Slopes(r_slope, vector_slope, count2_slope, slope))
        felt = slope[j2]
        count2_slope += felt * given
        everyone_slope += felt * count2 * given_slope
    else:
        spin_energy, _, unpaired, _ = _spin(composition, [], electrons, multiplicity)
        energy += spin_energy

    count2_slope += weight_all * (_scatter(i2, everyone_slope, size)[i2] - everyone_slope)
    count2_slope += weight_valence * (_scatter(i2, taken_slope, size)[i2] - taken_slope)

    # Bond directions: those of C and N cancel, two at an O enclose 106°.
    blurred = 1.0 / np.sqrt(r * r + BLUR * BLUR)
    share = count * blurred
    head = share[:, None] * vector
    axis = _scatter_vectors(i2, head, size)
    weight = share * r
    weight2 = np.concatenate((weight, weight))
    total, squares = _scatter(i2, weight2, size), _scatter(i2, weight2 * weight2, size)
    axis_squared = np.einsum("ij,ij->i", axis, axis)
    bend = axis_squared - squares - COS_BENT * (total * total - squares)
    flat, bent = composition.flat, composition.bent
    energy += float(flat @ axis_squared + bent @ (bend * bend))
    axis_slope = (2.0 * flat + 4.0 * bent * bend)[:, None] * axis
    total_slope = -4.0 * bent * bend * COS_BENT * total
    squares_slope = 2.0 * bent * bend * (COS_BENT - 1.0)
    pull = axis_slope[i] - axis_slope[j]
    weight_slope = total_slope[i] + total_slope[j] + 2.0 * weight * (squares_slope[i] + squares_slope[j])
    share_slope = np.einsum("ij,ij->i", pull, vector) + weight_slope * r
    total_count_slope = count2_slope[:half] + count2_slope[half:] + share_slope * blurred
    r_slope += total_count_slope * count_slope + weight_slope * share
    r_slope -= share_slope * share * r * blurred * blurred

    push = (r_slope / np.maximum(r, 1e-12))[:, None] * vector + share[:, None] * pull + vector_slope
    return _Answer(energy, _scatter_vectors(i2, push, size), unpaired, composition.moments(unpaired, wanted))


class MockCalculator(Calculator):  # type: ignore[misc]
    """A deterministic calculator for any element, with spin, quick enough to rehearse a campaign.

    Parameters
    ----------
    multiplicity : int or None
        2S + 1 of the whole cell. None takes the lowest state that the number of electrons allows.
    charge : int
        Total charge in e; it counts electrons and changes nothing else.
    seconds_per_force_call : float
        Time to sleep in each calculation, in seconds; it never changes the answer.

    Raises
    ------
    ase.calculators.calculator.CalculatorSetupError
        When a parameter is not allowed, or the multiplicity does not fit the number of electrons.

    Notes
    -----
    Results are energy and free_energy (eV, without a zero of any meaning), forces (eV/Å, shape (atoms, 3)), magmom and
    magmoms (Bohr magnetons, shape (atoms,), summing to multiplicity - 1).
    """

    implemented_properties: ClassVar[list[str]] = ["energy", "free_energy", "forces", "magmom", "magmoms"]
    default_parameters: ClassVar[dict[str, Any]] = {"multiplicity": None, "charge": 0, "seconds_per_force_call": 0.0}
    discard_results_on_any_change = True
    atoms: Any

    def __init__(
        self, *, multiplicity: int | None = None, charge: int = 0, seconds_per_force_call: float = 0.0
    ) -> None:
        self._composition: _Composition | None = None
        super().__init__(multiplicity=multiplicity, charge=charge, seconds_per_force_call=seconds_per_force_call)

    def set(self, **parameters: Any) -> dict[str, Any]:
        """Change parameters; results are discarded when one changes. Raises CalculatorSetupError for a bad one."""
        for name, value in parameters.items():
            whole = isinstance(value, int | np.integer) and not isinstance(value, bool)
            if name == "multiplicity" and not (value is None or (whole and value >= 1)):
                raise CalculatorSetupError(f"multiplicity is {value!r}; it must be None or an integer of 1 or more")
            if name == "charge" and not whole:
                raise CalculatorSetupError(f"charge is {value!r}; it must be an integer, in units of e")
            if name == "seconds_per_force_call" and not (isinstance(value, int | float) and 0.0 <= value < math.inf):
                raise CalculatorSetupError(f"seconds_per_force_call is {value!r}; it must be a time of 0 s or more")
            if name not in self.default_parameters:
                allowed = ", ".join(self.default_parameters)
                raise CalculatorSetupError(f"unknown parameter {name!r}; it must be one of {allowed}")
        changed: dict[str, Any] = super().set(**parameters)
        return changed

    def check_state(self, atoms: Atoms, tol: float = 0.0) -> list[str]:
        """Return what has changed since the last calculation, of the four things that the answer depends on."""
        last = self.atoms
        if last is None or len(last) != len(atoms):
            return list(all_changes)
        same = {
            "positions": bool(np.abs(last.positions - atoms.positions).max(initial=0.0) <= tol),
            "numbers": bool((last.numbers == atoms.numbers).all()),
            "cell": bool(np.abs(last.cell.array - atoms.cell.array).max() <= tol),
            "pbc": bool((last.pbc == atoms.pbc).all()),
        }
        return [name for name, unchanged in same.items() if not unchanged]

    def calculate(
        self,
        atoms: Atoms | None = None,
        properties: Sequence[str] = ("energy",),
        system_changes: Sequence[str] = tuple(all_changes),
    ) -> None:
        """Fill ``results`` for the atoms; all properties cost the same and come at once."""
        if atoms is None:
            atoms = self.atoms
        elif self.atoms is None or system_changes:
            self.atoms = atoms.copy()
        multiplicity, charge = self.parameters["multiplicity"], int(self.parameters["charge"])
        electrons = int(atoms.numbers.sum()) - charge
        if multiplicity is not None and (multiplicity - 1 - electrons) % 2:
            first = 2 - (electrons + 1) % 2
            raise CalculatorSetupError(
                f"multiplicity is {multiplicity}, which {electrons} electrons (charge {charge}) cannot have; it must "
                f"be {'odd' if first == 1 else 'even'} ({first}, {first + 2}, {first + 4} ...): choose one of these, "
                "or None for the lowest"
            )
        if self._composition is None or not np.array_equal(self._composition.numbers, atoms.numbers):
            self._composition = _Composition(atoms.numbers.copy())
        answer = _evaluate(atoms, self._composition, electrons, multiplicity)
        if self.parameters["seconds_per_force_call"]:
            time.sleep(self.parameters["seconds_per_force_call"])
        self.results = {
            "energy": answer.energy,
            "free_energy": answer.energy,
            "forces": answer.forces,
            "magmom": float(answer.unpaired),
            "magmoms": answer.moments,
        }
