"""Surroundings: pH, pressures, activities, temperature and calculated molecules against arithmetic done by hand."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest

from atomsieve.analysis.adsorption import adsorption_energy
from atomsieve.analysis.database import Database
from atomsieve.analysis.electrode import limiting_potential
from atomsieve.analysis.gases import free_molecule
from atomsieve.analysis.surroundings import Surroundings, surroundings
from atomsieve.structures.energies import AdsorptionEnergy, SiteLabel, Term
from atomsieve.structures.errors import CampaignError, InputError
from atomsieve.structures.method import Method
from atomsieve.structures.molecule import molecule
from atomsieve.structures.reaction import reaction
from atomsieve.structures.section import ConditionsSection
from atomsieve.structures.state import State, Step
from atomsieve.workflows.campaigns import load
from atomsieve.workflows.harvest import stored_rows
from atomsieve.workflows.runner import Runner
from atomsieve.workflows.settings import Settings
from atomsieve.workflows.watch import Watch

KT = 8.617333262e-5 * 298.15
CONDITIONS = {"temperature": 298.15, "pH": 0.0, "potential": 0.0, "scale": "RHE"}
SITE = SiteLabel("Co-N4", "site-key", "graphene", ("Co",))
PBE = Method("vasp", {"functional": "PBE"}, "dft").to_dict()
POLICY = {"corrections": "none", "solvation": "none", "temperature": 298.15}


def around(**conditions: Any) -> Surroundings:
    return surroundings(CONDITIONS | conditions)


def free(name: str, where: Surroundings) -> float:
    return sum(term.value for term in where.molecules[name])


def step(start: str, end: str) -> Step:
    return Step(State.parse(start), State.parse(end))


NITRATE = step("* + NO3-", "* + NH3 + 3 H2O")
NITROGEN = step("* + N2", "* + 2 NH3")
FORMIC = step("* + CO2", "* + HCOOH")


def test_nitrate_to_ammonia_shifts_with_ph() -> None:
    gas = {"phases": {"NH3": "g"}}
    assert around(**gas).equilibrium(NITRATE) == pytest.approx(0.7992, abs=1e-3)
    assert around(pH=14, **gas).equilibrium(NITRATE) == pytest.approx(0.6957, abs=1e-3)
    assert around(pH=14).equilibrium(NITRATE) == pytest.approx(0.709, abs=1e-3)
    # 9 H+ for 8 e-, and 10 H+ where ammonium is the product
    slope = (around(pH=12).equilibrium(NITRATE) - around(pH=11).equilibrium(NITRATE)) * 1e3
    assert slope == pytest.approx(-7.4, abs=0.05)
    slope = (around(pH=2).equilibrium(NITRATE) - around(pH=1).equilibrium(NITRATE)) * 1e3
    assert slope == pytest.approx(-14.8, abs=0.05)


def test_ammonium_and_formate_take_over_where_they_prevail() -> None:
    assert around().equilibrium(NITROGEN) == pytest.approx(0.2745, abs=1e-3)
    assert around().equilibrium(NITRATE) == pytest.approx(0.8809, abs=1e-3)
    assert around(pH=12).equilibrium(NITROGEN) == pytest.approx(0.0923, abs=1e-3)
    assert around(phases={"NH3": "g"}).equilibrium(NITROGEN) == pytest.approx(0.0567, abs=1e-3)
    assert around().equilibrium(FORMIC) == pytest.approx(-0.1144, abs=1e-3)
    # of CO2 + H+ + 2 e- -> HCOO- half a proton an electron goes with pH: the rest moves against RHE
    assert around(pH=7).equilibrium(FORMIC) == pytest.approx(-0.1144 + (7 - 3.753) * 0.05916 / 2, abs=1e-3)
    # as written, whatever the pH would make of it
    assert surroundings().equilibrium(NITROGEN) == pytest.approx(0.0923, abs=1e-3)


@pytest.mark.parametrize(("name", "constant"), [("HCOOH", 3.753), ("NH3", 9.241), ("NO2-", 3.225), ("HNO2", 3.225)])
def test_acid_and_base_meet_at_their_constant(name: str, constant: float) -> None:
    other = molecule(name).conjugate
    assert other is not None
    sides = [around(pH=constant + shift) for shift in (-0.5, -0.01, 0.01, 0.5)]
    values = [free(name, side) for side in sides]
    assert values[1] == pytest.approx(values[2], abs=1.5e-3)
    # the proton between the two has the chemical potential of the solution
    protons = molecule(other).charge - molecule(name).charge
    for side in sides:
        assert free(name, side) == pytest.approx(free(other, side) + protons * KT * math.log(10) * side.ph, abs=1e-9)
    switched = [any(term.kind == "acid-base" for term in side.molecules[name]) for side in sides]
    assert switched in ([True, True, False, False], [False, False, True, True])
    named = next(term for side in sides for term in side.molecules[name] if term.kind == "acid-base")
    assert named.name.startswith(f"{name} as {other} at pH")
    assert f"(pKa {constant:.2f})" in named.name


def test_pressures_and_activities() -> None:
    thin = around(pressures={"CO2": 0.01, "CO": 0.1}, activities={"HCOOH": 1e-3})
    assert free("CO2", thin) == pytest.approx(KT * math.log(0.01))
    assert free("HCOOH", thin) == pytest.approx(molecule("HCOOH").formation + KT * math.log(1e-3))
    # less of the reactant makes a reduction harder, less of the product easier
    monoxide = step("* + CO2", "* + CO + H2O")
    assert thin.equilibrium(monoxide) == pytest.approx(-0.1040 + KT / 2 * math.log(0.01 / 0.1), abs=1e-3)
    assert thin.equilibrium(FORMIC) == pytest.approx(-0.1144 + KT / 2 * math.log(0.01 / 1e-3), abs=1e-3)
    assert [(term.name, term.kind) for term in thin.molecules["CO"]] == [
        ("G(CO, g)", "experiment"),
        ("kT ln p(CO)", "pressure"),
    ]


@pytest.mark.parametrize(
    ("stated", "message"),
    [
        ({"phases": {"NH3": "l"}}, r"phases.NH3: unknown phase of NH3 'l'.*aq, g"),
        ({"pressures": {"NH3": 1.0}}, "pressures.NH3: NH3 is dissolved here and has an activity"),
        ({"activities": {"CO": 1.0}}, "activities.CO: CO is a gas here and has a pressure"),
        ({"pressures": {"CO": 0.0}}, "pressures.CO: 0 does not exist"),
        ({"pressures": {"XO": 1.0}}, "unknown molecule 'XO'"),
        ({"scale": "Ag/AgCl"}, "unknown potential scale 'Ag/AgCl'; allowed: RHE, SHE, absolute"),
    ],
)
def test_conditions_that_do_not_exist(stated: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        around(**stated)


def test_scales_of_the_potential() -> None:
    assert around(potential=-0.3, pH=7).potential == -0.3
    assert around(potential=-0.7, pH=7, scale="SHE").potential == pytest.approx(-0.7 + 0.41412, abs=1e-4)
    # doi 10.1351/pac198658070955
    assert around(potential=4.44, scale="absolute").potential == pytest.approx(0)
    assert around(potential=4.2, scale="absolute", she=4.28, pH=1).potential == pytest.approx(-0.08 + 0.05916, abs=1e-4)


def test_another_temperature() -> None:
    hot = around(temperature=350.0)
    assert hot.equilibrium(step("* + O2", "* + 2 H2O")) == pytest.approx(1.2289 - 0.846e-3 * 51.85, abs=1e-3)
    assert hot.shift(step("* + H2O", "OH*"), 0.0) == 0
    with pytest.raises(InputError, match="no heat capacity of N2H4"):
        hot.free(State.parse("* + N2H4"))


def test_older_conditions_are_stored_as_before() -> None:
    assert ConditionsSection().resolved() == CONDITIONS
    assert ConditionsSection(scale="absolute").resolved()["she"] == 4.44
    assert ConditionsSection(phases={"NH3": "g"}).resolved() == {**CONDITIONS, "phases": {"NH3": "g"}}


def test_nitrate_from_calculated_nitric_acid() -> None:
    acid = Term("+1 E(HNO3)", "electronic", 6.5, "key")
    where = surroundings(CONDITIONS, {"HNO3": (acid,)})
    # G(NO3-) - e- = G(HNO3, g) - 1/2 G(H2) - 0.392; nitrate, as its acid, is counted with a proton and an electron more
    assert free("NO3-", where) == pytest.approx(6.5 - 0.392)
    assert [term.name for term in where.molecules["NO3-"]] == ["+1 E(HNO3)", "G(NO3-, aq) - G(HNO3, g)"]
    assert "CRC" in where.molecules["NO3-"][1].source
    # from experiment all is as the table of equilibrium potentials has it
    assert free("NO3-", around()) == pytest.approx(8 * 0.8126 + molecule("NH3").formation, abs=1e-3)


def test_a_dissolved_molecule_is_the_calculated_gas_and_the_measured_difference() -> None:
    where = surroundings({**CONDITIONS, "pH": 12}, {"NH3": (Term("+1 E(NH3)", "electronic", -0.30, "key"),)})
    assert free("NH3", where) == pytest.approx(-0.30 - 6 * (0.0923 - 0.0567) / 2, abs=1e-3)
    # the base of ammonium
    assert free("NH4+", where) == pytest.approx(free("NH3", where) - KT * math.log(10) * 12, abs=1e-3)
    # what the calculation gets wrong is said, and what the reaction is worth stays
    assert where.equilibrium(NITROGEN) == pytest.approx(0.0923, abs=1e-3)
    assert where.closure(NITROGEN) == pytest.approx(2 * (-0.30 + 3 * 0.0567), abs=1e-3)
    assert around().closure(NITROGEN) is None


def reference(key: str, energy: float, **more: Any) -> dict[str, Any]:
    fields = {"key": key, "status": "done", "energy": energy, "verdict": "intact", "reason": "", "multiplicity": 1}
    return {**fields, "subject": {}, **more}


GASES = {
    "CO2": reference("dioxide", -23.0),
    "H2O": reference("water", -14.2),
    "H2": reference("hydrogen", -6.8),
    "CO": reference("monoxide", -14.8),
}


def row(adsorbate: str, energy: float, **changes: Any) -> AdsorptionEnergy:
    arguments: dict[str, Any] = {"site": SITE, "adsorbate": adsorbate, "method": PBE, "gases": GASES}
    arguments |= {"policy": POLICY, "clean": [reference("clean", -100.0)]}
    arguments |= {"adsorbed": [reference(adsorbate, energy, verdict="bound")]}
    return adsorption_energy(**(arguments | changes))


def test_a_calculated_molecule_is_the_sum_of_its_terms() -> None:
    terms = free_molecule("CO", method=PBE, policy=POLICY, gases=GASES)
    assert not isinstance(terms, str)
    # CO + H2O - CO2 - H2, each with ZPE + integral of Cp - TS
    electronic = -14.8 - 14.2 + 23.0 + 6.8
    own, water = 0.136 + 0.090 - 0.6108, 0.580 + 0.103 - 0.672
    dioxide, hydrogen = 0.314 + 0.098 - 0.6606, 0.274 + 0.090 - 0.4038
    assert sum(t.value for t in terms) == pytest.approx(electronic + own + water - dioxide - hydrogen)
    assert len(terms) == 4 + 4 * 3
    mended = free_molecule("CO", method=PBE, policy={**POLICY, "gas_corrections": "granda-marulanda"}, gases=GASES)
    assert not isinstance(mended, str)
    assert sum(t.value for t in mended) - sum(t.value for t in terms) == pytest.approx(-0.24 - 0.19)
    assert free_molecule("CO2", method=PBE, policy=POLICY, gases=GASES) == ()
    assert free_molecule(
        "CO", method=PBE, policy=POLICY, gases={**GASES, "CO": {**GASES["CO"], "status": "failed"}}
    ) == ("CO intact, ")
    with pytest.raises(InputError, match="no vibrational terms of CH4 are tabulated"):
        free_molecule("CH4", method=PBE, policy=POLICY, gases={**GASES, "CH4": reference("methane", -24.0)})


def test_gas_corrections_enter_a_row_once_by_name() -> None:
    plain = row("COOH", -125.0)
    assert plain.free == pytest.approx(-125.0 + 100.0 + 23.0 + 3.4)
    mended = row("COOH", -125.0, policy={**POLICY, "gas_corrections": "granda-marulanda"})
    (term,) = [term for term in mended.terms if term.kind == "correction"]
    assert (term.name, term.value, term.source) == ("-1 gas correction(CO2)", -0.19, "doi 10.1021/acscatal.0c01075")
    assert mended.free == pytest.approx((plain.free or 0.0) - 0.19)
    assert mended.slot != plain.slot
    water = row("OH", -110.0, policy={**POLICY, "gas_corrections": "granda-marulanda"})
    assert not [term for term in water.terms if term.kind == "correction"]
    with pytest.raises(InputError, match="are those of RPBE"):
        row("COOH", -125.0, policy={**POLICY, "gas_corrections": "peterson"})
    with pytest.raises(InputError, match="differ in gas_corrections"):
        limiting_potential(
            reaction("CO2RR-CO"),
            {"COOH": plain, "CO": row("CO", -116.0, policy={**POLICY, "gas_corrections": "granda-marulanda"})},
            site=SITE,
            method=PBE,
            conditions=CONDITIONS,
        )


def test_a_molecule_that_could_not_be_calculated_leaves_it_undetermined() -> None:
    where = surroundings(CONDITIONS, {"CO": "CO dissociated, C-O 2.1 Å"})
    rows = {"COOH": row("COOH", -125.0), "CO": row("CO", -116.0), "H": row("H", -103.0)}
    wanted = reaction("CO2RR-CO")
    found = limiting_potential(wanted, rows, site=SITE, method=PBE, conditions=CONDITIONS, around=where)
    assert found.limiting_potential is None
    assert "CO dissociated, C-O 2.1 Å" in str(found.undetermined)
    assert found.closure is None
    where = surroundings(CONDITIONS, {"CO": (Term("+1 E(CO)", "electronic", 0.3079, "key"),)})
    found = limiting_potential(wanted, rows, site=SITE, method=PBE, conditions=CONDITIONS, around=where)
    assert found.closure == pytest.approx(0.1)
    assert found.equilibrium_potential == pytest.approx(-0.1040, abs=1e-3)


def test_rows_of_another_temperature_are_refused() -> None:
    rows = {"H": row("H", -103.0)}
    with pytest.raises(InputError, match=r"H\* is of 298.15 K, and the conditions of 350 K"):
        limiting_potential(
            reaction("HER"), rows, site=SITE, method=PBE, conditions={**CONDITIONS, "temperature": 350.0}
        )


CAMPAIGN = """\
name: monoxide
sites:
  - {family: porphine, metals: [Fe]}
