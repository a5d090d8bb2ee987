"""Graphene: one, two or three metals in a hole of a doped graphene sheet."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from functools import partial
from types import MappingProxyType
from typing import Any, Final

from atomsieve.builders import axial
from atomsieve.builders.cells import vacuum_parameter, vacuum_suffix
from atomsieve.builders.family import REQUIRED, Family, Parameter, in_order, metals, number_between, recipe, written
from atomsieve.builders.lattices import dopants, vacancies
from atomsieve.builders.lattices.doped import IN_PLANE, crowded, host
from atomsieve.builders.lattices.honeycomb import atoms_in, size, supercell_parameter
from atomsieve.builders.lattices.pattern import LATTICE_CONSTANT, pattern, shells
from atomsieve.structures.errors import InputError, ParameterError
from atomsieve.structures.site import ActiveSite

_SCHEMA: Final = 2
_NAMES: Final = ("graphene", "graphene-dual", "graphene-triple")
# Two of these have no room side by side on metals 2.46 Å apart.
_TOO_LARGE: Final = ("Br", "imidazole")
#: Largest strain either way.
LARGEST_STRAIN: Final = 0.1
#: Å; shortest and longest metal-donor distances as built, by element.
SHELLS: Final[Mapping[str, tuple[float, float]]] = MappingProxyType(
    {element: (min(1.70, length - 0.2), length + 0.3) for element, length in IN_PLANE.items()}
)


def parse_strain(value: Any) -> tuple[float | str, ...]:
    """Read a strain: a number for both directions, or ``zigzag 0.02`` or ``armchair -0.01``.

    Raises
    ------
    InputError
        If it is neither, or larger than a tenth.
    """
    match = re.fullmatch(r"\s*(zigzag|armchair)\s+([-+]?[0-9.]+)\s*", value) if isinstance(value, str) else None
    number = value
    if match is not None:
        try:
            number = float(match[2])
        except ValueError:
            number = match[2]
    if isinstance(number, str):
        raise InputError(f"{value!r} is not a strain; write a number such as 0.02, or zigzag 0.02 or armchair 0.02")
    (amount,) = number_between(-LARGEST_STRAIN, LARGEST_STRAIN, "(a fraction)")(number)
    return (f"{match[1]} {written(amount)}",) if match is not None and amount else (amount,)


def strains(value: float | str) -> tuple[float, float]:
    """Return the strains along x (zigzag) and y (armchair)."""
    if isinstance(value, str):
        direction, amount = value.split()
        return (float(amount), 0.0) if direction == "zigzag" else (0.0, float(amount))
    return float(value), float(value)


def model_suffix(values: Mapping[str, Any]) -> str:
    """Return what a label says of lattice constant, strain and vacuum, where they are not the usual ones."""
    strain = values["strain"]
    text = f"-a{written(values['lattice_constant'])}" if values["lattice_constant"] != LATTICE_CONSTANT else ""
    text += f"-{strain.replace(' ', '')}" if isinstance(strain, str) else f"-strain{written(strain)}" if strain else ""
    return text + vacuum_suffix(values)


def model_parameters() -> tuple[Parameter, ...]:
    """Return the parameters ``lattice_constant``, ``strain`` and ``vacuum``."""
    return (
        Parameter(
            "lattice_constant",
            "lattice constant of graphene, Å",
            LATTICE_CONSTANT,
            "2.3 to 2.6",
            number_between(2.3, 2.6, "Å"),
        ),
        Parameter(
            "strain",
            "strain of the sheet, a fraction",
            0.0,
            f"{-LARGEST_STRAIN} to {LARGEST_STRAIN} in both directions, or in one, as zigzag 0.02 (along x)",
            parse_strain,
        ),
        vacuum_parameter(),
    )


def settle(values: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the values that stand for all symmetry copies of a site, one for each arrangement of dopants.

    ``5x4`` is the mirror image of ``4x5`` where one metal stands in the hole, because the mirror keeps the hole.

    Raises
    ------
    ParameterError
        If the hole is too large for the supercell, no carbon is where a dopant is wanted, two large elements would be
        neighbours, or a ligand is wanted on a metal that has one open face only.
    """
    number = len(values["metals"])
    supercell, strain = values["supercell"], values["strain"]
    uniaxial = isinstance(strain, str)
    symbols, coordination = vacancies.settled(tuple(values["metals"]), values["coordination"])
    if number == 1 and not uniaxial and not supercell.startswith("rect-"):
        supercell = "{}x{}".format(*sorted(size(supercell)))
    hole = vacancies.vacancy(number, coordination)
    if values.get("axial", "none") != "none" and hole is vacancies.SINGLE:
        raise ParameterError(
            "axial",
            f"{values['axial']} on {coordination}: a metal above a single vacancy has one open face, which its "
            "adsorbates need; use none, or four atoms around the metal",
        )
    placed = pattern(hole, supercell)
    rim = vacancies.rim_of(number, coordination)
    around = shells(placed, _pattern_of(symbols), rim, uniaxial)
    found = {
        name: spots
        for name, spots in around.expand(values["dopants"]).items()
        if not spots or not crowded(placed, rim, spots)
    }
    if not found:
        raise ParameterError(
            "dopants",
            f"{values['dopants']!r} would put S or P beside S or P, for which the sheet has no room; choose others",
        )
    for name in found:
        yield {
            **values,
            "metals": list(symbols),
            "coordination": coordination,
            "supercell": supercell,
            "dopants": name,
        }


