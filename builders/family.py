"""Family and Parameter: a kind of support, and what a recipe may say about it."""

from __future__ import annotations

import itertools
import math
import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType
from typing import Any, Final

from ase.data import atomic_names, atomic_numbers, chemical_symbols, covalent_radii

from atomsieve.structures.errors import InputError, unknown
from atomsieve.structures.identity import plain
from atomsieve.structures.site import ActiveSite

#: Transition metals of groups 3 to 12; lanthanides and actinides are left out.
TRANSITION_METALS: Final[tuple[str, ...]] = tuple(
    chemical_symbols[number] for period in (range(21, 31), range(39, 49), range(72, 81)) for number in period
)
#: Stands for the default of a parameter that a person must give.
REQUIRED: Final[Any] = object()


@dataclass(frozen=True)
class Parameter:
    """One key of a recipe.

    Parameters
    ----------
    name : str
        The key in a campaign file.
    title : str
        What it is.
    default : object
        The value of the file that stands where none is given, or :data:`REQUIRED`.
    allowed : str
        What may be written, for people.
    parse : callable
        Turns one scalar of the file into the values that it stands for (``N2C2`` into three isomers); raises
        :class:`~atomsieve.structures.errors.InputError`.
    is_path : bool
        It may name a file, which is looked for beside the campaign file.
    """

    name: str
    title: str
    default: Any
    allowed: str
    parse: Callable[[Any], tuple[Any, ...]]
    is_path: bool = False


def as_given(values: Mapping[str, Any]) -> tuple[Mapping[str, Any], ...]:
    """Leave the values of a recipe as they are; the families whose parameters are independent settle them so."""
    return (values,)


@dataclass(frozen=True, eq=False)
class Family:
    """A kind of support with the function that builds it.

    Parameters
    ----------
    name : str
        What a campaign calls it.
    title : str
        What it is.
    parameters : mapping of str to Parameter
        In the order in which a recipe lists them.
    build : callable
        Makes a site from the value of every parameter, all of them in the form that ``parse`` and ``settle`` give.
    formula : callable
        What the same values must come to, number of atoms by element; told from the chemistry, never from ``build``.
    shells : mapping of str to (float, float)
        Shortest and longest distance of a metal and a donor as built, Å, by the element of the donor.
    settle : callable
        From values that parse on their own to those that they stand for together: none is a symmetry copy of another,
        what follows from others (a charge from oxidation states) is filled in, settled values settle to themselves.
        Raises :class:`~atomsieve.structures.errors.ParameterError` where they do not go together.
    examples : tuple of mapping
        Entries as in a campaign file, each of which stands for one site; for the gallery, and for the tests that relax.
    schema : int
        Raised when the same parameters come to mean another geometry.
    inseparable : str
        Why the metal cannot be taken out; empty where what is left is a molecule or a sheet of its own.
    """

    name: str
    title: str
    parameters: Mapping[str, Parameter]
    build: Callable[[Mapping[str, Any]], ActiveSite]
    formula: Callable[[Mapping[str, Any]], Counter[str]]
    shells: Mapping[str, tuple[float, float]]
    settle: Callable[[Mapping[str, Any]], Iterable[Mapping[str, Any]]] = as_given
    examples: tuple[Mapping[str, Any], ...] = ()
    schema: int = 1
    inseparable: str = ""


def in_order(*parameters: Parameter) -> Mapping[str, Parameter]:
    """Return parameters by name, in the order in which they are given."""
    return MappingProxyType({parameter.name: parameter for parameter in parameters})


def recipe(name: str, schema: int, values: Mapping[str, Any], order: tuple[str, ...]) -> dict[str, Any]:
    """Write out a recipe: family, schema and every parameter, lists copied.

    Parameters
    ----------
    name : str
        The family.
    schema : int
        Its schema.
    values : mapping
        The value of every parameter.
    order : tuple of str
        The parameters in the order in which they are listed.
    """
    copied = {key: list(values[key]) if isinstance(values[key], list | tuple) else values[key] for key in order}
    return {"family": name, "schema": schema, **copied}


def excess(metal: str) -> float:
    """Return by how much a metal's covalent radius (doi 10.1039/b801115j) is larger than cobalt's, at least 0, in Å."""
    return max(float(covalent_radii[atomic_numbers[metal]] - covalent_radii[atomic_numbers["Co"]]), 0.0)


def stretch(metal: str) -> float:
    """Return by how much a metal's bonds are built longer than cobalt's, from its covalent radius.

    A start geometry only: a quarter of the difference of the radii (doi 10.1039/b801115j), because the rigid pore takes
    up a part of it only, and never over 0.12 Å.

    Parameters
    ----------
    metal : str
        Chemical symbol.

    Returns
    -------
    float
        Å; 0 for Co and Ni, 0.015 for Fe, 0.11 for Sc.
    """
    return min(0.25 * excess(metal), 0.12)


@cache
def _element_names() -> dict[str, str]:
    return {name.casefold(): chemical_symbols[number] for number, name in enumerate(atomic_names) if number}


def parse_metal(value: Any) -> tuple[list[str], ...]:
    """Read the metal of a site with one transition metal; see :func:`metals`."""
    return metals(1)(value)


