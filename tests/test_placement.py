from __future__ import annotations

import time

import numpy as np
import pytest
from ase import Atoms
from ase.data import atomic_numbers, covalent_radii, vdw_radii
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from atomsieve.builders.catalog import build, recipes
from atomsieve.builders.family import TRANSITION_METALS
from atomsieve.builders.placement import OpenDirection, open_directions, place, poses
from atomsieve.builders.poses.placement import Placement
from atomsieve.structures.adsorbate import END_ON, adsorbate, adsorbates
from atomsieve.structures.errors import InputError
from atomsieve.structures.identity import content_key
from atomsieve.structures.site import ActiveSite

COORDINATIONS = ("N4", "N3C1", "N2C2-trans", "N2C2-cis5", "N2C2-cis6", "N3")
NAMES = tuple(adsorbates())
UPRIGHT = [name for name, species in adsorbates().items() if species.modes[0].name == END_ON]


def sheet(metal="Co", coordination="N4", supercell="4x4") -> ActiveSite:
    entry = {"family": "graphene", "metals": metal, "coordination": coordination, "supercell": supercell}
    return build(next(recipes(entry)))


def porphine(metal="Co") -> ActiveSite:
    return build({"family": "porphine", "schema": 1, "metals": [metal], "axial": "none"})


def cluster(symbols: str, positions, metals, donors, normal=(0.0, 0.0, 1.0)) -> ActiveSite:
    """A site of no family of the catalog."""
    return ActiveSite("c", {"family": "mine"}, Atoms(symbols, positions), "cluster", metals, donors, (), normal=normal)


def raised(site: ActiveSite, height: float) -> ActiveSite:
    positions = site.atoms.positions.copy()
    positions[site.metals[0], 2] += height
    return site.with_positions(positions)


def placements(site: ActiveSite, name: str, **how) -> list[Placement]:
    return [placement for placement, _ in poses(site, name, **how)]


def told(site: ActiveSite, name: str, **how) -> list[tuple[str, float, float]]:
    return [(pose.face, pose.tilt, pose.azimuth) for pose in placements(site, name, **how)]


def faces(site: ActiveSite) -> list[str]:
    return [direction.face for direction in open_directions(site)]


# -- open directions --------------------------------------------------------------------------------------------------


def test_openness_of_known_sites():
    iron, front = open_directions(sheet("Fe"))[0], open_directions(sheet("Fe", "N3"))[0]
    assert (iron.face, iron.vector, iron.metal) == ("top", (0.0, 0.0, 1.0), 30)
    assert iron.openness == pytest.approx(1.94, abs=0.02)
    assert front.openness == pytest.approx(2.45, abs=0.03)


@settings(deadline=None, max_examples=60)
@given(st.sampled_from(TRANSITION_METALS), st.sampled_from(COORDINATIONS), st.sampled_from(["3x3", "4x4", "3x5"]))
def test_planar_sites_have_two_faces_and_raised_ones_the_outer(metal, coordination, supercell):
    directions = open_directions(sheet(metal, coordination, supercell))
    assert [d.face for d in directions] == (["top"] if coordination == "N3" else ["top", "bottom"])
    for direction in directions:
        assert direction.vector == pytest.approx((0.0, 0.0, 1.0 if direction.face == "top" else -1.0), abs=1e-9)
        assert direction.openness >= 1.8


def test_a_porphine_has_two_faces():
    assert faces(porphine()) == ["top", "bottom"]


def test_a_face_closes_when_something_sits_on_it():
    bare = porphine()
    capped = cluster(
        "".join(bare.atoms.symbols) + "O",
        np.vstack([bare.atoms.positions, [0.0, 0.0, 1.8]]),
        bare.metals,
        bare.donors,
    )
    assert faces(capped) == ["bottom"]
    with pytest.raises(InputError, match="the top face of c is not open to OH; allowed: bottom"):
        place(capped, Placement("OH", 36, "top"))
    assert told(capped, "O") == [("bottom", 0.0, 0.0)]


def test_a_metal_without_a_way_in_has_no_poses():
    octahedron = 1.9 * np.array([[1, 0, 0], [-1, 0, 0], [0, 1, 0], [0, -1, 0], [0, 0, 1], [0, 0, -1], [0, 0, 0]])
    blocked = cluster("N6Co", octahedron, (6,), ((0, 1, 2, 3),))
    assert open_directions(blocked) == ()
    assert poses(blocked, "OH") == ()
    with pytest.raises(InputError, match="no face of it is open"):
        place(blocked, Placement("OH", 6, "top"))


