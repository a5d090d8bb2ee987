"""The gate: which energies may be combined."""

from __future__ import annotations

import random
import re
from collections.abc import Mapping
from itertools import combinations
from typing import Any

import pytest
from ase import Atoms
from hypothesis import given
from hypothesis import strategies as st

from atomsieve.analysis.adsorption import adsorption_energy
from atomsieve.analysis.electrode import limiting_potential
from atomsieve.analysis.one_method import of_one_method
from atomsieve.structures.calculation import Calculation, Request
from atomsieve.structures.energies import AdsorptionEnergy, SiteLabel
from atomsieve.structures.errors import InputError, MethodMismatchError
from atomsieve.structures.gate import Participant, require_combinable, sampled
from atomsieve.structures.judgement import Judgement, Verdict
from atomsieve.structures.method import Method
from atomsieve.structures.reaction import reaction
from atomsieve.structures.reference import reference
from atomsieve.structures.site import atoms_to_dict
from atomsieve.structures.vasp_tags import canonical_tags

#: 4x4 graphene, 15 Å of vacuum.
CELL = ((9.84, 0.0, 0.0), (-4.92, 8.5217, 0.0), (0.0, 0.0, 15.0))
FE_N4 = frozenset({"Fe", "N", "C"})
FE_N4_OH = frozenset({"Fe", "N", "C", "O", "H"})
WATER = frozenset({"O", "H"})
#: A common set of settings for M-N4: PBE-D3(zero), 500 eV, no U.
PHYSICS: Mapping[str, Any] = {
    "functional": "PBE",
    "dispersion": "D3(zero)",
    "u": {},
    "pseudopotentials": {"Fe": "Fe_pv", "N": "N", "C": "C", "O": "O", "H": "H"},
    "cutoff": 500,
    "solvent": "none",
    "charge_model": "neutral",
    "spin_polarised": True,
    "relativity": "scalar",
    "kpoints": 0.2,
    "dipole": "z",
    "smearing": "Gaussian",
    "smearing_width": 0.05,
    "precision": "Accurate",
    "electronic_threshold": 1e-5,
    "force_threshold": 0.02,
}


def method(calculator: str = "vasp", **changes: Any) -> dict[str, Any]:
    """Give the common method with some tags changed; a tag set to None is left out."""
    physics = {tag: value for tag, value in {**PHYSICS, **changes}.items() if value is not None}
    return Method(calculator, physics, "dft").to_dict()


def clean(name: str = "clean", calculator: str = "vasp", **changes: Any) -> Participant:
    return Participant(name, method(calculator, **changes), FE_N4, "site", CELL)


def hydroxide(name: str = "OH*", **changes: Any) -> Participant:
    return Participant(name, method(**changes), FE_N4_OH, "site", CELL)


def water(name: str = "H2O", **changes: Any) -> Participant:
    return Participant(name, method(**changes), WATER, "gas")


def refusal(*participants: Participant, **options: Any) -> str:
    with pytest.raises(MethodMismatchError) as caught:
        require_combinable(participants, **options)
    return str(caught.value)


# --- grades ---


def test_one_method_passes_without_a_word() -> None:
    assert require_combinable([clean(), hydroxide(), water()]) == ()
    assert require_combinable([]) == ()


@pytest.mark.parametrize("position", range(3), ids=["clean", "adsorbed", "gas"])
@pytest.mark.parametrize(
    ("tag", "value", "shown"),
    [
        ("functional", "RPBE", "'RPBE'"),
        ("dispersion", "none", "'none'"),
        ("cutoff", 400.0, "400"),
        ("basis", "dzp", "'dzp'"),
        ("grid_spacing", 0.18, "0.18"),
        ("pseudopotential_set", "PBE_52", "'PBE_52'"),
        ("solvent", "VASPsol water eps=78.4", "'VASPsol water eps=78.4'"),
        ("charge_model", "background", "'background'"),
        ("spin_polarised", False, "False"),
        ("relativity", "spin-orbit", "'spin-orbit'"),
        ("aspherical", True, "True"),
        ("EFIELD", 0.2, "0.2"),
    ],
)
def test_what_all_energies_share(tag: str, value: Any, shown: str, position: int) -> None:
    makers = [clean, hydroxide, water]
    others = [make() for make in makers if make is not makers[position]]
    odd = makers[position]("odd", **{tag: value})
    text = refusal(*others, odd)
    # of several that agree with each other the first by name stands for all
    assert text.startswith(f"{'OH*' if position == 2 else 'H2O'} and odd differ in {tag} (")
    assert f" and {shown}): " in text
    assert "recompute one of them" in text


