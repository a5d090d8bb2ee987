"""Tables, labels and figures of a made-up campaign."""

from __future__ import annotations

import csv
import io
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.text import Annotation

from atomsieve.analysis.electrode import limiting_potential
from atomsieve.analysis.labels import label, labels
from atomsieve.analysis.plots.diagram import free_energy_diagram
from atomsieve.analysis.plots.figure import COLOURS, MARKERS, species
from atomsieve.analysis.plots.network import layout, network
from atomsieve.analysis.plots.volcano import volcano
from atomsieve.analysis.surroundings import surroundings
from atomsieve.analysis.table import all_columns, csv_text, ordered, rows, select
from atomsieve.analysis.trends.descriptor import Descriptor
from atomsieve.analysis.trends.textbook import VOLCANOES
from atomsieve.structures.adsorbate import adsorbates
from atomsieve.structures.energies import AdsorptionEnergy, SiteLabel, Term
from atomsieve.structures.errors import InputError, MethodMismatchError
from atomsieve.structures.limiting import LimitingPotential
from atomsieve.structures.method import Method
from atomsieve.structures.reaction import reaction, reactions

CHEAP = Method("gfn1-xtb", {"etemp": 300}, "semiempirical").to_dict()
DEAR = Method("gpaw", {"xc": "PBE"}, "dft").to_dict()
CONDITIONS = {"temperature": 298.15, "pH": 0, "potential": 0.0, "scale": "RHE"}
#: ΔG of OH, O, OOH and H; None where the state fell apart.
ENERGIES: dict[str, tuple[float | None, ...]] = {
    "Fe": (0.40, 1.60, 3.60, 0.30),
    "Co": (0.90, 2.60, 4.05, 0.05),
    "Ni": (1.50, 3.60, 4.60, 1.20),
    "Zn": (0.75, 2.90, None, None),
}


def adsorption(site: SiteLabel, name: str, free: float | None, method: dict[str, Any]) -> AdsorptionEnergy:
    return AdsorptionEnergy(
        site=site,
        adsorbate=name,
        method=method,
        policy={"corrections": "norskov", "solvation": "none", "temperature": 298.15},
        terms=(Term(f"E({name}*)", "electronic", free, "key"),) if free is not None else (),
        verdict="bound" if free is not None else "dissociated",
        reason="Co-O 1.87 Å" if free is not None else "O-O 2.90 Å",
        calculations={"clean": f"clean-{site.key}"},
        considered=({"key": f"{site.key}-{name}", "status": "done"},),
        multiplicity={"clean": 2},
    )


class Campaign:
    """Sites with all their rows and limiting potentials."""

    def __init__(self, energies: dict[str, tuple[float | None, ...]], method: dict[str, Any] = CHEAP) -> None:
        self.rows: list[AdsorptionEnergy] = []
        self.potentials: list[LimitingPotential] = []
        for number, (name, values) in enumerate(energies.items()):
            family = "graphene" if number % 2 == 0 else "porphyrin"
            site = SiteLabel(f"{name}-N4@graphene-4x4", f"key-{name}", family, (name,))
            mine = {a: adsorption(site, a, g, method) for a, g in zip(("OH", "O", "OOH", "H"), values, strict=True)}
            self.rows += mine.values()
            self.potentials += [
                limiting_potential(reaction(r), mine, site=site, method=method, conditions=CONDITIONS)
                for r in ("ORR", "OER", "HER", "ORR-2e", "HOR")
            ]

    def of(self, name: str) -> list[LimitingPotential]:
        return [p for p in self.potentials if p.reaction == name]

    @property
    def table(self) -> list[dict[str, Any]]:
        return rows([r.to_dict() for r in self.rows], [p.to_dict() for p in self.potentials])


@pytest.fixture(scope="module")
def campaign() -> Campaign:
    return Campaign(ENERGIES)


def many(number: int) -> Campaign:
    rng = np.random.default_rng(11)
    hydroxide = rng.normal(0.8, 0.6, number)
    return Campaign(
        {
            f"M{i}": (
                float(g),
                float(g + rng.normal(1.5, 0.3)),
                float(g + rng.normal(3.2, 0.1)),
                float(rng.normal(0, 0.5)),
            )
            for i, g in enumerate(hydroxide)
        }
    )


