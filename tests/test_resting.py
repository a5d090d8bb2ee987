"""Resting state: what covers a site at a potential, and what a reaction does there."""

from __future__ import annotations

import math
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from atomsieve.analysis.database import Database
from atomsieve.analysis.resting import Candidate, at_rest, candidates, ordered, windows
from atomsieve.analysis.surroundings import surroundings
from atomsieve.builders import catalog
from atomsieve.structures.errors import CampaignError
from atomsieve.workflows import display, screen
from atomsieve.workflows.campaigns import load
from atomsieve.workflows.checked import CheckedCampaign
from atomsieve.workflows.funnel import levels
from atomsieve.workflows.runner import Runner
from atomsieve.workflows.settings import Settings
from atomsieve.workflows.watch import Watch

AROUND = surroundings()
#: Pt(111), eV at 0 V (Hansen 2014).
PT = {"OH": 0.75, "O": 1.70, "OOH": 3.91}
BARE = Candidate("*", 0, 0.0)
FREE = st.floats(-3, 3).map(lambda value: round(value, 3))
LINES = st.lists(st.tuples(st.integers(-4, 4), FREE), max_size=8).map(
    lambda pairs: (BARE, *(Candidate(f"X{i}*", n, value) for i, (n, value) in enumerate(pairs)))
)


def test_electrons_follow_from_composition() -> None:
    found = candidates({"OH": 0.75, "O": 1.7, "OOH": 3.9, "H": -0.1, "H2O": 0.2, "Vo": 1.0, "O.OH": 2.0}, AROUND)
    assert {entry.state: entry.electrons for entry in found} == {
        "*": 0,
        "OH*": -1,
        "O*": -2,
        "OOH*": -3,
        "H*": 1,
        "H2O*": 0,
        "Vo*": 2,
        "O.OH*": -3,
    }
    assert found[0] == BARE


def test_diagram_of_platinum() -> None:
    # OH* from 0.75 V; O* where 1.70 - 2 U < 0.75 - U, from 0.95 V; OOH* where 3.91 - 3 U < 1.70 - 2 U, from 2.21 V
    found = windows(candidates(PT, AROUND))
    assert [entry.state for entry in found] == ["*", "OH*", "O*", "OOH*"]
    assert [entry.high for entry in found] == pytest.approx([0.75, 0.95, 2.21, math.inf])
    assert [entry.low for entry in found] == pytest.approx([-math.inf, 0.75, 0.95, 2.21])


def test_all_states_in_order_at_a_potential() -> None:
    found = ordered(candidates({**PT, "H": 0.3}, AROUND), 0.8)
    assert [entry.state for entry in found] == ["OH*", "*", "O*", "H*", "OOH*"]
    assert [entry.free(0.8) for entry in found] == pytest.approx([-0.05, 0.0, 0.1, 1.1, 1.51])


def test_carbon_monoxide_rests_where_it_is_there() -> None:
    free = {"CO": -0.5, "CHO": -1.0, "H": 0.2, "N2": None}
    assert [entry.state for entry in candidates(free, AROUND)] == ["*", "H*"]
    bare, monoxide, hydrogen = candidates(free, AROUND, ("CO", "CO2", "N2"))
    assert (bare.state, monoxide.state, hydrogen.state) == ("*", "CO*", "H*")
    # against CO itself, not against CO2: no potential matters to it
    assert monoxide.electrons == 0
    assert monoxide.free_at_zero == pytest.approx(-0.5 - sum(term.value for term in AROUND.molecules["CO"]))


def test_on_the_scale_of_the_hydrogen_electrode_no_ph_matters() -> None:
    alkaline = surroundings({"temperature": 298.15, "pH": 13.0, "potential": 0.0, "scale": "RHE"})
    assert candidates(PT, alkaline) == candidates(PT, AROUND)


@given(LINES, st.floats(-5, 5))
def test_windows_hold_the_lowest_state(states: tuple[Candidate, ...], potential: float) -> None:
    found = windows(states)
    assert found[0].low == -math.inf
    assert found[-1].high == math.inf
    assert all(before.high == after.low and before.low < before.high for before, after in pairwise(found))
    (window,) = [entry for entry in found if entry.low < potential <= entry.high]
    own = next(entry for entry in states if entry.state == window.state)
    assert own.free(potential) == pytest.approx(min(entry.free(potential) for entry in states), abs=1e-9)


