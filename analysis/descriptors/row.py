"""Row of descriptors: all that is known of one site by one method, in one line."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from atomsieve.analysis.descriptors.electronic import electronic, spin
from atomsieve.analysis.descriptors.elemental import elemental
from atomsieve.analysis.descriptors.geometric import geometric, shells
from atomsieve.analysis.descriptors.table import Row, rounded
from atomsieve.structures.calculation import Calculation
from atomsieve.structures.energies import AdsorptionEnergy
from atomsieve.structures.limiting import LimitingPotential
from atomsieve.structures.site import ActiveSite


def descriptors(
    site: ActiveSite,
    clean: Calculation | None,
    *,
    states: Mapping[str, int] | None = None,
    rows: Mapping[str, AdsorptionEnergy] | None = None,
    potentials: Iterable[LimitingPotential] = (),
    structure: Mapping[str, Any] | None = None,
) -> Row:
    """Return the descriptors of a site.

    Parameters
    ----------
    site : ActiveSite
        As built.
    clean : Calculation or None
        Its lowest clean state; without one there are only the descriptors that need no relaxed geometry.
    states : mapping of str to int, optional
        Formal oxidation states by metal.
    rows : mapping of str to AdsorptionEnergy, optional
        By adsorbate.
    potentials : iterable of LimitingPotential
        One a reaction.
    structure : mapping, optional
        Electronic structure of the clean state; see :func:`~atomsieve.analysis.descriptors.electronic.electronic`.

    Returns
    -------
    dict
        By column, numbers to six decimals; None where something is not known.
    """
    known = rows if rows is not None else {}
    spins = spin(known.values())
    relaxed = site.with_positions(clean.atoms["positions"]) if clean is not None else None
    geometry = geometric(relaxed) if relaxed is not None else {}
    moments = clean.moments if clean is not None else None
    row: Row = {
        **(geometry or shells(site)),
        **elemental(site, states or {}, geometry, spins["multiplicity"]),
        **spins,
        **electronic(site, moments, structure),
    }
    for name, energy in known.items():
        row |= {f"energy_{name}": energy.electronic, f"free_{name}": energy.free, f"verdict_{name}": energy.verdict}
    for potential in potentials:
        row[f"limiting_potential_{potential.reaction}"] = potential.limiting_potential
        row[f"overpotential_{potential.reaction}"] = potential.overpotential
    return {column: rounded(value) for column, value in row.items()}
