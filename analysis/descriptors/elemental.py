"""Elemental descriptors: what the periodic table says of the metals of a site, and of them among their donors."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from functools import cache
from typing import Any, Final

from ase.data import atomic_numbers, covalent_radii

from atomsieve.analysis.descriptors.table import Row, over_metals
from atomsieve.analysis.geometry import LOW_SPIN_RADII
from atomsieve.structures.site import ActiveSite

#: Coordination numbers as tables of ionic radii write them.
ROMAN: Final = ("", "I", "II", "III", "IV", "V", "VI", "VII", "VIII", "IX", "X", "XI", "XII")
#: τ4 below which four neighbours are rather a square than a tetrahedron.
SQUARE: Final = 0.5


def elemental(
    site: ActiveSite, states: Mapping[str, int], geometry: Mapping[str, Any], multiplicity: int | None = None
) -> Row:
    """Return the elemental descriptors of a site.

    Parameters
    ----------
    site : ActiveSite
        The site.
    states : mapping of str to int
        Formal oxidation states by metal, as far as the support states them.
    geometry : mapping
        Geometric descriptors of the site, for the radii that depend on neighbours; empty where nothing is relaxed.
    multiplicity : int or None
        2S + 1 of the clean site.

    Returns
    -------
    dict
        By column; None where something is not known.
    """
    several = len(site.metals) > 1
    each = []
    for number, symbol in enumerate(site.metal_symbols, start=1):
        row = dict(element(symbol))
        state = states.get(symbol)
        electrons = row["group"] - state if state is not None and 3 <= row["group"] <= 12 else None
        shell = len(site.donors[number - 1]) + (len(site.axial[number - 1]) if site.axial else 0)
        tau = geometry.get(f"tau4_{number}" if several else "tau4")
        spin = multiplicity if not several else None
        row |= {
            "oxidation_state": state,
            "d_electrons_ion": electrons,
            "ionic_radius": ionic_radius(symbol, state, shell, tau, spin) if state is not None and geometry else None,
        }
        each.append(row)
    return {**over_metals(each), "phi_O": phi(site, "O"), "phi_H": phi(site, "H")}


@cache
def element(symbol: str) -> Mapping[str, Any]:
    """Return what depends on a metal alone, by column."""
    from pymatgen.core.periodic_table import Element

    of = Element(symbol)
    return {
        "atomic_number": of.Z,
        "group": of.group,
        "period": of.row,
        "d_electrons": d_electrons(symbol),
        "electronegativity": float(of.X),
        "covalent_radius": LOW_SPIN_RADII.get(symbol, float(covalent_radii[atomic_numbers[symbol]])),
        "ionization_energy": float(of.ionization_energy) if of.ionization_energy is not None else None,
        "electron_affinity": float(of.electron_affinity),
    }


def d_electrons(symbol: str) -> int:
    """Return the number of d electrons of the outermost d shell of a free atom, none before the third group: Cr 5."""
    from pymatgen.core.periodic_table import Element

    of = Element(symbol)
    # the d shell that fills in this period lies one below its principal quantum number
    return sum(count for n, kind, count in of.full_electronic_structure if kind == "d" and n == of.row - 1)


def ionic_radius(
    symbol: str, state: int, neighbours: int, tau: float | None = None, multiplicity: int | None = None
) -> float | None:
    """Return an effective ionic radius, doi 10.1107/S0567739476001551.

    Parameters
    ----------
    symbol : str
        The metal.
    state : int
        Oxidation state.
    neighbours : int
        How many.
    tau : float or None
        τ4 of four neighbours: below :data:`SQUARE` the radius in a square is taken where there is one.
    multiplicity : int or None
        2S + 1; decides between low and high spin where there are both.

    Returns
    -------
    float or None
        Å; None where the table has none, or has two and nothing decides between them.
    """
    from pymatgen.core.periodic_table import Element

    of = Element(symbol)
    table = of.data.get("Shannon radii", {}).get(str(state), {})
    names = [ROMAN[neighbours]] if neighbours < len(ROMAN) else []
    if neighbours == 4 and tau is not None and tau < SQUARE:
        names.insert(0, "IVSQ")
    radii = next((table[name] for name in names if name in table), None)
    if radii is None:
        return None
    if len(radii) == 1:
        return float(next(iter(radii.values()))["ionic_radius"])
    if multiplicity is None:
        return None
    electrons = of.group - state
    spin = "High Spin" if multiplicity - 1 >= min(electrons, 10 - electrons) else "Low Spin"
    return float(radii[spin]["ionic_radius"]) if spin in radii else None


def phi(site: ActiveSite, of: str) -> float | None:
    """Return φ = θ_d [χ_M + α (n_N χ_N + n_C χ_C)] / χ of one metal among N and C, with α = 1.

    After H. Xu, D. Cheng, D. Cao and X. C. Zeng, Nat. Catal. 1 (2018) 339, doi 10.1038/s41929-018-0063-z: θ_d is the
    number of d electrons of the free metal atom, χ are electronegativities on Pauling's scale.

    Parameters
    ----------
    site : ActiveSite
        The site.
    of : str
        The element that divides: ``O`` for the oxygen reactions, ``H`` for hydrogen evolution.

    Returns
    -------
    float or None
        None of several metals, other donors than N and C, or a metal with a ligand of its own.
    """
    from pymatgen.core.periodic_table import Element

    if len(site.metals) != 1 or any(site.axial):
        return None
    donors = Counter(str(site.atoms.symbols[donor]) for donor in site.donors[0])
    if not donors or set(donors) - {"N", "C"}:
        return None
    (metal,) = site.metal_symbols
    around = sum(count * float(Element(symbol).X) for symbol, count in donors.items())
    return d_electrons(metal) * (float(Element(metal).X) + around) / float(Element(of).X)
