"""VASP's tags: one meaning in whichever spelling, with VASP's defaults."""

from __future__ import annotations

from typing import Any

import pytest
from ase.calculators.vasp.create_input import GenerateVaspInput
from pymatgen.io.vasp import Incar

from atomsieve.structures.errors import InputError, MethodMismatchError
from atomsieve.structures.gate import Participant, require_combinable
from atomsieve.structures.method import Method
from atomsieve.structures.vasp_tags import canonical_tags


def tags(species: str = "Fe N C", **incar: Any) -> dict[str, Any]:
    return canonical_tags({"ENCUT": 500, **incar}, species.split())


def test_defaults_are_written_out() -> None:
    assert canonical_tags({}, ["O", "H", "H"]) == {
        "functional": "PBE",
        "dispersion": "none",
        "u": {},
        "cutoff": "largest ENMAX of H, O",
        "solvent": "none",
        "charge_model": "neutral",
        "spin_polarised": False,
        "relativity": "scalar",
        "aspherical": False,
        "dipole": "none",
        "smearing": "Methfessel-Paxton 1",
        "smearing_width": 0.2,
        "precision": "Normal",
        "electronic_threshold": 1e-4,
    }


def test_a_default_cutoff_is_no_common_cutoff() -> None:
    """H asks for 250 eV, C, N and O for 400 eV: without ENCUT the gas is calculated with another basis."""
    site, gas = (
        Participant(name, Method("vasp", canonical_tags({}, species), "dft").to_dict(), frozenset(species))
        for name, species in (("site", "CN"), ("H2", "H"))
    )
    with pytest.raises(MethodMismatchError, match="H2 and site differ in cutoff"):
        require_combinable([site, gas])
    with pytest.raises(InputError, match="ENCUT is not set"):
        canonical_tags({})
    assert canonical_tags({"ENMAX": "400.0"})["cutoff"] == 400


@pytest.mark.parametrize("true", [True, ".TRUE.", "T", ".T.", "True", "true", ".true.", "T # vdW", "TRUE ! vdW"])
def test_one_truth_in_many_spellings(true: Any) -> None:
    assert tags(LVDW=true)["dispersion"] == "D2"
    assert tags(LVDW=true) == tags(IVDW=1) == tags(IVDW="10") == tags(ivdw=1.0)


@pytest.mark.parametrize("false", [False, ".FALSE.", "F", ".F.", "False"])
def test_one_falsehood_in_many_spellings(false: Any) -> None:
    assert tags(LVDW=false, LDAU=false, LSOL=false, LASPH=false, LHFCALC=false) == tags()


@pytest.mark.parametrize(
    ("incar", "name"),
    [
        ({"IVDW": 0}, "none"),
        ({"IVDW": 0, "LVDW": True}, "none"),
        ({"IVDW": 11}, "D3(zero)"),
        ({"IVDW": 11, "LVDW": ".TRUE."}, "D3(zero)"),
        ({"IVDW": "12"}, "D3(BJ)"),
        ({"IVDW": 13}, "D4"),
        ({"IVDW": 2}, "TS"),
        ({"IVDW": 20}, "TS"),
        ({"IVDW": 14}, "IVDW=14"),
    ],
)
def test_dispersion(incar: dict[str, Any], name: str) -> None:
    assert tags(**incar)["dispersion"] == name


#: What ASE calls them; written there from the same manual, by others.
ASE_NAMES = {
    "lda": "LDA",
    "pbe": "PBE",
    "pw91": "PW91",
    "pbesol": "PBEsol",
    "revpbe": "revPBE",
    "rpbe": "RPBE",
    "am05": "AM05",
    "tpss": "TPSS",
    "revtpss": "revTPSS",
    "m06l": "M06-L",
    "scan": "SCAN",
    "rscan": "rSCAN",
    "r2scan": "r2SCAN",
    "scan+rvv10": "SCAN+rVV10",
    "r2scan+rvv10": "r2SCAN+rVV10",
    "vdw-df": "vdW-DF",
    "vdw-df2": "vdW-DF2",
    "vdw-df-cx": "vdW-DF-cx",
    "rev-vdw-df2": "rev-vdW-DF2",
    "optpbe-vdw": "optPBE-vdW",
    "optb88-vdw": "optB88-vdW",
    "optb86b-vdw": "optB86b-vdW",
    "beef-vdw": "BEEF-vdW",
    "pbe0": "PBE0",
    "hse03": "HSE03",
    "hse06": "HSE06",
    "hsesol": "HSEsol",
    "b3lyp": "B3LYP",
}


def ase_tags(name: str) -> str:
    incar = dict(GenerateVaspInput.xc_defaults[name])
    lexch = {"LDA": "CA", "PBE": "PE"}[incar.pop("pp", "PBE")]
    return str(canonical_tags({"ENCUT": 500, **incar}, lexch=lexch)["functional"])


@pytest.mark.parametrize(("theirs", "ours"), ASE_NAMES.items())
def test_functionals_of_ase(theirs: str, ours: str) -> None:
    assert ase_tags(theirs) == ours


