"""Reactions: they balance, close on experiment, and refuse what does not."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path as FilePath

import numpy as np
import pytest

from atomsieve.analysis.pathways import Network
from atomsieve.analysis.surroundings import surroundings
from atomsieve.structures.errors import InputError
from atomsieve.structures.molecule import molecule, reference_amounts
from atomsieve.structures.reaction import Path, Reaction, reaction, reactions
from atomsieve.structures.state import State, free_formation


@pytest.mark.parametrize("name", reactions())
def test_every_step_balances_with_one_site(name: str) -> None:
    for step in reaction(name).steps:
        start, end = dict(step.start.composition), dict(step.end.composition)
        start["H"] = start.get("H", 0) + step.protons
        assert {e: n for e, n in start.items() if n} == {e: n for e, n in end.items() if n}
        assert step.start.charge + step.protons - step.electrons == step.end.charge
        assert abs(step.electrons) <= 1


#: V against SHE at 298.15 K and pH 0, from NASA's gas data and OBIGT's aqueous data; ethanol from NBS (aq).
POTENTIALS = {
    "HER": (2, 0.0),
    "HER-Tafel": (2, 0.0),
    "HOR": (-2, 0.0),
    "HOR-Tafel": (-2, 0.0),
    "ORR": (4, 1.2289),
    "ORR-dissociative": (4, 1.2289),
    "ORR-2e": (2, 0.6945),
    "OER": (-4, 1.2289),
    "OER-coupling": (-4, 1.2289),
    "OER-lattice": (-4, 1.2289),
    "CO2RR-CO": (2, -0.1040),
    "CO2RR-HCOOH": (2, -0.1144),
    "CO2RR-HCHO": (4, -0.1241),
    "CO2RR-CH3OH": (6, 0.0321),
    "CO2RR-CH4": (8, 0.1690),
    "CO2RR-C2H4": (12, 0.0789),
    "CO2RR-C2H5OH": (12, 0.09),
    "NRR": (6, 0.0923),
    "NO3RR": (8, 0.8126),
    "NORR": (5, 0.7071 + 0.1068 / 5),
    "NORR-N2O": (2, 1.5992),
}


@pytest.mark.parametrize(("name", "electrons", "potential"), [(name, *row) for name, row in POTENTIALS.items()])
def test_equilibrium_potentials(name: str, electrons: int, potential: float) -> None:
    assert reaction(name).electrons == electrons
    assert reaction(name).is_reduction == (electrons > 0)
    assert reaction(name).equilibrium_potential == pytest.approx(potential, abs=5e-3)


def test_every_reaction_has_its_potential() -> None:
    assert reactions().keys() == POTENTIALS.keys()


@pytest.mark.parametrize("name", reactions())
def test_routes_share_both_ends_and_every_path_closes(name: str) -> None:
    wanted = reaction(name)
    assert {chain[0] for chain in wanted.routes.values()} == {wanted.start}
    assert {chain[-1] for chain in wanted.routes.values()} == {wanted.end}
    assert {path.name for path in wanted.paths} - {"mixed"} == wanted.routes.keys()
    assert len({path.states for path in wanted.paths}) == len(wanted.paths)
    rng = np.random.default_rng(3)
    free = {adsorbate: float(rng.normal(0, 2)) for adsorbate in wanted.adsorbates}
    network = Network(wanted, free, surroundings())
    total = -wanted.electrons * POTENTIALS[name][1]
    for path in wanted.paths:
        changes = [step.free_at_zero or 0.0 for step in network.along(path).steps]
        # by arithmetic on the experimental total; on the table by its last digit times the electrons
        assert sum(changes) == pytest.approx(wanted.experimental_total, abs=1e-9)
        assert sum(changes) == pytest.approx(total, abs=abs(wanted.electrons) * 5e-3)
        assert sum(step.electrons for step in path.steps) == wanted.electrons


@pytest.mark.parametrize("name", reactions())
def test_side_products_balance_and_leave_what_the_network_holds(name: str) -> None:
    wanted = reaction(name)
    held = {state.species for state in wanted.states}
    for chain in wanted.leaves:
        assert chain[0].species in held
        assert not chain[-1].adsorbed
        for step in Path("", chain).steps:
            step.require_balance(name)


def test_some_routes_of_a_reaction() -> None:
    both = reaction("NRR:distal+alternating")
    assert tuple(both.routes) == ("distal", "alternating")
    assert [path.name for path in both.paths] == ["distal", "alternating"]
    assert "NHNH" not in reaction("NRR:distal").adsorbates
    # hydrazine leaves only where it is an intermediate
    assert reaction("NRR:distal").leaves == ()
    with pytest.raises(InputError, match=r"unknown route of NRR 'distl' \(did you mean 'distal'\?\)"):
        reaction("NRR:distl")


def test_a_state_is_the_same_in_any_order() -> None:
    first, second = State.parse("* + O2 + 2 H2O"), State.parse("2 H2O + * + O2")
    assert first == second
    assert len({first, second}) == 1


def test_oxygen_couple_agrees_with_the_formation_of_liquid_water() -> None:
    # CODATA: ΔfH -285.830 kJ/mol, S° of H2O(l), H2 and O2 69.95, 130.680 and 205.152 J/(mol K)
    gibbs = -285.830 - 298.15e-3 * (69.95 - 130.680 - 205.152 / 2)
    assert free_formation(State.parse("* + O2")) == pytest.approx(-2 * gibbs / 96.48533, abs=1e-3)


def test_peroxide_couple_is_half_of_the_way() -> None:
    o2, peroxide = molecule("O2").formation, molecule("H2O2").formation
    assert o2 is not None
    assert peroxide is not None
    first, second = (o2 - peroxide) / 2, peroxide / 2
    assert first == pytest.approx(0.6945, abs=1e-3)
    # E°(H2O2/H2O) of the tables is 1.763 V
    assert second == pytest.approx(1.763, abs=1e-3)


def test_forward_and_backward_oxygen_reactions_are_mirror_images() -> None:
    assert [s.text for s in reaction("OER").states] == [s.text for s in reversed(reaction("ORR").states)]
    assert reaction("OER").experimental_total == pytest.approx(-reaction("ORR").experimental_total)


def test_adsorbates_in_the_order_of_the_path() -> None:
    assert reaction("ORR").adsorbates == ("OOH", "O", "OH")
    assert reaction("OER").adsorbates == ("OH", "O", "OOH")


def test_numbers_of_molecules() -> None:
    assert dict(State.parse("* + 2 H2O").free) == {"H2O": 2}
    assert State.parse("OOH* + H2O").composition == {"O": 3, "H": 3}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("OH", "unknown molecule 'OH'"),
        ("OX*", "unknown adsorbate 'OX'"),
        ("* + OH*", "holds 2 sites"),
        ("H2O", "holds 0 sites"),
        ("OH* + ", "not a species"),
        ("OH* & H2O", "not a species"),
    ],
)
def test_states_that_mean_nothing_are_refused(text: str, message: str) -> None:
    with pytest.raises(InputError, match=message.replace("*", r"\*")):
        State.parse(text)


def test_unbalanced_step_names_the_element() -> None:
    broken = Reaction("broken", "", {"only": (State.parse("* + O2"), State.parse("OH*"))}, "")
    with pytest.raises(InputError, match=r"does not balance in O \(2 before, 1 after\)"):
        _ = broken.steps


def test_unknown_reaction_suggests_the_nearest() -> None:
    with pytest.raises(InputError, match="did you mean 'ORR'"):
        reaction("orr")


def test_references_make_up_each_adsorbate() -> None:
    assert reference_amounts({"O": 2, "H": 1}) == {"H2O": 2, "H2": -1.5}
    assert reference_amounts({"O": 1}) == {"H2O": 1, "H2": -1}
    assert reference_amounts({"H": 1}) == {"H2": 0.5}
    # H of one water is exactly that of one H2: none is left to name
    assert reference_amounts({"O": 1, "H": 2}) == {"H2O": 1}


def test_the_command_line_lists_them(cli: Callable[..., subprocess.CompletedProcess[str]], tmp_path: FilePath) -> None:
    listed = json.loads(cli("reactions", "--json", cwd=tmp_path).stdout)
    assert {entry["name"]: entry["electrons"] for entry in listed} == {n: row[0] for n, row in POTENTIALS.items()}
    shown = cli("reactions", "NRR:distal", cwd=tmp_path).stdout
    assert "* + N2 → N2* → NNH* → NNH2* → N* + NH3" in shown
    assert "HER" in shown
    wrong = cli("reactions", "NRR:distl", cwd=tmp_path)
    assert wrong.returncode == 2
    assert "did you mean 'distal'" in wrong.stderr