def words(path: Path) -> str:
    return "\n".join(re.findall(r">([^<>]+)</t(?:ext|span)>", path.read_text(encoding="utf-8")))


# --- table ---


def test_one_row_per_site_and_reaction_with_every_column(campaign: Campaign) -> None:
    assert len(campaign.table) == 4 * 5
    assert all(tuple(row) == all_columns() for row in campaign.table)
    cobalt = next(r for r in campaign.table if r["metals"] == ["Co"] and r["reaction"] == "ORR")
    # O2 → OOH* costs 4.9156 - 4.05, less than OH* → H2O gives
    assert cobalt["limiting_potential"] == pytest.approx(4.9156 - 4.05)
    assert cobalt["overpotential"] == pytest.approx(1.2289 - (4.9156 - 4.05))
    assert cobalt["spin"] == 2
    assert [cobalt[f"free_{a}"] for a in ("H", "O", "OH", "OOH")] == [0.05, 2.60, 0.90, 4.05]
    assert cobalt["verdicts"] == {}
    assert cobalt["label"] == "pre-screening, not predictive"


def test_what_is_not_bound_is_named_with_its_reason(campaign: Campaign) -> None:
    zinc = next(r for r in campaign.table if r["metals"] == ["Zn"] and r["reaction"] == "ORR")
    assert zinc["verdicts"]["OOH"] == {"verdict": "dissociated", "reason": "O-O 2.90 Å"}
    assert zinc["limiting_potential"] is None
    assert zinc["undetermined"] == "OOH*: dissociated (O-O 2.90 Å)"


def test_dft_carries_no_remark() -> None:
    assert {(r["predictive"], r["label"]) for r in Campaign(ENERGIES, DEAR).table} == {(True, "")}


def test_methods_are_never_joined_in_a_row() -> None:
    cheap, dear = Campaign({"Fe": (0.4, 1.6, 3.6, None)}), Campaign({"Fe": (0.9, 2.1, None, 0.3)}, DEAR)
    table = rows(
        [r.to_dict() for c in (cheap, dear) for r in c.rows], [p.to_dict() for c in (cheap, dear) for p in c.of("ORR")]
    )
    assert [(r["calculator"], r["free_OH"], r["free_H"]) for r in table] == [
        ("gfn1-xtb", 0.4, None),
        ("gpaw", 0.9, 0.3),
    ]


def test_site_without_a_reaction_keeps_its_row(campaign: Campaign) -> None:
    table = rows([r.to_dict() for r in campaign.rows], [])
    assert [(r["metals"], r["reaction"]) for r in table] == [([m], None) for m in ENERGIES]
    assert table[0]["free_OH"] == 0.40


def test_no_two_families_look_alike() -> None:
    styles = [(COLOURS[number % len(COLOURS)], MARKERS[number % len(MARKERS)]) for number in range(100)]
    assert len(set(styles)) == 100


def test_filters(campaign: Campaign) -> None:
    table = campaign.table
    assert {r["site"] for r in select(table, metal="Fe")} == {"Fe-N4@graphene-4x4"}
    assert len(select(table, reaction="ORR")) == 4
    pair = {**table[0], "metals": ["Fe", "Co"]}
    found = {metal: len(select([*table, pair], metal=metal)) for metal in ("Co-Fe", "Fe-Fe", "Fe-Co-Ni")}
    assert found == {"Co-Fe": 1, "Fe-Fe": 0, "Fe-Co-Ni": 0}
    assert {r["metals"][0] for r in select(table, verdict="dissociated")} == {"Zn"}
    assert {r["metals"][0] for r in select(table, verdict="bound")} == {"Fe", "Co", "Ni"}
    best = select(table, reaction="ORR", overpotential_max=0.5)
    assert [r["metals"] for r in best] == [["Co"]]
    worst = select(table, reaction="ORR", overpotential_min=0.5)
    assert {r["metals"][0] for r in worst} == {"Fe", "Ni"}
    assert len(select(table, family="graphene", reaction="HER")) == 2
    with pytest.raises(InputError, match="did you mean 'desorbed'"):
        select(table, verdict="desorbt")