def metals(number: int, *, allowed: tuple[str, ...] = TRANSITION_METALS) -> Callable[[Any], tuple[list[str], ...]]:
    """Return the parser of the metals of a site.

    Parameters
    ----------
    number : int
        How many metals the site has. More than one are written with dashes, as ``Fe-Co``, and stand for every order of
        them; the family's ``settle`` merges those that are the same site.
    allowed : tuple of str
        Chemical symbols.

    Returns
    -------
    callable
        Gives tuples of lists of symbols: a recipe names all metals of a site. Raises
        :class:`~atomsieve.structures.errors.InputError` for anything that is no such metal.
    """

    def parse(value: Any) -> tuple[list[str], ...]:
        if number == 1:
            if isinstance(value, str) and all(part in atomic_numbers for part in value.split("-")) and "-" in value:
                raise InputError(
                    f"{value!r} names several metals, but the site has one; `atomsieve families` lists those with more"
                )
            return ([_metal(value, allowed)],)
        symbols = _listed(value) if isinstance(value, list | tuple) else _written_together(value)
        return tuple(list(order) for order in sorted(set(itertools.permutations(symbols))))

    def _listed(value: list[Any] | tuple[Any, ...]) -> list[str]:
        symbols = [_metal(entry, allowed) for entry in value]
        if len(symbols) != number:
            raise InputError(f"{value!r} does not name {number} metals")
        return symbols

    def _written_together(value: Any) -> list[str]:
        example = "-".join(("Fe", "Co", "Ni")[:number])
        parts = re.split(r"\s*[-+/]\s*", value.strip()) if isinstance(value, str) else [value]
        if len(parts) == 1 and isinstance(value, str):
            parts = re.findall("[A-Z][a-z]?", value) if re.fullmatch("(?:[A-Z][a-z]?)+", value) else parts
        symbols = [_metal(part, allowed) for part in parts]
        if len(symbols) != number:
            raise InputError(
                f"{value!r} names {len(symbols)} metal(s), but the site has {number}; write them as {example}"
            )
        return symbols

    return parse


def _metal(value: Any, allowed: tuple[str, ...]) -> str:
    """Read one chemical symbol."""
    if isinstance(value, bool):
        raise InputError(
            f"{str(value).lower()} is no metal: YAML reads No, Yes, On and Off without quotes as true or false; "
            "put the symbol in quotes"
        )
    if isinstance(value, str) and value in allowed:
        return value
    if isinstance(value, str) and value in atomic_numbers and value != "X":
        what = "not a transition metal of groups 3 to 12" if allowed is TRANSITION_METALS else "not possible here"
        raise InputError(f"{value} is {what}; allowed: {', '.join(allowed)}")
    if isinstance(value, str) and (symbol := _element_names().get(value.strip().casefold())) is not None:
        raise InputError(f"unknown metal {value!r} (did you mean {symbol!r}?); write the chemical symbol")
    if not isinstance(value, str):
        raise InputError(f"{value!r} is no metal; write one chemical symbol, such as Fe, or a flat list of them")
    raise InputError(unknown(value, allowed, "metal"))


#: The parameter ``metals`` of families with one metal, which may be any transition metal.
METAL: Final = Parameter("metals", "the metal", REQUIRED, "a transition metal of groups 3 to 12", parse_metal)


def one_of(*allowed: str, what: str) -> Callable[[Any], tuple[str, ...]]:
    """Return the parser of a name.

    Parameters
    ----------
    *allowed : str
        The names.
    what : str
        What they name, for the message.
    """

    def parse(value: Any) -> tuple[str, ...]:
        if isinstance(value, str) and value in allowed:
            return (value,)
        raise InputError(unknown(value, allowed, what))

    return parse


def number_between(low: float, high: float, unit: str) -> Callable[[Any], tuple[float]]:
    """Return the parser of a number within bounds (both included).

    Parameters
    ----------
    low, high : float
        The bounds.
    unit : str
        Their unit, for the message.
    """

    def parse(value: Any) -> tuple[float]:
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise InputError(f"{value!r} is not a number; write one from {low:g} to {high:g} {unit}, without quotes")
        if not (math.isfinite(value) and low <= value <= high):
            raise InputError(f"{value} is out of bounds; allowed: {low:g} to {high:g} {unit}")
        return (float(value),)

    return parse


def whole_number(low: int, high: int) -> Callable[[Any], tuple[int]]:
    """Return the parser of a whole number within bounds (both included)."""

    def parse(value: Any) -> tuple[int]:
        if isinstance(value, bool) or not isinstance(value, int | float) or not float(value).is_integer():
            raise InputError(f"{value!r} is not a whole number; write one from {low} to {high}, without quotes")
        if not low <= value <= high:
            raise InputError(f"{value} is out of bounds; allowed: {low} to {high}")
        return (int(value),)

    return parse


def true_or_false(value: Any) -> tuple[bool]:
    """Read a parameter that is true or false."""
    if not isinstance(value, bool):
        raise InputError(f"{value!r} is not possible; write true or false")
    return (value,)


def written(value: float) -> str:
    """Write a number for a label: 20, 2.45."""
    return str(plain(value))
