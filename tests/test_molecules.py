"""Free energies of molecules against equilibrium potentials that were computed from the same data elsewhere."""

from __future__ import annotations

import math

import pytest

from atomsieve.structures.adsorbate import adsorbates
from atomsieve.structures.conditions import ligands
from atomsieve.structures.errors import InputError
from atomsieve.structures.gas_correction import gas_correction, gas_corrections
from atomsieve.structures.method import Method
from atomsieve.structures.molecule import REFERENCE_GASES, molecule, molecules, reference_amounts
from atomsieve.workflows.ingest.recognition import gas_in
from atomsieve.workflows.requests import terms_digest

FARADAY = 96.48533212  # kJ/(mol V)
KT = 8.617333262e-5 * 298.15  # eV
# E° at 298.15 K and pH 0, V against SHE, from NASA gas data and OBIGT aqueous data: electrons taken up, then reactants
# and products with their phases
TABLE = {
    "ORR": (1.2289, 4, {"O2 g": 1}, {"H2O l": 2}),
    "ORR 2e": (0.6945, 2, {"O2 g": 1}, {"H2O2 aq": 1}),
    "HER": (0.0, 2, {}, {"H2 g": 1}),
    "CO": (-0.1040, 2, {"CO2 g": 1}, {"CO g": 1, "H2O l": 1}),
    "HCOOH aq": (-0.1144, 2, {"CO2 g": 1}, {"HCOOH aq": 1}),
    "HCOOH l": (-0.1711, 2, {"CO2 g": 1}, {"HCOOH l": 1}),
    "HCOOH g": (-0.2249, 2, {"CO2 g": 1}, {"HCOOH g": 1}),
    "HCHO aq": (-0.1241, 4, {"CO2 g": 1}, {"HCHO aq": 1, "H2O l": 1}),
    "HCHO g": (-0.1417, 4, {"CO2 g": 1}, {"HCHO g": 1, "H2O l": 1}),
    "CH3OH l": (0.0165, 6, {"CO2 g": 1}, {"CH3OH l": 1, "H2O l": 1}),
    "CH3OH aq": (0.0321, 6, {"CO2 g": 1}, {"CH3OH aq": 1, "H2O l": 1}),
    "CH3OH g": (0.0086, 6, {"CO2 g": 1}, {"CH3OH g": 1, "H2O l": 1}),
    # eight electrons, not the four of a well-known review
    "CH4": (0.1690, 8, {"CO2 g": 1}, {"CH4 g": 1, "H2O l": 2}),
    "C2H4": (0.0789, 12, {"CO2 g": 2}, {"C2H4 g": 1, "H2O l": 4}),
    "NH3 g": (0.0567, 6, {"N2 g": 1}, {"NH3 g": 2}),
    "NH3 aq": (0.0923, 6, {"N2 g": 1}, {"NH3 aq": 2}),
    "NH4+": (0.2745, 6, {"N2 g": 1}, {"NH4+ aq": 2}),
    "NO3- to NH3 g": (0.7992, 8, {"NO3- aq": 1}, {"NH3 g": 1, "H2O l": 3}),
    "NO3- to NH3 aq": (0.8126, 8, {"NO3- aq": 1}, {"NH3 aq": 1, "H2O l": 3}),
    "NO3- to NH4+": (0.8809, 8, {"NO3- aq": 1}, {"NH4+ aq": 1, "H2O l": 3}),
    "NO3- to NO2-": (0.8211, 2, {"NO3- aq": 1}, {"NO2- aq": 1, "H2O l": 1}),
    "NO to NH3": (0.7071, 5, {"NO g": 1}, {"NH3 g": 1, "H2O l": 1}),
    "NO to N2O": (1.5992, 2, {"NO g": 2}, {"N2O g": 1, "H2O l": 1}),
}