def test_a_side_opens_opposite_to_two_donors():
    half = np.radians(50)
    donors = 1.9 * np.array([[np.cos(half), np.sin(half), 0], [np.cos(half), -np.sin(half), 0]])
    bent = cluster("N2Co", np.vstack([donors, [0, 0, 0]]), (2,), ((0, 1),))
    (direction,) = open_directions(bent)
    assert direction.face == "side1"
    assert np.degrees(np.arccos(-direction.vector[0])) < 12
    assert {placement.face for placement in placements(bent, "OH")} == {"side1"}


def test_each_metal_has_its_own_directions():
    one, other = porphine("Co").atoms, porphine("Ni").atoms
    other.positions += (25.0, 3.0, -2.0)
    donors = ((32, 33, 34, 35), (69, 70, 71, 72))
    pair = cluster("".join((one + other).symbols), (one + other).positions, (36, 73), donors)
    assert [(d.metal, d.face) for d in open_directions(pair)] == [
        (36, "top"),
        (36, "bottom"),
        (73, "top"),
        (73, "bottom"),
    ]
    assert isinstance(open_directions(pair)[0], OpenDirection)
    assert [(p.metal, p.face) for p in placements(pair, "O")] == [(36, "top"), (73, "top")]
    # two equal metals are one site twice
    pair.atoms.symbols[73] = "Co"
    alike = pair.with_positions(pair.atoms.positions)
    moved = alike.atoms.positions.copy()
    moved[37:] = moved[:37] + np.array([25.0, 0.0, 0.0])
    assert [(p.metal, p.face) for p in placements(alike.with_positions(moved), "O")] == [(36, "top")]


# -- one placement ----------------------------------------------------------------------------------------------------


@settings(deadline=None, max_examples=80)
@given(
    st.sampled_from([sheet(), sheet("Y", "N3"), porphine("Fe")]),
    st.sampled_from(UPRIGHT),
    st.floats(0, 60),
    st.floats(0, 360),
)
def test_a_placed_adsorbate_keeps_its_shape_and_the_site_its_atoms(site, name, tilt, azimuth):
    species, metal = adsorbate(name), site.metals[0]
    before = site.atoms.copy()
    atoms = place(site, Placement(name, metal, "top", tilt, azimuth))
    assert (site.atoms.positions == before.positions).all()
    number = len(before)
    assert (atoms.numbers[:number] == before.numbers).all()
    assert (atoms.positions[:number] == before.positions).all()
    assert (atoms.cell == before.cell).all()
    assert (atoms.pbc == before.pbc).all()
    assert tuple(atoms.symbols[number:]) == species.symbols

    placed, shape = atoms.positions[number:], np.array(species.positions)
    inner = np.linalg.norm(placed[:, None] - placed, axis=-1)
    assert np.allclose(inner, np.linalg.norm(shape[:, None] - shape, axis=-1))
    bond = placed[0] - before.positions[metal]
    radii = covalent_radii[before.numbers[metal]] + covalent_radii[atomic_numbers[species.symbols[0]]]
    assert np.allclose(bond, (0.0, 0.0, 0.96 * radii))


def test_bond_lengths_tilt_and_azimuth():
    site = sheet()
    metal, first = site.metals[0], site.donors[0][0]
    assert place(site, Placement("O", metal, "top")).get_distance(metal, 31) == pytest.approx(1.84, abs=0.02)
    assert place(site, Placement("H", metal, "top")).get_distance(metal, 31) == pytest.approx(1.51, abs=0.02)

    upright = place(site, Placement("OH", metal, "top"))
    assert upright.get_angle(metal, 31, 32) == pytest.approx(105.0, abs=0.1)
    assert place(site, Placement("OH", metal, "top", 20.0, 70.0)).get_angle(metal, 31, 32) == pytest.approx(
        85.0, abs=0.1
    )

    def turn(azimuth: float, face: str) -> float:
        atoms = place(site, Placement("OH", metal, face, 0.0, azimuth))
        donor, hydrogen = atoms.positions[[first, 32]] - atoms.positions[metal]
        sine, cosine = donor[0] * hydrogen[1] - donor[1] * hydrogen[0], donor[:2] @ hydrogen[:2]
        return float(np.degrees(np.arctan2(sine, cosine))) % 360

    assert turn(90.0, "top") == pytest.approx(90.0)
    assert turn(90.0, "bottom") == pytest.approx(270.0)
    assert upright.positions[32, :2] - upright.positions[metal, :2] == pytest.approx(
        0.937 * (upright.positions[first, :2] - upright.positions[metal, :2]) / 1.88, abs=1e-3
    )