def test_another_code_is_another_zero() -> None:
    text = refusal(clean(), clean("other", calculator="gpaw"))
    assert text.startswith("clean and other differ in calculator ('vasp' and 'gpaw')")


def test_a_setting_that_only_one_states_is_asked_for() -> None:
    text = refusal(clean(cutoff=None), hydroxide())
    assert "OH* and clean differ in cutoff (500 and not stated)" in text
    assert "state it where it is missing" in text


@pytest.mark.parametrize(
    ("tag", "meaning"),
    [("dispersion", "none"), ("solvent", "none"), ("charge_model", "neutral"), ("dipole", "none"), ("u", {})],
)
def test_silence_has_a_meaning_where_nothing_is_the_rule(tag: str, meaning: Any) -> None:
    assert require_combinable([clean(**{tag: None}), hydroxide(**{tag: meaning})]) == ()


def test_only_shared_elements_must_share_u() -> None:
    text = refusal(clean(u={"Fe": 3.3}), hydroxide())
    assert "OH* and clean differ in u of Fe (0 and 3.3)" in text
    with_iron, with_cobalt = {"u": {"Fe": 3.3}}, {"u": {"Co": 3.4}}
    cobalt = Participant("Co-N4", method(**with_cobalt), frozenset({"Co", "N", "C"}))
    assert require_combinable([clean(**with_iron), cobalt], same_site=False) == ()
    # a table of U for all metals says nothing about those that are not there
    assert require_combinable([clean(u={"Fe": 3.3, "Co": 3.4}), clean("again", u={"Fe": 3.3})]) == ()
    pair = Participant("FeCo-N6", method(u={"Fe": 4.0, "Co": 3.4}), frozenset({"Fe", "Co", "N", "C"}))
    assert "FeCo-N6 and clean differ in u of Fe (4 and 3.3)" in refusal(
        clean(**with_iron), cobalt, pair, same_site=False
    )


def test_gas_has_its_own_box_kpoints_dipole_and_no_u() -> None:
    box = tuple(tuple(15.0 if i == j else 0.0 for j in range(3)) for i in range(3))
    gas = Participant("H2O", method(u={}, kpoints="Γ", dipole="none"), WATER, "gas", box)
    oxygen = {"u": {"Fe": 3.3, "O": 2.0}}
    assert require_combinable([clean(**oxygen), hydroxide(**oxygen), gas]) == ()
    # but nothing else
    assert "cutoff (400 and 500)" in refusal(clean(), Participant("H2", method(cutoff=400), frozenset("H"), "gas"))
    hard = water(pseudopotentials={"O": "O_h", "H": "H"})
    assert "H2O and OH* differ in pseudopotentials of O ('O_h' and 'O')" in refusal(clean(), hydroxide(), hard)
    # without oxygen on the site there is nothing to share
    assert require_combinable([clean(), hard]) == ()


@pytest.mark.parametrize(
    # 0.2 makes a mesh of 4 on this cell, 0.25 one of 3; what is shown is what is between their points
    ("tag", "value", "shown"),
    [("kpoints", "Γ", r"\(0\.18\d+ and 'Γ'\)"), ("kpoints", 0.25, r"\(0\.18\d+ and 0\.24\d+\)")],
)
def test_two_states_of_a_site_share_kpoints(tag: str, value: Any, shown: str) -> None:
    assert re.search(f"differ in {tag} {shown}", refusal(clean("a"), hydroxide("b", **{tag: value})))
    # two different sites need not
    assert require_combinable([clean("a"), hydroxide("b", **{tag: value})], same_site=False) == ()
    # the spacing follows from mesh and cell, and is known to their rounding
    assert require_combinable([clean(kpoints=0.2129), hydroxide(kpoints=0.2131)]) == ()


