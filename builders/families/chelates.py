"""Chelate complex: a metal held by an organic ligand of two or four donors, as a molecule."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from types import MappingProxyType
from typing import Any, Final

import numpy as np
from ase import Atoms
from ase.data import atomic_numbers

from atomsieve.builders import axial
from atomsieve.builders.clusters.ligands import growth, ligand
from atomsieve.builders.clusters.organic import chelate, donor_elements
from atomsieve.builders.family import METAL, Family, Parameter, in_order, one_of, recipe
from atomsieve.builders.ledger import neutral
from atomsieve.structures.errors import ParameterError
from atomsieve.structures.site import ActiveSite

#: Distances of cobalt(II) and a terminal anion, Å (Cl, Br: tetrahedral and square planar dihalides of diimines, 2.20 to
#: 2.31 and 2.34 to 2.43 over the transition metals; the others rounded); other metals follow their size.
ANIONS: Final[Mapping[str, float]] = MappingProxyType({"F": 1.82, "Cl": 2.22, "Br": 2.36, "OH": 1.85, "CN": 1.90})
#: Degrees between the two anions.
SHAPES: Final[Mapping[str, float]] = MappingProxyType({"square-planar": 90.0, "tetrahedral": 114.0})
#: What links the two halves of a salen, and the ligand that this makes.
BRIDGES: Final[Mapping[str, str]] = MappingProxyType({"ethylene": "salen", "phenylene": "salphen"})

_SCHEMA = 1
# Å by which N stands farther from any tetrahedral metal than from square planar cobalt (Co, Ni, Zn: 2.00 to 2.07).
_TETRAHEDRAL = 0.10
_WINDOWS: Final = MappingProxyType(
    {"N": (1.75, 2.20), "O": (1.75, 2.20), "F": (1.75, 2.10), "Cl": (2.10, 2.45), "Br": (2.25, 2.60), "C": (1.80, 2.15)}
)


def _site(
    name: str, metal: str, growth: float, label: str, made: dict[str, Any], ledger: dict[str, int], remark: str
) -> ActiveSite:
    """Put a ligand of the data file and its metal, the last atom, into a site; bonds are longer by ``growth`` (Å)."""
    kind = ligand(name)
    lengths = tuple(round(kind.lengths[element] + growth, 4) for element in donor_elements(kind.smiles))
    held = chelate(kind.smiles, lengths)
    centre = len(held.symbols)
    return ActiveSite(
        label=label,
        recipe=made,
        atoms=Atoms([*held.symbols, metal], np.vstack([held.positions, np.zeros((1, 3))])),
        kind="cluster",
        metals=(centre,),
        donors=(held.donors,),
        bonds=tuple(sorted([*held.bonds, *((donor, centre) for donor in held.donors)])),
        ledger=ledger,
        provenance={
            "source": kind.source,
            "remarks": f"{remark}; conformer from RDKit (MMFF94, the metal a fixed point)",
        },
    )


def build_tetradentate(name: str, values: Mapping[str, Any]) -> ActiveSite:
    """Build a metal in the plane of four donors of one ligand: twofold, neutral, both faces open and alike.

    Parameters
    ----------
    name : str
        The family.
    values : mapping
        ``metals``, ``axial``, and ``bridge`` of a salen.

    Returns
    -------
    ActiveSite
        The ligand, the metal, then the axial ligand.
    """
    (metal,) = values["metals"]
    held = _ligand_of(name, values)
    site = _site(
        held,
        metal,
        growth(metal),
        f"{metal}-{held}{axial.suffix(values['axial'])}",
        recipe(name, _SCHEMA, values, tuple(values)),
        neutral(metal, f"{held}2-", ligand(held).charge, {}, values["axial"]),
        "square planar",
    )
    return axial.attach(site, values["axial"])


def build_dihalide(name: str, values: Mapping[str, Any]) -> ActiveSite:
    """Build a metal with a neutral chelate of two donors and two anions: M(II), of coordination 4.

    Square planar by default, which is what an adsorbate finds: with it the complex is a square pyramid, the usual shape
    of coordination 5. A tetrahedral one has no face that an adsorbate fits on before it opens.

    Parameters
    ----------
    name : str
        The ligand.
    values : mapping
        ``metals``, ``anions``, ``shape`` and ``axial``.

    Returns
    -------
    ActiveSite
        The ligand, the metal, the anions, then the axial ligand.
    """
    (metal,) = values["metals"]
    anion, shape = values["anions"], values["shape"]
    planar = shape == "square-planar"
    written = f"{anion}2" if anion in atomic_numbers else f"({anion})2"
    site = _site(
        name,
        metal,
        growth(metal) if planar else _TETRAHEDRAL,
        f"{metal}-{name}-{written}{'' if planar else f'-{shape}'}{axial.suffix(values['axial'])}",
        recipe(name, _SCHEMA, values, tuple(values)),
        neutral(metal, name, 0, {f"2 {anion}-": -2}, values["axial"]),
        shape.replace("-", " "),
    )
    atoms, bonds, (centre,) = site.atoms.copy(), list(site.bonds), site.metals
    donors = list(site.donors[0])
    form = axial.LIGANDS[anion]
    half = math.radians(SHAPES[shape] / 2)
    aside = np.array([0.0, 1.0, 0.0] if planar else [0.0, 0.0, 1.0])
    # The second is the first, turned about the axis of the chelate; of OH one hydrogen is above and the other below.
    along = math.cos(half) * np.array([-1.0, 0.0, 0.0]) - math.sin(half) * aside
    up = np.array([0.0, 0.0, 1.0] if planar else [0.0, 1.0, 0.0])
    axes = np.array([up, np.cross(along, up), along])
    spots = (np.array(form.positions) + np.array([0.0, 0.0, ANIONS[anion] + (growth(metal) if planar else 0.0)])) @ axes
    for image in (spots, spots * np.array([1.0, -1.0, -1.0])):
        start = len(atoms)
        atoms += Atoms(form.symbols, image)
        bonds += [(start + i, start + j) for i, j in form.bonds] + [(centre, start)]
        donors.append(start)
    # Around the metal: N, N, then the anion next to the second N.
    first, second, third, fourth = donors
    complete = replace(site, atoms=atoms, bonds=tuple(sorted(bonds)), donors=((first, second, fourth, third),))
    return axial.attach(complete, values["axial"])


def _settle(values: Mapping[str, Any]) -> tuple[Mapping[str, Any], ...]:
    if values["shape"] == "tetrahedral" and values["axial"] != "none":
        raise ParameterError(
            "axial", f"{values['axial']} has no place on a tetrahedral metal; use none, or the shape square-planar"
        )
    return (values,)


def _ligand_of(name: str, values: Mapping[str, Any]) -> str:
    return BRIDGES[values["bridge"]] if name == "salen" else name


def formula(name: str, values: Mapping[str, Any]) -> Counter[str]:
    """Return what a recipe must come to, number of atoms by element."""
    anions = axial.composition(values["anions"], 2) if "anions" in values else Counter()
    held = ligand(_ligand_of(name, values)).composition
    return held + Counter(values["metals"]) + anions + axial.composition(values["axial"])


def _dihalide(name: str, title: str, example: str) -> Family:
    return Family(
        name=name,
        title=title,
        parameters=in_order(
            METAL,
            Parameter("anions", "both anions", "Cl", ", ".join(ANIONS), one_of(*ANIONS, what="anion")),
            Parameter(
                "shape", "how the donors stand", "square-planar", ", ".join(SHAPES), one_of(*SHAPES, what="shape")
            ),
            axial.parameter(),
        ),
        build=partial(build_dihalide, name),
        formula=partial(formula, name),
        shells=_WINDOWS,
        settle=_settle,
        examples=(
            {"metals": example},
            {"metals": "Co", "anions": "OH"},
        ),
        schema=_SCHEMA,
    )


def _tetradentate(name: str, title: str, examples: tuple[Mapping[str, Any], ...], *more: Parameter) -> Family:
    return Family(
        name=name,
        title=title,
        parameters=in_order(METAL, *more, axial.parameter()),
        build=partial(build_tetradentate, name),
        formula=partial(formula, name),
        shells=_WINDOWS,
        examples=examples,
        schema=_SCHEMA,
    )


FAMILIES: Final = (
    _tetradentate(
        "salen",
        "a metal salen or salphen molecule",
        (
            {"metals": "Co"},
            {"metals": "Ni", "bridge": "phenylene"},
            {"metals": "Mn", "axial": "Cl"},
        ),
        Parameter("bridge", "what links the halves", "ethylene", ", ".join(BRIDGES), one_of(*BRIDGES, what="bridge")),
    ),
    _tetradentate(
        "EDDA",
        "a metal ethylenediaminediacetate molecule: EDTA but for the two arms that would cover both faces",
        ({"metals": "Cu"}, {"metals": "Co", "axial": "H2O"}),
    ),
    _dihalide("bipyridine", "a metal(II) with 2,2'-bipyridine and two anions, as a molecule", "Pd"),
    _dihalide("ethylenediamine", "a metal(II) with a chelating diamine and two anions, as a molecule", "Pd"),
)