def test_order_puts_what_is_unknown_last_both_ways(campaign: Campaign) -> None:
    table = select(campaign.table, reaction="ORR")
    up = [r["metals"][0] for r in ordered(table, "overpotential")]
    down = [r["metals"][0] for r in ordered(table, "overpotential", descending=True)]
    assert up == ["Co", "Fe", "Ni", "Zn"]
    assert down == ["Ni", "Fe", "Co", "Zn"]
    assert [r["site"][:2] for r in ordered(table, "site", descending=True)] == ["Zn", "Ni", "Fe", "Co"]
    with pytest.raises(InputError, match="did you mean 'overpotential'"):
        ordered(table, "overpotental")


@pytest.mark.parametrize("column", all_columns())
def test_every_column_sorts_and_has_a_label(campaign: Campaign, column: str) -> None:
    assert len(ordered(campaign.table, column)) == 20
    assert label(column).header


def test_csv_reads_back(campaign: Campaign) -> None:
    read = list(csv.DictReader(io.StringIO(csv_text(campaign.table))))
    assert len(read) == 20
    zinc = next(r for r in read if r["metals"] == "Zn" and r["reaction"] == "ORR")
    assert zinc["U_L (V vs RHE)"] == ""
    assert zinc["not bound"] == "OOH*: dissociated (O-O 2.90 Å); H*: dissociated (O-O 2.90 Å)"
    iron = next(r for r in read if r["metals"] == "Fe" and r["reaction"] == "ORR")
    assert float(iron["ΔG(OOH*) (eV)"]) == 3.6
    assert iron["PDS"] == "OH* → * + H2O"
    assert csv_text(campaign.table, ["site"]).splitlines()[0] == "site"
    with pytest.raises(InputError, match="unknown column"):
        csv_text(campaign.table, ["sight"])


# --- labels ---


def test_labels_cover_every_adsorbate_and_every_descriptor() -> None:
    assert {f"free_{name}" for name in adsorbates()} <= labels().keys()
    assert {Descriptor.parse(v.descriptor).quantity for v in VOLCANOES.values()} <= labels().keys()


def test_label_writes_values() -> None:
    assert label("limiting_potential").header == "U_L (V vs RHE)"
    assert label("overpotential").text(0.4567) == "0.46"
    assert label("overpotential").text(-0.001) == "0.00"
    assert label("overpotential").text(None) == "–"
    assert label("spin").text(4) == "4"
    with pytest.raises(InputError, match="did you mean 'overpotential'"):
        label("overpotentials")


# --- figures ---


@pytest.mark.parametrize("suffix", [".png", ".svg"])
def test_free_energy_diagram_is_written(campaign: Campaign, tmp_path: Path, suffix: str) -> None:
    target = tmp_path / f"orr{suffix}"
    free_energy_diagram(campaign.of("ORR"), target)
    assert target.read_bytes()[:5] == (b"\x89PNG\r" if suffix == ".png" else b"<?xml")
    assert target.stat().st_size > 10_000


def test_free_energy_diagram_says_all_it_must(campaign: Campaign, tmp_path: Path) -> None:
    free_energy_diagram([p.to_dict() for p in campaign.of("ORR")], tmp_path / "orr.svg")
    text = words(tmp_path / "orr.svg")
    assert "pre-screening, not predictive (gfn1-xtb)" in text
    assert "Not determined: Zn-N4@graphene-4x4 (OOH*: dissociated (O-O 2.90 Å))." in text
    assert "U = 1.23 V vs RHE (equilibrium)" in text
    assert "OOH*" in text
    assert "+ H₂O" in text
    sites = re.findall(r"(\w+)-N4@graphene-4x4  (\S+)", text)
    assert sites == [("Co", "0.87"), ("Fe", "0.40"), ("Ni", "0.32")]