def test_two_states_of_a_site_share_dipole_correction_and_cell() -> None:
    assert "dipole ('none' and 'z')" in refusal(clean("a", dipole="none"), hydroxide("b"))

    def longer(by: float) -> Participant:
        a, b, (x, y, z) = CELL
        return Participant("OH*", method(), FE_N4_OH, "site", (a, b, (x, y, z + by)))

    assert "differ in cell c_z (Å) (15.002 and 15)" in refusal(clean(), longer(0.002))
    assert require_combinable([clean(), longer(0.0009)]) == ()
    assert require_combinable([clean(), longer(5.0)], same_site=False) == ()
    # a molecule has no cell
    assert require_combinable([clean(), Participant("again", method(), FE_N4)]) == ()


def test_thresholds_smearing_and_precision_only_warn() -> None:
    loose = {"force_threshold": 0.05, "electronic_threshold": 1e-4, "smearing_width": 0.2, "precision": "Normal"}
    warnings = require_combinable([clean("a"), hydroxide("b", smearing="Fermi", **loose)])
    assert sorted(text.partition(" differ in ")[2].partition(":")[0] for text in warnings) == [
        "electronic_threshold (1e-05 and 0.0001)",
        "force_threshold (0.02 and 0.05)",
        "precision ('Accurate' and 'Normal')",
        "smearing ('Gaussian' and 'Fermi')",
        "smearing_width (0.05 and 0.2)",
    ]
    assert all(text.startswith("a and b differ in ") for text in warnings)
    # who says nothing of his thresholds cannot be warned about
    assert require_combinable([clean(force_threshold=None), hydroxide()]) == ()


def test_how_work_is_shared_out_is_ignored() -> None:
    assert require_combinable([clean(NCORE=4, KPAR=2), hydroxide(NCORE=16, cores=64)]) == ()


def test_the_published_set_with_u_on_one_side_and_d3_on_the_other() -> None:
    """40 of 140 sites of a published set: bare site with +U without D3, adsorbates with D3 without U."""
    bare = Participant(
        "bare Fe-N4",
        Method(
            "vasp",
            canonical_tags(
                {"ENCUT": 500, "ISPIN": 2, "LDAU": ".TRUE.", "LDAUL": "2 -1 -1", "LDAUU": "4 0 0", "LDAUJ": "0 0 0"},
                ["Fe", "N", "C"],
            ),
            "dft",
        ).to_dict(),
        FE_N4,
    )
    adsorbed = Participant(
        "Fe-N4 with OH",
        Method(
            "vasp", canonical_tags({"ENCUT": 500, "ISPIN": 2, "IVDW": 11}, ["Fe", "N", "C", "O", "H"]), "dft"
        ).to_dict(),
        FE_N4_OH,
    )
    assert refusal(bare, adsorbed) == (
        "Fe-N4 with OH and bare Fe-N4 differ in dispersion ('D3(zero)' and 'none'): energies that differ in it are "
        "never combined; recompute one of them with the other's setting; at odds as well: u of Fe"
    )


def test_names_are_read_in_their_spellings() -> None:
    assert (
        require_combinable([clean(dispersion="D3BJ", kpoints="Gamma"), hydroxide(dispersion="DFT-D3(BJ)", kpoints="Γ")])
        == ()
    )
    assert require_combinable([clean(functional="BEEF vdW"), hydroxide(functional="BEEF-vdW")]) == ()
    assert "functional" in refusal(clean(functional="BEEF"), hydroxide(functional="BEEF-vdW"))
    assert "functional" in refusal(clean(functional="PBE"), hydroxide(functional="PBE0"))
    assert "dispersion" in refusal(clean(dispersion="D3(BJ)"), hydroxide(dispersion="D3(zero)"))
    # a pseudopotential's name is exact
    assert "pseudopotentials of Fe" in refusal(clean(), hydroxide(pseudopotentials={"Fe": "Fe_PV"}))