reactions: [CO2RR-CO]
poses: {most: 1}
spin: {clean: 1, adsorbed: 1}
method: {calculator: mock}
thermochemistry: {corrections: peterson}
"""


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("peterson", "peterson, gas_corrections: granda", "unknown table of gas corrections 'granda'"),
        (
            "peterson",
            "peterson, gas_corrections: peterson",
            "are those of RPBE, and mock calculates",
        ),
        ("CO2RR-CO", "CO2RR-CH4", "no value for"),
        ("name:", "conditions: {pressures: {NH3: 1.0}}\nname:", "conditions.pressures.NH3: NH3 is dissolved"),
        ("name:", "conditions: {temperature: 350}\nname:", "need thermochemistry.corrections 'harmonic'"),
        ("reactions: [CO2RR-CO]", "adsorbates: [H]\nreactions: [NRR:distal]", "no value for"),
    ],
)
def test_campaigns_that_cannot_be(old: str, new: str, message: str, tmp_path: Path) -> None:
    path = tmp_path / "c.yaml"
    path.write_text(CAMPAIGN.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(CampaignError, match=message):
        load(path, Settings(folder=tmp_path / "data"))


def test_reactions_at_another_temperature_and_computed_molecules_need_vibrations(tmp_path: Path) -> None:
    path = tmp_path / "c.yaml"
    hot = CAMPAIGN.replace("peterson", "harmonic").replace("name:", "conditions: {temperature: 350}\nname:", 1)
    path.write_text(hot, encoding="utf-8")
    assert load(path, Settings(folder=tmp_path / "data")).surroundings.temperature == 350
    path.write_text(hot.replace("CO2RR-CO", "NRR"), encoding="utf-8")
    with pytest.raises(CampaignError, match=r"350.0 K, but no heat capacity of N2H4 is known"):
        load(path, Settings(folder=tmp_path / "data"))
    computed = CAMPAIGN.replace("CO2RR-CO", "NRR").replace("peterson", "none, gases: computed")
    path.write_text(computed, encoding="utf-8")
    with pytest.raises(CampaignError, match=r"no vibrational terms of NH3, N2H4 are tabulated"):
        load(path, Settings(folder=tmp_path / "data"))


def test_a_campaign_with_computed_molecules(tmp_path: Path) -> None:
    path = tmp_path / "c.yaml"
    counts, found = [], []
    for text in (CAMPAIGN, CAMPAIGN.replace("peterson", "peterson, gases: computed")):
        path.write_text(text, encoding="utf-8")
        checked = load(path, Settings(folder=tmp_path / "data"))
        with Database.embedded(checked.folder.database) as database:
            counts.append(Runner(checked, database, 1, Watch()).run().computed)
            assert Runner(checked, database, 1, Watch()).run().computed == 0
            (site,) = stored_rows(checked, database)
            found.append(next(one for one in site.potentials if one.reaction == "CO2RR-CO"))
    # the second time CO, and HCOOH where it leaves, are all that is new
    assert counts[1] == len(checked.computed)
    assert "CO" in checked.computed
    plain, computed = found
    assert plain.closure is None
    assert computed.closure is not None
    assert computed.key != plain.key
    assert computed.equilibrium_potential == plain.equilibrium_potential
    totals = [(one.states[-1]["free"] or 0.0) - (one.states[0]["free"] or 0.0) for one in found]
    assert totals[1] - totals[0] == pytest.approx(computed.closure)