def test_no_two_functionals_of_ase_are_taken_for_one() -> None:
    # tb09 is MBJ by another name
    names = [name for name in GenerateVaspInput.xc_defaults if name != "tb09"]
    assert len({ase_tags(name) for name in names}) == len(names)


@pytest.mark.parametrize(
    ("incar", "name"),
    [
        ({"GGA": "Rp"}, "RPBE"),
        ({"GGA": 91}, "PW91"),
        ({"GGA": "--"}, "PBE"),
        ({"GGA": "PE", "METAGGA": "None"}, "PBE"),
        ({"GGA": "PE", "METAGGA": "r2scan"}, "r2SCAN"),
        ({"GGA": "BF"}, "BEEF"),
        ({"LHFCALC": "T", "AEXX": "0.25"}, "PBE0"),
        ({"LHFCALC": "T", "HFSCREEN": "0.2", "AGGAX": 0.75, "ALDAC": 1.0}, "HSE06"),
        # a fraction without its switch does nothing
        ({"AEXX": 0.25, "HFSCREEN": 0.2, "ZAB_VDW": -1.8867}, "PBE"),
        ({"LHFCALC": "T", "HFSCREEN": 0.207}, "GGA=PE HFSCREEN=0.207 LHFCALC=True"),
        ({"LHFCALC": "T", "HFSCREEN": 0.2, "AEXX": "0.30"}, "AEXX=0.3 GGA=PE HFSCREEN=0.2 LHFCALC=True"),
        ({"LMODELHF": "T", "AEXX": 0.1, "HFSCREEN": 1.3}, "AEXX=0.1 GGA=PE HFSCREEN=1.3 LMODELHF=True"),
    ],
)
def test_functionals_by_hand(incar: dict[str, Any], name: str) -> None:
    assert tags(**incar)["functional"] == name


def test_the_functional_of_the_potcar_counts_where_none_is_set() -> None:
    assert canonical_tags({"ENCUT": 500}, lexch="CA")["functional"] == "LDA"
    assert canonical_tags({"ENCUT": 500, "GGA": "RP"}, lexch="CA")["functional"] == "RPBE"


@pytest.mark.parametrize(
    ("incar", "u"),
    [
        ({"LDAUL": "2 -1 -1", "LDAUU": "4.3 0 0", "LDAUJ": "1.0 0 0"}, {"Fe": 3.3}),
        ({"LDAUL": [2, -1, -1], "LDAUU": [3.3, 0.0, 0.0], "LDAUJ": [0, 0, 0]}, {"Fe": 3.3}),
        ({"LDAUU": "3.3 2*0.0"}, {"Fe": 3.3}),
        ({"LDAUL": {"Fe": 2}, "LDAUU": {"Fe": 3.3}, "LDAUJ": {"Fe": 0}}, {"Fe": 3.3}),
        # -1 switches off, whatever U says
        ({"LDAUL": "-1 -1 -1", "LDAUU": "3.3 0 0"}, {}),
        ({"LDAUU": "0 0 0"}, {}),
        ({"LDAUU": "1 0 0", "LDAUJ": "1 0 0"}, {}),
        ({"LDAUL": "2 1 1", "LDAUU": "3.3 0 2.5"}, {"Fe": 3.3, "C": 2.5}),
        ({"LDAUL": "3 -1 -1", "LDAUU": "3.3 0 0"}, {"Fe": "3.3 on f"}),
        ({"LDAUTYPE": 1, "LDAUU": "4.3 0 0", "LDAUJ": "1 0 0"}, {"Fe": "U=4.3 J=1 on d (LDAUTYPE=1)"}),
    ],
)
def test_u_by_element(incar: dict[str, Any], u: dict[str, Any]) -> None:
    assert tags(LDAU=True, **incar)["u"] == u
    assert tags(LDAU=False, **incar)["u"] == {}


def test_u_follows_the_order_of_the_species() -> None:
    one, other = {"LDAU": "T", "LDAUL": "-1 2"}, {"LDAU": "T", "LDAUL": "2 -1"}
    assert tags("N Co", LDAUU="0 3.4", **one) == tags("Co N", LDAUU="3.4 0", **other)
    assert tags("Fe N Fe", LDAU="T", LDAUU="3 0 4")["u"] == {"Fe": "3.0 and 4.0"}
    assert tags("Ce O", LDAU="T", LDAUL="3 -1", LDAUU="5 0")["u"] == {"Ce": 5}
    with pytest.raises(InputError, match=r"LDAUU = '3 0' has 2 values for the species Fe, N, C"):
        tags(LDAU="T", LDAUU="3 0")
    with pytest.raises(InputError, match=r"none given"):
        canonical_tags({"ENCUT": 500, "LDAU": True, "LDAUU": "3 0"})


