"""Dissolution: potentials of bulk metals against measured ones, and of sites against sums done by hand."""

from __future__ import annotations

import itertools
import math

import pytest
from ase.phasediagram import solvated

from atomsieve.analysis.dissolution import demetallation, dissolution
from atomsieve.structures.aqueous import AqueousSpecies, aqueous_species
from atomsieve.structures.errors import InputError
from atomsieve.structures.metal import metals
from atomsieve.structures.units import nernst_slope

#: kT ln 10 at 298.15 K, eV.
STEP = 0.05916
#: Standard potentials, V against SHE: electrochemical series of the CRC Handbook, which is another compilation than the
#: table that the package takes its free energies from.
CRC = {
    ("Mg", "Mg++"): -2.372, ("Al", "Al+++"): -1.662, ("Ti", "Ti++"): -1.630, ("Mn", "Mn++"): -1.185,
    ("Zn", "Zn++"): -0.7618, ("Cr", "Cr+++"): -0.744, ("Fe", "Fe++"): -0.447, ("Cd", "Cd++"): -0.4030,
    ("Co", "Co++"): -0.28, ("Ni", "Ni++"): -0.257, ("Sn", "Sn++"): -0.1375, ("Pb", "Pb++"): -0.1262,
    ("Cu", "Cu++"): 0.3419, ("Cu", "Cu+"): 0.521, ("Ag", "Ag+"): 0.7996, ("Hg", "Hg++"): 0.851, ("Hg", "Hg2++"): 0.7973,
    ("Pd", "Pd++"): 0.951, ("Y", "Y+++"): -2.372, ("Ga", "Ga+++"): -0.549, ("In", "In+++"): -0.3382,
    ("Rh", "Rh+++"): 0.758, ("Au", "Au+++"): 1.498, ("Re", "ReO4-"): 0.368,
}  # fmt: skip
#: V by which the two differ at most: Cr and Pd 0.03 and 0.036, iron 0.027, nickel 0.021, all others less.
TOLERANCE = 0.04


def species(metal: str, name: str) -> AqueousSpecies:
    return next(one for one in aqueous_species(metal) if one.name == name)


@pytest.mark.parametrize(("metal", "name"), CRC)
def test_standard_potentials_are_those_of_the_electrochemical_series(metal: str, name: str) -> None:
    assert species(metal, name).potential == pytest.approx(CRC[metal, name], abs=TOLERANCE)


@pytest.mark.parametrize(
    ("metal", "name"),
    [("Mg", "Mg++"), ("Al", "Al+++"), ("Mn", "Mn++"), ("Zn", "Zn++"), ("Fe", "Fe++"), ("Cd", "Cd++"), ("Co", "Co++"),
     ("Ni", "Ni++"), ("Sn", "Sn++"), ("Pb", "Pb++"), ("Cu", "Cu++"), ("Ag", "Ag+"), ("Pd", "Pd++"), ("Au", "Au+++")],
)  # fmt: skip
def test_a_bulk_metal_dissolves_in_acid_at_its_standard_potential(metal: str, name: str) -> None:
    found = dissolution([metal], 0.0, ph=0.0, activity=1.0)
    assert found.species[0].name == name
    assert found.potential == found.potential_she == pytest.approx(CRC[metal, name], abs=TOLERANCE)


def test_dilution_takes_59_millivolts_for_each_power_of_ten_and_electron() -> None:
    standard = dissolution(["Fe"], 0.0)
    dilute = dissolution(["Fe"], 0.0, activity=1e-6)
    assert standard.species == dilute.species
    assert dilute.potential - standard.potential == pytest.approx(-6 * STEP / 2, abs=1e-4)
    # two atoms of mercury share the dilution of one ion, and its two electrons
    mercury = [dissolution(["Hg"], 0.0, activity=activity).potential for activity in (1.0, 1e-2)]
    assert mercury[1] - mercury[0] == pytest.approx(-2 * STEP / 2, abs=1e-4)


