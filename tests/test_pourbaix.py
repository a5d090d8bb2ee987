"""Pourbaix diagrams of sites: corners by hand, the lowest plane everywhere, the resting state as their cut, poisons."""

from __future__ import annotations

import json
import math
import subprocess
from collections.abc import Callable, Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from atomsieve.analysis.database import Database
from atomsieve.analysis.dissolution import dissolution
from atomsieve.analysis.envelope import Region
from atomsieve.analysis.planes import Plane, dissolved, planes
from atomsieve.analysis.plots import figure as common
from atomsieve.analysis.plots.pourbaix import pourbaix_plot
from atomsieve.analysis.pourbaix import Diagram, covering, diagram
from atomsieve.analysis.resting import candidates, windows
from atomsieve.analysis.surroundings import surroundings
from atomsieve.structures.campaign import parse_campaign
from atomsieve.structures.energies import Term
from atomsieve.structures.errors import CampaignError, InputError
from atomsieve.workflows import display
from atomsieve.workflows.campaigns import load
from atomsieve.workflows.funnel import levels
from atomsieve.workflows.pourbaix import read_range
from atomsieve.workflows.runner import Runner
from atomsieve.workflows.settings import Settings
from atomsieve.workflows.watch import Watch

#: kT ln(10)/e at 298.15 K, V.
SLOPE = 8.617333262e-5 * 298.15 * math.log(10)
#: ΔG(OH*) and ΔG(O*) of Pt(111), eV (Hansen et al. 2014, doi 10.1021/jp4100608).
PT = {"OH": 0.75, "O": 1.70}


def terms(free: Mapping[str, float]) -> dict[str, list[Term]]:
    return {name: [Term(f"ΔG({name}*)", "electronic", value, "by hand")] for name, value in free.items()}


def corners(found: Diagram) -> dict[str, list[tuple[float, float]]]:
    """Return each region's corners, from its lowest left one on."""
    assert len({region.state for region in found.regions}) == len(found.regions)
    result = {}
    for region in found.regions:
        start = region.corners.index(min(region.corners))
        result[region.state] = [*region.corners[start:], *region.corners[:start]]
    return result


def is_same(found: list[tuple[float, float]], expected: list[tuple[float, float]]) -> bool:
    assert len(found) == len(expected), found
    return all(point == pytest.approx(other, abs=1e-9) for point, other in zip(found, expected, strict=True))


def test_corners_by_hand_against_rhe() -> None:
    # * + H2O -> OH* + (H+ + e-) at 0.75 V, OH* -> O* + (H+ + e-) at 1.70 - 0.75 V, whatever the pH
    found = diagram(planes(terms(PT), surroundings({})), (0.0, 2.0), (0.0, 14.0), scale="RHE")
    expected = {"*": (0.0, 0.75), "OH*": (0.75, 0.95), "O*": (0.95, 2.0)}
    shown = corners(found)
    assert shown.keys() == expected.keys()
    for state, (low, high) in expected.items():
        assert is_same(shown[state], [(0.0, low), (14.0, low), (14.0, high), (0.0, high)])
    assert [boundary.states for boundary in found.boundaries] == [("*", "OH*"), ("OH*", "O*")]
    assert found.triple_points == ()


def test_corners_by_hand_against_she() -> None:
    # each proton with its electron: the same potentials less 59 mV a unit of pH
    found = diagram(planes(terms(PT), surroundings({})), (-1.0, 2.0), (0.0, 14.0))
    drop = 14 * SLOPE
    shown = corners(found)
    assert is_same(shown["*"], [(0, -1), (14, -1), (14, 0.75 - drop), (0, 0.75)])
    assert is_same(shown["OH*"], [(0, 0.75), (14, 0.75 - drop), (14, 0.95 - drop), (0, 0.95)])
    assert is_same(shown["O*"], [(0, 0.95), (14, 0.95 - drop), (14, 2), (0, 2)])