def test_unknown_elements_fall_back_to_shared_tags() -> None:
    old = Participant("old", method(u={"Fe": 3.3}), None)
    assert "u of Fe" in refusal(old, Participant("older", method(u={}), None))
    assert "u of Fe" in refusal(old, clean())
    assert require_combinable([old, clean(u={"Fe": 3.3})]) == ()
    # pseudopotentials are compared where both name them
    some = Participant("some", method(pseudopotentials={"H": "H"}), None)
    assert require_combinable([clean(), some, water()]) == ()
    assert "pseudopotentials of H" in refusal(Participant("h", method(pseudopotentials={"H": "H_h"}), None), some)


def test_u_that_is_no_mapping_is_refused() -> None:
    with pytest.raises(InputError, match=r"clean: u is 3\.3; give it by element"):
        require_combinable([clean(u=3.3)])


_VALUES = {
    "functional": ["PBE", "RPBE", "pbe"],
    "dispersion": ["none", "D3(BJ)", "D3BJ", None],
    "cutoff": [400, 400.0, 500, None],
    "u": [{}, {"Fe": 3.3}, {"Fe": 3.3, "O": 1.0}, None],
    "pseudopotentials": [{"Fe": "Fe", "O": "O"}, {"Fe": "Fe_pv", "O": "O"}, {"O": "O"}, None],
    "kpoints": ["Γ", 0.2, None],
    "force_threshold": [0.02, 0.05, None],
    "strange": [1, "1", None],
}


@st.composite
def participant(draw: st.DrawFn) -> Participant:
    # most draws keep the first value, so that many sets pass
    physics = {tag: values[0] for tag, values in _VALUES.items()}
    for tag in draw(st.lists(st.sampled_from(sorted(_VALUES)), max_size=2)):
        physics[tag] = draw(st.sampled_from(_VALUES[tag]))
    stated = {tag: value for tag, value in physics.items() if value is not None}
    elements = draw(st.sampled_from([FE_N4, FE_N4_OH, WATER]))
    role = "gas" if elements == WATER else "site"
    cell = draw(st.sampled_from([CELL, None, (*CELL[:2], (0.0, 0.0, 18.0))]))
    name = draw(st.text("abc", min_size=1, max_size=2))
    return Participant(name, Method("vasp", stated, "dft").identity, elements, role, cell)  # type: ignore[arg-type]


def outcome(participants: list[Participant]) -> tuple[str, ...] | str:
    try:
        return require_combinable(participants)
    except MethodMismatchError as error:
        return str(error)


@given(st.lists(participant(), max_size=5), st.randoms(use_true_random=False))
def test_order_changes_nothing(participants: list[Participant], order: random.Random) -> None:
    shuffled = participants.copy()
    order.shuffle(shuffled)
    assert outcome(shuffled) == outcome(participants)


@given(st.lists(participant(), min_size=1, max_size=5))
def test_all_are_combinable_if_all_pairs_are(participants: list[Participant]) -> None:
    pairs = all(not isinstance(outcome([a, b]), str) for a, b in combinations(participants, 2))
    assert (not isinstance(outcome(participants), str)) == pairs
    # nothing is at odds with itself
    assert outcome([participants[0], participants[0]]) == ()


# --- where the gate stands ---

SITE = SiteLabel("Fe-N4@graphene-4x4", "site-key", "graphene", ("Fe",))
POLICY = {"corrections": "none", "solvation": "none", "temperature": 298.15}


def stored(task: str, symbols: str, energy: float, own: dict[str, Any], **more: Any) -> dict[str, Any]:
    """Give the reference of a calculation, as jobs hand it on."""
    atoms = Atoms(symbols, cell=more.get("cell", CELL), pbc=more.get("pbc", True))
    calculation = Calculation(
        request=Request(task, {}, Method.from_dict(own), 0.02, parents=more.get("parents", ())),  # type: ignore[arg-type]
        energy=energy,
        atoms=atoms_to_dict(atoms),
        geometry="geometry",
        judgement=Judgement(Verdict.BOUND if task == "adsorbed" else Verdict.INTACT, "Fe-O 1.8 Å"),
        force_calls=1,
        max_force=0.01,
    )
    return reference(calculation.to_dict())


