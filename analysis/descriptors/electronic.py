"""Electronic descriptors: spin states, moments, charges and the d band, as far as the calculator gives them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from atomsieve.analysis.descriptors.table import Row, over_metals
from atomsieve.analysis.spin import SpinOutcome, distinct_states
from atomsieve.structures.energies import AdsorptionEnergy
from atomsieve.structures.judgement import USABLE
from atomsieve.structures.site import ActiveSite

#: What is kept of a d band, and under which name the calculation states it.
BAND: Mapping[str, str] = {
    "d_band_centre": "centre",
    "d_band_centre_up": "centre_up",
    "d_band_centre_down": "centre_down",
    "d_band_width": "width",
    "d_band_filling": "filling",
}


def spin(rows: Iterable[AdsorptionEnergy]) -> Row:
    """Return the spin of the lowest clean state and the gap to the next one.

    Parameters
    ----------
    rows : iterable of AdsorptionEnergy
        Of one site and method; all stand on the same clean state.
    """
    row: Row = {"multiplicity": None, "spin_states": None, "spin_gap": None}
    for first in rows:
        tried = {str(entry["key"]): entry for entry in first.considered if entry["role"] == "clean"}
        usable = [entry for entry in tried.values() if entry["status"] == "done" and entry["verdict"] in USABLE]
        row["multiplicity"] = first.multiplicity.get("clean")
        if usable and all(entry["multiplicity"] is not None for entry in usable):
            outcomes = [SpinOutcome(float(entry["energy"]), entry["multiplicity"]) for entry in usable]
            groups = distinct_states(outcomes)
            row["spin_states"] = len(groups)
            if len(groups) > 1:
                row["spin_gap"] = outcomes[groups[1][0]].energy - outcomes[groups[0][0]].energy
        break
    return row


def electronic(site: ActiveSite, moments: Sequence[float] | None, structure: Mapping[str, Any] | None = None) -> Row:
    """Return moments, charges and d bands of a site's metals.

    Parameters
    ----------
    site : ActiveSite
        The site.
    moments : sequence of float or None
        Of all atoms of the relaxed clean site, μB.
    structure : mapping or None
        The electronic structure at that geometry: ``charges`` (e by scheme, of all atoms), ``moments`` (μB),
        ``d_band`` (eV by the index of a metal) and ``gap`` (eV), each only where the calculator gives it.
    """
    given = structure if structure is not None else {}
    moments = given.get("moments") or moments
    each: list[dict[str, Any]] = []
    for metal in site.metals:
        band = given.get("d_band", {}).get(str(metal), {})
        each.append(
            {
                "moment": float(moments[metal]) if moments is not None else None,
                **{f"charge_{scheme}": float(charges[metal]) for scheme, charges in given.get("charges", {}).items()},
                **{column: band.get(name) for column, name in BAND.items()},
            }
        )
    return {**over_metals(each), "gap": given.get("gap")}