def test_levels_are_those_of_the_rows(campaign: Campaign, tmp_path: Path) -> None:
    figure = free_energy_diagram([p for p in campaign.of("ORR") if p.site.metals == ("Co",)], tmp_path / "co.png")
    bars = [
        [
            line.get_ydata()[0]
            for line in panel.lines
            if line.get_linestyle() == "-" and len(set(line.get_ydata())) == 1
        ][1:]
        for panel in figure.axes
    ]
    assert bars[0] == pytest.approx([4.9156, 4.05, 2.60, 0.90, 0])
    shifted = [g + n * 1.2289 - 4.9156 for n, g in enumerate([4.9156, 4.05, 2.60, 0.90, 0])]
    # at the limiting potential the first step is level
    assert bars[1][0] == pytest.approx(bars[1][1])
    assert bars[2] == pytest.approx(shifted)


def test_only_the_best_ten_are_drawn(tmp_path: Path) -> None:
    potentials = many(40).of("OER")
    free_energy_diagram(potentials, tmp_path / "oer.svg")
    text = words(tmp_path / "oer.svg")
    assert "Shown: the 10 lowest overpotentials of 40 sites." in text
    best = sorted(potentials, key=lambda p: p.overpotential or 9)[:10]
    for p in best:
        assert f"{p.site.label}  {p.limiting_potential:.2f}" in text


def test_equal_potentials_share_a_panel(campaign: Campaign, tmp_path: Path) -> None:
    only = [p for p in campaign.of("HER") if p.site.metals == ("Co",)]
    assert len(free_energy_diagram(only, tmp_path / "her.png").axes) == 2
    assert len(free_energy_diagram(only, tmp_path / "her.png", at=[0.0]).axes) == 1
    assert len(free_energy_diagram(campaign.of("ORR-2e"), tmp_path / "peroxide.png").axes) == 3


@pytest.mark.parametrize("name", VOLCANOES)
def test_volcano_is_written_with_its_sites(campaign: Campaign, tmp_path: Path, name: str) -> None:
    volcano(campaign.potentials, campaign.rows, tmp_path / "v.svg", name)
    volcano([p.to_dict() for p in campaign.potentials], [r.to_dict() for r in campaign.rows], tmp_path / "v.png", name)
    text = words(tmp_path / "v.svg")
    for metal in ("Fe", "Co", "Ni"):
        assert f"{metal}-N4\n" in text
    assert "Labels are short for …@graphene-4x4." in text
    assert "Not determined: Zn-N4@graphene-4x4" in text
    assert "pre-screening, not predictive (gfn1-xtb)" in text
    assert f"thermodynamic limit, {reaction(name).equilibrium_potential:z.2f} V" in text
    assert ("10.1002/cctc.201000397" in text) == (name in ("ORR", "OER"))


@pytest.mark.parametrize(
    ("name", "top", "at"),
    [("ORR", 0.858, 0.858), ("OER", 1.6, 1.6), ("HER", 0, 0), ("HOR", 0, 0), ("ORR-2e", 0.6945, 4.221)],
)
def test_legs_meet_at_the_top_that_scaling_gives(
    campaign: Campaign, tmp_path: Path, name: str, top: float, at: float
) -> None:
    axes = volcano(campaign.potentials, campaign.rows, tmp_path / "v.png", name).axes[0]
    x, y = (np.asarray(values) for values in axes.lines[0].get_data())
    best = int(np.argmax(y) if reaction(name).is_reduction else np.argmin(y))
    assert (x[best], y[best]) == pytest.approx((at, top), abs=0.01)
    bottom, upper = axes.get_ylim()
    assert (bottom < upper) == reaction(name).is_reduction


def test_points_are_where_the_rows_say(campaign: Campaign, tmp_path: Path) -> None:
    axes = volcano(campaign.potentials, campaign.rows, tmp_path / "v.png", "OER").axes[0]
    sites = [line for line in axes.lines if line.get_gid() == "sites"]
    points = {(round(x, 3), round(y, 3)) for line in sites for x, y in zip(*line.get_data(), strict=True)}
    assert points == {(1.2, 2.0), (1.7, 1.7), (2.1, 2.1)}


def test_labels_do_not_lie_upon_each_other(tmp_path: Path) -> None:
    crowd = many(30)
    figure: Figure = volcano(crowd.potentials, crowd.rows, tmp_path / "v.png", "ORR")
    FigureCanvasAgg(figure)
    figure.draw_without_rendering()
    names = [child for child in figure.axes[0].get_children() if isinstance(child, Annotation)]
    assert len(names) >= 20
    # the box of the text alone, without its leader
    boxes = [super(Annotation, name).get_window_extent() for name in names]
    overlaps = [(i, j) for i, a in enumerate(boxes) for j, b in enumerate(boxes) if i < j and a.overlaps(b)]
    assert overlaps == []