def test_zinc_dissolves_as_zincate_in_alkali() -> None:
    # Zn + 2 H2O -> HZnO2- + 3 H+ + 2 e-, ΔG = -463.25 + 2 · 237.18 = 11.1 kJ/mol = 0.115 eV (SUPCRT92);
    # Zn + 2 H2O -> ZnO2-- + 4 H+ + 2 e-, ΔG = 0.871 eV, which takes over at pH 12.8
    standard = 0.115 / 2
    at_12 = standard - 3 / 2 * STEP * 12
    found = dissolution(["Zn"], 0.0, ph=12)
    assert found.species[0].name == "HZnO2-"
    assert found.potential_she == pytest.approx(at_12, abs=2e-3)
    assert found.potential == pytest.approx(at_12 + 12 * STEP, abs=2e-3)
    at_14 = dissolution(["Zn"], 0.0, ph=14)
    assert at_14.species[0].name == "ZnO2--"
    # measured: Zn(OH)4 2- + 2 e- -> Zn + 4 OH-, -1.199 V (CRC Handbook)
    assert at_14.potential_she == pytest.approx(0.871 / 2 - 2 * STEP * 14, abs=2e-3)
    assert at_14.potential_she == pytest.approx(-1.199, abs=0.03)


@pytest.mark.parametrize(("metal", "name", "low", "high"), [("Zn", "HZnO2-", 11.0, 12.0), ("Mo", "MoO4--", 8.0, 12.0)])
def test_protons_move_the_potential_by_59_millivolts_for_each_electron(
    metal: str, name: str, low: float, high: float
) -> None:
    acid, base = (dissolution([metal], 0.0, ph=ph) for ph in (low, high))
    one = species(metal, name)
    assert acid.species == base.species == (one,)
    slope = (base.potential_she - acid.potential_she) / (high - low)
    assert slope == pytest.approx(-STEP * one.protons / one.electrons, abs=1e-5)


def test_an_ion_without_protons_follows_acid_on_the_reversible_scale_alone() -> None:
    acid, less = (dissolution(["Fe"], 0.0, ph=ph) for ph in (0.0, 4.0))
    assert acid.potential_she == pytest.approx(less.potential_she)
    assert less.potential - acid.potential == pytest.approx(4 * nernst_slope(298.15))


def test_a_stable_site_of_iron_by_hand() -> None:
    # Fe++: -0.474 + 3/2 = 1.026 V; Fe+++: (-0.179 + 3)/3 = 0.940 V, which is lower
    found = dissolution(["Fe"], -3.0)
    assert [one.name for one in found.species] == ["Fe+++"]
    assert found.electrons == 3
    assert found.potential == pytest.approx((-0.179 + 3.0) / 3, abs=1e-3)
    assert math.fsum(term.value for term in found.terms) == pytest.approx(found.electrons * found.potential_she)
    # less stable than the metal: an oxidation state of two again, -0.474 - 0.5/2
    loose = dissolution(["Fe"], 0.5)
    assert loose.species[0].name == "Fe++"
    assert loose.potential == pytest.approx(-0.724, abs=1e-3)


def test_two_metals_leave_together() -> None:
    # Fe++ and Co++: (2 · -0.474 + 2 · -0.282 - E_f) / 4
    loose = dissolution(["Fe", "Co"], -0.4)
    assert [one.name for one in loose.species] == ["Fe++", "Co++"]
    assert loose.potential == pytest.approx((-0.948 - 0.564 + 0.4) / 4, abs=1e-3)
    # at -6 eV iron as Fe+++: (-0.179 - 0.564 + 6)/5 = 1.051 V beside 1.122 V with Fe++, and 1.201 V with Co+++ too
    tight = dissolution(["Fe", "Co"], -6.0)
    assert [one.name for one in tight.species] == ["Fe+++", "Co++"]
    assert tight.electrons == 5
    assert tight.potential == pytest.approx((-0.179 - 0.564 + 6.0) / 5, abs=1e-3)
    assert dissolution(["Co", "Fe"], -6.0).potential == pytest.approx(tight.potential)
    # the same metal twice, as free as once
    assert dissolution(["Fe", "Fe"], -6.0).potential == pytest.approx(dissolution(["Fe"], -3.0).potential)


def test_demetallation_by_hand() -> None:
    # MS + 2 H+ -> H2S + Fe++ needs no electrons: ΔG = -0.948 + kT ln a - E_f + E_hyd + 2 · 0.05916 pH
    found = demetallation(["Fe"], -3.0, -2.5, 2, potential=0.0, ph=1.0, activity=1e-6)
    assert found.species[0].name == "Fe++"
    assert found.electrons == 0
    assert found.energy == pytest.approx(-0.948 - 6 * STEP + 3.0 - 2.5 + 2 * STEP * 1.0, abs=1e-3)
    assert found.energy == pytest.approx(math.fsum(term.value for term in found.terms))
    # no potential changes it, as long as iron stays divalent
    assert demetallation(["Fe"], -3.0, -2.5, 2, potential=-0.3, ph=1.0, activity=1e-6).energy == pytest.approx(
        found.energy
    )
    # above E°(Fe+++/Fe++) = 0.769 V against SHE an electron leaves as well
    oxidised = demetallation(["Fe"], -3.0, -2.5, 2, potential=0.9, ph=0.0)
    assert oxidised.species[0].name == "Fe+++"
    assert oxidised.electrons == 1
    assert oxidised.energy == pytest.approx(-0.179 + 3.0 - 2.5 - 0.9, abs=1e-3)


