"""Judgements on geometries that are made by hand, so that each verdict has a known cause."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from ase import Atoms
from ase.build import graphene, molecule

from atomsieve.analysis.verdict import BONDED, BROKEN, judge_adsorbed, judge_clean, judge_molecule
from atomsieve.builders import axial
from atomsieve.structures.adsorbate import adsorbate
from atomsieve.structures.errors import InputError
from atomsieve.structures.judgement import Judgement, Verdict
from atomsieve.structures.molecule import molecule as gas
from atomsieve.structures.site import ActiveSite


def m_n4(metal: str = "Co", *, shift: tuple[float, float, float] = (0, 0, 0)) -> ActiveSite:
    """Return M-N4 in 4x4 graphene: two C out, the four beside them N, the metal in the middle (M-N 1.88 Å)."""
    sheet = graphene(size=(4, 4, 1), a=2.46, vacuum=10.0)
    sheet.pbc = True
    distances = sheet.get_all_distances(mic=True)
    gone = (10, int(np.argsort(distances[10])[1]))
    middle = sheet.positions[gone[0]] + sheet.get_distance(*gone, mic=True, vector=True) / 2
    donors = [i for g in gone for i in np.argsort(distances[g])[1:4] if i not in gone]
    for i in donors:
        sheet.symbols[i] = "N"
    keep = [i for i in range(len(sheet)) if i not in gone]
    atoms = sheet[keep] + Atoms(metal, [middle])
    atoms.positions += np.array(shift)
    atoms.wrap()
    near = np.argwhere(np.triu(atoms.get_all_distances(mic=True) < 2.0, k=1))
    return ActiveSite(
        label=f"{metal}-N4",
        recipe={"family": "graphene", "metal": metal},
        atoms=atoms,
        kind="sheet",
        metals=(len(atoms) - 1,),
        donors=(tuple(keep.index(i) for i in donors),),
        bonds=tuple((int(i), int(j)) for i, j in near),
    )


def with_adsorbate(site: ActiveSite, name: str, height: float, *, at: int | None = None) -> Atoms:
    """Put an adsorbate straight above an atom (the metal, unless said)."""
    species = adsorbate(name)
    below = site.atoms.positions[site.metals[0] if at is None else at]
    positions = np.array(species.positions) + below + [0, 0, height]
    return site.atoms + Atoms(species.symbols, positions)


def judge(site: ActiveSite, name: str, atoms: Atoms) -> Judgement:
    return judge_adsorbed(site, adsorbate(name), atoms)


def test_fragment_is_what_it_should_be() -> None:
    site = m_n4()
    assert site.atoms.get_chemical_formula() == "C26CoN4"
    judgement = judge_clean(site, site.atoms)
    assert judgement.verdict == Verdict.INTACT
    assert judgement.reason == "Co-N 1.88 Å"
    assert judgement.measures["shift of Co30"] == 0


@pytest.mark.parametrize("shift", [(0, 0, 0), (4.1, 2.0, 0), (0, 7.3, 9.0)])
@pytest.mark.parametrize(("name", "height"), [("O", 1.65), ("OH", 1.87), ("OOH", 1.90), ("H", 1.50)])
def test_bound_wherever_the_cell_is_cut(name: str, height: float, shift: tuple[float, float, float]) -> None:
    site = m_n4(shift=shift)
    atoms = with_adsorbate(site, name, height)
    atoms.wrap()
    judgement = judge(site, name, atoms)
    assert judgement.verdict == Verdict.BOUND
    assert judgement.reason == f"Co-{adsorbate(name).symbols[0]} {height:.2f} Å"
    assert judgement.measures["Co30-" + adsorbate(name).symbols[0] + "31"] == pytest.approx(height, abs=1e-4)


def test_thresholds_follow_the_distance() -> None:
    site = m_n4("Zn")
    total = 1.22 + 0.66
    verdicts = [
        judge(site, "O", with_adsorbate(site, "O", factor * total)).verdict for factor in (1.24, 1.26, 1.59, 1.61)
    ]
    assert verdicts == [Verdict.BOUND, Verdict.WEAKLY_BOUND, Verdict.WEAKLY_BOUND, Verdict.DESORBED]


def test_cobalt_is_not_bound_at_a_distance_that_only_the_high_spin_radius_would_allow() -> None:
    site = m_n4("Co")
    assert judge(site, "O", with_adsorbate(site, "O", 2.6)).verdict == Verdict.WEAKLY_BOUND
    assert judge(site, "O", with_adsorbate(site, "O", 2.35)).verdict == Verdict.BOUND


def test_desorbed_says_how_far() -> None:
    site = m_n4("Zn")
    judgement = judge(site, "OH", with_adsorbate(site, "OH", 3.4))
    assert judgement.verdict == Verdict.DESORBED
    assert judgement.reason == "Zn-O 3.40 Å"


def test_hydrogen_on_a_nitrogen_has_moved_and_says_where_it_sits() -> None:
    site = m_n4("Fe")
    donor = site.donors[0][0]
    judgement = judge(site, "H", with_adsorbate(site, "H", 1.03, at=donor))
    assert judgement.verdict == Verdict.MOVED
    assert judgement.reason.startswith(f"H left Fe and sits on N{donor} (N-H 1.03 Å)")


def test_hydrogen_between_nitrogen_and_metal_belongs_to_the_relatively_nearer() -> None:
    site = m_n4("Fe")
    metal, donor = site.metals[0], site.donors[0][0]
    along = site.atoms.get_distance(donor, metal, mic=True, vector=True)
    atoms = with_adsorbate(site, "H", 0.0, at=donor)
    atoms.positions[-1] += 0.15 * along + [0, 0, 0.98]
    assert atoms.get_distance(metal, 31, mic=True) / (1.32 + 0.31) < BONDED
    judgement = judge(site, "H", atoms)
    assert judgement.verdict == Verdict.MOVED
    assert "nearer than on Fe-H" in judgement.reason


def test_oxygen_on_a_carbon_has_moved() -> None:
    site = m_n4("Co")
    far = int(np.argmax(site.atoms.get_distances(site.metals[0], range(30), mic=True)))
    judgement = judge(site, "O", with_adsorbate(site, "O", 1.41, at=far))
    assert judgement.verdict == Verdict.MOVED
    assert f"O left Co and sits on C{far} (C-O 1.41 Å)" in judgement.reason


def test_broken_peroxide() -> None:
    site = m_n4()
    atoms = with_adsorbate(site, "OOH", 1.75)
    atoms.positions[-2:] += [1.0, 0, 1.2]
    judgement = judge(site, "OOH", atoms)
    assert judgement.verdict == Verdict.DISSOCIATED
    assert judgement.reason == f"O-O {atoms.get_distance(31, 32):.2f} Å"
    assert judgement.measures["O31-O32"] == pytest.approx(atoms.get_distance(31, 32), abs=1e-4)


@pytest.mark.parametrize(("factor", "verdict"), [(0.99, Verdict.BOUND), (1.01, Verdict.DISSOCIATED)])
def test_bond_of_an_adsorbate_breaks_at_its_threshold(factor: float, verdict: Verdict) -> None:
    site = m_n4()
    atoms = with_adsorbate(site, "OH", 1.87)
    direction = np.array([0.8, 0, 0.6])
    atoms.positions[-1] = atoms.positions[-2] + factor * BROKEN * (0.66 + 0.31) * direction
    assert judge(site, "OH", atoms).verdict == verdict


def test_proton_given_to_the_support_is_dissociated() -> None:
    site = m_n4("Fe")
    donor = site.donors[0][1]
    atoms = with_adsorbate(site, "OH", 1.70)
    atoms.positions[-1] = atoms.positions[donor] + [0, 0, -1.02]
    judgement = judge(site, "OH", atoms)
    assert judgement.verdict == Verdict.DISSOCIATED
    assert f"H sits on N{donor} (N-H 1.02 Å)" in judgement.reason


def test_hydrogen_taken_from_the_support_is_a_reaction_of_the_support() -> None:
    site = m_n4()
    atoms = site.atoms.copy()
    atoms.extend(Atoms("H", [atoms.positions[0] + [0, 0, -1.09]]))
    grown = ActiveSite(
        site.label, site.recipe, atoms, site.kind, site.metals, site.donors, (*site.bonds, (0, len(atoms) - 1))
    )
    relaxed = with_adsorbate(grown, "OH", 1.9)
    relaxed.positions[31] = relaxed.positions[32] + [-0.7, 0, 0.67]
    judgement = judge(grown, "OH", relaxed)
    assert judgement.verdict == Verdict.SUPPORT_REACTED
    assert judgement.reason.startswith("O took H31 from the support")


def test_hydrogen_that_moved_to_the_other_oxygen_leaves_an_ooh_held_by_its_inner_oxygen() -> None:
    site = m_n4()
    atoms = with_adsorbate(site, "OOH", 1.9)
    atoms.positions[-1] = atoms.positions[-3] + [-0.8, 0, 0.55]
    judgement = judge(site, "OOH", atoms)
    assert judgement.verdict == Verdict.BOUND
    assert judgement.reason == "Co-O 1.90 Å through atom 2 of OOH*"


def test_ooh_held_by_its_other_oxygen_is_bound_and_says_so() -> None:
    site = m_n4()
    atoms = with_adsorbate(site, "OOH", 0.0)
    metal = atoms.positions[30]
    atoms.positions[-2] = metal + np.array([0, 0, 1.95])
    atoms.positions[-3] = metal + np.array([1.2, 0, 2.9])
    atoms.positions[-1] = metal + np.array([-0.8, 0, 2.5])
    judgement = judge(site, "OOH", atoms)
    assert judgement.verdict == Verdict.BOUND
    assert judgement.reason == "Co-O 1.95 Å through atom 2 of OOH*"


def test_hydroxide_upside_down_is_not_bound_by_its_hydrogen() -> None:
    site = m_n4()
    atoms = with_adsorbate(site, "OH", 0.0)
    atoms.positions[-1] = atoms.positions[30] + [0, 0, 1.7]
    atoms.positions[-2] = atoms.positions[30] + [0, 0, 2.67]
    assert judge(site, "OH", atoms).verdict == Verdict.WEAKLY_BOUND


def test_metal_that_lost_half_its_donors_left() -> None:
    site = m_n4()
    atoms = site.atoms.copy()
    pull = -sum(atoms.get_distances(30, list(site.donors[0][:2]), mic=True, vector=True)) / 2
    atoms.positions[30] += pull
    judgement = judge_clean(site, atoms)
    assert judgement.verdict == Verdict.METAL_LEFT
    assert judgement.reason.startswith("Co30 lost 2 of 4 donors (Co-N ")


def test_metal_out_of_plane_by_little_stays_and_by_much_left() -> None:
    site = m_n4()
    stayed, left = site.atoms.copy(), site.atoms.copy()
    stayed.positions[30] += [0, 0, 0.6]
    left.positions[30] += [0, 0, 1.3]
    assert judge_clean(site, stayed).verdict == Verdict.INTACT
    judgement = judge_clean(site, left)
    assert judgement.verdict == Verdict.METAL_LEFT
    assert judgement.reason == "Co30 moved 1.30 Å against its donors"


def test_height_above_the_plane_counts_against_the_clean_site_not_the_plane() -> None:
    flat = m_n4()
    raised = flat.atoms.copy()
    raised.positions[30] += [0, 0, 1.2]
    site = flat.with_positions(raised.positions)
    atoms = with_adsorbate(site, "OH", 1.85)
    atoms.positions[30:] += [0, 0, 0.3]
    judgement = judge(site, "OH", atoms)
    assert judgement.verdict == Verdict.BOUND
    assert judgement.measures["shift of Co30"] == pytest.approx(0.3, abs=1e-3)


def test_metal_that_left_outranks_what_the_adsorbate_did() -> None:
    site = m_n4()
    atoms = with_adsorbate(site, "OH", 1.85)
    atoms.positions[30:] += [0, 0, 4.0]
    assert judge(site, "OH", atoms).verdict == Verdict.METAL_LEFT


def test_torn_support_is_not_intact() -> None:
    site = m_n4()
    atoms = site.atoms.copy()
    atoms.positions[0] += [0, 0, 2.0]
    judgement = judge_clean(site, atoms)
    assert judgement.verdict == Verdict.SUPPORT_REACTED
    assert judgement.reason.startswith("the support broke at C0-")


def test_molecule_that_tumbled_is_still_intact() -> None:
    flat = m_n4()
    cluster = flat.atoms.copy()
    metal = cluster.positions[30].copy()
    near = np.linalg.norm(cluster.get_distances(30, range(31), mic=True, vector=True), axis=1) < 3.3
    keep = [i for i in range(31) if near[i]]
    piece = Atoms(cluster.symbols[keep], metal + cluster.get_distances(30, keep, mic=True, vector=True), pbc=False)
    piece.positions[keep.index(30), 2] += 0.8
    site = ActiveSite(
        "Co-N4 piece",
        {"family": "test"},
        piece,
        "cluster",
        (keep.index(30),),
        (tuple(keep.index(i) for i in flat.donors[0]),),
        (),
    )
    tumbled = piece.copy()
    tumbled.rotate(170, (1, 2, 3), center="COM")
    judgement = judge_clean(site, tumbled)
    assert judgement.verdict == Verdict.INTACT
    assert judgement.measures[f"shift of Co{keep.index(30)}"] == pytest.approx(0, abs=1e-3)


def test_two_metals_that_share_an_oxygen_are_both_named() -> None:
    site = m_n4("Fe")
    atoms = site.atoms.copy()
    atoms.extend(Atoms("Co", [atoms.positions[30] + [2.6, 0, 0.3]]))
    dual = ActiveSite("Fe-Co", site.recipe, atoms, "sheet", (30, 31), (site.donors[0], ()), site.bonds)
    relaxed = with_adsorbate(dual, "O", 0.0)
    relaxed.positions[-1] += [1.3, 0, 1.4]
    judgement = judge(dual, "O", relaxed)
    assert judgement.verdict == Verdict.BOUND
    assert judgement.reason.split(", ")[0].startswith("Fe-O")
    assert judgement.reason.split(", ")[1].startswith("Co-O")


def dual() -> ActiveSite:
    """Fe and Co, 2.4 Å apart, in a flat frame of six nitrogen atoms."""
    corners = [(x, y, 0.0) for x in (2.53, -2.53) for y in (1.33, -1.33)]
    atoms = Atoms("FeCoN6", [(-1.2, 0, 0), (1.2, 0, 0), *corners, (0, 1.5, 0), (0, -1.5, 0)])
    donors = ((4, 5, 6, 7), (2, 3, 6, 7))
    bonds = tuple(sorted((metal, donor) for metal in (0, 1) for donor in donors[metal]))
    return ActiveSite("FeCo", {"family": "test"}, atoms, "cluster", (0, 1), donors, bonds)


@pytest.mark.parametrize(
    ("name", "mode", "positions", "reason"),
    [
        ("O", "bridge", [(0, 0, 1.5)], "Fe-O 1.92 Å, Co-O 1.92 Å"),
        ("O", "bridge", [(-1.2, 0, 1.65)], "Fe-O 1.65 Å, moved from bridge to end-on"),
        ("O", "end-on", [(0, 0, 1.5)], "Fe-O 1.92 Å, Co-O 1.92 Å, moved from end-on to bridge"),
        ("N2", "bidentate", [(-0.6, 0, 1.85), (0.6, 0, 1.85)], "Fe-N 1.94 Å, Co-N 1.94 Å"),
        ("N2", "bidentate", [(-1.2, 0, 1.8), (-1.2, 0, 2.92)], "Fe-N 1.80 Å, moved from bidentate to end-on"),
        ("N2", "side-on", [(-1.2, 0.6, 1.9), (-1.2, -0.6, 1.9)], "Fe-N 1.99 Å, Fe-N 1.99 Å"),
        ("N2", "side-on", [(-1.2, 0, 2.92), (-1.2, 0, 1.8)], "Fe-N 1.80 Å, moved from side-on to end-on"),
        # the carbon of a chelating formate, 2.4 Å from the metal, is drawn there by its oxygens
        (
            "OCHO",
            "chelate",
            [(-1.2, 1.12, 1.75), (-1.2, -1.12, 1.75), (-1.2, 0, 2.33), (-1.2, 0, 3.43)],
            "Fe-O 2.08 Å, Fe-O 2.08 Å",
        ),
        (
            "OCHO",
            "end-on",
            [(-1.12, 0, 1.9), (1.12, 0, 1.9), (0, 0, 2.45), (0, 0, 3.55)],
            "Fe-O 1.90 Å, Co-O 1.90 Å, moved from end-on to bidentate",
        ),
    ],
)
def test_every_bond_to_a_metal_is_named(name: str, mode: str, positions: list[tuple[float, ...]], reason: str) -> None:
    site = dual()
    relaxed = site.atoms + Atoms(adsorbate(name).symbols, positions)
    judgement = judge_adsorbed(site, adsorbate(name), relaxed, mode=mode)
    assert judgement.verdict == Verdict.BOUND
    assert judgement.reason.removesuffix(" through atom 2 of N2*") == reason
    for atom in adsorbate(name).mode(mode).atoms:
        assert f"Fe0-{adsorbate(name).symbols[atom]}{8 + atom}" in judgement.measures


def test_side_on_desorbs_like_all_else() -> None:
    site = dual()
    relaxed = site.atoms + Atoms("N2", [(-0.6, 0, 3.5), (0.6, 0, 3.5)])
    assert judge_adsorbed(site, adsorbate("N2"), relaxed, mode="side-on").verdict == Verdict.DESORBED


def with_axial(name: str = "OH") -> ActiveSite:
    return axial.attach(m_n4("Fe"), name)


@pytest.mark.parametrize("name", ["OH", "Cl", "imidazole", "CN"])
def test_a_kept_axial_ligand_changes_no_verdict(name: str) -> None:
    site = with_axial(name)
    assert judge_clean(site, site.atoms).verdict == Verdict.INTACT
    assert f"Fe30-{site.atoms.symbols[site.axial[0][0]]}31" in judge_clean(site, site.atoms).measures
    judgement = judge(site, "OH", with_adsorbate(site, "OH", 1.85))
    assert (judgement.verdict, judgement.reason) == (Verdict.BOUND, "Fe-O 1.85 Å")


def test_an_axial_ligand_that_left_is_seen_clean_and_adsorbed() -> None:
    site = with_axial()
    fallen = site.atoms.copy()
    fallen.positions[31:] -= [0, 0, 1.2]
    judgement = judge_clean(site, fallen)
    assert judgement.verdict == Verdict.SUPPORT_REACTED
    assert judgement.reason == "axial OH left Fe (Fe-O 3.04 Å)"
    relaxed = fallen + Atoms("O", [site.atoms.positions[30] + [0, 0, 1.65]])
    assert judge(site, "O", relaxed).reason == judgement.reason
    named = replace(site, recipe={**site.recipe, "axial": "hydroxide"})
    assert judge_clean(named, fallen).reason.startswith("axial hydroxide left Fe")


def test_an_axial_ligand_that_broke_or_took_an_atom_is_seen() -> None:
    site = with_axial()
    broken, taken = site.atoms.copy(), site.atoms.copy()
    broken.positions[32] -= [0, 0, 1.5]
    assert judge_clean(site, broken).reason == "axial OH broke at O31-H32"
    # its hydrogen turns to a donor
    taken.positions[32] = taken.positions[site.donors[0][0]] + [0, 0, -1.2]
    taken.positions[31] = taken.positions[32] + (taken.positions[31] - taken.positions[32]) * 0.6
    judgement = judge_clean(site, taken)
    assert judgement.verdict == Verdict.SUPPORT_REACTED
    assert judgement.reason.startswith(f"axial OH is bonded to N{site.donors[0][0]} (N-H 1.20 Å)")


def test_an_axial_ligand_that_turned_round_left() -> None:
    site = with_axial("CN")
    turned = site.atoms.copy()
    turned.positions[[31, 32]] = turned.positions[[32, 31]]
    assert judge_clean(site, turned).reason.startswith("axial CN left Fe")


def test_atoms_in_another_order_are_refused() -> None:
    site = m_n4()
    atoms = with_adsorbate(site, "OH", 1.85)
    with pytest.raises(InputError, match="atom 31 is H, not O"):
        judge(site, "OH", atoms[[*range(31), 32, 31]])
    with pytest.raises(InputError, match="33 atoms"):
        judge(site, "OOH", atoms)


def test_positions_that_are_no_numbers_are_not_taken_for_bound() -> None:
    site = m_n4()
    atoms = with_adsorbate(site, "OH", 1.85)
    atoms.positions[-2] = np.nan
    assert judge(site, "OH", atoms).verdict == Verdict.NOT_CONVERGED


def test_molecules() -> None:
    water = molecule("H2O")
    assert judge_molecule(gas("H2O"), water[[0, 1, 2]]).verdict == Verdict.INTACT
    water.positions[1] += 1.5 * (water.positions[1] - water.positions[0])
    judgement = judge_molecule(gas("H2O"), water)
    assert judgement.verdict == Verdict.DISSOCIATED
    assert "O-H" in judgement.reason or "H-O" in judgement.reason
    folded = molecule("H2O")
    folded.positions[2] = folded.positions[1] + [0, 0, 0.74]
    assert judge_molecule(gas("H2O"), folded).verdict == Verdict.DISSOCIATED
    with pytest.raises(InputError, match="never calculated"):
        judge_molecule(gas("O2"), molecule("O2"))


def test_judgement_survives_json() -> None:
    site = m_n4()
    judgement = judge(site, "OH", with_adsorbate(site, "OH", 1.87))
    assert Judgement.from_dict(judgement.to_dict()) == judgement
    assert all(type(value) is float for value in judgement.measures.values())