def _pattern_of(symbols: tuple[str, ...]) -> tuple[str, ...]:
    """Return which metals are alike, whatever they are."""
    return tuple(str(symbols.index(symbol)) for symbol in symbols)


def build(values: Mapping[str, Any], order: tuple[str, ...], family: str) -> ActiveSite:
    """Build metals in a hole of a doped sheet.

    The rim of the hole is moved so that the metals' bonds have a sensible length, and S and P leave the plane, for
    which they are too large; all else stands on the lattice. Nothing is displaced at random: a symmetric site stays
    symmetric until a calculation breaks it.

    Parameters
    ----------
    values : mapping
        As :func:`settle` gives them.
    order : tuple of str
        The family's parameters.
    family : str
        Its name.

    Returns
    -------
    ActiveSite
        Carbon first, then N, B, O, P, S, the metals, and at last an axial ligand; the sheet in the middle of the cell.
    """
    symbols, coordination = tuple(values["metals"]), values["coordination"]
    strain = values["strain"]
    placed = pattern(vacancies.vacancy(len(symbols), coordination), values["supercell"])
    rim = vacancies.rim_of(len(symbols), coordination)
    around = shells(placed, _pattern_of(symbols), rim, isinstance(strain, str))
    spots = around.expand(values["dopants"])[values["dopants"]]
    sheet = host(placed, rim, spots, values["lattice_constant"], strains(strain), values["vacuum"])
    ligand = values.get("axial", "none")
    extra = "".join(f"+{term.replace('@', '(')})" for term in values["dopants"].partition("/")[0].split("+"))
    extra = "" if values["dopants"] == dopants.NONE else extra
    extra += "#" + values["dopants"].partition("/")[2] if "/" in values["dopants"] else ""
    count = len(sheet.numbers)
    site = ActiveSite(
        label=f"{''.join(symbols)}-{coordination}{axial.suffix(ligand)}{extra}"
        f"@graphene-{values['supercell']}{model_suffix(values)}",
        recipe=recipe(family, _SCHEMA, values, order),
        atoms=sheet.occupied(symbols),
        kind="sheet",
        metals=tuple(range(count, count + len(symbols))),
        donors=sheet.donors,
        bonds=sheet.bonds,
        provenance={
            "source": "built from the graphene lattice and the parameters of the recipe",
            "remarks": "metal-donor distances follow the metal's covalent radius (doi 10.1039/b801115j)",
        },
    )
    return axial.attach(site, ligand)


def formula(values: Mapping[str, Any]) -> Counter[str]:
    """Return what a recipe must come to, number of atoms by element."""
    number = len(values["metals"])
    rim, extra = vacancies.composition(values["coordination"]), dopants.composition(values["dopants"])
    removed = {3: 1, 4: 2}[sum(rim.values())] if number == 1 else 2 * number
    carbon = atoms_in(values["supercell"]) - removed - sum(rim.values()) - sum(extra.values())
    ligand = axial.composition(values.get("axial", "none"), number)
    return Counter({"C": carbon}) + rim + extra + Counter(values["metals"]) + ligand


def _family(number: int, title: str, coordination: str, supercell: str, examples: tuple[dict[str, Any], ...]) -> Family:
    what = ("the metal", "both metals", "all three metals")[number - 1]
    allowed = "a transition metal of groups 3 to 12"
    allowed += "" if number == 1 else f" each, with dashes: {'-'.join(('Fe', 'Co', 'Ni')[:number])}"
    parameters = in_order(
        Parameter("metals", what, REQUIRED, allowed, metals(number)),
        Parameter(
            "coordination",
            "the atoms that hold the metals",
            coordination,
            f"{vacancies.described(number)}, of {', '.join(vacancies.RIM_ELEMENTS)}; without the name of an isomer it "
            "stands for all of them",
            vacancies.parse_coordination(number),
        ),
        supercell_parameter(supercell),
        *model_parameters(),
        dopants.PARAMETER,
        *((axial.parameter(without=_TOO_LARGE if number == 2 else ()),) if number < 3 else ()),
    )
    name = _NAMES[number - 1]
    return Family(
        name=name,
        title=title,
        parameters=parameters,
        build=partial(build, order=tuple(parameters), family=name),
        formula=formula,
        shells=SHELLS,
        settle=settle,
        examples=examples,
        schema=_SCHEMA,
    )


FAMILIES: Final = (
    _family(
        1,
        "a metal in a vacancy of doped graphene",
        "N4",
        "4x4",
        (
            {"metals": "Fe"},
            {"metals": "Fe", "coordination": "N3", "supercell": "5x5"},
            {"metals": "Co", "coordination": "N3S1", "supercell": "6x6"},
            {"metals": "Fe", "axial": "OH", "dopants": "S@3.10", "supercell": "rect-5x3"},
        ),
    ),
    _family(
        2,
        "two bonded metals in a hole of doped graphene",
        "N6",
        "5x5",
        ({"metals": "Fe-Co"}, {"metals": "Ni-Ni", "coordination": "N5C1-C1", "supercell": "6x6"}),
    ),
    _family(
        3,
        "three bonded metals in a hole of doped graphene",
        "N6",
        "6x6",
        ({"metals": "Fe-Fe-Fe"}, {"metals": "Ni-Ni-Ni", "coordination": "N8", "supercell": "7x7"}),
    ),
)