@pytest.mark.parametrize(
    ("incar", "tag", "value"),
    [
        ({"LSOL": ".TRUE."}, "solvent", "VASPsol water eps=78.4"),
        ({"LSOL": "T", "EB_K": "78.40", "TAU": 0.000525}, "solvent", "VASPsol water eps=78.4"),
        ({"LSOL": "T", "EB_K": 80}, "solvent", "VASPsol eps=80"),
        ({"LSOL": "T", "TAU": "0", "LAMBDA_D_K": 3.0}, "solvent", "VASPsol water eps=78.4 TAU=0 LAMBDA_D_K=3"),
        ({"EB_K": 80}, "solvent", "none"),
        ({"NELECT": 120}, "charge_model", "background"),
        ({"NELECT": 120, "LMONO": "T"}, "charge_model", "background with monopole correction"),
        ({"ISPIN": "2"}, "spin_polarised", True),
        ({"LSORBIT": "T"}, "relativity", "spin-orbit"),
        ({"LSORBIT": "T"}, "noncollinear", True),
        ({"LDIPOL": "T", "IDIPOL": 3}, "dipole", "z"),
        ({"IDIPOL": 3}, "dipole", "z (energy only)"),
        ({"LDIPOL": "T", "IDIPOL": "4"}, "dipole", "all"),
        ({"ISMEAR": 0, "SIGMA": "5E-2"}, "smearing", "Gaussian"),
        ({"ISMEAR": -1}, "smearing", "Fermi"),
        ({"ISMEAR": 2}, "smearing", "Methfessel-Paxton 2"),
        ({"ISMEAR": -5}, "smearing", "tetrahedron (Blöchl)"),
        ({"SIGMA": "5D-2"}, "smearing_width", 0.05),
        ({"PREC": "Accurate"}, "precision", "Accurate"),
        ({"PREC": "A", "LREAL": "Auto", "ADDGRID": "T"}, "precision", "Accurate, ADDGRID=True, LREAL=A"),
        ({"EDIFF": "1E-6"}, "electronic_threshold", 1e-6),
        ({"EDIFFG": "-0.02"}, "force_threshold", 0.02),
        ({"KSPACING": 0.25}, "kpoints", 0.25),
        ({"LASPH": ".TRUE."}, "aspherical", True),
        # not understood: handed on, so that it must agree
        ({"EFIELD": "0.1"}, "EFIELD", 0.1),
        ({"VDW_S8": 0.722}, "VDW_S8", 0.722),
    ],
)
def test_other_tags(incar: dict[str, Any], tag: str, value: Any) -> None:
    assert tags(**incar)[tag] == value


def test_charge_is_told_by_the_electrons_of_the_neutral_cell() -> None:
    assert canonical_tags({"ENCUT": 1, "NELECT": "8.0"}, electrons=8)["charge_model"] == "neutral"
    assert canonical_tags({"ENCUT": 1, "NELECT": "9.0"}, electrons=8)["charge_model"] == "background"


def test_an_energy_criterion_is_no_force_threshold() -> None:
    assert "force_threshold" not in tags(EDIFFG="1E-3")


def test_parallel_settings_output_and_start_are_left_out() -> None:
    assert tags(
        NCORE=16, KPAR="2", NPAR=4, LPLANE=".TRUE.", NSIM=4, LWAVE="F", LCHARG="T", NELM=200, ALGO="Fast",
        SYSTEM="Fe-N4", MAGMOM="4 10*0.6", NUPDOWN=2, LORBIT=11, ISYM=0, NSW=300, IBRION=2, AMIX=0.1, LMAXMIX=4,
        ICHARG=1, EFIELD=0,
    ) == tags()  # fmt: skip


def test_text_means_what_pymatgen_reads() -> None:
    text = """SYSTEM = Co-N4
    ENCUT = 520
    GGA = RP
    IVDW = 12
    ISPIN = 2 ; MAGMOM = 3 36*0
    LDAU = .TRUE.
    LDAUTYPE = 2
    LDAUL = 2 -1 -1
    LDAUU = 3.32 0 0
    LDAUJ = 0 0 0
    LASPH = .T.
    LREAL = Auto
    EDIFF = 1E-6
    EDIFFG = -0.02
    ISMEAR = 0
    SIGMA = 0.05
    LDIPOL = .TRUE.
    IDIPOL = 3
    NCORE = 8
    """
    pairs = [pair.split("=", 1) for line in text.splitlines() for pair in line.split(";") if "=" in pair]
    raw = {name.strip(): value.strip() for name, value in pairs}
    species = ["Co", "N", "C"]
    assert canonical_tags(raw, species) == canonical_tags(Incar.from_str(text), species)
    assert canonical_tags(raw, species)["u"] == {"Co": 3.32}


@pytest.mark.parametrize(
    ("incar", "message"),
    [
        ({"LVDW": "yes"}, "LVDW = 'yes' cannot be read"),
        ({"SIGMA": "small"}, "SIGMA = 'small' cannot be read"),
        ({"LDAU": "T", "LDAUU": "a b c"}, "LDAUU = 'a b c' cannot be read"),
    ],
)
def test_what_cannot_be_read_is_refused(incar: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        tags(**incar)