def test_a_dissolved_ion_by_hand() -> None:
    """A metal of U_diss = 0.5 V gives two electrons: * -> vacant site + M2+ + 2e- at 0.5 V against SHE, at any pH."""
    ion = Plane("M²⁺", (Term("2 e U_diss", "experiment", 1.0, "by hand"),), -2, 0, is_dissolved=True)
    found = diagram([*planes(terms(PT), surroundings({})), ion], (-1.0, 2.0), (0.0, 14.0))
    # OH* (0.75 - U - s pH) against the ion (1.0 - 2 U): U = 0.25 + s pH, from where * gives way at both
    # 0.5 = 0.75 - s pH: pH = 0.25 / s; O* (1.70 - 2 U - 2 s pH) against the ion: pH = 0.35 / s, U = 0.6
    first, second = (0.25 / SLOPE, 0.5), (0.35 / SLOPE, 0.6)
    shown = corners(found)
    drop = 14 * SLOPE
    assert is_same(shown["*"], [(0, -1), (14, -1), (14, 0.75 - drop), first, (0, 0.5)])
    assert is_same(shown["M²⁺"], [(0, 0.5), first, second, (0.35 / SLOPE, 2.0), (0, 2)])
    assert is_same(shown["OH*"], [first, (14, 0.75 - drop), (14, 0.95 - drop), second])
    assert is_same(shown["O*"], [second, (14, 0.95 - drop), (14, 2), (0.35 / SLOPE, 2.0)])
    assert [states for states, _ in found.triple_points] == [("*", "M²⁺", "OH*"), ("M²⁺", "O*", "OH*")]
    assert is_same([point for _, point in found.triple_points], [first, second])
    # what has dissolved covers nothing
    assert covering([*planes(terms(PT), surroundings({})), ion], 0.6, 0.0, scale="SHE").state == "*"


def test_carbon_monoxide_by_hand() -> None:
    # CO* of -0.60 eV against CO at 1 bar: ΔG against CO2, H2 and H2O is 0.2080 - 0.60; at 1e-3 bar kT ln 1000 less
    around = surroundings({"pressures": {"CO": 1e-3}})
    free = {**PT, "CO": 0.2080 - 0.60}
    states = planes(terms(free), around, ["CO"])
    bound = -0.60 + SLOPE * 3
    (poison,) = [plane for plane in states if plane.ligand]
    assert (poison.state, poison.ligand, poison.electrons, poison.protons) == ("CO*", "CO", 0, 0)
    assert poison.intercept == pytest.approx(bound, abs=2e-4)
    assert [term.kind for term in poison.terms] == ["electronic", "experiment", "pressure"]
    # it covers the bare site, gives way to OH* never, as O* is there before: 1.70 - 2 U = bound
    shown = corners(diagram(states, (0.0, 2.0), (0.0, 14.0), scale="RHE"))
    edge = (1.70 - poison.intercept) / 2
    assert shown.keys() == {"CO*", "O*"}
    assert is_same(shown["CO*"], [(0, 0), (14, 0), (14, edge), (0, edge)])
    here = covering(states, 0.8, 0.0)
    assert (here.state, here.without, here.poison, here.ligand, here.is_poisoned) == ("CO*", "OH*", "CO*", "CO", True)
    assert here.margin == pytest.approx(poison.intercept - (0.75 - 0.8))
    assert sum(term.value for term in here.terms) == pytest.approx(here.free)
    assert sum(term.value for term in here.margin_terms) == pytest.approx(here.margin)
    assert [term.name for term in here.margin_terms][-2:] == ["-ΔG(OH*)", "+1 e U(RHE)"]
    high = covering(states, 1.6, 0.0)
    assert (high.state, high.without, high.is_poisoned) == ("O*", "O*", False)
    assert high.free == pytest.approx(1.70 - 3.2)
    assert sum(term.value for term in high.terms) == pytest.approx(high.free)
    assert high.margin is not None
    assert high.margin > 0


def test_an_acid_has_a_kink_at_its_pka() -> None:
    """Ammonia that binds with -0.4 eV to a site: below pH 9.24 it is NH4+, and each unit costs kT ln 10 more."""
    around = surroundings({})
    free = around.at(pH=14.0).molecules["NH3"][0].value - 0.4
    states = planes(terms({"NH3": free}), around, ["NH3"])
    constant = around.acid_constant("NH3")
    assert constant == pytest.approx(9.25, abs=0.03)
    assert constant is not None
    assert [(plane.protons, plane.low, plane.high) for plane in states[1:]] == [
        (-1, -math.inf, constant),
        (0, constant, math.inf),
    ]
    edge = constant - 0.4 / SLOPE
    shown = corners(diagram(states, (-1.0, 1.0), (0.0, 14.0)))
    assert is_same(shown["*"], [(0, -1), (edge, -1), (edge, 1), (0, 1)])
    # one region, with no corner at the pKa
    assert is_same(shown["NH3*"], [(edge, -1), (14, -1), (14, 1), (edge, 1)])
    assert covering(states, 0.0, constant).free == pytest.approx(-0.4)


