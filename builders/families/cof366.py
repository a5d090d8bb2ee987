"""COF-366: a metal in a square layer of porphyrins that are linked by imines."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping
from functools import cache
from types import MappingProxyType
from typing import Any, Final

from atomsieve.builders import axial
from atomsieve.builders.clusters.fourfold import Fourfold, on_diagonal
from atomsieve.builders.family import METAL, Family, in_order, recipe, stretch
from atomsieve.builders.lattices.layers import (
    AROMATIC,
    C_H,
    Atom,
    Layer,
    away,
    hydrogens,
    onward,
    pair,
    parameters,
    settled,
    turned,
)
from atomsieve.builders.ledger import neutral
from atomsieve.structures.site import ActiveSite

#: Bonds from the macrocycle to the middle of the linker, Å: meso carbon to phenyl, phenyl to imine N, the imine, imine
#: to phenylene; as in tetraphenylporphyrins and N-benzylideneaniline.
MESO_PHENYL, PHENYL_N, N_CH, CH_PHENYLENE = 1.495, 1.415, 1.275, 1.465
#: Angles of the imine at N and at C, degrees.
AT_N, AT_CH = 120.0, 122.0
#: Degrees by which the phenyls of the porphyrin are turned out of the layer, all in the same sense. A phenyl on a meso
#: carbon alone would stand at 60 to 90, one on an imine nitrogen alone at 35 to 55.
TWIST: Final = 60.0
#: Metal-nitrogen distance as built for cobalt, Å.
METAL_N: Final = 1.95
_SCHEMA = 1
_RING = Fourfold()
# Å, between the two Cα of a pyrrole
_ALPHAS = 2 * _RING.n_alpha * math.sin(math.radians(_RING.alpha_n_alpha / 2))


def _pyrrole(metal: str) -> list[Atom]:
    """Return a pyrrole of the porphyrin, on the x axis."""
    nitrogen = METAL_N + stretch(metal)
    alpha = onward(nitrogen, _RING.n_alpha, 0.0, _ALPHAS)
    beta = onward(alpha, _RING.alpha_beta, _ALPHAS, _RING.beta_beta)
    atoms: list[Atom] = [("N", (nitrogen, 0.0, 0.0)), *pair("C", alpha, _ALPHAS)]
    atoms += pair("C", beta, _RING.beta_beta)
    corner, other = (beta, _RING.beta_beta / 2), (beta, -_RING.beta_beta / 2)
    return [*atoms, *hydrogens(C_H, corner, (alpha, _ALPHAS / 2), other)]


def _meso() -> float:
    """Return how far the meso carbons are from the metal, Å: on the diagonal of two pyrroles, bonded to their Cα.

    As cobalt has it for all metals: the core of a porphyrin widens, its outline and so the lattice hardly do.
    """
    alpha = onward(METAL_N, _RING.n_alpha, 0.0, _ALPHAS)
    return math.sqrt(2) * on_diagonal(alpha, _ALPHAS / 2, _RING.alpha_bridge)


def _phenyl(ipso: float) -> list[Atom]:
    """Return the phenylene that starts at a place on the x axis, turned about that axis."""
    rise, tilt = AROMATIC * math.sqrt(3) / 2, math.radians(TWIST)
    atoms: list[Atom] = [("C", (ipso, 0.0, 0.0)), ("C", (ipso + 2 * AROMATIC, 0.0, 0.0))]
    for place, lean in ((ipso + AROMATIC / 2, -0.5), (ipso + 1.5 * AROMATIC, 0.5)):
        for side in (1, -1):
            outer = rise + C_H * math.sqrt(3) / 2
            atoms.append(("C", (place, side * rise * math.cos(tilt), side * rise * math.sin(tilt))))
            spot = (place + lean * C_H, side * outer * math.cos(tilt), side * outer * math.sin(tilt))
            atoms.append(("H", spot))
    return atoms


@cache
def _arm() -> tuple[tuple[Atom, ...], float, float]:
    """Return what hangs on a meso carbon, the middle of its linker on the x axis.

    Returns
    -------
    tuple of Atom
        From the meso carbon to the nearer half of the phenylene.
    float
        Where the middle of the linker is, Å.
    float
        By how much the macrocycle is turned from the lattice, degrees.
    """
    meso = _meso()
    ipso = meso + MESO_PHENYL
    nitrogen = (ipso + 2 * AROMATIC + PHENYL_N, 0.0)
    # along the imine, then along the phenylene, degrees from the x axis
    first, second = math.radians(180 - AT_N), math.radians(AT_CH - AT_N)
    carbon = (nitrogen[0] + N_CH * math.cos(first), N_CH * math.sin(first))
    along = (math.cos(second), -math.sin(second))
    start = (carbon[0] + CH_PHENYLENE * along[0], carbon[1] + CH_PHENYLENE * along[1])
    middle = (start[0] + AROMATIC * along[0], start[1] + AROMATIC * along[1])
    # the half of the phenylene on this side of its middle, seen from there
    rise = AROMATIC * math.sqrt(3) / 2
    half: list[Atom] = [("C", (-AROMATIC, 0.0, 0.0)), *pair("C", -AROMATIC / 2, 2 * rise)]
    half += pair("H", -(AROMATIC + C_H) / 2, 2 * rise + C_H * math.sqrt(3))
    atoms: list[Atom] = [("C", (meso, 0.0, 0.0)), *_phenyl(ipso), ("N", (*nitrogen, 0.0)), ("C", (*carbon, 0.0))]
    atoms += [("H", (*away(C_H, carbon, nitrogen, start), 0.0)), *turned(half, -math.degrees(second), middle)]
    turn = -math.degrees(math.atan2(middle[1], middle[0]))
    return tuple(turned(atoms, turn)), math.hypot(*middle), turn


def lattice_constant() -> float:
    """Return the lattice constant that the bond lengths of the layer make, Å."""
    return 2 * _arm()[1]


def settle(values: Mapping[str, Any]) -> tuple[Mapping[str, Any], ...]:
    """Write out the lattice constant."""
    return (settled(values, lattice_constant()),)


def build(values: Mapping[str, Any]) -> ActiveSite:
    """Build one layer of COF-366: square (p4), one metal a cell, flat but for the phenyls of the porphyrin.

    The imines and the phenylenes between them lie in the plane; a relaxation decides by how much they leave it.

    Parameters
    ----------
    values : mapping
        Every parameter, settled.
    """
    (metal,) = values["metals"]
    arm, _, turn = _arm()
    quarter = [*arm, *turned(_pyrrole(metal), turn - 45)]
    atoms = [atom for quarters in range(4) for atom in turned(quarter, 90 * quarters)]
    return Layer([*atoms, (metal, (0.0, 0.0, 0.0))], lattice_constant(), 90).site(
        values,
        f"COF-366-{metal}",
        recipe("cof-366", _SCHEMA, values, tuple(FAMILY.parameters)),
        neutral(metal, "porphyrin2-", -2, {}, values["axial"]),
        "macrocycle: W. R. Scheidt and Y. J. Lee, Struct. Bonding 64 (1987) 1; usual bonds of phenyls and imines; "
        "topology: S. Wan et al., doi 10.1021/cm201140r, S. Lin et al., doi 10.1126/science.aac8343",
        f"one layer of a stacked COF; all phenyls of the porphyrin turned by {TWIST:g} degrees in the same sense",
    )


def formula(values: Mapping[str, Any]) -> Counter[str]:
    """Return what a recipe must come to, number of atoms by element: a tetra(aminophenyl)porphyrin, two dialdehydes."""
    porphyrin = Counter({"C": 44, "H": 24, "N": 8})
    return porphyrin + Counter({"C": 16, "H": 12}) + Counter(values["metals"]) + axial.composition(values["axial"])


FAMILY: Final = Family(
    name="cof-366",
    title="a metal in a layer of COF-366, porphyrins linked by imines",
    parameters=in_order(
        METAL,
        *parameters(),
    ),
    build=build,
    formula=formula,
    shells=MappingProxyType({"N": (1.85, 2.15)}),
    settle=settle,
    examples=({"metals": "Co"}, {"metals": "Fe", "axial": "Cl"}),
    schema=_SCHEMA,
)
