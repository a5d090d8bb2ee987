"""Macrocycle: a metal in a porphyrin or phthalocyanine, as a molecule."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from types import MappingProxyType
from typing import Any, Final

import numpy as np
from ase import Atoms
from ase.data import atomic_numbers

from atomsieve.builders import axial
from atomsieve.builders.clusters.fourfold import Fourfold, molecule
from atomsieve.builders.clusters.ligands import growth
from atomsieve.builders.family import METAL, Family, in_order, recipe
from atomsieve.builders.ledger import neutral
from atomsieve.structures.site import ActiveSite

_SCHEMA = 1
_ORDER = ("metals", "axial")
_SCHEIDT = "W. R. Scheidt and Y. J. Lee, Struct. Bonding 64 (1987) 1"


@dataclass(frozen=True)
class Macrocycle:
    """A macrocycle that holds one metal.

    Parameters
    ----------
    title : str
        What it is with its metal.
    ion : str
        What it is without, of charge -2.
    formula : mapping of str to int
        Its atoms by element.
    metal_nitrogen : callable
        From the symbol of the metal to its distance from nitrogen, Å.
    shell : (float, float)
        Shortest and longest such distance, Å.
    source : str
        Of the numbers.
    shape : Fourfold
        Its geometry.
    """

    title: str
    ion: str
    formula: Mapping[str, int]
    metal_nitrogen: Callable[[str], float]
    shell: tuple[float, float]
    source: str
    shape: Fourfold


# Averages over crystal structures of metalloporphyrins, rounded, are the defaults of Fourfold.
_MACROCYCLES: Final[Mapping[str, Macrocycle]] = MappingProxyType(
    {
        "porphine": Macrocycle(
            title="a metalloporphine molecule",
            ion="porphyrinate",
            formula={"C": 20, "H": 12, "N": 4},
            metal_nitrogen=lambda metal: 1.95 + growth(metal),
            shell=(1.88, 2.15),
            source=f"bond lengths of metalloporphyrins, {_SCHEIDT}",
            shape=Fourfold(fitted_to=1.95),
        ),
        "tetraphenylporphyrin": Macrocycle(
            title="a metal tetraphenylporphyrin molecule",
            ion="tetraphenylporphyrinate",
            formula={"C": 44, "H": 28, "N": 4},
            metal_nitrogen=lambda metal: 1.95 + growth(metal),
            shell=(1.88, 2.15),
            source=f"bond lengths of metalloporphyrins, {_SCHEIDT}",
            shape=Fourfold(alpha_bridge=1.37, alpha_n_alpha=104.0, phenyl=True, fitted_to=1.95),
        ),
        "tetrabenzoporphyrin": Macrocycle(
            title="a metal tetrabenzoporphyrin molecule, the pyrrolic flake",
            ion="tetrabenzoporphyrinate",
            formula={"C": 36, "H": 20, "N": 4},
            metal_nitrogen=lambda metal: 1.95 + growth(metal),
            shell=(1.88, 2.15),
            source=f"bond lengths of metalloporphyrins, {_SCHEIDT}; fused rings as in phthalocyanines",
            shape=Fourfold(beta_beta=1.40, alpha_bridge=1.37, alpha_n_alpha=104.0, benzo=True, fitted_to=1.95),
        ),
        "phthalocyanine": Macrocycle(
            title="a metal phthalocyanine molecule",
            ion="phthalocyaninate",
            formula={"C": 32, "H": 16, "N": 8},
            # The smaller, stiffer hole gives way by little more than half of what a porphyrin's does: Zn 1.98.
            metal_nitrogen=lambda metal: 1.91 + 0.6 * growth(metal),
            shell=(1.85, 2.05),
            source=(
                "rounded bond lengths of crystalline phthalocyanines, J. F. Kirner, W. Dow and W. R. Scheidt, "
                "Inorg. Chem. 15 (1976) 1685, and works cited there"
            ),
            shape=Fourfold(
                alpha_beta=1.45,
                beta_beta=1.40,
                alpha_bridge=1.32,
                alpha_n_alpha=106.7,
                bridge="N",
                benzo=True,
                fitted_to=1.91,
            ),
        ),
    }
)


def build(name: str, values: Mapping[str, Any]) -> ActiveSite:
    """Build a metal in a macrocycle: planar but for phenyls, centred on its metal, in no cell.

    Parameters
    ----------
    name : str
        The macrocycle.
    values : mapping
        ``metals`` and ``axial``.

    Returns
    -------
    ActiveSite
        Carbon, hydrogen, nitrogen, the metal, then the axial ligand.
    """
    (metal,) = values["metals"]
    kind = _MACROCYCLES[name]
    ring, donors, bonds = molecule(kind.shape, kind.metal_nitrogen(metal))
    atoms = Atoms(
        numbers=[*ring.numbers, atomic_numbers[metal]],
        positions=np.vstack([ring.positions, np.zeros((1, 3))]),
        pbc=False,
    )
    site = ActiveSite(
        label=f"{metal}-{name}{axial.suffix(values['axial'])}",
        recipe=recipe(name, _SCHEMA, values, _ORDER),
        atoms=atoms,
        kind="cluster",
        metals=(len(ring),),
        donors=(donors,),
        bonds=bonds,
        ledger=neutral(metal, kind.ion, -2, {}, values["axial"]),
        provenance={"source": kind.source, "remarks": "metal-nitrogen distances follow the size of the metal"},
    )
    return axial.attach(site, values["axial"])


def formula(name: str, values: Mapping[str, Any]) -> Counter[str]:
    """Return what a recipe must come to, number of atoms by element."""
    return Counter(_MACROCYCLES[name].formula) + Counter(values["metals"]) + axial.composition(values["axial"])


def _family(name: str) -> Family:
    kind = _MACROCYCLES[name]
    return Family(
        name=name,
        title=kind.title,
        parameters=in_order(
            METAL,
            axial.parameter(),
        ),
        build=partial(build, name),
        formula=partial(formula, name),
        shells=MappingProxyType({"N": kind.shell}),
        examples=({"metals": "Co"}, {"metals": "Fe", "axial": "OH"}),
        schema=_SCHEMA,
    )


FAMILIES: Final = tuple(_family(name) for name in _MACROCYCLES)
