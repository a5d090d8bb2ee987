"""Chelate: an organic ligand around a metal, its geometry made from SMILES."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

import numpy as np
from ase.data import covalent_radii

from atomsieve.builders.vectors import Array
from atomsieve.structures.errors import BuildError, InputError

_SEED, _CONFORMERS = 7, 16
# Å: length of a metal-donor bond around which conformers are compared, and how far a spring may be stretched.
_USUAL, _STRAIN = 1.95, 0.03
# kcal/mol: strain that a ligand bears for its metal. EDDA takes 14, salen 9, 1,3-diaminobenzene with one metal 460.
_MOST = 40.0
# Force constants towards the metal: kcal/mol/Å² far above any bond's, and kcal/mol/degree² for its angles and for the
# torsions that keep a conjugated chelate ring flat.
_STIFF, _BENDING, _TWISTING = 1e4, 0.5, 0.1
# No bond between heavy atoms of a ligand gets longer than this multiple of their covalent radii: C-C 1.55 Å.
_LONGEST: Final = 1.02
# Degrees at a donor between the metal and the donor's neighbours: sp2 and sp3.
_FLAT, _PYRAMID = (105.0, 135.0), (106.0, 112.0)
#: Å; a ligand this near to its image by the twofold axis, or to its plane, is put there.
_NEARLY: Final = 0.1


@dataclass(frozen=True, eq=False)
class Chelate:
    """An organic ligand as it stands around a metal at the origin.

    The middle between its middle donors lies on the x axis; the first of these is on the side of -y, and z is across
    the plane of the donors.

    Parameters
    ----------
    symbols : tuple of str
        Elements; the metal is not among them.
    positions : ndarray of float, shape (n, 3)
        Å.
    bonds : tuple of pair of int
        Bonds within the ligand.
    donors : tuple of int
        Indices in the order of their map numbers.
    """

    symbols: tuple[str, ...]
    positions: Array
    bonds: tuple[tuple[int, int], ...]
    donors: tuple[int, ...]


@lru_cache(maxsize=256)
def chelate(smiles: str, lengths: tuple[float, ...]) -> Chelate:
    """Make a chelating ligand from SMILES, as it holds a metal.

    The metal is no atom of it but a fixed point, which the force field (MMFF94 without charges) keeps at the wanted
    distance from the donors; two or four donors, the latter square planar. Of many conformers the lowest is taken, made
    exactly twofold or planar where it nearly is, and of two mirror images always the same.

    Parameters
    ----------
    smiles : str
        The donors carry the map numbers 1, 2 ... in their order around the metal, and no proton that the metal takes
        the place of.
    lengths : tuple of float
        Distance of each donor from the metal, Å.

    Returns
    -------
    Chelate
        Shared by all callers, so never to be changed.

    Raises
    ------
    InputError
        If the SMILES cannot be read, or does not number as many donors as there are lengths.
    BuildError
        If the ligand cannot hold a metal so.
    """
    molecule, donors = _read(smiles)
    if len(donors) != len(lengths):
        raise InputError(f"{smiles!r} numbers {len(donors)} donors, but {len(lengths)} lengths are given")
    positions, _ = _relaxed(molecule, _lowest(smiles), donors, lengths)
    found = np.linalg.norm(positions[list(donors)], axis=1)
    if np.abs(found - lengths).max() > _STRAIN:
        raise BuildError(
            f"the ligand {smiles} holds a metal at {', '.join(f'{x:.2f}' for x in found)} Å; "
            f"{', '.join(f'{x:.2f}' for x in lengths)} Å are wanted"
        )
    # The last hundredths of an Å that the stiff springs left.
    positions[list(donors)] *= (np.array(lengths) / found)[:, None]
    pairs = ((bond.GetBeginAtomIdx(), bond.GetEndAtomIdx()) for bond in molecule.GetBonds())
    return Chelate(
        symbols=tuple(atom.GetSymbol() for atom in molecule.GetAtoms()),
        positions=_idealised(molecule, _align(positions, donors), donors),
        bonds=tuple(sorted((min(pair), max(pair)) for pair in pairs)),
        donors=donors,
    )


@lru_cache(maxsize=64)
def donor_elements(smiles: str) -> tuple[str, ...]:
    """Return the elements of the donors in the order of their map numbers; see :func:`chelate`."""
    molecule, donors = _read(smiles)
    return tuple(molecule.GetAtomWithIdx(donor).GetSymbol() for donor in donors)


def _read(smiles: str) -> tuple[Any, tuple[int, ...]]:
    """Return a molecule with its hydrogen, and its donors in order."""
    from rdkit import Chem

    molecule = Chem.MolFromSmiles(smiles)
    if molecule is None:
        raise InputError(f"{smiles!r} is no SMILES that can be read")
    molecule = Chem.AddHs(molecule)
    numbered = {atom.GetAtomMapNum(): atom.GetIdx() for atom in molecule.GetAtoms() if atom.GetAtomMapNum()}
    if sorted(numbered) not in ([1, 2], [1, 2, 3, 4]):
        raise InputError(f"{smiles!r} must number its donors, 2 or 4 of them, from 1 on, as [n:1]")
    return molecule, tuple(numbered[number] for number in sorted(numbered))


@lru_cache(maxsize=64)
def _lowest(smiles: str) -> Array:
    """Return the positions of the conformer of lowest energy around a metal of usual size, shape (n, 3), Å."""
    from rdkit.Chem import rdDistGeom

    molecule, donors = _read(smiles)
    lengths = (_USUAL,) * len(donors)
    settings: Any = rdDistGeom.ETKDGv3()
    settings.randomSeed = _SEED
    best, lowest = None, np.inf
    conformers = list(rdDistGeom.EmbedMultipleConfs(molecule, _CONFORMERS, settings))
    for start in [molecule.GetConformer(conformer).GetPositions() for conformer in conformers]:
        positions, energy = _relaxed(molecule, start - start[list(donors)].mean(axis=0), donors, lengths)
        strain = np.abs(np.linalg.norm(positions[list(donors)], axis=1) - _USUAL).max()
        if strain < _STRAIN and energy < lowest - 1e-4:
            best, lowest = positions, energy
    if best is None or lowest - _relaxed(molecule, best, donors, ())[1] > _MOST:
        raise BuildError(f"{smiles} cannot hold one metal with all of its {len(donors)} donors at {_USUAL:.2f} Å")
    return best


def _relaxed(
    molecule: Any, positions: Array, donors: tuple[int, ...], lengths: tuple[float, ...]
) -> tuple[Array, float]:
    """Relax a ligand around a metal at the origin, and return its positions (Å) and energy (kcal/mol).

    Without lengths there is no metal.
    """
    from rdkit.Chem import Conformer, HybridizationType, rdForceFieldHelpers

    properties = rdForceFieldHelpers.MMFFGetMoleculeProperties(molecule)
    properties.SetMMFFEleTerm(False)
    flat = all(
        atom.GetAtomicNum() == 1 or atom.GetHybridization() == HybridizationType.SP2 for atom in molecule.GetAtoms()
    )
    energy = np.inf
    # What is conjugated throughout is laid flat in the end, and stays so: no force leads out of the plane.
    for plane in (False, True) if flat else (False,):
        if plane:
            positions = _align(positions, donors) * np.array([1.0, 1.0, 0.0])
        conformer = Conformer(len(positions))
        for atom, (x, y, z) in enumerate(positions.tolist()):
            conformer.SetAtomPosition(atom, (x, y, z))
        molecule.RemoveAllConformers()
        field = rdForceFieldHelpers.MMFFGetMoleculeForceField(
            molecule, properties, confId=molecule.AddConformer(conformer, assignId=True)
        )
        field.Initialize()
        if lengths:
            _hold(field, molecule, donors, lengths)
        for _ in range(5):
            if field.Minimize(maxIts=5000, forceTol=1e-7, energyTol=1e-11) == 0:
                break
        positions, energy = np.array(field.Positions()).reshape(-1, 3)[: len(positions)], field.CalcEnergy()
    return positions, float(energy)


def _hold(field: Any, molecule: Any, donors: tuple[int, ...], lengths: tuple[float, ...]) -> None:
    """Add a metal at the origin to a force field, as a fixed point with springs and angles."""
    from rdkit.Chem import HybridizationType, rdmolops

    metal = field.AddExtraPoint(0.0, 0.0, 0.0, True) - 1
    field.Initialize()
    kinds = {atom.GetIdx(): atom.GetHybridization() for atom in molecule.GetAtoms()}
    for donor, length in zip(donors, lengths, strict=True):
        field.MMFFAddDistanceConstraint(metal, donor, False, length, length, _STIFF)
        low, high = _PYRAMID if kinds[donor] == HybridizationType.SP3 else _FLAT
        for neighbour in sorted(other.GetIdx() for other in molecule.GetAtomWithIdx(donor).GetNeighbors()):
            field.MMFFAddAngleConstraint(metal, donor, neighbour, False, low, high, _BENDING)
    # MMFF94 gives way in the bond of a carboxylate to its carbon (1.68 Å in EDDA); angles have to instead
    for bond in molecule.GetBonds():
        pair = bond.GetBeginAtom(), bond.GetEndAtom()
        if all(atom.GetAtomicNum() > 1 for atom in pair):
            longest = _LONGEST * sum(float(covalent_radii[atom.GetAtomicNum()]) for atom in pair)
            ends = (atom.GetIdx() for atom in pair)
            field.MMFFAddDistanceConstraint(*ends, False, 0.0, longest, _STIFF)
    if len(donors) == 4:
        for one, other in ((0, 2), (1, 3)):
            field.MMFFAddAngleConstraint(donors[one], metal, donors[other], False, 176.0, 180.0, _BENDING)
    for one, other in itertools.pairwise(donors):
        ring = list(rdmolops.GetShortestPath(molecule, one, other))
        if all(kinds[atom] == HybridizationType.SP2 for atom in ring):
            for first, second, third in (ring[:3], ring[:-4:-1]):
                field.MMFFAddTorsionConstraint(metal, first, second, third, False, -1.0, 1.0, _TWISTING)


def _align(positions: Array, donors: tuple[int, ...]) -> Array:
    first, last = (donors[0], donors[1]) if len(donors) == 2 else (donors[1], donors[2])
    x = positions[first] + positions[last]
    x /= np.linalg.norm(x)
    y = positions[last] - positions[first]
    y -= (y @ x) * x
    y /= np.linalg.norm(y)
    turned: Array = positions @ np.array([x, y, np.cross(x, y)]).T
    if len(donors) == 4:
        # x stays; y and z turn until the donors lie as near as they can to the plane of x and y.
        across = turned[list(donors), 1:]
        _, _, axes = np.linalg.svd(across)
        tilt = axes[0] if axes[0, 0] > 0 else -axes[0]
        turned[:, 1:] = turned[:, 1:] @ np.array([[tilt[0], -tilt[1]], [tilt[1], tilt[0]]])
    return turned


def _idealised(molecule: Any, positions: Array, donors: tuple[int, ...]) -> Array:
    """Make a ligand exactly twofold about x and exactly planar where it nearly is, and choose its handedness."""
    turned = positions * np.array([1.0, -1.0, -1.0])
    exchanges = [
        list(match)
        for match in molecule.GetSubstructMatches(molecule, uniquify=False, maxMatches=100_000)
        if tuple(match[donor] for donor in donors) == donors[::-1]
    ]
    if exchanges:
        images = [turned[exchange] for exchange in exchanges]
        gaps = [float(np.abs(image - positions).max()) for image in images]
        if min(gaps) < _NEARLY:
            positions = (positions + images[int(np.argmin(gaps))]) / 2
    if np.abs(positions[:, 2]).max() < _NEARLY:
        positions = positions * np.array([1.0, 1.0, 0.0])
    hand = float(positions.prod(axis=1).sum())
    return positions * np.array([1.0, 1.0, -1.0]) if hand < 0 else positions