def row(adsorbate: str = "OH", **changes: dict[str, Any]) -> AdsorptionEnergy:
    own = {name: changes.get(name, method()) for name in ("clean", "adsorbed", "H2O", "H2", "row")}
    site = stored("clean", "FeN4C26", -100.0, own["clean"])
    cell = changes.get("cell", {}).get("adsorbed", CELL)
    return adsorption_energy(
        site=SITE,
        adsorbate=adsorbate,
        method=own["row"],
        policy=POLICY,
        clean=[site],
        adsorbed=[stored("adsorbed", "FeN4C26OH", -110.0, own["adsorbed"], cell=cell, parents=(site["key"],))],
        gases={name: stored("molecule", name, -10.0, own[name], pbc=False) for name in ("H2O", "H2")},
    )


def test_a_reference_says_what_the_gate_wants_to_know() -> None:
    known = stored("clean", "FeN4C26", -1.0, method())
    assert known["elements"] == ["C", "Fe", "N"]
    assert known["cell"] == [list(vector) for vector in CELL]
    assert stored("molecule", "H2O", -1.0, method(), pbc=False)["cell"] is None


def test_adsorption_energies_pass_the_gate() -> None:
    gas = method(u={}, kpoints="Γ", dipole="none")
    site = method(u={"Fe": 3.3})
    assert row(clean=site, adsorbed=site, row=site, H2O=gas, H2=gas).electronic == -110 + 100 + 10 - 5
    with pytest.raises(MethodMismatchError, match=r"differ in u of Fe \((0 and 3\.3|3\.3 and 0)\)"):
        row(clean=site, H2O=gas, H2=gas)
    with pytest.raises(MethodMismatchError, match=r"differ in cutoff \((400 and 500|500 and 400)\)"):
        row(H2=method(cutoff=400))
    wider = (*CELL[:2], (0.0, 0.0, 18.0))
    with pytest.raises(MethodMismatchError, match="cell c_z"):
        row(cell={"adsorbed": wider})


def test_single_points_pass_the_gate_among_themselves() -> None:
    hybrid = method(functional="HSE06")
    clean_site = stored("clean", "FeN4C26", -100.0, method())
    bound = stored("adsorbed", "FeN4C26OH", -110.0, method(), parents=(clean_site["key"],))
    gases = {name: stored("molecule", name, -10.0, method(), pbc=False) for name in ("H2O", "H2")}
    states = {"FeN4C26": clean_site, "FeN4C26OH": bound, **gases}

    def with_points(**odd: dict[str, Any]) -> AdsorptionEnergy:
        points = {
            state["key"]: stored("energy", symbols, -200.0, odd.get(symbols, hybrid), pbc=symbols not in gases)
            for symbols, state in states.items()
        }
        return adsorption_energy(
            site=SITE,
            adsorbate="OH",
            method=hybrid,
            policy={**POLICY, "geometry_method": method()},
            clean=[clean_site],
            adsorbed=[bound],
            gases=gases,
            energies=points,
        )

    # -200 + 200 + 200 - 100
    assert with_points().electronic == 100
    assert with_points(H2=method(functional="HSE06", kpoints="Γ", dipole="none")).electronic == 100
    with pytest.raises(MethodMismatchError, match=r"H2 \w+ and adsorbed \w+ differ in functional \('PBE' and 'HSE"):
        with_points(H2=method())
    with pytest.raises(MethodMismatchError, match="differ in kpoints"):
        with_points(FeN4C26OH=method(functional="HSE06", kpoints="Γ"))


def test_what_only_warns_stays_with_the_row() -> None:
    loose = row(clean=method(force_threshold=0.05))
    (warning,) = loose.warnings
    assert "differ in force_threshold (0.02 and 0.05)" in warning
    assert AdsorptionEnergy.from_dict(loose.to_dict()).warnings == loose.warnings
    # rows from before there were warnings
    old = {name: value for name, value in row().to_dict().items() if name != "warnings"}
    assert AdsorptionEnergy.from_dict(old) == row()


