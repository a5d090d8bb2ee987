"""Drawing: the figures that say something of a campaign, as files for a paper."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from atomsieve.analysis.resting import Window, windows
from atomsieve.analysis.stability import stability_row
from atomsieve.analysis.surroundings import Surroundings
from atomsieve.structures.energies import AdsorptionEnergy
from atomsieve.structures.errors import InputError
from atomsieve.structures.limiting import LimitingPotential
from atomsieve.structures.reaction import Reaction, reaction
from atomsieve.workflows.checked import CheckedCampaign
from atomsieve.workflows.comparison import Place, compare, place_of, resting_states
from atomsieve.workflows.folder import file_stem
from atomsieve.workflows.funnel import Level
from atomsieve.workflows.harvest import SiteRows

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from atomsieve.analysis.trends.activity import Activity

#: What each figure is written as: to look at, and to put into a paper.
SUFFIXES = (".png", ".svg", ".pdf")
#: Sites from which on a figure of many sites says something: two that differ, three on a line.
FEW, LINE = 2, 3

#: The name of a figure, and what draws it into a file.
Drawn = tuple[str, Callable[[Path], "Figure"]]


def draw(found: Sequence[Level], target: Path) -> list[Path]:
    """Draw the last stage that has results.

    Parameters
    ----------
    found : sequence of Level
        All that is known of a campaign.
    target : Path
        Folder; is made if there is something to draw.

    Returns
    -------
    list of Path
        What was written, each figure as PNG, SVG and PDF.
    """
    from atomsieve.analysis.plots.figure import write

    stage, sites, _ = next((level for level in reversed(found) if any(s.potentials for s in level[1])), found[-1])
    beside = compare(found)
    figures = [*_scalings(sites)]
    for name in stage.campaign.all_reactions:
        own = [(site, p) for site in sites for p in site.potentials if p.reaction == name]
        figures += [(f"{stem}-{file_stem(name)}", drawn) for stem, drawn in _of_reaction(stage, name, own, beside)]
    paths = []
    for stem, drawn in figures:
        target.mkdir(parents=True, exist_ok=True)
        first, *others = [target / f"{stem}{suffix}" for suffix in SUFFIXES]
        figure = drawn(first)
        for path in others:
            write(figure, path)
        paths += [first, *others]
    return paths


def _scalings(sites: Sequence[SiteRows]) -> Iterator[Drawn]:
    from atomsieve.analysis.plots.scaling_plot import scaling_plot
    from atomsieve.analysis.trends.pairs import PAIRS

    rows = [row for site in sites for row in site.rows.values()]
    for x, y in PAIRS:
        both = [site for site in sites if all(n in site.rows and site.rows[n].free is not None for n in (x, y))]
        if len(both) >= LINE:
            yield f"scaling-{file_stem(f'{y}-{x}')}", partial(scaling_plot, rows, x, y)


def _of_reaction(
    stage: CheckedCampaign,
    name: str,
    own: Sequence[tuple[SiteRows, LimitingPotential]],
    beside: Mapping[Place, Mapping[str, Any]],
) -> Iterator[Drawn]:
    from atomsieve.analysis.plots.competing import competing_paths
    from atomsieve.analysis.plots.coverage import coverage
    from atomsieve.analysis.plots.diagram import free_energy_diagram
    from atomsieve.analysis.plots.network import network
    from atomsieve.analysis.plots.periodic import periodic_table
    from atomsieve.analysis.plots.volcano import volcano
    from atomsieve.analysis.plots.volcano_map import volcano_map

    if not own:
        return
    wanted, potentials = reaction(name), [potential for _, potential in own]
    rows = [row for site, _ in own for row in site.rows.values()]
    around = own[0][0].around
    determined = [(site, p) for site, p in own if p.overpotential is not None]
    yield "free-energy", partial(free_energy_diagram, potentials)
    if around is None:
        return
    if len(wanted.routes) > 1:
        yield "network", partial(network, potentials, rows, around)
    if determined:
        site, best = min(determined, key=lambda pair: (pair[1].overpotential or 0.0, pair[1].site.label))
        if best.alternatives or wanted.competes:
            yield "paths", partial(competing_paths, best, site.rows.values(), around)
    if len(determined) >= FEW:
        legs = activity(wanted, rows, 1, around)
        if legs is not None:
            yield "volcano", partial(volcano, potentials, rows, reaction=name, activity=legs)
        plane = activity(wanted, rows, 2, around)
        if plane is not None:
            yield "volcano-map", partial(volcano_map, potentials, rows, activity=plane)
        if len({metal for _, p in determined for metal in p.site.metals}) >= FEW:
            overpotentials = [p.overpotential for p in potentials]
            title = f"{wanted.title}: overpotential"
            yield (
                "periodic-table",
                partial(periodic_table, potentials, overpotentials, "overpotential", title=title, sense="low"),
            )
    resting = _resting(stage, wanted, own)
    if resting:
        yield "coverage", partial(coverage, potentials, resting)
    yield from _trades(own, beside)


def activity(wanted: Reaction, rows: Sequence[AdsorptionEnergy], count: int, around: Surroundings) -> Activity | None:
    """Return the activity of a reaction over one descriptor, as the literature has it where it does, or two.

    None where the sites are too few to say.
    """
    from atomsieve.analysis.trends.fitted import fitted
    from atomsieve.analysis.trends.textbook import VOLCANOES, textbook

    try:
        if count == 1 and wanted.name in VOLCANOES:
            return textbook(wanted.name, around)
        return fitted(wanted, rows, count, around=around)
    except InputError:
        return None


def _resting(
    stage: CheckedCampaign, wanted: Reaction, own: Sequence[tuple[SiteRows, LimitingPotential]]
) -> dict[str, Sequence[Window]]:
    """Return what rests where, by the keys of sites of which more is known than the bare state."""
    found = {}
    for site, potential in own:
        if site.around is not None:
            free = {name: row.free for name, row in site.rows.items()}
            states = resting_states(stage, wanted, free, site.around)
            if len(states) > 1:
                found[potential.site.key] = windows(states)
    return found


def _trades(
    own: Sequence[tuple[SiteRows, LimitingPotential]], beside: Mapping[Place, Mapping[str, Any]]
) -> Iterator[Drawn]:
    """Yield maps of activity against stability, and against selectivity."""
    from atomsieve.analysis.plots.maps import activity_map
    from atomsieve.analysis.trends.pareto import TRADES

    potentials = [potential for _, potential in own]
    stable = [stability_row(site.stability) if site.stability is not None else {} for site, _ in own]
    for name, (_, quantity) in TRADES.items():
        values = [(beside[place_of(p)] | row).get(quantity) for p, row in zip(potentials, stable, strict=True)]
        known = [v for v, p in zip(values, potentials, strict=True) if v is not None and p.overpotential is not None]
        if len(known) >= FEW:
            criteria = [c for site, _ in own if site.stability is not None for c in site.stability.criteria]
            limits = {criterion.limit for criterion in criteria if criterion.name == name}
            limit = 0.0 if quantity == "selectivity" else limits.pop() if len(limits) == 1 else None
            what = "rival comes first" if quantity == "selectivity" else "has to pass"
            yield f"activity-{name}", partial(activity_map, potentials, values, quantity, limit=limit, limit_name=what)