def test_figure_of_nothing_determined_still_says_why(tmp_path: Path) -> None:
    empty = Campaign({"Zn": (0.75, 2.9, None, None), "Cd": (0.8, 2.9, None, None)})
    free_energy_diagram(empty.of("ORR"), tmp_path / "d.svg")
    volcano(empty.potentials, empty.rows, tmp_path / "v.svg", "ORR")
    for name in ("d.svg", "v.svg"):
        assert "Cd-N4@graphene-4x4 (OOH*: dissociated" in words(tmp_path / name)


def test_figures_are_the_same_each_time(campaign: Campaign, tmp_path: Path) -> None:
    for name in ("a.svg", "b.svg"):
        volcano(campaign.potentials, campaign.rows, tmp_path / name, "ORR")
    assert (tmp_path / "a.svg").read_bytes() == (tmp_path / "b.svg").read_bytes()


def test_dft_figures_carry_no_caption(tmp_path: Path) -> None:
    free_energy_diagram(Campaign(ENERGIES, DEAR).of("ORR"), tmp_path / "d.svg")
    assert "pre-screening" not in words(tmp_path / "d.svg")


def test_what_cannot_be_drawn_is_refused(campaign: Campaign, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="one reaction, and got HER, HOR, OER, ORR, ORR-2e"):
        free_energy_diagram(campaign.potentials, tmp_path / "x.png")
    with pytest.raises(InputError, match="got none"):
        volcano([], [], tmp_path / "x.png", "ORR")
    with pytest.raises(InputError, match=r"'\.gif'.*\.png, \.svg"):
        free_energy_diagram(campaign.of("ORR"), tmp_path / "x.gif")
    with pytest.raises(InputError, match=r"unknown reaction with a volcano .*'NRR'"):
        volcano(campaign.potentials, campaign.rows, tmp_path / "x.png", "NRR")
    with pytest.raises(InputError, match="pass every row"):
        volcano(campaign.potentials, campaign.rows[:3], tmp_path / "x.png", "ORR")
    mixed = [*campaign.of("ORR"), *Campaign(ENERGIES, DEAR).of("ORR")]
    with pytest.raises(MethodMismatchError, match="differ in calculator"):
        free_energy_diagram(mixed, tmp_path / "x.png")
    assert list(tmp_path.iterdir()) == []


# --- networks ---


def routed(
    name: str, missing: dict[str, tuple[str, ...]], conditions: dict[str, Any] = CONDITIONS
) -> tuple[list[LimitingPotential], list[AdsorptionEnergy]]:
    """Return sites with energies of all intermediates of a network; by metal those that fell apart."""
    rng = np.random.default_rng(5)
    found: list[AdsorptionEnergy] = []
    potentials = []
    for metal, lacking in missing.items():
        site = SiteLabel(f"{metal}-N4@graphene-4x4", f"key-{metal}", "graphene", (metal,))
        mine = {
            a: adsorption(site, a, None if a in lacking else float(rng.normal(0, 0.7)), CHEAP)
            for a in reaction(name).adsorbates
        }
        found += mine.values()
        potentials.append(limiting_potential(reaction(name), mine, site=site, method=CHEAP, conditions=conditions))
    return potentials, found


def test_sites_on_different_paths_have_panels_whose_ticks_are_theirs(tmp_path: Path) -> None:
    potentials, _ = routed("NRR", {"Fe": (), "Co": ("NNH2",), "Ni": ("NHNH", "N2-side"), "Cu": ("NH2",)})
    figure = free_energy_diagram(potentials, tmp_path / "nrr.svg")
    drawn = [p for p in potentials if p.limiting_potential is not None]
    paths = {tuple(state["text"] for state in p.states): p for p in drawn}
    assert len(paths) > 1
    assert len(figure.axes) == 3 * len(paths)
    ticks = {tuple(text.get_text() for text in panel.get_xticklabels()) for panel in figure.axes}
    assert ticks == {tuple(species(text) for text in texts) for texts in paths}
    text = words(tmp_path / "nrr.svg")
    for p in paths.values():
        assert f"path {p.path}:\nU = 0.00 V vs RHE" in text
    assert "Not determined: Cu-N4@graphene-4x4" in text
    assert "other step" in text