ENERGIES = st.dictionaries(
    st.sampled_from(["OH", "O", "OOH", "H", "O.OH", "OH.OH", "H.H", "CO", "NH3", "HCOOH", "NO"]),
    st.floats(-3.0, 5.0, allow_nan=False),
    min_size=1,
)
AROUND = surroundings({"pressures": {"CO": 1e-4, "NO": 1e-6}, "activities": {"HCOOH": 0.1}})
THERE = ("CO", "NH3", "HCOOH", "NO")


@settings(deadline=None, max_examples=60, derandomize=True)
@given(ENERGIES, st.sampled_from(["RHE", "SHE"]), st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1)), min_size=20))
def test_the_region_at_a_point_is_that_of_the_lowest_state(
    free: dict[str, float], scale: str, points: list[tuple[float, float]]
) -> None:
    states = planes(terms(free), AROUND, THERE)
    found = diagram(states, (-1.5, 2.5), (0.0, 14.0), scale=scale)
    assert sum(region.area for region in found.regions) == pytest.approx(4.0 * 14.0, rel=1e-8)
    for x, y in points:
        ph, potential = 14 * x, -1.5 + 4 * y
        values = {plane.state: plane.free(potential, ph, scale) for plane in states if plane.low <= ph <= plane.high}
        least = min(values.values())
        for region in found.regions:
            if region.contains(ph, potential):
                assert values[region.state] == pytest.approx(least, abs=1e-6)


def cut(found: Diagram, ph: float) -> list[tuple[str, float, float]]:
    """Return from and up to which potential each region reaches at a pH."""
    spans = []
    for region in found.regions:
        ring = [*region.corners, region.corners[0]]
        at = [
            y + (ph - x) / (x2 - x) * (y2 - y) for (x, y), (x2, y2) in pairwise(ring) if min(x, x2) < ph <= max(x, x2)
        ]
        if at:
            spans.append((region.state, min(at), max(at)))
    return sorted(spans, key=lambda span: span[1])


@pytest.mark.parametrize("ph", [0.5, 3.0, 7.0, 12.0])
def test_the_resting_state_is_its_cut(ph: float) -> None:
    free = {**PT, "H": -0.1, "O.OH": 2.6, "OH.OH": 1.6, "H.H": 0.4, "CO": -0.1, "NH3": 0.2, "HCOOH": -0.5}
    found = diagram(planes(terms(free), AROUND, THERE), (-2.0, 3.0), (0.0, 14.0), scale="RHE")
    expected = windows(candidates(free, AROUND.at(pH=ph), THERE))
    shown = cut(found, ph)
    assert [state for state, _, _ in shown] == [window.state for window in expected]
    for (_, low, high), window in zip(shown, expected, strict=True):
        assert (low, high) == pytest.approx((max(window.low, -2.0), min(window.high, 3.0)), abs=1e-9)


def test_what_makes_no_diagram_is_refused() -> None:
    states = planes(terms(PT), surroundings({}))
    wrong: list[tuple[dict[str, Any], str]] = [
        ({"potentials": (1.0, 0.0)}, "potentials from 1 to 0 is no range"),
        ({"ph": (7.0, 7.0)}, "pH from 7 to 7 is no range"),
        ({"scale": "absolute"}, "unknown potential scale of a diagram 'absolute'"),
    ]
    for settings_, message in wrong:
        with pytest.raises(InputError, match=message):
            diagram(states, **settings_)
    with pytest.raises(InputError, match="no state of the site is known from pH 0 to 7"):
        diagram([Plane("*", (), 0, 0, low=7.0)])


def test_a_region_knows_what_lies_in_it() -> None:
    square = Region("*", ((0.0, 0.0), (2.0, 0.0), (2.0, 1.0), (0.0, 1.0)))
    assert square.area == 2.0
    assert square.contains(1.0, 0.5)
    assert not square.contains(3.0, 0.5)


def test_chloride_by_hand() -> None:
    """Cl* takes the place of an electron: * + Cl- -> Cl* + e-, at a potential against SHE that no pH moves."""
    # E(Cl*) - E(*) = -0.60 eV against HCl and H2; Cl- (aq) lies (131.29 - 95.299) kJ/mol below HCl (g), and 0.1 mol/kg
    around = surroundings({"activities": {"Cl-": 0.1}})
    states = planes(terms({"Cl": -0.60}), around, ["Cl-"])
    edge = -0.60 + (131.290 - 95.299) / 96.48533 + SLOPE
    shown = corners(diagram(states, (-1.0, 2.0), (0.0, 14.0)))
    assert [y for _, y in shown["Cl*"]] == pytest.approx([edge, edge, 2, 2], abs=1e-4)
    assert [x for x, _ in shown["Cl*"]] == [0, 14, 14, 0]
    # so that against RHE it goes up by 59 mV for each unit of pH
    assert covering(states, edge + 7 * SLOPE - 0.01, 7.0).state == "*"
    poisoned = covering(states, edge + 7 * SLOPE + 0.01, 7.0)
    assert (poisoned.state, poisoned.ligand, poisoned.is_poisoned) == ("Cl*", "Cl-", True)
    assert poisoned.margin == pytest.approx(-0.01, abs=1e-4)