def test_a_placement_is_plain_data():
    placement = Placement("OOH", 30, "bottom", 35.0, 270.0)
    assert Placement.from_dict(placement.to_dict()) == placement
    keys = {content_key("pose", p.to_dict()) for p in placements(sheet("Ru", "N3C1"), "OOH", azimuths=8)}
    assert len(keys) == len(placements(sheet("Ru", "N3C1"), "OOH", azimuths=8))


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (Placement("OHH", 30, "top"), "unknown adsorbate 'OHH'"),
        (Placement("OH", 3, "top"), r"unknown metal of Co-N4@graphene-4x4 3 .*allowed: 30"),
        (Placement("OH", 30, "side1"), "the side1 face of Co-N4@graphene-4x4 is not open to OH; allowed: top, bottom"),
    ],
)
def test_a_wrong_placement_is_refused(wrong, message):
    with pytest.raises(InputError, match=message):
        place(sheet(), wrong)


# -- all poses --------------------------------------------------------------------------------------------------------


def test_poses_of_a_planar_site():
    """Over a donor, over the hollows of the five- and the six-membered ring; the two faces are mirror images."""
    site = sheet()
    assert told(site, "O") == told(site, "H") == [("top", 0.0, 0.0)]
    assert told(site, "OH", azimuths=1) == [("top", 0.0, 0.0)]
    assert told(site, "OH", azimuths=8) == [("top", 0.0, 0.0), ("top", 0.0, 45.0), ("top", 0.0, 135.0)]
    # a quarter turn lands 8 degrees beside the next donor, which is not worth a pose of its own
    assert told(site, "OH", azimuths=4) == [("top", 0.0, 0.0)]
    # OOH is turned aside, so that the two donors beside a hollow are no mirror images for it
    assert told(site, "OOH", azimuths=8) == [("top", 0.0, turn) for turn in (0.0, 45.0, 90.0, 135.0)]


def test_poses_of_a_porphine():
    assert told(porphine(), "O") == [("top", 0.0, 0.0)]
    for name in ("OH", "OOH"):
        assert told(porphine(), name, azimuths=8) == [("top", 0.0, 0.0), ("top", 0.0, 45.0)]


def test_poses_of_a_raised_metal():
    site = sheet("Co", "N3")
    assert told(site, "O") == [("top", 0.0, 0.0)]
    # over a donor and over the hollow opposite to it
    assert told(site, "OH", azimuths=6) == [("top", 0.0, 0.0), ("top", 0.0, 60.0)]
    assert told(site, "OOH", azimuths=3) == [("top", 0.0, 0.0)]


def test_donors_of_two_elements_make_more_poses():
    for coordination, number in (("N2C2-trans", 4), ("N2C2-cis5", 5), ("N2C2-cis6", 5), ("N3C1", 8)):
        assert len(told(sheet("Co", coordination), "OH", azimuths=8)) == number


@pytest.mark.parametrize("height", [0.4, -0.4])
def test_faces_that_differ_are_both_used(height):
    site = raised(sheet("Zr"), height)
    assert told(site, "O") == [("top", 0.0, 0.0), ("bottom", 0.0, 0.0)]
    every = told(site, "OH", azimuths=8)
    assert [face for face, _, _ in every] == ["top"] * 3 + ["bottom"] * 3
    assert told(site, "OH", azimuths=8, most=2) == [every[0], every[3]]
    assert told(site, "OH", azimuths=8, most=3) == [every[0], every[1], every[3]]
    assert told(site, "OH", azimuths=8, most=1) == every[:1]
    assert told(site, "OH", azimuths=8, most=99) == every


def test_a_metal_pulled_through_its_pore_is_reached_from_the_other_side():
    through = raised(sheet("Co", "N3"), -2 * 1.11)
    assert faces(through) == ["bottom"]
    assert told(through, "O") == [("bottom", 0.0, 0.0)]
    assert len(told(through, "OH", azimuths=6)) == 2


@pytest.mark.parametrize("site", [sheet(), sheet("Ru", "N2C2-cis5"), porphine()], ids=lambda site: site.label)
def test_clashing_poses_are_left_out(site):
    assert poses(site, "OH", tilts=(80.0,), azimuths=8) == ()
    assert told(site, "OH", tilts=(0.0, 80.0), azimuths=8) == told(site, "OH", azimuths=8)
    # leaning back straightens a bent adsorbate, which makes poses of their own
    assert told(site, "OOH", tilts=(0.0, -35.0), azimuths=8)[: len(told(site, "OOH", azimuths=8))] == told(
        site, "OOH", azimuths=8
    )
    assert len(told(site, "OOH", tilts=(0.0, -35.0), azimuths=8)) > len(told(site, "OOH", azimuths=8))


