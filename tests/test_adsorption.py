"""Adsorption free energies against sums done by hand."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from atomsieve.analysis.adsorption import adsorption_energy
from atomsieve.structures.correction import correction_tables
from atomsieve.structures.energies import AdsorptionEnergy, SiteLabel
from atomsieve.structures.errors import InputError, MethodMismatchError
from atomsieve.structures.method import Method
from atomsieve.structures.molecule import molecule

SITE = SiteLabel("Co-N4", "site-key", "graphene", ("Co",))
METHOD = Method("mock", {"u": {}, "functional": "PBE"}, "mock").to_dict()
OTHER = Method("mock", {"u": {}, "functional": "RPBE"}, "mock").to_dict()


def entry(
    key: str, energy: float | None, verdict: str = "bound", reason: str = "Co-O 1.87 Å", **more: Any
) -> dict[str, Any]:
    return {
        "key": key,
        "status": "failed" if energy is None else "done",
        "energy": energy,
        "verdict": verdict,
        "reason": reason,
        "multiplicity": 2,
        "subject": {},
        **more,
    }


GASES = {"H2O": entry("water", -14.2, "intact"), "H2": entry("hydrogen", -6.8, "intact")}
CLEAN = [entry("clean-high", -99.0, "intact"), entry("clean-low", -100.0, "intact", multiplicity=4)]


def make(adsorbed: list[dict[str, Any]], adsorbate: str = "OH", **changes: Any) -> AdsorptionEnergy:
    policy = {"corrections": "none", "solvation": "none", "temperature": 298.15} | changes.pop("policy", {})
    arguments: dict[str, Any] = {"site": SITE, "adsorbate": adsorbate, "method": METHOD, "policy": policy}
    arguments |= {"clean": CLEAN, "adsorbed": adsorbed, "gases": GASES}
    return adsorption_energy(**(arguments | changes))


@pytest.mark.parametrize(
    ("adsorbate", "energy", "by_hand"),
    [
        ("OH", -110.0, -110.0 + 100.0 + 14.2 - 3.4),
        ("O", -105.0, -105.0 + 100.0 + 14.2 - 6.8),
        ("OOH", -114.0, -114.0 + 100.0 + 28.4 - 10.2),
        ("H", -103.0, -103.0 + 100.0 + 3.4),
    ],
)
def test_electronic_energy(adsorbate: str, energy: float, by_hand: float) -> None:
    row = make([entry("pose", energy)], adsorbate)
    assert row.verdict == "bound"
    assert row.electronic == pytest.approx(by_hand)
    assert row.free == row.electronic


def test_terms_are_named_as_a_chemist_writes_them_and_name_their_calculations() -> None:
    row = make([entry("pose", -110.0)])
    assert [(t.name, t.source) for t in row.terms] == [
        ("E(OH*)", "pose"),
        ("-E(*)", "clean-low"),
        ("-1 E(H2O)", "water"),
        ("+0.5 E(H2)", "hydrogen"),
    ]
    assert row.calculations == {"clean": "clean-low", "adsorbed": "pose", "H2O": "water", "H2": "hydrogen"}
    assert row.multiplicity == {"clean": 4, "adsorbed": 2}


def test_lowest_bound_state_wins_and_a_lower_rejected_one_is_named() -> None:
    rejected = entry("fell-apart", -112.0, "dissociated", "O-H 2.10 Å")
    row = make([entry("a", -109.0), rejected, entry("b", -110.5)])
    assert row.calculations["adsorbed"] == "b"
    assert row.reason == "Co-O 1.87 Å; 1.50 eV lower: dissociated, O-H 2.10 Å"
    assert [(e["role"], e["key"], e["verdict"]) for e in row.considered if e["role"] == "adsorbed"] == [
        ("adsorbed", "a", "bound"),
        ("adsorbed", "fell-apart", "dissociated"),
        ("adsorbed", "b", "bound"),
    ]
    assert len(row.considered) == 7


def test_equal_energies_give_the_same_row_in_any_order() -> None:
    poses = [entry("b", -110.0), entry("a", -110.0)]
    assert make(poses).calculations["adsorbed"] == make(poses[::-1]).calculations["adsorbed"] == "a"
    assert make(poses).key == make(poses[::-1]).key


def test_reaction_convention_adds_one_number_and_no_gas_terms() -> None:
    bare, corrected = (make([entry("p", -110.0)], policy={"corrections": c}) for c in ("none", "norskov"))
    assert corrected.free == pytest.approx((bare.free or 0) + 0.35)
    assert [(t.kind, t.value) for t in corrected.terms[4:]] == [("correction", 0.35)]
    assert corrected.terms[4].source == "doi 10.1021/jp047349j"


def test_adsorbate_convention_takes_off_the_terms_of_the_gases() -> None:
    row = make([entry("p", -110.0)], policy={"corrections": "peterson"})
    adsorbed = 0.364 + 0.046 - 0.079
    water, hydrogen = 0.580 + 0.103 - 0.672, 0.274 + 0.090 - 0.4038
    assert row.free is not None
    assert row.electronic is not None
    assert row.free - row.electronic == pytest.approx(adsorbed - water + 0.5 * hydrogen)
    assert {t.name: t.value for t in row.terms[4:]} == pytest.approx(
        {
            "ZPE(OH*)": 0.364,
            "∫Cp dT(OH*)": 0.046,
            "-TS(OH*)": -0.079,
            "-1 ZPE(H2O)": -0.580,
            "-1 ∫Cp dT(H2O)": -0.103,
            "+1 TS(H2O)": 0.672,
            "+0.5 ZPE(H2)": 0.137,
            "+0.5 ∫Cp dT(H2)": 0.045,
            "-0.5 TS(H2)": -0.2019,
        }
    )
    assert {t.source for t in row.terms if "(H2O)" in t.name and t.kind != "electronic"} == {molecule("H2O").source}


def test_the_two_conventions_agree_within_what_their_sources_do() -> None:
    differences = []
    for adsorbate in ("OH", "O", "H"):
        a, b = (make([entry("p", -110.0)], adsorbate, policy={"corrections": c}) for c in ("norskov", "peterson"))
        differences.append(abs((a.free or 0) - (b.free or 0)))
    assert max(differences) < 0.1


@pytest.mark.parametrize(("adsorbate", "shift"), [("OH", -0.3), ("OOH", -0.3), ("O", 0.0), ("H", 0.0)])
def test_solvation_of_the_table(adsorbate: str, shift: float) -> None:
    dry, wet = (
        make([entry("p", -110.0)], adsorbate, policy={"corrections": "norskov", "solvation": s})
        for s in ("none", "table")
    )
    assert (wet.free or 0) - (dry.free or 0) == pytest.approx(shift)
    assert sum(t.kind == "solvation" for t in wet.terms) == (1 if shift else 0)


@pytest.mark.parametrize("table", correction_tables())
def test_sum_of_terms_is_the_free_energy(table: str) -> None:
    row = make([entry("p", -110.0)], policy={"corrections": table, "solvation": "table"})
    assert row.free == pytest.approx(sum(t.value for t in row.terms))
    assert AdsorptionEnergy.from_dict(row.to_dict()) == row


def test_all_desorbed() -> None:
    poses = [entry(str(i), -110.0 + i, "desorbed", f"Zn-O {3.4 + i} Å") for i in range(4)]
    row = make(poses)
    assert (row.verdict, row.terms, row.free) == ("desorbed", (), None)
    assert row.reason == "desorbed in 4 of 4 relaxations; lowest: Zn-O 3.4 Å"
    assert row.calculations == {"clean": "clean-low", "H2O": "water", "H2": "hydrogen"}


def test_mixture_takes_the_verdict_of_the_lowest() -> None:
    row = make(
        [
            entry("a", -110.0, "desorbed", "Co-O 3.1 Å"),
            entry("b", -112.0, "dissociated", "O-O 2.90 Å"),
            entry("c", None, "not converged", "300 steps"),
            entry("d", -109.0, "weakly bound", "Co-O 2.8 Å"),
        ],
        "OOH",
    )
    assert row.verdict == "dissociated"
    assert row.reason.endswith("lowest: dissociated, O-O 2.90 Å")
    assert "1 weakly bound" in row.reason


def test_all_failed_and_none_tried() -> None:
    failed = [entry("a", None, "not converged", "SCF did not converge"), entry("b", None, "not converged", "300 steps")]
    row = make(failed)
    assert (row.verdict, row.reason) == (
        "not converged",
        "not converged in 2 of 2 relaxations; first: SCF did not converge",
    )


@pytest.mark.parametrize(
    ("name", "metals", "reason"),
    [
        ("H.H", ("Fe",), "no way to the metal is open on the relaxed clean site"),
        ("O2", ("Fe", "Co"), "no way to the metal is open on the relaxed clean site"),
        ("Vo", ("Fe",), "no oxygen of an oxide node at the metal (one that metals alone hold, and with room)"),
        ("Hlat", ("Fe",), "no oxygen of an oxide node at the metal (one that metals alone hold, and with room)"),
    ],
)
def test_it_is_said_why_nothing_was_placed(name: str, metals: tuple[str, ...], reason: str) -> None:
    row = make([], name, site=replace(SITE, metals=metals))
    assert (row.verdict, row.reason) == ("not placed", reason)


def test_what_takes_two_metals_is_not_placed_on_one() -> None:
    gases = {**GASES, "CO2": entry("carbon", -23.0, "intact")}
    row = make([], "CO.CHO", gases=gases)
    assert (row.verdict, row.reason) == ("not placed", "it takes two metals, and the site has one")
    row = make([], "CO.CHO", gases=gases, site=replace(SITE, metals=("Fe", "Co")))
    assert row.reason == "it takes two metals, and no two of the relaxed clean site are open to the same side"


def test_a_vacancy_gives_its_oxygen_to_water() -> None:
    row = make([entry("v", -92.0)], "Vo")
    assert row.electronic == pytest.approx(-92.0 + 100.0 - 14.2 + 6.8)


def test_a_site_without_an_open_face_is_told_from_a_failure() -> None:
    row = make([])
    assert (row.verdict, row.reason, row.free) == (
        "not placed",
        "no way to the metal is open on the relaxed clean site",
        None,
    )
    failed = make([], clean=[entry("c", None, "not converged", "300 steps")])
    assert (failed.verdict, failed.reason) == ("not converged", "clean site: 300 steps; not calculated")


@pytest.mark.parametrize(
    ("changes", "verdict", "reason"),
    [
        ({"gases": {"H2": GASES["H2"]}}, "not converged", "H2O: not calculated"),
        (
            {"gases": GASES | {"H2": entry("h", -6.8, "dissociated", "H-H 1.9 Å")}},
            "dissociated",
            "H2: H-H 1.9 Å",
        ),
        ({"clean": []}, "not converged", "clean site: not calculated"),
        (
            {"clean": [entry("c", -100.0, "metal left its site", "Co30 lost 3 of 4 donors")]},
            "metal left its site",
            "clean site: Co30 lost 3 of 4 donors",
        ),
    ],
)
def test_missing_parts_are_named(changes: Mapping[str, Any], verdict: str, reason: str) -> None:
    row = make([entry("p", -110.0)], **changes)
    assert (row.verdict, row.reason, row.free) == (verdict, reason, None)


def test_verdict_of_the_clean_site_comes_before_that_of_the_gas() -> None:
    lost = [entry("c", -100.0, "metal left its site", "Co30 lost 3 of 4 donors")]
    row = make([entry("p", -110.0, "desorbed", "Co-O 3.9 Å")], clean=lost, gases={})
    assert row.verdict == "metal left its site"
    assert row.reason == ("clean site: Co30 lost 3 of 4 donors; Co-O 3.9 Å; H2O: not calculated; H2: not calculated")


def test_weakly_bound_energy_is_not_used() -> None:
    row = make([entry("weak", -115.0, "weakly bound", "Co-O 2.7 Å"), entry("bound", -110.0)])
    assert row.calculations["adsorbed"] == "bound"
    assert make([entry("weak", -115.0, "weakly bound", "Co-O 2.7 Å")]).free is None


@pytest.mark.parametrize("role", ["clean", "adsorbed", "gases"])
def test_gate_refuses_another_method_wherever_it_hides(role: str) -> None:
    strange = {"method": OTHER}
    changes: dict[str, Any] = {
        "clean": {"clean": [entry("c", -100.0, "intact", method=METHOD), entry("d", -101.0, "intact", **strange)]},
        "adsorbed": {"adsorbed": [entry("p", -110.0, **strange)]},
        "gases": {"gases": GASES | {"H2": entry("h", -6.8, "intact", **strange)}},
    }[role]
    with pytest.raises(MethodMismatchError, match=r"differ in functional \('R?PBE' and 'R?PBE'\)"):
        make(**({"adsorbed": [entry("p", -110.0, method=METHOD)]} | changes))


def test_failure_of_another_method_has_no_energy_to_combine() -> None:
    row = make([entry("p", -110.0, method=METHOD), entry("q", None, "not converged", "x", method=OTHER)])
    assert row.verdict == "bound"


@pytest.mark.parametrize(
    ("adsorbate", "policy", "message"),
    [
        ("OH", {"temperature": 350}, "350 K.*298.15"),
        ("OH", {"corrections": "norskow"}, "did you mean 'norskov'"),
        ("OH", {"solvation": "implicit"}, "unknown solvation 'implicit'"),
        ("OH", {"solvation": "table"}, "corrections is 'none'"),
        ("OOH", {"corrections": "peterson"}, "unknown adsorbate for the corrections 'peterson' 'OOH'"),
    ],
)
def test_policies_that_cannot_be_followed(adsorbate: str, policy: Mapping[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        make([entry("p", -110.0)], adsorbate, policy=policy)