def test_sulphide_takes_off_its_protons() -> None:
    # S* of -0.3 eV, SH* of 0.1 eV against H2S (g) at 1 bar: SH2* gives way to S* at (-0.3 + 0.2) / 2 V against RHE
    states = planes(terms({"SH2": -0.2, "SH": 0.1, "S": -0.3}), surroundings({}), ["H2S"])
    assert {(p.state, p.electrons, p.protons) for p in states[1:]} == {("SH2*", 0, 0), ("SH*", -1, -1), ("S*", -2, -2)}
    shown = corners(diagram(states, (-1.0, 1.0), (0.0, 14.0), scale="RHE"))
    assert shown.keys() == {"SH2*", "S*"}
    assert shown["S*"][0] == pytest.approx((0.0, -0.05))
    # of dissolved HS- the same states: it is in equilibrium with the gas
    amount = 10 ** (-(0.4718 - 0.0) / SLOPE)
    dissolved_ = planes(terms({"S": -0.3}), surroundings({"activities": {"HS-": amount}}), ["HS-"])
    (plane,) = (plane for plane in dissolved_ if plane.state == "S*" and plane.holds(8.0, 9.0))
    assert (plane.electrons, plane.protons) == (-2, -1)
    assert plane.free(0.0, 0.0) == pytest.approx(-0.3, abs=1e-3)


def test_what_a_metal_dissolves_to_agrees_with_its_dissolution_potential() -> None:
    formed = [Term("E(site)", "electronic", -2.0, "a"), Term("-E(vacant)", "electronic", 0.5, "b")]
    for metals in (["Fe"], ["Fe", "Co"], ["Mo"]):
        states = dissolved(metals, formed, activity=1e-6)
        assert all(plane.is_dissolved and plane.state.endswith("vacant site") for plane in states)
        for ph in (0.0, 7.0, 13.0):
            found = dissolution(metals, -1.5, ph=ph, activity=1e-6)
            free = [plane.free(found.potential_she, ph, "SHE") for plane in states]
            assert min(free) == pytest.approx(0.0, abs=1e-9)
            assert sum(t.value for t in states[0].terms_at(1.0, ph, "SHE")) == pytest.approx(
                states[0].free(1, ph, "SHE")
            )
    assert "-E(site)" in [term.name for term in states[0].terms]
    assert "E(vacant)" in [term.name for term in states[0].terms]


#: Enough to keep the metal up to 0.9 V or so.
FORMED = Term("E_f", "electronic", -4.0, "by hand")


def test_the_picture(tmp_path: Path) -> None:
    states = [*planes(terms({**PT, "H": 0.1}), surroundings({})), *dissolved(["Fe"], [FORMED], activity=1e-6)]
    found = diagram(states)
    for suffix in ("png", "svg"):
        path = tmp_path / f"site.{suffix}"
        figure = pourbaix_plot(found, path, title="site", mark=(0.0, 0.8), notes=["a note"])
        assert path.stat().st_size > 1000
    axes = figure.axes[0]
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("pH", "U (V vs SHE)")
    legend = [text.get_text() for text in figure.legends[0].get_texts()]
    assert legend[-3:] == ["O₂ / H₂O", "H₂O / H₂", "conditions"]
    # each state has its name inside, or beside where there is no room
    shown = {text.get_text().replace("\n", " ") for text in axes.texts} | set(legend)
    names = {region.state.replace(" + vacant site", " (aq)") for region in found.regions}
    assert {common.species(name) for name in names} <= shown
    assert {"OH*", "Fe³⁺ (aq)"} <= shown
    with pytest.raises(InputError, match="unknown kind of figure"):
        pourbaix_plot(found, tmp_path / "site.gif", title="site")


CAMPAIGN = """\
name: poisons
sites:
  - {family: graphene, metals: Fe}
reactions: [HER]
adsorbates: [OH, O]
stability: {ligands: {CO: 1.0e-6, Cl-: 0.1}, demetallation: false, aggregation: false}
conditions: {potential: 0.8, pH: 1.0}
thermochemistry: {corrections: none}
spin: {clean: fixed, adsorbed: fixed}
poses: {most: 1}
relaxation: {fmax: 0.1}
method: {calculator: mock}
"""


