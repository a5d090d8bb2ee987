"""Relaxed poses: which are the same, turned, mirrored or with other names for equal atoms."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from ase import Atoms
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from atomsieve.analysis.poses import RelaxedPose, distinct_poses
from atomsieve.builders.catalog import build, recipes
from atomsieve.builders.placement import place
from atomsieve.builders.poses.placement import Placement
from atomsieve.structures.site import ActiveSite


def made(entry: dict[str, object]) -> ActiveSite:
    return build(next(iter(recipes(entry))))


PORPHINE = made({"family": "porphine", "metals": "Co"})
SHEET = made({"family": "graphene", "metals": "Fe"})


def posed(site: ActiveSite, adsorbate: str, azimuth: float, *, face: str = "top", tilt: float = 0.0) -> Atoms:
    return place(site, Placement(adsorbate, site.metals[0], face, tilt, azimuth))


def grouped(site: ActiveSite, poses: Sequence[RelaxedPose], **options: float) -> list[tuple[str, ...]]:
    groups = distinct_poses(poses, len(site.atoms), **options)
    return [(group.kept.key, *(pose.key for pose in group.folded)) for group in groups]


def shuffled(atoms: Atoms, site_atoms: int, rng: np.random.Generator) -> Atoms:
    """Exchange equal atoms at random, of the site among themselves and of the adsorbate."""
    order = np.arange(len(atoms))
    for part in (range(site_atoms), range(site_atoms, len(atoms))):
        for symbol in {atoms.symbols[i] for i in part}:
            alike = [i for i in part if atoms.symbols[i] == symbol]
            order[alike] = rng.permutation(alike)
    return atoms[order]


@settings(deadline=None, max_examples=60)
@given(
    st.sampled_from(["OH", "OOH", "COOH", "NH3", "NO3"]),
    st.floats(0, 360),
    st.integers(0, 2**32 - 1),
    st.booleans(),
)
def test_turned_mirrored_and_renamed_is_the_same(adsorbate: str, azimuth: float, seed: int, is_mirrored: bool) -> None:
    rng = np.random.default_rng(seed)
    atoms = posed(PORPHINE, adsorbate, azimuth)
    other = shuffled(atoms, len(PORPHINE.atoms), rng)
    other.positions = other.positions @ Rotation.random(rng=rng).as_matrix().T * (-1 if is_mirrored else 1)
    other.positions += rng.uniform(-9, 9, size=3)
    poses = [RelaxedPose("a", atoms, -1.0), RelaxedPose("b", other, -1.001)]
    assert grouped(PORPHINE, poses) == [("b", "a")]


@settings(deadline=None, max_examples=30)
@given(st.sampled_from(["OH", "OOH", "CO"]), st.floats(0, 360), st.integers(0, 2**32 - 1))
def test_wherever_the_cell_is_cut(adsorbate: str, azimuth: float, seed: int) -> None:
    rng = np.random.default_rng(seed)
    atoms = posed(SHEET, adsorbate, azimuth)
    other = shuffled(atoms, len(SHEET.atoms), rng)
    other.positions += rng.uniform(-9, 9, size=3)
    other.wrap()
    assert grouped(SHEET, [RelaxedPose("a", atoms), RelaxedPose("b", other)]) == [("a", "b")]


def test_both_faces_and_all_four_quarters_of_a_porphine_are_one() -> None:
    poses = [
        RelaxedPose(f"{face} {azimuth:.0f}", posed(PORPHINE, "OH", azimuth, face=face))
        for face in ("top", "bottom")
        for azimuth in (0.0, 90.0, 180.0, 270.0)
    ]
    assert len(grouped(PORPHINE, poses)) == 1


@pytest.mark.parametrize(
    ("adsorbate", "one", "other"),
    [
        ("OH", {"azimuth": 0.0}, {"azimuth": 45.0}),
        ("OOH", {"azimuth": 0.0}, {"azimuth": 45.0}),
        ("OH", {"azimuth": 0.0}, {"azimuth": 0.0, "tilt": 20.0}),
    ],
)
def test_another_orientation_is_another_pose(adsorbate: str, one: dict[str, float], other: dict[str, float]) -> None:
    poses = [RelaxedPose(name, posed(PORPHINE, adsorbate, **how)) for name, how in (("a", one), ("b", other))]
    assert grouped(PORPHINE, poses) == [("a",), ("b",)]
    # a tolerance as wide as the move of an atom sees none
    assert grouped(PORPHINE, poses, tolerance=3.0) == [("a", "b")]


def test_the_lowest_stands_for_its_group() -> None:
    atoms, turned = posed(PORPHINE, "OH", 0.0), posed(PORPHINE, "OH", 45.0)
    poses = [
        RelaxedPose("high", atoms, -1.0),
        RelaxedPose("low", atoms, -1.004),
        RelaxedPose("turned", turned, -1.01),
        RelaxedPose("excited", atoms, -0.9),
        RelaxedPose("unknown", turned),
    ]
    assert grouped(PORPHINE, poses) == [("turned", "unknown"), ("low", "high"), ("excited",)]
    assert grouped(PORPHINE, poses, energy_tolerance=1.0) == [("turned", "unknown"), ("low", "high", "excited")]
    assert grouped(PORPHINE, []) == []


def test_another_spin_is_another_pose() -> None:
    atoms = posed(PORPHINE, "OH", 0.0)
    poses = [RelaxedPose("a", atoms, -1.0, 1), RelaxedPose("b", atoms, -1.0, 3), RelaxedPose("c", atoms, -1.0, 1)]
    assert grouped(PORPHINE, poses) == [("a", "c"), ("b",)]


@settings(deadline=None, max_examples=30)
@given(st.permutations(range(6)), st.lists(st.sampled_from([None, -1.0, -1.001, -0.8]), min_size=6, max_size=6))
def test_the_order_of_the_poses_does_not_matter(order: list[int], energies: list[float | None]) -> None:
    poses = [RelaxedPose(str(k), posed(PORPHINE, "OH", 45.0 * k), energy) for k, energy in enumerate(energies)]
    assert grouped(PORPHINE, [poses[k] for k in order]) == grouped(PORPHINE, poses)


def test_small_disorder_is_forgiven_and_an_edge_at_the_reach_does_not_cut() -> None:
    # a ring of carbon just inside and just outside of 5 Å
    ring = [
        (4.99 * np.cos(angle), 4.99 * np.sin(angle), 0.0) for angle in np.linspace(0, 2 * np.pi, 12, endpoint=False)
    ]
    near = Atoms("C12O", [*ring, (0, 0, 0)])
    far = near.copy()
    far.positions[:12] *= 5.01 / 4.99
    assert len(distinct_poses([RelaxedPose("a", near), RelaxedPose("b", far)], 12)) == 1
    far.positions[:12] *= 1.05
    assert len(distinct_poses([RelaxedPose("a", near), RelaxedPose("b", far)], 12)) == 2


@pytest.mark.slow
def test_hydroxide_on_cobalt_porphine_falls_into_two_poses() -> None:
    """Relax OH from four azimuths with GFN1-xTB: over a nitrogen (three times) and between two."""
    from ase.optimize import BFGS
    from tblite.ase import TBLite

    def relaxed(atoms: Atoms, multiplicity: int) -> Atoms:
        atoms.calc = TBLite(
            method="GFN1-xTB",
            multiplicity=multiplicity,
            electronic_temperature=300.0,
            spin_polarization=1.0,
            verbosity=0,
        )
        assert BFGS(atoms, logfile=None).run(fmax=0.05, steps=200)
        return atoms

    site = PORPHINE.with_positions(relaxed(PORPHINE.atoms.copy(), 2).positions)
    rng = np.random.default_rng(0)
    poses = []
    for name, azimuth, face in (("0", 0.0, "top"), ("45", 45.0, "top"), ("90", 90.0, "top"), ("under", 0.0, "bottom")):
        start = posed(site, "OH", azimuth, face=face)
        start.positions += rng.uniform(-0.03, 0.03, size=start.positions.shape)
        end = relaxed(start, 3)
        poses.append(RelaxedPose(name, end, float(end.get_potential_energy()), 3))
    groups = [set(group) for group in grouped(site, poses)]
    assert groups == [{"0", "90", "under"}, {"45"}]