def test_an_electron_without_a_proton_feels_the_ph(tmp_path: Path) -> None:
    alkaline = {**CONDITIONS, "pH": 13}
    potentials, _ = routed("NO3RR", {"Fe": ()}, alkaline)
    figure = free_energy_diagram(potentials, tmp_path / "no3rr.svg")
    (potential,) = potentials
    panels = [[line.get_ydata()[0] for line in panel.lines if line.get_gid() == "level"] for panel in figure.axes]
    free = [state["free"] for state in potential.states]
    # at 0 V the first step, which gives an electron off, asks 13 x 0.0592 eV more than at pH 0
    assert panels[0][1] - panels[0][0] == pytest.approx(free[1] - free[0] + 13 * 0.05916, abs=1e-3)
    # at equilibrium both ends are level
    assert panels[-1][0] == pytest.approx(0, abs=1e-6)
    assert panels[-1][-1] == pytest.approx(0, abs=1e-6)
    text = words(tmp_path / "no3rr.svg")
    assert "pH 13" in text
    assert "+ NO₃⁻" in text


NETWORKS = sorted(name for name, entry in reactions().items() if len(entry.routes) > 1)


@pytest.mark.parametrize("name", NETWORKS)
def test_a_network_has_its_states_and_steps_apart(name: str) -> None:
    entry = reaction(name)
    places = layout(entry)
    assert set(entry.states) <= places.places.keys()
    assert len(set(places.places.values())) == len(places.places)
    for step in entry.steps:
        way = places.way(step)
        # every step goes on by a column at a time, and none passes through a state
        assert np.all(np.diff(way[:, 0]) == 1)
    at = {state: places.columns[places.places[state][0]] for state in entry.states}
    hydrogen = entry.start.composition.get("H", 0)
    assert all(pairs == abs(state.composition.get("H", 0) - hydrogen) for state, pairs in at.items())
    assert places.places[entry.start][0] == 0
    assert places.places[entry.end][0] == len(places.columns) - 1


@pytest.mark.parametrize("suffix", [".png", ".svg"])
def test_a_network_says_what_is_known_of_it(tmp_path: Path, suffix: str) -> None:
    potentials, found = routed("NRR", {"Fe": ("NNH2",), "Cu": ("NH2",)})
    target = tmp_path / f"network{suffix}"
    figure = network(potentials, found, surroundings(CONDITIONS), target)
    assert target.stat().st_size > 10_000
    best = potentials[0]
    assert f"Fe-N4@graphene-4x4, path {best.path}" in figure._suptitle.get_text()
    boxes = {text.get_text(): text.get_bbox_patch() for text in figure.axes[0].texts if text.get_bbox_patch()}
    assert len(boxes) == len(reaction("NRR").states)
    hollow = {text for text, box in boxes.items() if box.get_facecolor()[:3] == (1, 1, 1)}
    assert hollow == {"NNH₂*"}
    bold = sum(line.get_linewidth() == 3.8 for line in figure.axes[0].lines)
    assert bold == len(best.steps)
    if suffix == ".svg":
        text = words(target)
        assert "↓ N₂H₄" in text
        assert "The site with the lowest overpotential of 2." in text
        assert "pre-screening, not predictive (gfn1-xtb)" in text


def test_a_network_of_nothing_determined_is_drawn_all_the_same(tmp_path: Path) -> None:
    potentials, found = routed("NRR", {"Cu": ("NH2",)})
    figure = network(potentials, found, surroundings(CONDITIONS), tmp_path / "n.svg")
    assert "Not determined: Cu-N4" in words(tmp_path / "n.svg")
    assert all(line.get_linewidth() < 3 for line in figure.axes[0].lines)
    with pytest.raises(InputError, match="one reaction"):
        network([], [], surroundings(), tmp_path / "x.svg")