@pytest.mark.parametrize("couple", TABLE)
def test_equilibrium_potentials(couple: str) -> None:
    potential, electrons, reactants, products = TABLE[couple]
    change = formation = 0.0
    for sign, side in ((-1, reactants), (1, products)):
        for species, number in side.items():
            name, phase = species.split()
            change += sign * number * molecule(name).phases[phase].gibbs
            formation += sign * number * molecule(name).free(phase)
    assert -change / FARADAY / electrons == pytest.approx(potential, abs=5e-3)
    # against the references instead of the elements: nothing but rounding to 0.1 meV is lost
    assert formation == pytest.approx(change / FARADAY, abs=1e-3)


def test_references_are_zero_and_make_up_every_element() -> None:
    assert {molecule(name).formation for name in REFERENCE_GASES} == {0}
    assert reference_amounts({"C": 1, "O": 1}) == {"CO2": 1, "H2O": -1, "H2": 1}
    assert reference_amounts({"N": 1, "H": 3}) == {"N2": 0.5, "H2": 1.5}
    assert reference_amounts(molecule("CO2").composition) == {"CO2": 1}
    assert reference_amounts({"Cl": 1}) == {"HCl": 1, "H2": -0.5}
    assert reference_amounts({"S": 1, "C": 1, "N": 1}) == {"H2S": 1, "H2": 1, "CO2": 1, "H2O": -2, "N2": 0.5}


def test_what_is_soluble_is_dissolved_unless_a_campaign_says_otherwise() -> None:
    dissolved = "HCOOH HCHO CH3OH C2H5OH NH3 N2H4 H2O2 NO2- NO3- HNO2 NH4+ HCOO- HCN CN- SCN- HS- Cl- F-"
    assert {molecule(name).phase for name in dissolved.split()} == {"aq"}
    assert {molecule(name).phase for name in ["CO", "CH4", "C2H4", "NO", "N2O", "N2", "O2", "CO2", "H2"]} == {"g"}
    assert molecule("H2O").phase == "l"


def test_halides_and_sulphide_have_the_potentials_of_tables() -> None:
    # CRC Handbook of Chemistry and Physics: Cl2 + 2e- -> 2 Cl-, S + 2H+ + 2e- -> H2S (aq)
    assert -molecule("Cl-").phases["aq"].gibbs / FARADAY == pytest.approx(1.358, abs=5e-3)
    assert -molecule("H2S").phases["aq"].gibbs / FARADAY / 2 == pytest.approx(0.142, abs=5e-3)
    # HCl (g) -> H+ + Cl-, and H2S (g) -> H2S (aq) with Henry's constant of 0.10 mol/(kg bar)
    # (R. Sander 2015, doi 10.5194/acp-15-4399-2015)
    assert molecule("Cl-").formation == pytest.approx((131.29 - 95.299) / -FARADAY, abs=1e-4)
    assert molecule("H2S").free("aq") == pytest.approx(-KT * math.log(0.10), abs=3e-3)


def test_older_molecules_bind_as_what_they_are_called() -> None:
    assert molecule("CO").binds == ("CO",)
    assert molecule("HCHO").binds == ("CH2O",)
    for name, bound in ligands().items():
        own = molecule(name).composition
        for adsorbate in bound:
            # all that differs is H, which comes and goes as proton and electron
            other = adsorbates()[adsorbate].composition
            assert {e: n for e, n in own.items() if e != "H"} == {e: n for e, n in other.items() if e != "H"}
    assert ligands().keys().isdisjoint({"H2O", "H2", "O2", "H2O2"})


@pytest.mark.parametrize(
    ("acid", "base", "constant"),
    [
        ("HCOOH", "HCOO-", 3.75),
        ("HNO2", "NO2-", 3.25),
        ("NH4+", "NH3", 9.25),
        ("HCN", "CN-", 9.21),
        ("H2S", "HS-", 7.0),
        ("HF", "F-", 3.17),
    ],
)
def test_acids_have_the_constants_of_handbooks(acid: str, base: str, constant: float) -> None:
    # pKa of the CRC Handbook of Chemistry and Physics
    change = molecule(base).phases["aq"].gibbs - molecule(acid).phases["aq"].gibbs
    assert change / (8.314462618e-3 * 298.15 * math.log(10)) == pytest.approx(constant, abs=0.03)