@settings(deadline=None, max_examples=60)
@given(
    st.sampled_from(TRANSITION_METALS),
    st.sampled_from(COORDINATIONS),
    st.sampled_from(NAMES),
    st.lists(st.floats(-90, 90), min_size=1, max_size=3),
    st.integers(1, 9),
)
def test_no_pose_clashes_and_every_pose_can_be_placed_again(metal, coordination, name, tilts, azimuths):
    site = sheet(metal, coordination)
    number = len(site.atoms)
    found = poses(site, name, tilts=tuple(tilts), azimuths=azimuths)
    assert len({placement for placement, _ in found}) == len(found)
    for placement, atoms in found:
        assert np.allclose(place(site, placement).positions, atoms.positions, atol=1e-12)
        assert (atoms.positions[:number] == site.atoms.positions).all()
        distances = atoms.get_all_distances(mic=True)
        binding = adsorbate(name).mode(placement.mode).atoms
        for added in range(number, len(atoms)):
            for atom in range(number):
                if added - number in binding and atom == number - 1:
                    continue
                i, j = atoms.numbers[added], atoms.numbers[atom]
                share = 0.62 if placement.mode != "end-on" and added - number in binding else 0.72
                vdw = 0.0 if atom == number - 1 else share * (vdw_radii[i] + vdw_radii[j])
                assert distances[added, atom] >= max(vdw, covalent_radii[i] + covalent_radii[j]) - 1e-9


@settings(deadline=None, max_examples=40)
@given(
    st.sampled_from([("Co", c) for c in COORDINATIONS] + [("Y", "N4"), ("Ni", "N3"), ("Fe", "porphine")]),
    st.sampled_from(["O", "OH", "OOH"]),
    st.sampled_from([4, 6, 8, 12]),
    st.sampled_from([(0.0,), (0.0, 35.0)]),
    st.integers(0, 2**32 - 1),
    st.sampled_from([0.0, 0.06]),
)
def test_a_relaxation_that_changes_little_changes_no_placement(kind, name, azimuths, tilts, seed, ripple):
    metal, coordination = kind
    site = porphine(metal) if coordination == "porphine" else sheet(metal, coordination)
    noise = np.random.default_rng(seed).normal(0.0, 0.02, site.atoms.positions.shape).clip(-0.06, 0.06)
    wave = site.atoms.get_scaled_positions()[:, :2] if site.atoms.pbc.any() else site.atoms.positions[:, :2] / 10
    noise[:, 2] += ripple * np.sin(2 * np.pi * wave[:, 0]) * np.cos(2 * np.pi * wave[:, 1])
    relaxed = site.with_positions(site.atoms.positions + noise)
    assert placements(relaxed, name, azimuths=azimuths, tilts=tilts) == placements(
        site, name, azimuths=azimuths, tilts=tilts
    )


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 2**32 - 1), st.sampled_from(["O", "OH", "OOH"]))
def test_turning_or_moving_a_molecule_changes_no_number(seed, name):
    site = porphine("Mn")
    generator = np.random.default_rng(seed)
    turned = Rotation.random(rng=generator).apply(site.atoms.positions) + generator.uniform(-50, 50, 3)
    moved = site.with_positions(turned)
    assert len(poses(moved, name, azimuths=8)) == len(poses(site, name, azimuths=8))
    own = cluster("".join(site.atoms.symbols), turned, site.metals, site.donors)
    assert len(poses(own, name, azimuths=8)) == len(poses(site, name, azimuths=8))


@settings(deadline=None, max_examples=30)
@given(st.sampled_from(COORDINATIONS), st.integers(0, 2**32 - 1), st.sampled_from(["O", "OOH"]))
def test_moving_a_sheet_across_the_cell_changes_no_placement(coordination, seed, name):
    site = sheet("Fe", coordination, "3x4")
    moved = site.atoms.copy()
    moved.positions += np.random.default_rng(seed).uniform(-30, 30, 3)
    moved.wrap()
    assert placements(site.with_positions(moved.positions), name, azimuths=8) == placements(site, name, azimuths=8)


def test_a_larger_cell_has_the_same_poses():
    for coordination in COORDINATIONS:
        wanted = told(sheet(coordination=coordination, supercell="8x8"), "OH", azimuths=8)
        for supercell in ("3x3", "4x4", "3x6"):
            assert told(sheet(coordination=coordination, supercell=supercell), "OH", azimuths=8) == wanted


@pytest.mark.parametrize("how", [{"tilts": ()}, {"azimuths": 0}, {"most": 0}])
def test_asking_for_nothing_is_refused(how):
    with pytest.raises(InputError, match="leave nothing to place"):
        poses(sheet(), "OH", **how)


def test_an_unknown_adsorbate_is_refused():
    with pytest.raises(InputError, match=r"unknown adsorbate 'OOHH' \(did you mean 'OOH'\?\)"):
        poses(sheet(), "OOHH")


def test_placing_is_fast():
    site = sheet()
    poses(site, "OOH", azimuths=8)
    start = time.perf_counter()
    for _ in range(20):
        poses(site, "OOH", azimuths=8)
    assert (time.perf_counter() - start) / 20 < 0.02  # about 1 ms; the rest is room for a busy machine
