"""The computational hydrogen electrode against published tables and sums done by hand."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from atomsieve.analysis.electrode import limiting_potential
from atomsieve.analysis.pathways import PathEnergies, search, toll
from atomsieve.analysis.surroundings import surroundings
from atomsieve.structures.adsorbate import adsorbate
from atomsieve.structures.energies import AdsorptionEnergy, SiteLabel, Term
from atomsieve.structures.errors import InputError, MethodMismatchError
from atomsieve.structures.limiting import LimitingPotential
from atomsieve.structures.method import Method
from atomsieve.structures.reaction import Reaction, reaction
from atomsieve.structures.state import State, Step, free_formation

SITE = SiteLabel("Co-N4", "site-key", "graphene", ("Co",))
METHOD = Method("gpaw", {"xc": "PBE"}, "dft").to_dict()
CONDITIONS = {"temperature": 298.15, "pH": 0, "potential": 0.0, "scale": "RHE"}
PLATINUM = {"OH": 0.75, "O": 1.70, "OOH": 3.91}


def best(wanted: Reaction, free: Mapping[str, float | None], potential: float = 0.0) -> PathEnergies:
    return search(wanted, free, surroundings(CONDITIONS | {"potential": potential})).best


def made_up(*texts: str) -> Reaction:
    return Reaction("made up", "", {"only": tuple(State.parse(text) for text in texts)}, "")


def row(
    name: str, free: float | None, reason: str = "Co-O 1.87 Å", verdict: str = "bound", **more: Any
) -> AdsorptionEnergy:
    fields: dict[str, Any] = {
        "site": SITE,
        "adsorbate": name,
        "method": METHOD,
        "policy": {"corrections": "norskov", "solvation": "none", "temperature": 298.15},
        "terms": (Term(f"E({name}*)", "electronic", free, "key"),) if free is not None else (),
        "verdict": verdict,
        "reason": reason,
        "calculations": {"clean": "clean", "adsorbed": f"pose-{name}"},
        "considered": ({"key": f"pose-{name}", "status": "done"},),
    }
    return AdsorptionEnergy(**(fields | more))


def platinum() -> dict[str, AdsorptionEnergy]:
    return {name: row(name, free) for name, free in PLATINUM.items()}


def solve(name: str, rows: dict[str, AdsorptionEnergy], **conditions: Any) -> LimitingPotential:
    return limiting_potential(reaction(name), rows, site=SITE, method=METHOD, conditions=CONDITIONS | conditions)


def test_platinum_111_of_the_literature() -> None:
    result = solve("ORR", platinum())
    assert [round(-(s.free_at_zero or 0), 2) for s in result.steps] == [1.01, 2.21, 0.95, 0.75]
    assert result.limiting_potential == pytest.approx(0.75)
    assert result.overpotential == pytest.approx(1.2289 - 0.75)
    assert result.potential_determining_steps == ("OH* → * + H2O",)
    assert result.undetermined is None
    assert result.predictive


def test_platinum_111_the_other_way_round() -> None:
    result = solve("OER", platinum())
    # oxidation of O* to OOH* is the worst: 3.91 - 1.70
    assert result.limiting_potential == pytest.approx(2.21)
    assert result.overpotential == pytest.approx(2.21 - 1.2289)
    assert result.potential_determining_steps == ("O* + H2O → OOH*",)


def test_peroxide_on_platinum() -> None:
    result = solve("ORR-2e", {"OOH": row("OOH", 3.91)})
    assert [s.free_at_zero for s in result.steps] == pytest.approx([3.91 - 4.9156, 3.5266 - 3.91])
    assert result.limiting_potential == pytest.approx(3.91 - 3.5266)
    assert result.overpotential == pytest.approx(0.6945 - (3.91 - 3.5266))


@pytest.mark.parametrize("free", [-0.6, -0.09, 0.0, 0.24, 1.3])
def test_hydrogen_follows_the_usual_convention(free: float) -> None:
    result = solve("HER", {"H": row("H", free)})
    assert result.limiting_potential == pytest.approx(-abs(free))
    assert result.overpotential == pytest.approx(abs(free))
    expected = "* → H*" if free >= 0 else "H* → * + H2"
    assert expected in result.potential_determining_steps


def test_lowest_overpotential_that_scaling_allows_for_oxygen_evolution() -> None:
    found = min(
        best(reaction("OER"), {"OH": float(oh), "O": float(o), "OOH": float(oh) + 3.2}).overpotential or 0
        for oh in np.arange(0.0, 2.5, 0.02)
        for o in np.arange(oh, oh + 3.2, 0.02)
    )
    assert found == pytest.approx(0.37, abs=0.002)


def test_ideal_catalyst_has_no_overpotential_and_every_step_ties() -> None:
    ideal = {"OH": 1.2289, "O": 2 * 1.2289, "OOH": 3 * 1.2289}
    for name in ("ORR", "OER"):
        path = best(reaction(name), ideal)
        assert path.overpotential == pytest.approx(0, abs=1e-9)
        assert len(path.potential_determining_steps) == 4


def test_ties_reach_to_fifty_millivolt() -> None:
    near = best(reaction("ORR"), {"OH": 0.75, "O": 0.75 + 0.79, "OOH": 3.9})
    far = best(reaction("ORR"), {"OH": 0.75, "O": 0.75 + 0.81, "OOH": 3.9})
    assert near.potential_determining_steps == ("O* → OH*", "OH* → * + H2O")
    assert far.potential_determining_steps == ("OH* → * + H2O",)


@pytest.mark.parametrize("name", ["ORR", "OER", "ORR-2e", "HER"])
def test_path_closes_on_experiment_whatever_the_site_does(name: str) -> None:
    rng = np.random.default_rng(7)
    for _ in range(20):
        free = {a: float(rng.normal(1, 2)) for a in reaction(name).adsorbates}
        path = best(reaction(name), free)
        total = sum(s.free_at_zero or 0 for s in path.steps)
        assert total == pytest.approx(-reaction(name).equilibrium_potential * reaction(name).electrons, abs=1e-3)
        assert (path.overpotential or 0) >= -1e-9


@pytest.mark.parametrize("name", ["ORR", "OER", "ORR-2e", "HER"])
def test_at_the_limiting_potential_the_worst_step_is_level_and_none_is_uphill(name: str) -> None:
    free = {"OH": 0.9, "O": 2.3, "OOH": 4.0, "H": -0.3}
    first = best(reaction(name), free)
    assert first.limiting_potential is not None
    there = best(reaction(name), free, potential=first.limiting_potential)
    assert max(s.free or 0 for s in there.steps) == pytest.approx(0, abs=1e-9)


def test_potential_shifts_each_step_by_its_electrons() -> None:
    reduced = solve("ORR", platinum(), potential=0.8)
    assert [(s.free or 0) - (s.free_at_zero or 0) for s in reduced.steps] == pytest.approx([0.8] * 4)
    oxidised = solve("OER", platinum(), potential=1.6)
    assert [(s.free or 0) - (s.free_at_zero or 0) for s in oxidised.steps] == pytest.approx([-1.6] * 4)


def test_scales() -> None:
    assert surroundings(CONDITIONS | {"potential": 0.4, "pH": 13}).potential == 0.4
    assert surroundings(CONDITIONS | {"potential": 0.4, "pH": 13, "scale": "SHE"}).potential == pytest.approx(
        0.4 + 13 * 0.05916, abs=1e-4
    )
    result = solve("ORR", platinum(), potential=0.4, pH=13, scale="SHE")
    assert result.conditions["potential_rhe"] == pytest.approx(1.169, abs=1e-3)
    assert result.conditions["scale"] == "SHE"
    # U_L against RHE does not depend on where one looks
    assert result.limiting_potential == pytest.approx(0.75)


@pytest.mark.parametrize(
    ("conditions", "message"), [({"scale": "NHE"}, "'NHE'.*RHE, SHE"), ({"temperature": 353.15}, "353.15 K")]
)
def test_conditions_that_cannot_be_used(conditions: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        solve("ORR", platinum(), **conditions)


def test_missing_intermediate_makes_it_undetermined_and_names_it() -> None:
    rows = platinum() | {"OOH": row("OOH", None, "O-O 2.9 Å", "dissociated")}
    result = solve("ORR", rows)
    assert result.undetermined == "OOH*: dissociated (O-O 2.9 Å)"
    assert result.limiting_potential is None
    assert result.overpotential is None
    assert result.potential_determining_steps == ()
    assert [s.free_at_zero is None for s in result.steps] == [True, True, False, False]
    assert [s["free"] for s in result.states] == pytest.approx([4.9156, None, 1.70, 0.75, 0])
    assert set(result.adsorption_energies) == {"OOH", "O", "OH"}


def test_all_that_is_missing_is_named() -> None:
    result = solve("ORR", {"OH": row("OH", None, "Zn-O 3.4 Å", "desorbed"), "O": row("O", 1.7)})
    assert result.undetermined == "OOH*: not calculated; OH*: desorbed (Zn-O 3.4 Å)"


def test_rows_on_different_clean_states_do_not_make_a_path() -> None:
    rows = platinum() | {"O": row("O", 1.7, calculations={"clean": "other", "adsorbed": "pose-O"})}
    result = solve("ORR", rows)
    assert result.limiting_potential is None
    assert "different clean states" in (result.undetermined or "")


def test_gate() -> None:
    other = Method("gpaw", {"xc": "RPBE"}, "dft").to_dict()
    with pytest.raises(MethodMismatchError, match=r"O\* and OH\* differ in xc \('RPBE' and 'PBE'\)"):
        solve("ORR", platinum() | {"O": row("O", 1.7, method=other)})
    # rows that the reaction does not need are not in its way
    assert solve("ORR", platinum() | {"H": row("H", 0.1, method=other)}).limiting_potential is not None


@pytest.mark.parametrize(
    ("strange", "message"),
    [
        (
            row("O", 1.7, policy={"corrections": "peterson", "solvation": "none", "temperature": 298.15}),
            "in corrections",
        ),
        (row("O", 1.7, policy={"corrections": "norskov", "solvation": "table", "temperature": 298.15}), "in solvation"),
        (row("O", 1.7, site=SiteLabel("Fe-N4", "other", "graphene", ("Fe",))), "belongs to the site Fe-N4"),
        (row("OH", 1.7), r"passed as O\* is of OH\*"),
    ],
)
def test_rows_that_do_not_belong_together(strange: AdsorptionEnergy, message: str) -> None:
    with pytest.raises(InputError, match=message):
        solve("ORR", platinum() | {"O": strange})


def test_chemical_step_is_reported_and_never_limits() -> None:
    plain = best(made_up("OH*", "* + H2O"), {"OH": 0.2})
    # water that stays for a while, and leaves downhill or not
    for water in (0.1, -2.0):
        longer = best(made_up("OH*", "H2O*", "* + H2O"), {"OH": 0.2, "H2O": water})
        assert [step.electrons for step in longer.steps] == [1, 0]
        assert longer.steps[1].free_at_zero == pytest.approx(-water)
        assert longer.limiting_potential == pytest.approx(0.2 - water)
        assert longer.steps[1].text not in longer.potential_determining_steps
    assert plain.limiting_potential == pytest.approx(0.2)


def test_the_path_with_the_easiest_hardest_step_is_found_and_the_others_are_listed() -> None:
    chains = {
        "long": ("* + O2", "O2*", "OOH*", "O* + H2O", "OH* + H2O", "* + 2 H2O"),
        "short": ("* + O2", "OOH*", "O* + H2O", "OH* + H2O", "* + 2 H2O"),
    }
    routes = {name: tuple(State.parse(text) for text in chain) for name, chain in chains.items()}
    leaves = ((State.parse("OOH*"), State.parse("* + H2O2")),)
    network = Reaction("two ways", "", routes, "", leaves)
    free: dict[str, float | None] = {"O2": 4.3, "OOH": 4.2, "O": 2.0, "OH": 1.0}
    found = search(network, free, surroundings())
    # both need OOH*, which is 0.7 eV downhill of O2, and 0.1 eV of O2*, where that has come down by itself
    assert found.best.path.name == "short"
    assert found.best.limiting_potential == pytest.approx(4.9156 - 4.2)
    assert (found.within, found.undetermined, found.paths) == (0, 0, 2)
    # what binds O2 weakly loses nothing on that way
    found = search(network, {**free, "O2": 5.0}, surroundings())
    assert found.best.path.name == "long"
    assert found.best.limiting_potential == pytest.approx(0.8)
    assert [other.path.name for other in found.alternatives] == ["short"]
    # a path with a missing intermediate is left out, and counted
    found = search(network, {**free, "O2": None}, surroundings())
    assert (found.best.path.name, found.undetermined) == ("short", 1)
    (peroxide,) = found.side_products
    assert (peroxide.product, peroxide.leaves) == ("H2O2", "OOH*")
    assert peroxide.free_at_zero == pytest.approx(3.5266 - 4.2)
    assert peroxide.limiting_potential == pytest.approx(min(4.9156 - 4.2, 4.2 - 3.5266))
    found = search(network, {**free, "OOH": None}, surroundings())
    assert (found.best.limiting_potential, found.undetermined) == (None, 2)


def test_what_a_chemical_step_climbs_is_no_gift_to_the_next_electron() -> None:
    chains = {
        "end-on": ("* + N2", "N2*", "NNH*", "* + N2H4"),
        "side-on": ("* + N2", "N2-side*", "NNH-side*", "* + N2H4"),
    }
    network = Reaction("two ways", "", {n: tuple(map(State.parse, chain)) for n, chain in chains.items()}, "")
    end_on: dict[str, float | None] = {"N2": -0.3, "NNH": 0.6}
    # N2 that lies flat is 2 eV up, from where all is easy
    found = search(network, {**end_on, "N2-side": 2.0, "NNH-side": 1.5}, surroundings())
    assert found.best.path.name == "end-on"
    # the convention: only proton-electron steps enter, each by itself
    hydrazine = free_formation(State.parse("* + N2H4"))
    assert found.best.limiting_potential == pytest.approx(-max(0.9, (hydrazine - 0.6) / 3))
    # as soon as the climb and the step together are easier than the other way, it is the way
    found = search(network, {**end_on, "N2-side": 0.5, "NNH-side": 0.7}, surroundings())
    assert found.best.path.name == "side-on"
    steps = network.routes["side-on"]
    assert toll([Step(a, b) for a, b in pairwise(steps[:3])], dict.fromkeys(network.steps, 0.4)) == pytest.approx(0.8)


def test_an_electron_without_a_proton_depends_on_the_ph_and_never_limits() -> None:
    step = Step(State.parse("* + NO3-"), State.parse("NO3*"))
    assert (step.electrons, step.protons, step.kind) == (-1, 0, "electron")
    assert surroundings(CONDITIONS | {"potential": -0.3}).shift(step) == pytest.approx(0.3)
    # against RHE ΔG gains 0.0592 eV a unit of pH; against SHE nothing
    assert surroundings(CONDITIONS | {"potential": -0.3, "pH": 7}).shift(step) == pytest.approx(
        0.3 + 7 * 0.05916, abs=1e-4
    )
    there = surroundings(CONDITIONS | {"potential": -0.3, "pH": 7, "scale": "SHE"})
    assert there.shift(step) == pytest.approx(0.3)


def test_methane_on_copper() -> None:
    # Cu(211), 18.5 degrees and the fugacities of the experiment (Peterson et al. 2010, doi 10.1039/c0ee00071j): the
    # steps of the published table, from which the adsorbates follow against the reactants
    published = {"COOH": 0.38, "CO": -0.32, "CHO": 0.75, "CH2O": -0.26, "OCH3": -0.71, "O": -0.42, "OH": -1.05}
    levels = dict(zip(published, np.cumsum(list(published.values())).tolist(), strict=True))
    # CH4 stands beside O* and OH*
    methane = free_formation(State.parse("* + CH4"))
    free = levels | {name: levels[name] - methane for name in ("O", "OH")}
    found = best(reaction("CO2RR-CH4:CHO"), free)
    changes = [step.free_at_zero or 0.0 for step in found.steps]
    assert changes[:-1] == pytest.approx(list(published.values()), abs=1e-9)
    # the last step closes on the potentials of 25 degrees and 1 bar, the table on others
    assert sum(changes) == pytest.approx(-8 * 0.1690, abs=0.04)
    assert changes[-1] == pytest.approx(0.31, abs=0.04)
    assert found.limiting_potential == pytest.approx(-0.75)
    assert found.potential_determining_steps == ("CO* → CHO*",)
    # in the whole network nothing else is known: the other routes are not determined, this one is found
    whole = search(reaction("CO2RR-CH4"), free, surroundings(CONDITIONS))
    assert whole.best.path.name == "CHO"
    assert whole.undetermined == whole.paths - 1
    left = {(side.product, side.leaves): side for side in whole.side_products}
    assert left["CO", "CO*"].limiting_potential == pytest.approx(-0.38)
    assert left["CH3OH", "OCH3*"].limiting_potential == pytest.approx(-0.75)


def test_uphill_chemical_step_does_not_enter_the_potential() -> None:
    # H2O2 that falls apart into O* and water: no electrons
    chemical = made_up("* + H2O2", "O* + H2O", "OH* + H2O")
    path = best(chemical, {"O": 3.5266 + 1.0, "OH": 0.5})
    assert [s.electrons for s in path.steps] == [0, 1]
    assert path.steps[0].free_at_zero == pytest.approx(1.0)
    assert path.limiting_potential == pytest.approx(4.5266 - 0.5)


def test_two_electrons_in_one_step_share_the_free_energy() -> None:
    both = made_up("* + O2", "* + H2O2")
    path = best(both, {})
    assert path.steps[0].electrons == 2
    assert path.limiting_potential == pytest.approx(0.6945)
    assert path.overpotential == pytest.approx(0, abs=1e-9)


def test_reactions_that_turn_back_are_refused() -> None:
    back = made_up("*", "H*", "*", "H*")
    with pytest.raises(InputError, match=r"take up \[1, -1\] electrons"):
        best(back, {"H": 0.0})


def test_record_survives_json_and_says_whether_it_predicts() -> None:
    result = solve("ORR", platinum())
    assert LimitingPotential.from_dict(result.to_dict()) == result
    cheap = Method("gfn1-xtb", {"etemp": 300}, "semiempirical").to_dict()
    rows = {name: row(name, free, method=cheap) for name, free in PLATINUM.items()}
    assert not limiting_potential(reaction("ORR"), rows, site=SITE, method=cheap, conditions=CONDITIONS).predictive


def test_reaction_adsorbates_are_known() -> None:
    assert all(adsorbate(name).name == name for name in reaction("OER").adsorbates)