def test_a_state_that_rests_at_its_own_limiting_potential() -> None:
    # OH* rests from 0.3 to 0.9 V; the bare site would run below 0.1 V, with OH on the far face it runs below 0.6 V
    states = (BARE, Candidate("OH*", -1, 0.3), Candidate("O*", -2, 1.2))
    limits = {"*": 0.1, "OH*": 0.6, "O*": 0.2}
    found = at_rest(states, limits, is_reduction=True, equilibrium=1.229)
    assert (found.state, found.limiting_potential, found.reason) == ("OH*", 0.6, "")


def test_a_reaction_that_begins_where_the_covering_leaves() -> None:
    # covered by OH it runs below 0.1 V only, where it is bare already; bare it runs below 0.7 V, where it is covered
    states = (BARE, Candidate("OH*", -1, 0.3))
    found = at_rest(states, {"*": 0.7, "OH*": 0.1}, is_reduction=True, equilibrium=1.229)
    assert found.state == "*"
    assert found.limiting_potential == pytest.approx(0.3)


def test_an_oxidation_looks_from_below() -> None:
    states = (BARE, Candidate("OH*", -1, 0.3), Candidate("O*", -2, 1.2))
    found = at_rest(states, {"*": 1.5, "OH*": 1.6, "O*": 1.8}, is_reduction=False, equilibrium=1.229)
    assert (found.state, found.limiting_potential) == ("O*", 1.8)


def test_a_covered_site_that_was_not_computed_leaves_it_open() -> None:
    states = (BARE, Candidate("OH*", -1, 0.3), Candidate("O*", -2, 1.2))
    found = at_rest(states, {"*": 0.5}, is_reduction=True, equilibrium=1.229)
    assert found.limiting_potential is None
    # at the limiting potential of the bare site it is OH* that rests
    assert (found.state, found.potential) == ("OH*", 0.5)
    assert found.reason == "U_L on the site with O on its far face is not known; O* above 0.90 V"
    # what rests beyond the equilibrium does not matter
    low = at_rest(states, {"*": 0.5, "OH*": 0.6}, is_reduction=True, equilibrium=0.8)
    assert low.limiting_potential == 0.6


def test_at_a_stated_potential_the_state_there_counts() -> None:
    states = (BARE, Candidate("OH*", -1, 0.3))
    limits = {"*": 0.1, "OH*": 0.6}
    assert at_rest(states, limits, is_reduction=True, equilibrium=1.2, potential=0.2).limiting_potential == 0.1
    assert at_rest(states, limits, is_reduction=True, equilibrium=1.2, potential=0.4).state == "OH*"
    unknown = at_rest(states, {"*": 0.1}, is_reduction=True, equilibrium=1.2, potential=0.4)
    assert (unknown.state, unknown.limiting_potential) == ("OH*", None)
    assert "OH on its far face" in unknown.reason


@given(LINES, st.data(), st.booleans())
def test_the_reaction_runs_where_it_is_said_to_begin_and_not_before(
    states: tuple[Candidate, ...], data: st.DataObject, is_reduction: bool
) -> None:
    limits: dict[str, float | None] = {entry.state: data.draw(FREE) for entry in states}
    sign = 1 if is_reduction else -1
    found = at_rest(states, limits, is_reduction=is_reduction, equilibrium=sign * 10.0)
    assert found.limiting_potential is not None

    def runs(potential: float) -> bool:
        known = limits[ordered(states, potential)[0].state]
        return known is not None and sign * known >= sign * potential

    assert runs(found.limiting_potential - sign * 1e-6)
    assert not any(runs(found.limiting_potential + sign * (1e-6 + 0.05 * step)) for step in range(60))


CAMPAIGN = """\
name: covered
sites:
  - {family: graphene, metals: [Cr, Cu]}
reactions: [ORR]
resting: [OH, O]
spin: {clean: fixed, adsorbed: fixed}
poses: {most: 1}
relaxation: {fmax: 0.1}
method: {calculator: mock}
"""


def read(text: str, folder: Path) -> CheckedCampaign:
    path = folder / "covered.yaml"
    path.write_text(text, encoding="utf-8")
    return load(path, Settings(folder=folder / "atomsieve-data"))


def labels(checked: CheckedCampaign) -> list[str]:
    return [catalog.build(recipe).label for recipe in checked.recipes()]


