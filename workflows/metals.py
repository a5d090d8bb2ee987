"""Metals: which scheme gives the energy of a bulk metal beside a site's, and by which method it is calculated."""

from __future__ import annotations

from dataclasses import replace
from types import MappingProxyType
from typing import Final

from atomsieve.analysis.bulk import SCHEMES
from atomsieve.structures.errors import InputError, unknown
from atomsieve.structures.hubbard import hubbard_u
from atomsieve.structures.metal import metal
from atomsieve.structures.method import Method
from atomsieve.workflows.calculators import calculator

#: The schemes that ``auto`` takes, the first that is possible: ``mixed`` is for who asks for it.
AUTOMATIC: Final = ("bulk", "cohesive")
#: The table of U that the correction of ``mixed`` was fitted with, and the code whose projectors it belongs to.
MIXED_TABLE: Final = "materials-project"
MIXED_CODE: Final = "vasp"
#: The task of a UMA model that was trained on bulk metals.
MATERIALS_TASK: Final = "omat"


def scheme_problem(method: Method, symbol: str, scheme: str) -> str:
    """Return why a scheme cannot give the energy of a bulk metal beside energies of a method, and what to do.

    Parameters
    ----------
    method : Method
        Of the site's energies.
    symbol : str
        Chemical symbol of the metal.
    scheme : str
        ``bulk``, ``cohesive`` or ``mixed``.

    Returns
    -------
    str
        Empty where it is possible.

    Raises
    ------
    InputError
        If there is no such scheme or calculator, or no data of the metal.
    """
    if scheme not in SCHEMES:
        raise InputError(unknown(scheme, ("auto", *SCHEMES), "scheme for bulk metals"))
    known, entry = metal(symbol), calculator(method.calculator)
    if symbol not in entry.elements:
        return f"{entry.title} does not know {symbol}; take a calculator that does"
    if scheme == "cohesive":
        if "atom" in entry.metals:
            return ""
        return f"{entry.title} was not made for free atoms, whose energies from it mean nothing; take the scheme 'bulk'"
    if known.no_bulk:
        return f"no bulk of {symbol} is calculated: {known.no_bulk}; {_instead(method)}"
    if "bulk" not in entry.metals or method.physics.get("kpoints") == "Γ":
        return f"{entry.title} is at Γ alone here, which is no bulk metal; {_instead(method, kpoints=True)}"
    if method.physics.get("task", MATERIALS_TASK) != MATERIALS_TASK:
        return (
            f"the task {method.physics['task']!r} of {entry.title} was not trained on bulk metals; write "
            f"'task: {MATERIALS_TASK}' for all energies of the campaign"
        )
    u = float(method.physics.get("u", {}).get(symbol, 0.0))
    if scheme == "bulk":
        if not u:
            return ""
        return (
            f"U of {u:g} eV on {symbol} makes no sense in the bulk metal, and energies with and without U do not "
            f"combine; {_instead(method)}"
        )
    return _mixed_problem(method, symbol, u)


def _mixed_problem(method: Method, symbol: str, u: float) -> str:
    """Return why the correction between GGA and GGA+U does not hold for a metal; empty where it does."""
    asked = f"the scheme 'mixed' wants vasp with PBE and the U of {MIXED_TABLE}, which its correction was fitted with"
    if not u:
        return f"{symbol} has no U in this method, so that there is nothing to mix; take the scheme 'bulk'"
    if method.calculator != MIXED_CODE or method.physics.get("functional") != "PBE":
        return f"{asked}; this is {method.title()}; {_instead(method)}"
    if u != hubbard_u(MIXED_TABLE).get(symbol):
        return f"{asked}; this method has a U of {u:g} eV on {symbol}; {_instead(method)}"
    return ""


def _instead(method: Method, *, kpoints: bool = False) -> str:
    """Say what to do where a bulk cannot be calculated."""
    entry, ways = calculator(method.calculator), []
    if "atom" in entry.metals:
        ways.append("take the scheme 'cohesive'")
    u = method.physics.get("u", {})
    if method.calculator == MIXED_CODE and u and u == hubbard_u(MIXED_TABLE):
        ways.append("or 'mixed'")
    if kpoints and "bulk" in entry.metals:
        ways.append("or k-points")
    return " ".join(ways) or "take a calculator that knows free atoms, with the scheme 'cohesive'"


def chosen_scheme(method: Method, symbol: str, asked: str = "auto") -> str:
    """Return the scheme for a bulk metal beside energies of a method.

    Parameters
    ----------
    method : Method
        Of the site's energies.
    symbol : str
        Chemical symbol of the metal.
    asked : str
        A scheme, or ``auto`` for ``bulk`` where it is possible, else ``cohesive``.

    Raises
    ------
    InputError
        If the scheme is not possible, or with ``auto`` none is; says why.
    """
    if asked != "auto":
        if problem := scheme_problem(method, symbol, asked):
            raise InputError(problem)
        return asked
    problems = {scheme: scheme_problem(method, symbol, scheme) for scheme in AUTOMATIC}
    for scheme, problem in problems.items():
        if not problem:
            return scheme
    raise InputError(f"no energy of bulk {symbol}: " + "; ".join(f"{name}: {why}" for name, why in problems.items()))


def metal_method(method: Method, scheme: str) -> Method:
    """Return the method by which what a scheme names is calculated: the site's, without U for ``mixed``."""
    if scheme != "mixed":
        return method
    return replace(method, physics=MappingProxyType({**method.physics, "u": {}}))
