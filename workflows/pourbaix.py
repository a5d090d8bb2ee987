"""Pourbaix: what covers a site of a campaign at each potential and pH, as tables and pictures."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from rich.markup import escape
from rich.table import Table

from atomsieve.analysis.labels import NOT_PREDICTIVE, label, potential_label
from atomsieve.analysis.planes import Plane, dissolved, planes
from atomsieve.analysis.pourbaix import Covering, Diagram, Span, covering, diagram
from atomsieve.analysis.resting import BARE
from atomsieve.analysis.surroundings import Surroundings
from atomsieve.structures.conditions import with_ligands
from atomsieve.structures.energies import SiteLabel
from atomsieve.structures.errors import InputError
from atomsieve.structures.method import Method
from atomsieve.structures.units import nernst_slope
from atomsieve.workflows import screen
from atomsieve.workflows.checked import CheckedCampaign
from atomsieve.workflows.commands import stored_levels
from atomsieve.workflows.explaining import known_of
from atomsieve.workflows.folder import file_stem
from atomsieve.workflows.harvest import SiteRows


def environment(checked: CheckedCampaign, known: SiteRows) -> Surroundings:
    """Return the surroundings of a site with the ligands that the campaign states.

    Raises
    ------
    InputError
        If a molecule is still to be calculated.
    """
    if known.around is None:
        raise InputError("a molecule is still to be calculated; run the campaign first")
    return known.around.at(**with_ligands(checked.conditions, checked.campaign.ligands))


def there(checked: CheckedCampaign) -> tuple[str, ...]:
    """Return the molecules besides water that a campaign states to be there: ligands, and those of its conditions."""
    conditions = checked.campaign.conditions
    return tuple(dict.fromkeys([*checked.campaign.ligands, *conditions.pressures, *conditions.activities]))


def site_planes(checked: CheckedCampaign, known: SiteRows) -> tuple[Plane, ...]:
    """Return the states in which a site may rest, each with its plane; the bare one first.

    Parameters
    ----------
    checked : CheckedCampaign
        The campaign, or the stage.
    known : SiteRows
        What it knows of the site.

    Raises
    ------
    InputError
        If a molecule is still to be calculated.
    """
    adsorbed = {name: row.terms for name, row in known.rows.items()}
    return planes(adsorbed, environment(checked, known), there(checked))


def read_range(text: str, name: str) -> Span:
    """Read ``-1:2``.

    Raises
    ------
    InputError
        If it is no range.
    """
    try:
        low, high = (float(part) for part in text.split(":"))
    except ValueError:
        raise InputError(f"--{name} {text!r} is no range; write its ends with a colon between them, as -1:2") from None
    return low, high


def dissolved_planes(checked: CheckedCampaign, known: SiteRows) -> tuple[Plane, ...]:
    """Return what a site dissolves to, each with its plane; none where the campaign asks for no stability.

    Raises
    ------
    InputError
        If the formation energy of the site, or a dissolved species of its metals, is not known.
    """
    one, section = known.stability, checked.campaign.stability
    if one is None or section is None:
        return ()
    if "formation_energy" not in one.energies:
        raise InputError(one.missing["formation_energy"])
    return dissolved(one.site.metals, one.energies["formation_energy"], activity=section.activity)


def show(
    file_or_name: str, site: str | None, output: Path | None, ph: str, potential: str, scale: str, *, as_json: bool
) -> None:
    """Print the regions of a site's Pourbaix diagram, and draw it.

    Parameters
    ----------
    file_or_name : str
        A campaign.
    site : str or None
        A label, the beginning of one, or a key; may be left out where there is one site.
    output : Path or None
        Where pictures go; the campaign's reports unless given.
    ph, potential : str
        The box, ``0:14`` and ``-1:2`` (V on the scale).
    scale : str
        ``SHE`` or ``RHE``.
    as_json : bool
        Print plain data, and draw nothing.
    """
    potentials, range_ph = read_range(potential, "potential"), read_range(ph, "ph")
    campaign, found_levels = stored_levels(file_or_name)
    checked, known = known_of(found_levels, site)
    first = next(iter(known.rows.values()))
    why = ""
    states = site_planes(checked, known)
    try:
        states = (*states, *dissolved_planes(checked, known))
    except InputError as error:
        why = f"without what it dissolves to: {error}"
    found = diagram(states, potentials, range_ph, scale=scale)
    around = environment(checked, known)
    here = covering(states, around.potential, around.ph)
    if as_json:
        screen.print_json(_plain(first.site, states, found, here, around))
        return
    from atomsieve.analysis.plots.pourbaix import pourbaix_plot

    out = screen.console()
    out.print(_table(first.site, found))
    if why:
        out.print(escape(why), style="yellow", soft_wrap=True)
    if without := [f"{name}*" for name, row in known.rows.items() if row.free is None]:
        out.print(f"without an energy, and so not among them: {', '.join(without)}", soft_wrap=True)
    for line in _sentences(here, around):
        out.print(escape(line), soft_wrap=True)
    mark = around.potential - (nernst_slope(around.temperature) * around.ph if scale == "SHE" else 0.0)
    predictive = Method.from_dict(first.method).is_predictive
    notes = [] if predictive else [f"{NOT_PREDICTIVE} ({first.method['calculator']})"]
    folder = output or campaign.folder.root / "reports" / campaign.campaign.name
    folder.mkdir(parents=True, exist_ok=True)
    for suffix in ("png", "svg"):
        path = folder / f"pourbaix-{file_stem(first.site.label)}.{suffix}"
        pourbaix_plot(found, path, title=first.site.label, mark=(around.ph, mark), notes=notes)
        out.print(f"plot: {path}", soft_wrap=True)
    for note in notes:
        out.print(f"[bold yellow]{escape(note)}[/bold yellow]")


def _table(site: SiteLabel, found: Diagram) -> Table:
    table = Table("state", "from pH", "to", f"from {potential_label(found.scale).header}", "to", "corners (pH, U)")
    table.title = f"{escape(site.label)}, from the largest region on"
    ph, potential = label("pH"), potential_label(found.scale)
    for region in sorted(found.regions, key=lambda region: -region.area):
        xs, ys = zip(*region.corners, strict=True)
        corners = "  ".join(f"({ph.text(x)}, {potential.text(y)})" for x, y in region.corners)
        ends = (ph.text(min(xs)), ph.text(max(xs)), potential.text(min(ys)), potential.text(max(ys)))
        table.add_row(escape(region.state), *ends, corners)
    return table


def _sentences(here: Covering, around: Surroundings) -> Iterator[str]:
    """Say what covers a site under the conditions of its campaign, and what poisons it."""
    where = f"at {label('potential').text(around.potential)} V vs RHE and pH {label('pH').text(around.ph)}"
    energy = label("free")
    if here.state == BARE:
        after = f"; {here.order[1][0]} lies {energy.text(here.order[1][1])} eV above" if len(here.order) > 1 else ""
        yield f"{where} the site is bare{after}"
    else:
        yield f"{where} {here.state} covers the site, {energy.text(-here.free)} eV below the bare one"
    if here.margin is not None:
        what = "below" if here.is_poisoned else "above"
        verdict = "poisons the site" if here.is_poisoned else "does not poison the site"
        yield (
            f"of the ligands {here.ligand} binds most strongly and {verdict}: {here.poison} lies "
            f"{energy.text(abs(here.margin))} eV {what} {here.without}"
        )


def _plain(
    site: SiteLabel, states: Sequence[Plane], found: Diagram, here: Covering, around: Surroundings
) -> dict[str, Any]:
    """Return all as plain data; where a plane has no end in pH there is none."""
    return {
        "site": asdict(site),
        "scale": found.scale,
        "ph": list(found.ph),
        "potentials": list(found.potentials),
        "states": [
            {
                **asdict(plane),
                "intercept": plane.intercept,
                "low": plane.low if math.isfinite(plane.low) else None,
                "high": plane.high if math.isfinite(plane.high) else None,
            }
            for plane in states
        ],
        "regions": [{**asdict(region), "area": region.area} for region in found.regions],
        "boundaries": [asdict(boundary) for boundary in found.boundaries],
        "triple_points": [{"states": list(names), "at": list(point)} for names, point in found.triple_points],
        "covering": {"potential": around.potential, "ph": around.ph, **here.to_dict()},
    }