def test_each_site_stands_beside_its_covered_one(tmp_path: Path) -> None:
    entry = "{family: graphene, metals: [Cr, Cu]}"
    more = "{family: graphene, metals: Cr, axial: [OH, Cl]}\n  - {family: graphene-dual, metals: Fe-Co}"
    more += "\n  - {family: zr6-node, metals: Co, node: UiO-66, graft: SIM}"
    checked = read(CAMPAIGN.replace(entry, f"{entry}\n  - {more}").replace("[OH]", "[OH, O]"), tmp_path)
    found = labels(checked)
    assert found[:6] == [f"{metal}-N4{ligand}@graphene-4x4" for metal in ("Cr", "Cu") for ligand in ("", "-OH", "-O")]
    assert [label.partition("@")[0] for label in found[6:]] == ["Cr-N4-Cl", "FeCo-N6", "Co"]
    assert checked.uncovered == {
        "its far face carries OH already": 1,
        "its far face carries Cl already": 1,
        "each of its metals would carry a ligand": 1,
        "zr6-node takes no ligand on the far face": 1,
    }


def test_what_covers_is_an_adsorbate_too(tmp_path: Path) -> None:
    checked = read(CAMPAIGN.replace("[ORR]", "[HER]"), tmp_path)
    assert checked.campaign.all_adsorbates == ("H", "OH", "O")
    silent = read(CAMPAIGN.replace("resting: [OH, O]\n", ""), tmp_path)
    assert labels(silent) == ["Cr-N4@graphene-4x4", "Cu-N4@graphene-4x4"]
    assert silent.uncovered == {}


@pytest.mark.parametrize(
    ("asked", "message"),
    [("OX", r"resting\[0\]: unknown adsorbate 'OX'"), ("OOH", r"resting\[0\]: unknown ligand .* 'OOH'")],
)
def test_what_cannot_cover_is_refused(asked: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(CampaignError, match=message):
        read(CAMPAIGN.replace("[OH, O]", f"[{asked}]"), tmp_path)


def shown(checked: CheckedCampaign) -> dict[str, dict[str, Any]]:
    with Database.embedded(checked.folder.database) as database:
        return {row["site"].partition("@")[0]: row for row in display.rows(levels(checked, database))}


def test_a_campaign_finds_the_limiting_potential_at_rest(tmp_path: Path) -> None:
    checked = read(CAMPAIGN, tmp_path)
    with Database.embedded(checked.folder.database) as database:
        summary = Runner(checked, database, 2, Watch()).run()
    assert (summary.sites, summary.errors) == (6, {})
    rows = shown(checked)
    chromium, covered = rows["Cr-N4"], rows["Cr-N4-OH"]
    # where the bare site would run OH* rests already, and on the site so covered the reaction runs at once
    assert chromium["resting_state"] == "OH*"
    assert chromium["limiting_potential_at_rest"] == covered["limiting_potential"] > chromium["limiting_potential"]
    assert chromium["free_OH"] < chromium["limiting_potential_at_rest"] < chromium["free_O"] - chromium["free_OH"]
    assert (covered["limiting_potential_at_rest"], covered["not_at_rest"]) == (None, "its far face carries OH already")
    # copper binds OH* weakly, and stays bare
    copper = rows["Cu-N4"]
    assert copper["resting_state"] == "*"
    assert copper["limiting_potential_at_rest"] == copper["limiting_potential"] < copper["free_OH"]
    assert [line.partition(":")[0] for line in screen.at_rest(list(rows.values()))] == ["Cr-N4@graphene-4x4"]
    assert sorted(row["rank"] for row in rows.values()) == [1, 2, 3, 4, 5, 6]
    lead = (chromium["free_OOH"] - chromium["free_O"]) - (chromium["free_OOH"] - 2 * 1.763)
    assert chromium["selectivity"] == pytest.approx(lead, abs=2e-3)
    assert chromium["selectivity_against"] == "H2O2"

    # what nobody computed is not known, and at a stated potential the state there counts
    alone = shown(read(CAMPAIGN.replace("resting: [OH, O]\n", ""), tmp_path))["Cr-N4"]
    assert alone["limiting_potential_at_rest"] is None
    assert "O on its far face" in alone["not_at_rest"]
    low = shown(read(f"{CAMPAIGN}conditions: {{potential: 0.2}}\n", tmp_path))["Cr-N4"]
    assert (low["resting_state"], low["limiting_potential_at_rest"]) == ("*", low["limiting_potential"])
