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
#: The sites that have been followed through a reaction, with what it does there.
Known = Sequence[tuple[SiteRows, LimitingPotential]]


def draw(found: Sequence[Level], target: Path, *, is_brief: bool = False) -> list[Path]:
    """Draw the last stage that has results.

    Parameters
    ----------
    found : sequence of Level
        All that is known of a campaign.
    target : Path
        Folder; is made if there is something to draw.
    is_brief : bool
        Whether to draw the reactions alone, as PNG and SVG: what a run ends with.

    Returns
    -------
    list of Path
        What was written, each figure as PNG, SVG and PDF.
    """
    from atomsieve.analysis.plots.figure import write

    stage, sites, _ = next((level for level in reversed(found) if any(s.potentials for s in level[1])), found[-1])
    figures: list[Drawn] = []
    for name in stage.campaign.all_reactions:
        own = [(site, p) for site in sites for p in site.potentials if p.reaction == name]
        figures += [(f"{stem}-{file_stem(name)}", drawn) for stem, drawn in _reaction(name, own)]
    if not is_brief:
        beside = compare(found)
        figures += _scalings(sites)
        for name in stage.campaign.all_reactions:
            own = [(site, p) for site in sites for p in site.potentials if p.reaction == name]
            more = (*_trends(name, own), *_resting(stage, name, own), *_trades(own, beside))
            figures += [(f"{stem}-{file_stem(name)}", drawn) for stem, drawn in more]
    paths = []
    for stem, drawn in figures:
        target.mkdir(parents=True, exist_ok=True)
        first, *others = [target / f"{stem}{suffix}" for suffix in SUFFIXES[: 2 if is_brief else None]]
        figure = drawn(first)
        for path in others:
            write(figure, path)
        paths += [first, *others]
    return paths


def _reaction(name: str, own: Known) -> Iterator[Drawn]:
    """Yield what shows a reaction, however few the sites."""
    from atomsieve.analysis.plots.diagram import free_energy_diagram
    from atomsieve.analysis.plots.network import network
    from atomsieve.analysis.plots.volcano import volcano
    from atomsieve.analysis.trends.textbook import VOLCANOES, textbook

    if not own:
        return
    potentials, rows, around = (
        [p for _, p in own],
        [row for site, _ in own for row in site.rows.values()],
        own[0][0].around,
    )
    yield "free-energy", partial(free_energy_diagram, potentials)
    if around is not None:
        if name in VOLCANOES:
            yield "volcano", partial(volcano, potentials, rows, reaction=name, activity=textbook(name, around))
        if len(reaction(name).routes) > 1:
            yield "network", partial(network, potentials, rows, around)


def _scalings(sites: Sequence[SiteRows]) -> Iterator[Drawn]:
    from atomsieve.analysis.plots.scaling_plot import scaling_plot
    from atomsieve.analysis.trends.pairs import PAIRS

    rows = [row for site in sites for row in site.rows.values()]
    for x, y in PAIRS:
        both = [site for site in sites if all(n in site.rows and site.rows[n].free is not None for n in (x, y))]
        if len(both) >= LINE:
            yield f"scaling-{file_stem(f'{y}-{x}')}", partial(scaling_plot, rows, x, y)


def _trends(name: str, own: Known) -> Iterator[Drawn]:
    """Yield what shows the sites of a reaction beside each other, and the paths of the best."""
    from atomsieve.analysis.plots.competing import competing_paths
    from atomsieve.analysis.plots.periodic import periodic_table
    from atomsieve.analysis.plots.volcano import volcano
    from atomsieve.analysis.plots.volcano_map import volcano_map
    from atomsieve.analysis.trends.textbook import VOLCANOES

    determined = [(site, p) for site, p in own if p.overpotential is not None]
    if not determined or (around := determined[0][0].around) is None:
        return
    wanted, potentials = reaction(name), [potential for _, potential in own]
    rows = [row for site, _ in own for row in site.rows.values()]
    site, best = min(determined, key=lambda pair: (pair[1].overpotential or 0.0, pair[1].site.label))
    if best.alternatives or wanted.competes:
        yield "paths", partial(competing_paths, best, site.rows.values(), around)
    if len(determined) < FEW:
        return
    if name not in VOLCANOES and (legs := _fitted(wanted, rows, 1, around)) is not None:
        yield "volcano", partial(volcano, potentials, rows, reaction=name, activity=legs)
    if (plane := _fitted(wanted, rows, 2, around)) is not None:
        yield "volcano-map", partial(volcano_map, potentials, rows, activity=plane)
    if len({metal for _, p in determined for metal in p.site.metals}) >= FEW:
        values, title = [p.overpotential for p in potentials], f"{wanted.title}: overpotential"
        yield "periodic-table", partial(periodic_table, potentials, values, "overpotential", title=title)


def _fitted(wanted: Reaction, rows: Sequence[AdsorptionEnergy], count: int, around: Surroundings) -> Activity | None:
    from atomsieve.analysis.trends.fitted import fitted

    try:
        return fitted(wanted, rows, count, around=around)
    except InputError:
        # too few sites to say what scales with what
        return None


def _resting(stage: CheckedCampaign, name: str, own: Known) -> Iterator[Drawn]:
    from atomsieve.analysis.plots.coverage import coverage

    found: dict[str, Sequence[Window]] = {}
    for site, potential in own:
        if site.around is not None:
            free = {adsorbate: row.free for adsorbate, row in site.rows.items()}
            states = resting_states(stage, reaction(name), free, site.around)
            # of the bare state alone nothing can be said
            if len(states) > 1:
                found[potential.site.key] = windows(states)
    if found:
        yield "coverage", partial(coverage, [potential for _, potential in own], found)


def _trades(own: Known, beside: Mapping[Place, Mapping[str, Any]]) -> Iterator[Drawn]:
    """Yield maps of activity against stability, and against selectivity."""
    from atomsieve.analysis.plots.maps import activity_map
    from atomsieve.analysis.trends.pareto import TRADES

    potentials = [potential for _, potential in own]
    stable = [stability_row(site.stability) if site.stability is not None else {} for site, _ in own]
    for name, (_, quantity) in TRADES.items():
        values = [{**beside[place_of(p)], **row}.get(quantity) for p, row in zip(potentials, stable, strict=True)]
        known = [v for v, p in zip(values, potentials, strict=True) if v is not None and p.overpotential is not None]
        if len(known) >= FEW:
            criteria = [c for site, _ in own if site.stability is not None for c in site.stability.criteria]
            limits = {criterion.limit for criterion in criteria if criterion.name == name}
            limit = 0.0 if quantity == "selectivity" else limits.pop() if len(limits) == 1 else None
            what = "rival comes first" if quantity == "selectivity" else "limit"
            yield f"activity-{name}", partial(activity_map, potentials, values, quantity, limit=limit, limit_name=what)