def test_a_path_stands_on_rows_that_go_together() -> None:
    conditions = {"temperature": 298.15, "pH": 0, "potential": 0.0, "scale": "RHE"}
    her = reaction("HER")
    assert (
        limiting_potential(her, {"H": row("H")}, site=SITE, method=method(), conditions=conditions).undetermined is None
    )
    with pytest.raises(MethodMismatchError, match=r"H\* and the reaction differ in dispersion"):
        limiting_potential(her, {"H": row("H")}, site=SITE, method=method(dispersion="none"), conditions=conditions)


def document(label: str, metal: str, **changes: Any) -> dict[str, Any]:
    return {"site": {"label": label, "metals": [metal]}, "method": method(**changes)}


def test_a_query_over_several_methods_asks_which() -> None:
    iron, cobalt = document("Fe-N4", "Fe"), document("Co-N4", "Co")
    other = document("Ni-N4", "Ni", functional="RPBE", dispersion="D3(BJ)", u={"Ni": 6.2})
    assert of_one_method([iron, cobalt]) == [iron, cobalt]
    with pytest.raises(MethodMismatchError) as caught:
        of_one_method([iron, cobalt, other])
    ours, theirs = iron["method"]["key"][:8], other["method"]["key"][:8]
    assert str(caught.value).startswith(
        f"these rows come from 2 methods (vasp PBE-D3(zero) [{ours}]: 2, vasp RPBE-D3(BJ)+U(Ni 6.2) [{theirs}]: 1); "
        "ask for one of them. Co-N4 and Ni-N4 differ in functional ('PBE' and 'RPBE')"
    )
    assert of_one_method([iron, other, cobalt], theirs) == [other]
    assert of_one_method([iron, other, cobalt], "vasp PBE-D3(zero)") == [iron, cobalt]
    with pytest.raises(InputError, match=r"unknown method 'vasp'.*vasp RPBE"):
        of_one_method([iron, other], "vasp")


def test_sites_may_differ_where_they_share_nothing() -> None:
    iron = document("Fe-N4", "Fe", u={"Fe": 3.3}, kpoints="Γ")
    nickel = document("Ni-N4", "Ni", u={"Ni": 6.2}, kpoints=0.2, dipole="none")
    assert of_one_method([iron, nickel]) == [iron, nickel]
    with pytest.raises(MethodMismatchError, match=r"u of Fe"):
        of_one_method([iron, document("Fe-N3", "Fe")])


def test_a_title_names_energy_and_geometry() -> None:
    dear = Method("vasp", {"functional": "HSE06", "dispersion": "none", "solvent": "VASPsol water eps=78.4"}, "dft")
    cheap = Method.from_dict(method(u={"Fe": 3.3}))
    assert dear.title(cheap) == "vasp HSE06, VASPsol water eps=78.4 // vasp PBE-D3(zero)+U(Fe 3.3)"
    assert dear.title(dear) == dear.title() == "vasp HSE06, VASPsol water eps=78.4"
    assert Method("gfn1-xtb", {"accuracy": 1.0}, "semiempirical").title() == "gfn1-xtb"


def test_a_spacing_that_was_asked_for_is_that_of_the_mesh_it_makes() -> None:
    # 4x4 graphene in 20 Å: 2π / (9.84 cos 30°) = 0.7373 1/Å, so 0.25 makes a mesh of 3, with 0.2458 1/Å between points
    cell = ((9.84, 0.0, 0.0), (-4.92, 9.84 * 3**0.5 / 2, 0.0), (0.0, 0.0, 20.0))
    assert sampled(0.25, cell) == pytest.approx(0.7373 / 3, abs=1e-4)
    assert sampled(0.2458, cell) == pytest.approx(sampled(0.25, cell), rel=1e-3)
    assert sampled(0.24, cell) == pytest.approx(0.7373 / 4, abs=1e-4)
    asked = Participant("ours", method(kpoints=0.25), frozenset("FeNC"), cell=cell)
    read = Participant("ingested", method(kpoints=0.2458), frozenset("FeNC"), cell=cell)
    assert require_combinable([asked, read]) == ()
    finer = Participant("finer", method(kpoints=0.24), frozenset("FeNC"), cell=cell)
    with pytest.raises(MethodMismatchError, match="differ in kpoints"):
        require_combinable([asked, finer])