def test_ligands_of_a_campaign_are_adsorbates_and_molecules() -> None:
    campaign = parse_campaign(CAMPAIGN, "test")
    assert campaign.all_adsorbates == ("H", "OH", "O", "CO", "Cl")
    assert campaign.all_molecules == ("H2", "CO", "Cl-")
    assert parse_campaign(CAMPAIGN.replace("Cl-: 0.1", "HS-: 0.1"), "test").all_adsorbates[-3:] == ("SH2", "SH", "S")


@pytest.mark.parametrize(
    ("stated", "message"),
    [
        ("{CO2-: 1.0}", r"stability.ligands.CO2-: unknown ligand 'CO2-'.*did you mean"),
        ("{H2O: 1.0}", r"unknown ligand 'H2O'"),
        ("{CH4: 1.0}", r"unknown ligand 'CH4'"),
        ("{CO: -1.0}", r"stability.ligands.CO"),
        ("{HCN: 0.1, CN-: 0.1}", r"stability.ligands.HCN: HCN and CN- turn into each other by a proton"),
        ("{CO: 0.1}}\nconditions: {pressures: {CO: 1.0}", r"CO is stated under conditions as well"),
    ],
)
def test_ligands_that_are_none_are_refused(stated: str, message: str) -> None:
    text = CAMPAIGN.replace("{CO: 1.0e-6, Cl-: 0.1}, demetallation: false, aggregation: false}", f"{stated}}}")
    if "conditions" in stated:
        text = text.replace("conditions: {potential: 0.8, pH: 1.0}\n", "")
    with pytest.raises(CampaignError, match=message):
        parse_campaign(text, "test")


@pytest.mark.slow
def test_a_campaign_with_ligands(tmp_path: Path, cli: Callable[..., subprocess.CompletedProcess[str]]) -> None:
    (tmp_path / "poisons.yaml").write_text(CAMPAIGN, encoding="utf-8")
    checked = load(tmp_path / "poisons.yaml", Settings(folder=tmp_path / "atomsieve-data"))
    with Database.embedded(checked.folder.database) as database:
        assert Runner(checked, database, 1, Watch()).run().errors == {}
        known = levels(checked, database)
    result = cli("pourbaix", "poisons", "--json", "--potential=-1:3", cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    found = json.loads(result.stdout)
    states = {state["state"]: state for state in found["states"]}
    assert states.keys() >= {"*", "H*", "OH*", "O*", "CO*", "Cl*", "Fe++ + vacant site"}
    assert (states["Cl*"]["ligand"], states["Cl*"]["electrons"], states["Cl*"]["protons"]) == ("Cl-", -1, 0)
    assert sum(region["area"] for region in found["regions"]) == pytest.approx(4 * 14)
    # the terms say at which pressure, and add up
    carbonyl = states["CO*"]
    assert sum(term["value"] for term in carbonyl["terms"]) == pytest.approx(carbonyl["intercept"])
    assert [t["value"] for t in carbonyl["terms"] if t["kind"] == "pressure"] == pytest.approx([6 * SLOPE])
    here = found["covering"]
    assert (here["potential"], here["ph"]) == (0.8, 1.0)
    assert here["order"][0]["state"] == here["state"]
    # the resting state of a reaction is the same, and the criterion of the assessment the same number
    (row,) = display.rows(known)
    assert row["resting_state"] == here["state"]
    stable = known[-1][1][0].stability
    assert stable is not None
    (coverage,) = (entry for entry in stable.criteria if entry.name == "coverage")
    assert coverage.value == pytest.approx(here["margin"])
    assert sum(term.value for term in coverage.terms) == pytest.approx(here["margin"])

    shown = cli("pourbaix", "poisons", "Fe", "--output", "pictures", "--scale", "RHE", cwd=tmp_path)
    assert shown.returncode == 0
    assert here["state"] in shown.stdout
    assert "pre-screening, not predictive" in shown.stdout
    assert {path.suffix for path in (tmp_path / "pictures").iterdir()} == {".png", ".svg"}


def test_ranges_are_read() -> None:
    assert read_range("-1:2", "potential") == (-1.0, 2.0)
    for text in ("low", "1", "0:7:14"):
        with pytest.raises(InputError, match=rf"--ph '{text}' is no range"):
            read_range(text, "ph")