def test_dissolution_and_demetallation_meet() -> None:
    # without protons for it, the exchange is dissolution, which is free of cost at its potential
    found = dissolution(["Ni"], -2.0, ph=3.0, activity=1e-4)
    left = demetallation(["Ni"], -2.0, 0.0, 0, potential=found.potential, ph=3.0, activity=1e-4)
    assert left.energy == pytest.approx(0.0, abs=1e-9)


def test_species_of_several_atoms_and_of_other_elements() -> None:
    names = {metal: {one.name for one in aqueous_species(metal)} for metal in ("Cr", "Hg", "Al", "Fe")}
    assert "Cr2O7--" in names["Cr"]
    dichromate, chromate = species("Cr", "Cr2O7--"), species("Cr", "HCrO4-")
    assert (dichromate.number, dichromate.protons, dichromate.electrons) == (2, 7.0, 6.0)
    assert chromate.electrons == 6.0
    # 2 HCrO4- -> Cr2O7-- + H2O, lg K about 1.5 (Pourbaix)
    assert 2 * (chromate.standard - dichromate.standard) / STEP == pytest.approx(1.5, abs=0.5)
    mercurous = species("Hg", "Hg2++")
    assert (mercurous.number, mercurous.electrons) == (2, 1.0)
    # Al(OH)++ and AlOH++ are one
    assert len({"AlOH++", "Al(OH)++"} & names["Al"]) == 1
    assert not any("Cl" in name or "S" in name for name in names["Fe"])


def test_what_the_table_has_wrong_is_left_out() -> None:
    for metal, wrong in (("Sc", "ScOH++"), ("Ru", "Ru(OH)2++")):
        assert wrong in {name.removesuffix("(aq)") for name, _ in solvated(metal)}
        assert wrong not in {one.name for one in aqueous_species(metal)}


def test_hydrolysis_constants_are_possible() -> None:
    looked = 0
    for metal in metals():
        by_state: dict[float, list[AqueousSpecies]] = {}
        for one in aqueous_species(metal):
            by_state.setdefault(one.electrons, []).append(one)
        for alike in by_state.values():
            alike.sort(key=lambda one: one.protons)
            for before, after in itertools.pairwise(alike):
                if before.number == after.number == 1:
                    constant = (after.standard - before.standard) / STEP / (after.protons - before.protons)
                    assert -3 < constant < 15, (before.name, after.name, constant)
                    looked += 1
    assert looked > 80


def test_what_the_table_lacks_comes_from_the_electrochemical_series() -> None:
    for metal, name, potential in (("Ir", "Ir+++", 1.156), ("Os", "OsO4", 0.838), ("Au", "Au+", 1.692)):
        found = species(metal, name)
        assert found.potential == pytest.approx(potential)
        assert "10.1063/1.555839" in found.source
    # TcO4- + 8 H+ + 7 e-
    assert (species("Tc", "TcO4-").protons, species("Tc", "TcO4-").electrons) == (8.0, 7.0)
    # dilute gold leaves as Au+, for it has the fewer electrons: 1.692 - 6 · 0.05916 V
    gold = dissolution(["Au"], 0.0, activity=1e-6)
    assert gold.species[0].name == "Au+"
    assert gold.potential == pytest.approx(1.692 - 6 * STEP, abs=1e-3)


def test_every_metal_with_data_dissolves_somehow() -> None:
    for metal in metals():
        assert -3.0 < dissolution([metal], 0.0).potential < 2.0


def test_what_cannot_be_said_is_refused() -> None:
    with pytest.raises(InputError, match=r"no dissolved species of Rf is known"):
        dissolution(["Rf"], 0.0)
    with pytest.raises(InputError, match=r"353 K.*298\.15"):
        dissolution(["Fe"], 0.0, temperature=353.0)
    with pytest.raises(InputError, match=r"activity 0 is not possible"):
        dissolution(["Fe"], 0.0, activity=0.0)
    with pytest.raises(InputError, match="name at least one"):
        dissolution([], 0.0)
    with pytest.raises(InputError, match="must be numbers"):
        dissolution(["Fe"], math.nan)