@pytest.mark.parametrize("name", molecules())
def test_each_is_what_its_name_says_and_names_its_sources(name: str) -> None:
    entry = molecule(name)
    assert entry.charge == {"+": 1, "-": -1}.get(name[-1], 0)
    assert not entry.positions or len(entry.positions) == len(entry.symbols)
    assert all(phase.source for phase in entry.phases.values())
    assert entry.source or not (entry.thermal or entry.from_gas)
    if entry.conjugate is not None:
        other = molecule(entry.conjugate)
        assert other.conjugate == name
        protons = other.charge - entry.charge
        assert abs(protons) == 1
        assert other.composition.get("H", 0) - entry.composition.get("H", 0) == protons


def test_oxygen_is_never_calculated() -> None:
    with pytest.raises(InputError, match=r"O2 is never calculated.*NASA"):
        _ = molecule("O2").atoms
    assert {name for name, entry in molecules().items() if entry.calculated is None} == {"O2", "H2O2", "SCN-"}
    assert molecule("NO3-").calculated == "HNO3"
    assert molecule("NH4+").calculated == "NH3"


def test_other_temperatures() -> None:
    # dE°/dT = ΔS/(nF), with S of the CODATA key values: -0.846 mV/K (S. G. Bratsch 1989, doi 10.1063/1.555839)
    change = -molecule("O2").free(temperature=308.15) + molecule("O2").free(temperature=288.15)
    assert change / 4 / 20 == pytest.approx(-0.846e-3 * -1, abs=5e-6)
    # water boils at 373 K: the gas at 1 bar is worth as much as the liquid
    assert molecule("H2O").free("g", 372.8) == pytest.approx(0, abs=2e-3)
    with pytest.raises(InputError, match=r"350 K: no heat capacity of N2H4 \(aq\)"):
        molecule("N2H4").free(temperature=350)
    with pytest.raises(InputError, match=r"unknown phase of CH4 'aq'; allowed: g"):
        molecule("CH4").free("aq")


def test_gas_corrections_hold_for_a_functional() -> None:
    assert gas_correction("none") is None
    table = gas_corrections()["peterson"]
    assert table.values(Method("vasp", {"functional": "RPBE"}, "dft").to_dict()) == {"CO2": 0.45, "HCOOH": 0.45}
    with pytest.raises(InputError, match=r"'peterson' are those of RPBE, and vasp calculates with functional 'PBE'"):
        table.values(Method("vasp", {"functional": "PBE"}, "dft").to_dict())
    with pytest.raises(InputError, match="unknown table of gas corrections 'pbe'"):
        gas_correction("pbe")
    named = [name for one in gas_corrections().values() for row in one.functionals.values() for name in row]
    assert set(named) <= set(molecules()) - {"O2", "H2O2"}
    assert all(one.source.startswith("doi 10.") for one in gas_corrections().values())


@pytest.mark.parametrize("name", REFERENCE_GASES)
def test_runs_of_references_are_recognised_whatever_their_order(name: str) -> None:
    atoms = molecule(name).atoms[::-1]
    atoms.rotate(40, "x")
    found, order = gas_in(atoms, None)
    assert found == name
    assert [atoms.symbols[i] for i in order] == list(molecule(name).symbols)


def test_older_rows_keep_their_keys() -> None:
    # digests of before there were other molecules and other corrections than these
    assert terms_digest("none") == "ce9e3642f3568728"
    assert terms_digest("norskov") == "54e0e49c5381b65a"
    assert terms_digest("norskov", "studt") != terms_digest("norskov")
