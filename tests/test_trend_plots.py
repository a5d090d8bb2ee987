"""Figures of trends over made-up sites: one, some, and three hundred of them."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.text import Annotation
from PIL import Image

from atomsieve.analysis.electrode import limiting_potential
from atomsieve.analysis.labels import label
from atomsieve.analysis.plots import figure as common
from atomsieve.analysis.plots.competing import competing_paths
from atomsieve.analysis.plots.coverage import coverage
from atomsieve.analysis.plots.diagram import free_energy_diagram
from atomsieve.analysis.plots.figure import COLOURMAP, COLOURS, WIDTHS
from atomsieve.analysis.plots.maps import activity_map
from atomsieve.analysis.plots.periodic import periodic_table
from atomsieve.analysis.plots.pourbaix import FILLS, FIXED
from atomsieve.analysis.plots.scaling_plot import scaling_plot
from atomsieve.analysis.plots.sites import MOST_FAMILIES, families
from atomsieve.analysis.plots.volcano import volcano
from atomsieve.analysis.plots.volcano_map import volcano_map
from atomsieve.analysis.resting import candidates, windows
from atomsieve.analysis.surroundings import surroundings
from atomsieve.analysis.trends.activity import Activity
from atomsieve.analysis.trends.fitted import fitted
from atomsieve.analysis.trends.pairs import scalings
from atomsieve.analysis.trends.pareto import pareto_front
from atomsieve.analysis.trends.textbook import OOH_OVER_OH
from atomsieve.analysis.trends.top import top
from atomsieve.structures.energies import AdsorptionEnergy, SiteLabel
from atomsieve.structures.errors import InputError, MethodMismatchError
from atomsieve.structures.limiting import LimitingPotential
from atomsieve.structures.reaction import reaction

from .test_plots import CHEAP, CONDITIONS, DEAR, adsorption, words

METALS = [
    "Ti",
    "V",
    "Cr",
    "Mn",
    "Fe",
    "Co",
    "Ni",
    "Cu",
    "Zn",
    "Zr",
    "Nb",
    "Mo",
    "Ru",
    "Rh",
    "Pd",
    "Ag",
    "Cd",
    "Hf",
    "Ta",
    "W",
    "Re",
    "Os",
    "Ir",
    "Pt",
    "Au",
    "Sc",
    "Y",
    "Al",
    "Ga",
    "In",
    "Sn",
    "Sb",
    "Bi",
    "Pb",
    "Mg",
]
FAMILIES = [
    "graphene",
    "porphyrin",
    "salen",
    "node",
    "paddlewheel",
    "gC3N4",
    "graphdiyne",
    "edge",
    "catecholate",
    "bipyridine",
    "ribbon",
    "cage",
]
AROUND = surroundings(CONDITIONS)
MAP = Activity(reaction("ORR"), ["OH", "O"], [OOH_OVER_OH])

Crowd = tuple[list[AdsorptionEnergy], list[LimitingPotential]]


@cache
def crowd(number: int, name: str = "ORR") -> Crowd:
    """Return sites around real scaling; a few lie off it, and of a few OOH* falls apart."""
    rng = np.random.default_rng(3)
    rows: list[AdsorptionEnergy] = []
    potentials = []
    for place in range(number):
        metal, family = METALS[place % len(METALS)], FAMILIES[place // len(METALS) % len(FAMILIES)]
        metals = (metal, "Fe") if place % 7 == 6 else (metal,)
        site = SiteLabel(f"{metal}-N4@{family}-{place}", f"key-{place}", family, metals)
        hydroxide = rng.normal(0.8, 0.7)
        free: dict[str, float | None] = {
            "OH": hydroxide,
            "O": 2 * hydroxide + 0.9 + rng.normal(0, 0.25),
            "OOH": 0.9 * hydroxide + 3.25 + rng.normal(0, 0.1) + 0.9 * (place % 40 == 17),
            "H": rng.normal(0.3, 0.4),
        }
        if place % 23 == 5:
            free["OOH"] = None
        for other in reaction(name).adsorbates:
            free.setdefault(other, rng.normal(0, 0.6))
        mine = {a: adsorption(site, a, None if g is None else float(g), CHEAP) for a, g in free.items()}
        rows += mine.values()
        potentials.append(limiting_potential(reaction(name), mine, site=site, method=CHEAP, conditions=CONDITIONS))
    return rows, potentials


def stabilities(potentials: Sequence[LimitingPotential]) -> list[float | None]:
    rng = np.random.default_rng(5)
    return [None if place % 11 == 10 else float(rng.normal(-1, 1.5)) for place in range(len(potentials))]


def resting(rows: Sequence[AdsorptionEnergy]) -> dict[str, Any]:
    free: dict[str, dict[str, float | None]] = {}
    for row in rows:
        free.setdefault(row.site.key, {})[row.adsorbate] = row.free
    return {key: windows(candidates(own, AROUND)) for key, own in free.items()}


#: Every kind of figure of many sites, from its rows and limiting potentials.
KINDS: Mapping[str, Callable[..., Figure]] = {
    "scaling": lambda rows, potentials, path, **more: scaling_plot(rows, "OH", "OOH", path, **more),
    "volcano": lambda rows, potentials, path, **more: volcano(potentials, rows, path, "ORR", **more),
    "volcano map": lambda rows, potentials, path, **more: volcano_map(potentials, rows, path, MAP, **more),
    "activity and stability": lambda rows, potentials, path, **more: activity_map(
        potentials, stabilities(potentials), "formation_energy", path, limit=0.0, **more
    ),
    "activity and selectivity": lambda rows, potentials, path, **more: activity_map(
        potentials, stabilities(potentials), "selectivity", path, **more
    ),
    "periodic table": lambda rows, potentials, path, **more: periodic_table(
        potentials, [p.overpotential for p in potentials], "overpotential", path, title="overpotential", **more
    ),
    "coverage": lambda rows, potentials, path, **more: coverage(potentials, resting(rows), path, **more),
    "diagram": lambda rows, potentials, path, **more: free_energy_diagram(potentials, path, **more),
    "paths": lambda rows, potentials, path, **more: competing_paths(potentials[0], rows, AROUND, path, **more),
}
NAMED = ("scaling", "volcano", "volcano map", "activity and stability")


def markers(axes: Axes) -> int:
    return sum(len(line.get_xdata()) for line in axes.lines if line.get_gid() == "sites")


def determined(potentials: Sequence[LimitingPotential]) -> list[LimitingPotential]:
    return [p for p in potentials if p.limiting_potential is not None]


def boxes(figure: Figure) -> list[Any]:
    """Return the boxes of names, without their leaders."""
    figure.draw_without_rendering()
    return [super(Annotation, name).get_window_extent() for name in names_of(figure)]


def names_of(figure: Figure) -> list[Annotation]:
    return [child for child in figure.axes[0].get_children() if isinstance(child, Annotation)]


@pytest.mark.parametrize("kind", KINDS)
def test_each_figure_is_written_for_a_journal(tmp_path: Path, kind: str) -> None:
    rows, potentials = crowd(3)
    figure = KINDS[kind](rows, potentials, tmp_path / "one.png", columns=1)
    for suffix in (".svg", ".pdf"):
        common.write(figure, tmp_path / f"one{suffix}")
    KINDS[kind](rows, potentials, tmp_path / "two.pdf")
    with Image.open(tmp_path / "one.png") as image:
        assert image.width == pytest.approx(WIDTHS[1] / 25.4 * 300, abs=2)
    starts = {".png": b"\x89PNG", ".svg": b"<?xm", ".pdf": b"%PDF"}
    for suffix, start in starts.items():
        assert (tmp_path / f"one{suffix}").read_bytes()[:4] == start
    if kind != "scaling":
        (width,) = re.findall(rb"/MediaBox \[ 0 0 ([\d.]+)", (tmp_path / "two.pdf").read_bytes())
        assert float(width) == pytest.approx(WIDTHS[2] / 25.4 * 72, abs=0.1)
    assert "pre-screening, not predictive (gfn1-xtb)" in words(tmp_path / "one.svg")


@pytest.mark.parametrize("kind", ["volcano map", "periodic table"])
def test_figures_are_the_same_each_time(tmp_path: Path, kind: str) -> None:
    rows, potentials = crowd(3)
    for name in ("a.pdf", "b.pdf"):
        KINDS[kind](rows, potentials, tmp_path / name)
    assert (tmp_path / "a.pdf").read_bytes() == (tmp_path / "b.pdf").read_bytes()


@pytest.mark.parametrize("number", [1, 300])
def test_every_site_that_is_determined_has_its_marker(tmp_path: Path, number: int) -> None:
    rows, potentials = crowd(number)
    known = determined(potentials)
    for kind in ("scaling", "volcano", "volcano map"):
        assert markers(KINDS[kind](rows, potentials, tmp_path / "x.png").axes[0]) == len(known)
    values = stabilities(potentials)
    both = [p for p, v in zip(potentials, values, strict=True) if v is not None and p.limiting_potential is not None]
    assert markers(KINDS["activity and stability"](rows, potentials, tmp_path / "x.png").axes[0]) == len(both)
    assert markers(KINDS["coverage"](rows, potentials, tmp_path / "x.png").axes[0]) == min(len(known), 30)


@pytest.mark.parametrize(("kind", "columns"), [*((kind, 2) for kind in NAMED), ("volcano map", 1)])
def test_names_of_three_hundred_sites_stay_apart(tmp_path: Path, kind: str, columns: int) -> None:
    figure = KINDS[kind](*crowd(300), tmp_path / "x.png", columns=columns)
    found = boxes(figure)
    assert len(found) >= 5
    assert not [(i, j) for i, a in enumerate(found) for j, b in enumerate(found) if i < j and a.overlaps(b)]
    # a name without a leader is nearest to its own site
    drawn = [line.get_xydata() for line in figure.axes[0].lines if line.get_gid() == "sites"]
    spots = figure.axes[0].transData.transform(np.vstack(drawn))
    for name, box in zip(names_of(figure), found, strict=True):
        if name.arrow_patch is None:
            beyond = np.maximum(np.maximum(box.min - spots, spots - box.max), 0.0)
            nearest = spots[np.linalg.norm(beyond, axis=1).argmin()]
            assert nearest == pytest.approx(figure.axes[0].transData.transform(name.xy))
    frame = figure.axes[0].get_window_extent().padded(1)
    assert all(frame.x0 <= box.x0 and box.x1 <= frame.x1 and box.y0 >= frame.y0 for box in found)
    (title,) = re.findall(r"(\d+) of \d+ sites are not named", figure.axes[0].get_title(loc="right"))
    assert int(title) + len(found) == markers(figure.axes[0])


@pytest.mark.parametrize("kind", ["scaling", "volcano", "activity and stability", "coverage"])
def test_nothing_that_is_written_around_a_plot_overlaps(tmp_path: Path, kind: str) -> None:
    figure = KINDS[kind](*crowd(300), tmp_path / "x.png", columns=1)
    figure.draw_without_rendering()
    around = [*figure.texts, *figure.legends, figure.axes[0].xaxis.label]
    extents = [artist.get_window_extent() for artist in around]
    extents.append(figure.axes[0].get_window_extent())
    assert not [(i, j) for i, a in enumerate(extents) for j, b in enumerate(extents) if i < j and a.overlaps(b)]
    assert all(figure.bbox.padded(1).containsx(box.x1) for box in extents)


def test_axes_say_what_labels_say(tmp_path: Path) -> None:
    rows, potentials = crowd(3)
    potential = common.math(label("limiting_potential").header)
    expected = {
        "scaling": ("free_OH", "free_OOH"),
        "volcano": ("free_OH", None),
        "volcano map": ("free_OH", "free_O"),
        "activity and stability": ("formation_energy", None),
        "activity and selectivity": ("selectivity", None),
        "coverage": ("potential", ""),
    }
    for kind, (x, y) in expected.items():
        axes = KINDS[kind](rows, potentials, tmp_path / "x.png").axes[0]
        assert axes.get_xlabel() == common.math(label(x).header)
        assert axes.get_ylabel() == (potential if y is None else common.math(label(y).header) if y else "")
    # the symbol is set, and no less is said
    assert common.math("E_f/M (eV)") == r"$E_\mathrm{f}$/M (eV)"
    bar = KINDS["volcano map"](rows, potentials, tmp_path / "x.png").axes[1]
    assert bar.get_ylabel() == potential
    bar = KINDS["periodic table"](rows, potentials, tmp_path / "x.png").axes[1]
    assert bar.get_ylabel() == label("overpotential").header


def test_none_is_refused_with_a_reason(tmp_path: Path) -> None:
    rows, potentials = crowd(3)
    path = tmp_path / "x.png"
    for kind in ("volcano", "volcano map", "activity and stability", "coverage", "diagram"):
        with pytest.raises(InputError, match="shows one reaction, and got none"):
            KINDS[kind]([], [], path)
    with pytest.raises(InputError, match=r"no site has both OH\* and OOH\*"):
        scaling_plot([], "OH", "OOH", path)
    with pytest.raises(InputError, match="overpotential is known of no site"):
        periodic_table([], [], "overpotential", path, title="x")
    with pytest.raises(InputError, match="no site has both a limiting potential of ORR and formation energy"):
        activity_map(potentials, [None] * 3, "formation_energy", path)
    with pytest.raises(InputError, match="3 sites have 1 values"):
        activity_map(potentials, [1.0], "formation_energy", path)
    with pytest.raises(InputError, match="1 or 2 columns of a journal wide, not 3"):
        scaling_plot(rows, "OH", "OOH", path, columns=3)
    with pytest.raises(InputError, match="over two descriptors"):
        volcano_map(potentials, rows, path, Activity(reaction("HER"), ["H"]))
    with pytest.raises(InputError, match="over one descriptor"):
        volcano(potentials, rows, path, "ORR", MAP)
    with pytest.raises(InputError, match="known what rests"):
        coverage(potentials, {}, path)
    with pytest.raises(InputError, match="unknown quantity"):
        activity_map(potentials, [1.0] * 3, "stabillity", path)
    assert list(tmp_path.iterdir()) == []


def test_methods_are_never_mixed(tmp_path: Path) -> None:
    rows, potentials = crowd(1)
    site = SiteLabel("Pt-N4@graphene-9", "key-9", "graphene", ("Pt",))
    dear = {a: adsorption(site, a, g, DEAR) for a, g in {"OH": 0.9, "O": 2.4, "OOH": 4.0}.items()}
    other = limiting_potential(reaction("ORR"), dear, site=site, method=DEAR, conditions=CONDITIONS)
    mixed = [*rows, *dear.values()], [*potentials, other]
    for kind in (*NAMED, "periodic table", "coverage", "diagram"):
        with pytest.raises(MethodMismatchError):
            KINDS[kind](*mixed, tmp_path / "x.png")
    # the rows of another method say nothing of this one's paths
    with pytest.raises(MethodMismatchError):
        scaling_plot(mixed[0], "OH", "OOH", tmp_path / "x.png")


# --- what is drawn is what is known ---


def test_scaling_plot_has_the_line_and_names_what_lies_off_it(tmp_path: Path) -> None:
    rows, _ = crowd(300)
    relation = scalings(rows, [("OH", "OOH")]).of("OH", "OOH")
    axes = scaling_plot(rows, "OH", "OOH", tmp_path / "x.svg", stated=OOH_OVER_OH, columns=2).axes[0]
    (line,) = [own for own in axes.lines if str(own.get_label()).startswith("slope")]
    x, y = (np.asarray(values, dtype=float) for values in line.get_data())
    assert y == pytest.approx(relation.predict(x))
    text = words(tmp_path / "x.svg")
    assert f"slope {relation.slope:.2f} ± {relation.slope_error:.2f} (n = {relation.n})" in text
    assert "10.1002/cctc.201000397" in text
    (rings,) = [own for own in axes.lines if own.get_gid() == "outliers"]
    drawn = set(zip(*(np.asarray(values).tolist() for values in rings.get_data()), strict=True))
    assert drawn == {(point.x, point.y) for point in relation.outliers}
    assert len(drawn) == 7
    named = [point for point in relation.outliers if f"{point.label}\n" in text]
    assert len(named) >= 4


def test_two_sites_are_drawn_without_a_line(tmp_path: Path) -> None:
    scaling_plot(crowd(3)[0][:8], "OH", "OOH", tmp_path / "x.svg")
    text = words(tmp_path / "x.svg")
    assert "2 sites have both; a line takes 3 at least" in " ".join(text.split())
    assert "slope" not in text


def test_map_has_the_top_and_the_thermodynamic_limit(tmp_path: Path) -> None:
    rows, potentials = crowd(30)
    figure = volcano_map(potentials, rows, tmp_path / "x.svg", MAP)
    best = top(MAP)
    (star,) = [line for line in figure.axes[0].lines if line.get_marker() == "*"]
    assert (star.get_xdata()[0], star.get_ydata()[0]) == pytest.approx(best.position)
    assert "thermodynamic limit, 1.23 V" in words(tmp_path / "x.svg")
    heights = [float(np.asarray(line.get_ydata())[0]) for line in figure.axes[1].lines]
    assert {round(height, 3) for height in heights} >= {1.229, round(best.limiting_potential, 3)}
    steps = {text.get_text().replace("\n", " ") for text in figure.axes[0].texts if text.get_gid() == "region"}
    assert "OH* → * + H₂O" in steps
    assert "* + O₂ → OOH*" in steps


def test_front_is_drawn_and_its_members_are_listed(tmp_path: Path) -> None:
    _, potentials = crowd(300)
    values = stabilities(potentials)
    activity_map(potentials, values, "formation_energy", tmp_path / "x.svg")
    both = [
        (v, p) for v, p in zip(values, potentials, strict=True) if v is not None and p.limiting_potential is not None
    ]
    points = [(v, p.limiting_potential) for v, p in both]
    members = [p.site.label for (_, p), on in zip(both, pareto_front(points, ("low", "high")), strict=True) if on]
    text = " ".join(words(tmp_path / "x.svg").split())
    assert f"Pareto front ({len(members)})" in text
    (listed,) = re.findall(r"Pareto front: (.*?)\. ", text)
    assert sorted(listed.split(", ")) == sorted(members)


def test_periodic_table_has_the_best_of_each_metal_and_their_number(tmp_path: Path) -> None:
    _, potentials = crowd(300)
    axes = KINDS["periodic table"]([], potentials, tmp_path / "x.svg").axes[0]
    own = [p.overpotential for p in potentials if "Fe" in p.site.metals and p.overpotential is not None]
    places = {text.get_text(): text.get_position() for text in axes.texts if text.get_gid() is None}
    values = {text.get_position()[0]: text for text in axes.texts if text.get_gid() == "value"}
    assert places.keys() >= {*METALS, "Na", "Cs", "Tl"}
    x, y = places["Fe"]
    (value,) = [
        t for t in axes.texts if t.get_gid() == "value" and np.hypot(*(np.array(t.get_position()) - (x, y))) < 0.5
    ]
    assert value.get_text() == f"{min(own):.2f}"
    assert values
    numbers = [
        t for t in axes.texts if t.get_gid() == "number" and np.hypot(*(np.array(t.get_position()) - (x, y))) < 0.6
    ]
    assert [t.get_text() for t in numbers] == [str(len(own))]
    assert "A site of several metals stands in the cell of each." in words(tmp_path / "x.svg")


def test_bars_of_coverage_are_the_windows(tmp_path: Path) -> None:
    rows, potentials = crowd(1)
    axes = coverage(potentials, resting(rows), tmp_path / "x.png").axes[0]
    (own,) = resting(rows).values()
    low, high = axes.get_xlim()
    bars = [patch.get_x() for patch in axes.patches if patch.get_gid() == "window"]
    assert bars == pytest.approx([max(window.low, low) for window in own if window.low < high and window.high > low])
    assert len(bars) > 1


def test_paths_that_compete_start_together_and_end_where_they_should(tmp_path: Path) -> None:
    rows, potentials = crowd(3, "CO2RR-CH3OH")
    best = min(determined(potentials), key=lambda p: p.overpotential or 0.0)
    figure = competing_paths(best, rows, AROUND, tmp_path / "x.svg", at=[0.0, best.equilibrium_potential])
    named = [text.get_text() for text in figure.legends[0].get_texts()]
    assert named[0].startswith(f"cheapest: {best.path}, ")
    assert named[-1].startswith("HER, ")
    assert len(named) == 2 + len(best.alternatives)
    assert len(figure.axes) == 2
    levels = [line for line in figure.axes[0].lines if line.get_linewidth() == 2.6]
    free = np.array([state["free"] for state in best.states], dtype=float)
    assert [line.get_ydata()[0] for line in levels] == pytest.approx(free - free[0])
    # at the equilibrium potential both ends are level
    ends = [line.get_ydata()[0] for line in figure.axes[1].lines if line.get_linewidth() == 2.6]
    assert ends[-1] == pytest.approx(ends[0], abs=1e-6)


def test_any_reaction_has_a_volcano_over_what_explains_most(tmp_path: Path) -> None:
    rows, potentials = crowd(30, "CO2RR-CO")
    legs = fitted(reaction("CO2RR-CO"), rows, 1)
    axes = volcano(potentials, rows, tmp_path / "x.svg", "CO2RR-CO", legs).axes[0]
    x, y = (np.asarray(values, dtype=float) for values in axes.lines[0].get_data())
    assert y == pytest.approx(legs.at(x).limiting_potential)
    assert markers(axes) == len(determined(potentials))
    with pytest.raises(InputError, match="0 of its intermediates are known"):
        fitted(reaction("NRR"), rows, 1)
    with pytest.raises(InputError, match="calculate more sites"):
        fitted(reaction("CO2RR-CO"), crowd(1, "CO2RR-CO")[0], 1)


def test_the_descriptor_is_the_one_about_which_others_spread_least() -> None:
    rng = np.random.default_rng(1)
    rows = []
    for place, hydroxide in enumerate(rng.normal(0.8, 0.7, 40)):
        site = SiteLabel(f"Fe-{place}", f"key-{place}", "graphene", ("Fe",))
        free = {"OH": hydroxide, "O": hydroxide + rng.normal(1.6, 0.5), "OOH": hydroxide + rng.normal(3.2, 0.05)}
        rows += [adsorption(site, name, float(value), CHEAP) for name, value in free.items()]
    # what O* is nobody tells, and so it is chosen where there are two; OOH* and OH* tell each other
    two = fitted(reaction("ORR"), rows, 2)
    assert [descriptor.name for descriptor in two.descriptors] in (["OOH", "O"], ["O", "OH"])
    assert {two.relations[0].x, two.relations[0].y} == {"OH", "OOH"}
    one = fitted(reaction("ORR"), rows, 1)
    assert one.descriptors[0].name in ("OH", "OOH")
    assert {relation.y for relation in one.relations} == {"OH", "O", "OOH"} - {one.descriptors[0].name}


# --- colours ---


def deuteranopic(colour: Any) -> np.ndarray:
    """Return linear RGB as it is seen without the cones for green (Machado et al. 2009, doi 10.1109/TVCG.2009.113)."""
    seen = np.array([[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]])
    rgb = np.array(to_rgb(colour))
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    return np.clip(seen @ linear, 0, 1)


def lightness(linear: np.ndarray) -> float:
    """Return CIE L* of linear RGB."""
    y = float(np.dot(linear, [0.2126, 0.7152, 0.0722]))
    return 116 * y ** (1 / 3) - 16 if y > 0.008856 else 903.3 * y


def lab(linear: np.ndarray) -> np.ndarray:
    """Return CIELAB of linear RGB, D65."""
    matrix = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])
    xyz = matrix @ linear / np.array([0.9505, 1.0, 1.089])
    f = np.where(xyz > 0.008856, np.cbrt(xyz), 7.787 * xyz + 16 / 116)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


@pytest.mark.parametrize("colours", [COLOURS, [FIXED["*"], *FILLS[:6]]], ids=["points", "areas"])
def test_colours_differ_without_the_cones_for_green(colours: Sequence[str]) -> None:
    seen = [lab(deuteranopic(colour)) for colour in colours]
    # 2.3 is a difference that is just seen
    assert min(np.linalg.norm(a - b) for i, a in enumerate(seen) for b in seen[:i]) > 15


def test_the_colour_map_brightens_all_along() -> None:
    shades = colormaps[COLOURMAP](np.linspace(0, 1, 64))[:, :3]
    bright = [lightness(deuteranopic(shade)) for shade in shades]
    assert np.all(np.diff(bright) > 0)


def test_small_families_share_a_style() -> None:
    documents = [{"site": {"family": f"family-{place % 14}"}} for place in range(14 * 3)]
    found = families(documents)
    assert len(found) == MOST_FAMILIES + 1
    assert found[-1].name == f"{14 - MOST_FAMILIES} other families ({3 * (14 - MOST_FAMILIES)})"
    assert sorted(place for family in found for place in family.members) == list(range(len(documents)))
    assert len({(family.colour, family.marker) for family in found}) == len(found)
