"""Scaling relations, activities over descriptors and Pareto fronts, against published numbers and other code."""

from __future__ import annotations

import re
import time
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from atomsieve.analysis.electrode import limiting_potential
from atomsieve.analysis.pathways import search
from atomsieve.analysis.plots.volcano import volcano
from atomsieve.analysis.surroundings import surroundings
from atomsieve.analysis.table import rows
from atomsieve.analysis.trends.activity import Activity
from atomsieve.analysis.trends.descriptor import Descriptor
from atomsieve.analysis.trends.pairs import scalings
from atomsieve.analysis.trends.pareto import TRADES, front_of, pareto_front
from atomsieve.analysis.trends.scaling import ScalingRelation, scaling
from atomsieve.analysis.trends.textbook import OOH_OVER_OH, VOLCANOES, textbook
from atomsieve.analysis.trends.top import top
from atomsieve.structures.energies import AdsorptionEnergy, SiteLabel, Term
from atomsieve.structures.errors import InputError, MethodMismatchError
from atomsieve.structures.limiting import LimitingPotential
from atomsieve.structures.method import Method
from atomsieve.structures.reaction import reaction, reactions

METHOD = Method("gpaw", {"xc": "PBE"}, "dft").to_dict()
CONDITIONS = {"temperature": 298.15, "pH": 0, "potential": 0.0, "scale": "RHE"}
#: Pt(111), ΔG at 0 V, eV (Hansen et al. 2014, doi 10.1021/jp4100608).
PLATINUM = {"OH": 0.75, "O": 1.70, "OOH": 3.91}
NAMES = ("OH", "OOH")


def row(label: str, name: str, free: float | None, **changes: Any) -> AdsorptionEnergy:
    return AdsorptionEnergy(
        **{
            "site": SiteLabel(label, f"key-{label}", changes.pop("family", "graphene"), changes.pop("metals", ("Fe",))),
            "adsorbate": name,
            "method": METHOD,
            "policy": {"corrections": "norskov", "solvation": "none", "temperature": 298.15},
            "terms": (Term(f"E({name}*)", "electronic", free, "key"),) if free is not None else (),
            "verdict": "bound" if free is not None else "desorbed",
            "reason": "Fe-O 1.87 Å" if free is not None else "Fe-O 4.10 Å",
            "calculations": {"clean": f"clean-{label}"},
            "considered": (),
            **changes,
        }
    )


def sites(number: int, seed: int = 4) -> list[AdsorptionEnergy]:
    """Return sites of two families on ΔG(OOH*) = 0.9 ΔG(OH*) + 3.1, half of them on a line 0.2 eV above."""
    rng = np.random.default_rng(seed)
    found = []
    for place, hydroxide in enumerate(rng.uniform(-0.5, 2.0, number)):
        family, shift = ("graphene", 0.0) if place % 2 else ("porphyrin", 0.2)
        metals = ("Fe",) if place % 3 else ("Fe", "Co")
        energies = {"OH": hydroxide, "OOH": 0.9 * hydroxide + 3.1 + shift + rng.normal(0, 0.02)}
        found += [row(f"M{place}", n, float(g), family=family, metals=metals) for n, g in energies.items()]
    return found


# --- scaling relations ---


def line(seed: int, number: int, noise: float = 0.1) -> tuple[Any, Any]:
    rng = np.random.default_rng(seed)
    x = rng.uniform(-0.5, 2.5, number)
    return x, 0.9 * x + 3.1 + rng.normal(0, noise, number)


@pytest.mark.parametrize("number", [3, 4, 30])
def test_a_fit_is_that_of_scipy(number: int) -> None:
    x, y = line(1, number)
    ours, theirs = scaling(x, y, names=NAMES), stats.linregress(x, y)
    assert (ours.slope, ours.intercept) == pytest.approx((theirs.slope, theirs.intercept))
    assert (ours.slope_error, ours.intercept_error) == pytest.approx((theirs.stderr, theirs.intercept_stderr))
    assert ours.r2 == pytest.approx(theirs.rvalue**2)
    assert ours.n == number
    assert ours.mae == pytest.approx(np.abs(y - theirs.slope * x - theirs.intercept).mean())


def test_bands_are_those_of_the_textbook() -> None:
    x, y = line(2, 12)
    ours, at = scaling(x, y, names=NAMES), np.array([-2.0, float(x.mean()), 5.0])
    # Draper and Smith, Applied Regression Analysis, doi 10.1002/9781118625590, chapter 3
    share = 1 / 12 + (at - x.mean()) ** 2 / np.sum((x - x.mean()) ** 2)
    quantile = stats.t.ppf(0.975, 10)
    assert ours.confidence(at) == pytest.approx(quantile * ours.residual_sd * np.sqrt(share))
    assert ours.prediction(at) == pytest.approx(quantile * ours.residual_sd * np.sqrt(1 + share))
    assert (ours.confidence(at, 0.68) < ours.confidence(at)).all()


@pytest.mark.parametrize("held", [{}, {"slope": 0.9}, {"intercept": 3.1}])
def test_intervals_hold_the_truth_as_often_as_they_say(held: dict[str, float]) -> None:
    number, inside, of_line, of_site = 1500, 0, 0, 0
    rng = np.random.default_rng(7)
    for seed in range(number):
        x, y = line(seed, 8)
        fit = scaling(x, y, names=NAMES, **held)
        bound = stats.t.ppf(0.95, fit.freedom)
        error, off = (fit.intercept_error, 3.1 - fit.intercept) if held else (fit.slope_error, 0.9 - fit.slope)
        if "intercept" in held:
            error, off = fit.slope_error, 0.9 - fit.slope
        inside += abs(off) <= bound * (error or 0.0)
        of_line += abs(0.9 * 2.0 + 3.1 - fit.predict(2.0)) <= fit.confidence(2.0, 0.9)
        of_site += abs(0.9 * 2.0 + 3.1 + rng.normal(0, 0.1) - fit.predict(2.0)) <= fit.prediction(2.0, 0.9)
    # three standard errors of a share of 0.9 in 1500
    assert [inside / number, of_line / number, of_site / number] == pytest.approx([0.9] * 3, abs=0.0233)


def test_slope_one_leaves_a_mean_difference() -> None:
    x, y = line(3, 20)
    fit = scaling(x, y, names=NAMES, slope=1.0)
    assert fit.slope == 1
    assert fit.slope_error == 0
    assert fit.intercept == pytest.approx(np.mean(y - x))
    assert fit.intercept_error == pytest.approx(stats.sem(y - x))
    assert fit.confidence(9.0) == pytest.approx(fit.confidence(-9.0))
    assert fit.text == f"ΔG(OOH*) = ΔG(OH*) + {fit.intercept:.2f} eV"
    through = scaling(x, y, names=NAMES, intercept=3.0)
    assert through.slope == pytest.approx(np.sum(x * (y - 3)) / np.sum(x**2))
    assert through.confidence(0.0) == 0


def test_outliers_are_named_and_kept() -> None:
    x, y = line(5, 30, 0.05)
    y[7] += 0.6
    fit = scaling(x, y, names=NAMES, labels=[f"site {place}" for place in range(30)])
    assert [point.label for point in fit.outliers] == ["site 7"]
    assert fit.n == len(fit.points) == 30
    # the studentised residual is the t value of a shift of that point alone: fit it as a parameter of its own
    design = np.column_stack([np.ones(30), x, np.arange(30) == 7])
    solution, (squares,), *_ = np.linalg.lstsq(design, y, rcond=None)
    error = np.sqrt(squares / 27 * np.linalg.inv(design.T @ design)[2, 2])
    assert fit.outliers[0].studentised == pytest.approx(solution[2] / error)


def test_as_many_outliers_are_named_where_there_is_none_as_the_level_says() -> None:
    named = [bool(scaling(*line(seed, 12), names=NAMES).outliers) for seed in range(1000)]
    assert np.mean(named) == pytest.approx(0.05, abs=0.021)


def test_a_line_without_scatter_has_no_outliers_and_no_width() -> None:
    x = np.array([0.1, 0.4, 1.3, 2.2])
    fit = scaling(x, x + 3.2, names=NAMES)
    assert (fit.slope, fit.intercept, fit.r2) == pytest.approx((1, 3.2, 1))
    assert fit.outliers == ()
    assert float(np.max(fit.prediction(x))) < 1e-6
    # the fourth point alone tells of the slope: nothing speaks against it
    alone = scaling([0, 0, 0, 1.0], [0.0, 0.1, -0.1, 5.0], names=NAMES)
    assert alone.outliers == ()
    assert alone.points[3].studentised == 0


def test_what_no_line_goes_through_is_refused() -> None:
    with pytest.raises(InputError, match=r"OOH\* over OH\*: 2 sites have both; a line takes 3"):
        scaling([0, 1], [3, 4], names=NAMES)
    with pytest.raises(InputError, match=r"all sites have OH\* at 1.000 eV"):
        scaling([1, 1, 1], [3, 4, 5], names=NAMES)
    with pytest.raises(InputError, match="not a number"):
        scaling([1, 2, np.nan], [3, 4, 5], names=NAMES)
    with pytest.raises(InputError, match="nothing to fit"):
        scaling([1, 2, 3], [3, 4, 5], names=NAMES, slope=1, intercept=3)
    with pytest.raises(InputError, match="one of each"):
        scaling([1, 2, 3], [3, 4], names=NAMES)
    with pytest.raises(InputError, match="was stated, not fitted"):
        OOH_OVER_OH.confidence(1.0)
    assert scaling([1, 1, 1], [3, 4, 5], names=NAMES, slope=1.0).intercept == 3


def test_rows_give_their_scaling_and_say_who_is_left_out() -> None:
    lost = [row("Zn", "OH", 0.9), row("Zn", "OOH", None), row("Cd", "OH", 0.8)]
    moved = [row("Ni", "OH", 0.7), row("Ni", "OOH", 3.9, calculations={"clean": "another"})]
    found = scalings([*sites(40), *lost, *moved])
    fit = found.of("OH", "OOH")
    assert [(r.x, r.y) for r in found.relations] == [("OH", "OOH")]
    assert fit.n == 40
    assert fit.slope == pytest.approx(0.9, abs=0.1)
    assert found.left_out["OH", "OOH"] == {
        "Zn": "OOH*: desorbed (Fe-O 4.10 Å)",
        "Cd": "OOH*: not calculated",
        "Ni": "OH* and OOH* stand on different clean states",
    }
    documents = scalings([entry.to_dict() for entry in sites(40)], [("OOH", "OH")])
    assert documents.of("OOH", "OH").slope == pytest.approx(1 / 0.9, abs=0.1)
    with pytest.raises(InputError, match=r"O\* over OH\* was not asked for"):
        found.of("OH", "O")


def test_families_and_numbers_of_metals_have_lines_of_their_own() -> None:
    by_family = scalings(sites(40), by="family")
    assert [r.group for r in by_family.relations] == ["graphene", "porphyrin"]
    for group, intercept in (("graphene", 3.1), ("porphyrin", 3.3)):
        fit = by_family.of("OH", "OOH", group)
        assert (fit.slope, fit.intercept) == pytest.approx((0.9, intercept), abs=0.03)
    by_metals = scalings(sites(7), by="metals", slope=1.0)
    assert {r.group: r.n for r in by_metals.relations} == {"1 metal": 4, "2 metals": 3}
    few = scalings(sites(5), by="metals")
    assert [r.group for r in few.relations] == ["1 metal"]
    with pytest.raises(InputError, match="of 2 metals: 2 sites have both"):
        few.of("OH", "OOH", "2 metals")
    with pytest.raises(InputError, match="did you mean 'family'"):
        scalings(sites(5), by="familie")  # type: ignore[arg-type]


def test_methods_and_conventions_are_not_mixed() -> None:
    other = Method("gfn1-xtb", {"etemp": 300}, "semiempirical").to_dict()
    mixed = [*sites(5), row("Zn", "OH", 0.9, method=other)]
    with pytest.raises(MethodMismatchError, match="come from 2 methods"):
        scalings(mixed)
    assert scalings(mixed, method=METHOD["key"][:8]).of("OH", "OOH").n == 5
    policy = {"corrections": "none", "solvation": "none", "temperature": 298.15}
    with pytest.raises(MethodMismatchError, match="rows differ in corrections: 'norskov'"):
        scalings([*sites(5), row("Zn", "OH", 0.9, policy=policy)])


# --- activity ---


def test_oer_with_scaling_has_the_published_limit() -> None:
    # Man et al. 2011, doi 10.1002/cctc.201000397: 3.2 eV leave 0.37 V, at ΔG(O*) - ΔG(OH*) = 1.6 eV
    best = top(textbook("OER"))
    assert best.overpotential == pytest.approx(0.37, abs=0.005)
    assert best.position == pytest.approx((1.6,))
    assert set(best.steps) == {"OH* → O*", "O* + H2O → OOH*"}
    plane = top(Activity(reaction("OER"), ["OH", "O"], [OOH_OVER_OH]))
    assert plane.overpotential == pytest.approx(best.overpotential)
    assert plane.position[1] - plane.position[0] == pytest.approx(1.6)
    # anywhere between where the first step and the last one would limit
    assert plane.extent[0] == pytest.approx((4.9156 - 3.2 - 1.6, 1.6))
    assert not plane.is_on_edge


def test_platinum_is_where_it_was_published() -> None:
    activity = textbook("ORR")
    (x,) = activity.place(PLATINUM)
    there = activity.at(x)
    assert there.limiting_potential == pytest.approx(0.75)
    assert there.steps[int(there.step)] == "OH* → * + H2O"
    own = search(reaction("ORR"), PLATINUM, surroundings()).best
    assert own.limiting_potential == pytest.approx(0.75)
    # left of the top, which is that of the oxidation of water turned over
    best = top(activity)
    assert x < best.position[0]
    assert best.limiting_potential == pytest.approx((4.9156 - 3.2) / 2)
    assert [leg.step for leg in activity.legs(-1, 3)] == ["OH* → * + H2O", "* + O2 → OOH*"]


def test_hydrogen_and_peroxide_reach_their_equilibrium() -> None:
    hydrogen, peroxide = top(textbook("HER")), top(textbook("ORR-2e"))
    assert (hydrogen.position, hydrogen.limiting_potential) == ((0.0,), 0.0)
    # Siahrostami et al. 2013, doi 10.1038/nmat3795
    assert peroxide.position == pytest.approx((4.22,), abs=0.005)
    assert peroxide.overpotential == pytest.approx(0, abs=1e-6)


def test_copper_is_limited_by_its_carbonyl() -> None:
    # Cu(211), Peterson et al. 2010, doi 10.1039/c0ee00071j; O* and OH* stand beside CH4, -1.32 eV there
    free = {"COOH": 0.38, "CO": 0.06, "CHO": 0.81, "CH2O": 0.55, "OCH3": -0.16, "O": 0.74, "OH": -0.31}
    others = {name: value for name, value in free.items() if name not in ("CO", "CHO")}
    activity = Activity(reaction("CO2RR-CH4"), ["CO", "CHO"], fixed=others)
    there = activity.at(*activity.place(free))
    assert there.limiting_potential == pytest.approx(-0.75, abs=0.005)
    assert there.steps[int(there.step)] == "CO* → CHO*"


#: ΔG by adsorbate over the descriptor of each volcano, eV, written out.
WRITTEN: dict[str, Any] = {
    "ORR": lambda x: {"OH": x, "O": x + 1.6, "OOH": x + 3.2},
    "OER": lambda x: {"OH": 0.86, "O": 0.86 + x, "OOH": 4.06},
    "ORR-2e": lambda x: {"OOH": x},
    "HER": lambda x: {"H": x},
    "HOR": lambda x: {"H": x},
}


@pytest.mark.parametrize("name", VOLCANOES)
def test_activities_are_the_volcanoes_that_are_drawn(name: str, tmp_path: Path) -> None:
    mine = [row("Fe", a, g) for a, g in {**PLATINUM, "H": 0.3}.items()]
    found: LimitingPotential = limiting_potential(
        reaction(name), {r.adsorbate: r for r in mine}, site=mine[0].site, method=METHOD, conditions=CONDITIONS
    )
    drawn = volcano([found], mine, tmp_path / "v.png", name).axes[0].lines[0]
    x, y = (np.asarray(values, dtype=float) for values in drawn.get_data())
    assert textbook(name).at(x).limiting_potential == pytest.approx(y, abs=1e-9)
    own = [search(reaction(name), WRITTEN[name](float(g)), surroundings()).best.limiting_potential for g in x[::20]]
    assert own == pytest.approx(y[::20], abs=1e-9)


def scattered(name: str, seed: int) -> Activity:
    """Return an activity over the first two adsorbates of a reaction, all others on lines of their own."""
    rng = np.random.default_rng(seed)
    first, *rest = reaction(name).adsorbates
    descriptors, others = ([first, rest[0]], rest[1:]) if rest else ([first], [])
    # a third hangs on the second, each further one on the one before it
    chain = [*descriptors[-1:], *others]
    relations = [
        ScalingRelation(x, y, float(rng.uniform(0.3, 1.2)), float(rng.normal(0, 0.4))) for x, y in pairwise(chain)
    ]
    return Activity(reaction(name), descriptors, relations, around=surroundings({"pH": 7}))


@pytest.mark.parametrize("name", reactions())
def test_any_reaction_has_an_activity_that_is_the_search_of_its_network(name: str) -> None:
    activity = scattered(name, 3)
    points = np.random.default_rng(8).uniform(-2, 3, (len(activity.descriptors), 40))
    there = activity.at(*points)
    for place, point in enumerate(points.T):
        best = activity.search(*point).best
        assert there.limiting_potential[place] == pytest.approx(best.limiting_potential)
        assert there.overpotential[place] == pytest.approx(best.overpotential)
        assert there.paths[there.path[place]] == best.path
        assert there.steps[there.step[place]] in best.potential_determining_steps


@pytest.mark.parametrize("name", reactions())
def test_the_ideal_catalyst_reaches_the_equilibrium_potential(name: str) -> None:
    activity = scattered(name, 3)
    best = search(reaction(name), activity.ideal, activity.around).best
    assert best.limiting_potential == pytest.approx(activity.equilibrium_potential)
    assert best.overpotential == pytest.approx(0, abs=1e-9)


# in the second of NRR U_L jumps at the top, where another path becomes cheaper
@pytest.mark.parametrize(("name", "seed"), [("OER-coupling", 3), ("CO2RR-CH3OH", 3), ("NRR", 3), ("NRR", 107)])
def test_no_point_lies_above_the_top(name: str, seed: int) -> None:
    activity = scattered(name, seed)
    best = top(activity, [(-2, 3)] * 2)
    mesh = np.meshgrid(np.linspace(-2, 3, 301), np.linspace(-2, 3, 301))
    assert best.overpotential <= activity.at(*mesh).overpotential.min() + 1e-5
    assert activity.at(*best.position).overpotential == pytest.approx(best.overpotential)


def test_a_map_of_a_large_network_takes_no_second() -> None:
    activity = scattered("NO3RR", 3)
    mesh = np.meshgrid(np.linspace(-2, 3, 200), np.linspace(-2, 3, 200))
    start = time.perf_counter()
    there = activity.at(*mesh)
    assert there.limiting_potential.shape == there.step.shape == (200, 200)
    assert time.perf_counter() - start < 3


def test_what_one_site_lacks_is_unknown_there_alone() -> None:
    there = textbook("ORR").at(np.array([0.75, np.nan]))
    assert there.limiting_potential[0] == pytest.approx(0.75)
    assert np.isnan(there.limiting_potential[1])
    assert there.step[1] == -1


def test_relations_may_hang_on_each_other() -> None:
    chain = [ScalingRelation("COOH", "CHO", 0.5, 1.0), ScalingRelation("CO", "COOH", 0.8, 0.2)]
    activity = Activity(reaction("CO2RR-CO"), ["CO"], chain)
    assert activity.free(0.5) == pytest.approx({"CO": 0.5, "COOH": 0.6, "CHO": 1.3})
    difference = Activity(reaction("ORR"), ["OH", "O-OH"], [OOH_OVER_OH])
    assert difference.free(0.75, 0.95) == pytest.approx({"OH": 0.75, "O": 1.70, "OOH": 3.95})
    assert difference.place(PLATINUM) == pytest.approx((0.75, 0.95))
    assert difference.descriptors[1].quantity == "free_O-OH"
    assert dict(Descriptor.parse("NO-side-O").parts) == {"NO-side": 1, "O": -1}


def test_an_activity_that_cannot_be_is_refused() -> None:
    with pytest.raises(InputError, match=r"ORR needs O\*; descriptors and relations give OH, OOH; add a scaling"):
        Activity(reaction("ORR"), ["OH"], [OOH_OVER_OH])
    with pytest.raises(InputError, match="given twice by OH, OOH, OOH over OH"):
        Activity(reaction("ORR"), ["OH", "OOH"], [OOH_OVER_OH])
    with pytest.raises(InputError, match="3 descriptors"):
        Activity(reaction("ORR"), ["OH", "O", "OOH"])
    with pytest.raises(InputError, match="or the difference of two, as 'O-OH'"):
        Descriptor.parse("OH-OH")
    with pytest.raises(InputError, match="known beforehand 'NRR'"):
        textbook("NRR")
    with pytest.raises(InputError, match="2 energies for the descriptors OH"):
        textbook("ORR").at(1.0, 2.0)
    with pytest.raises(InputError, match=r"give \(low, high\) of each of OH"):
        top(textbook("ORR"), [(1, 0)])
    with pytest.raises(InputError, match="legs belong to one descriptor"):
        Activity(reaction("ORR"), ["OH", "O"], [OOH_OVER_OH]).legs(0, 1)


# --- Pareto fronts ---

#: Few values, so that ties are common.
COORDINATE = st.one_of(st.sampled_from([0.0, 0.5, 1.0, float("nan")]), st.floats(-2, 2).map(lambda v: round(v, 3)))


@settings(max_examples=200, deadline=None)
@given(data=st.data(), criteria=st.integers(2, 4))
def test_a_front_is_what_nothing_dominates(data: st.DataObject, criteria: int) -> None:
    senses = data.draw(st.lists(st.sampled_from(["low", "high"]), min_size=criteria, max_size=criteria))
    points = data.draw(st.lists(st.lists(COORDINATE, min_size=criteria, max_size=criteria), max_size=25))
    is_front = pareto_front(points, senses)
    assert len(is_front) == len(points)
    costs = np.array(points).reshape(-1, criteria) * np.where(np.array(senses) == "low", 1, -1)

    def dominates(a: Any, b: Any) -> bool:
        return bool((a <= b).all() and (a < b).any())

    for place, cost in enumerate(costs):
        beaten = any(dominates(other, cost) for other in costs[is_front])
        # each of the others is beaten by one of the front, unless it lacks a number
        assert is_front[place] != (beaten or bool(np.isnan(cost).any()))


def test_ties_are_on_the_front_together_and_what_is_not_known_is_not() -> None:
    points = [[0.3, 1.0], [0.3, 1.0], [0.3, 0.9], [0.2, np.nan], [0.5, 1.2]]
    assert pareto_front(points, ["low", "high"]).tolist() == [True, True, False, False, True]
    assert pareto_front([], ["low", "high"]).tolist() == []
    with pytest.raises(InputError, match="unknown sense 'up'"):
        pareto_front(points, ["low", "up"])  # type: ignore[list-item]
    with pytest.raises(InputError, match="two or more"):
        pareto_front(points, ["low"])
    with pytest.raises(InputError, match="give 3 numbers for each site"):
        pareto_front(np.zeros((3, 2)), ["low"] * 3)


def test_a_thousand_sites_take_no_second() -> None:
    start = time.perf_counter()
    assert pareto_front(np.random.default_rng(1).normal(size=(3000, 3)), ["low", "high", "low"]).any()
    assert time.perf_counter() - start < 2


def test_activity_is_weighed_against_stability_and_selectivity() -> None:
    numbers = [(0.4, 0.9, -1.0, 0.1), (0.5, 1.1, -1.5, None), (0.6, 0.8, -2.0, 0.3), (None, 2.0, -3.0, 0.9)]
    columns = ("overpotential", "dissolution_potential", "formation_energy", "selectivity")
    table = [{"reaction": "ORR", **dict(zip(columns, entry, strict=True))} for entry in numbers]
    found = {name: np.flatnonzero(front_of(table, trade)).tolist() for name, trade in TRADES.items()}
    assert found == {"dissolution": [0, 1], "formation": [0, 1, 2], "selectivity": [0, 2]}
    assert front_of(table, ["overpotential", "spin"], ["low", "high"]).tolist() == [False] * 4
    with pytest.raises(InputError, match="unknown column with a better end 'spin'"):
        front_of(table, ["overpotential", "spin"])
    with pytest.raises(InputError, match="one reaction, and got OER, ORR"):
        front_of([*table, {"reaction": "OER"}], columns)
    assert front_of(rows([], []), columns).tolist() == []


# --- the page ---


def test_the_numbers_of_the_page_are_what_its_code_gives() -> None:
    page = (Path(__file__).parent.parent / "docs" / "trends.md").read_text(encoding="utf-8")
    own = page[page.index("## Scaling relations") : page.index("## Pareto fronts")]
    found: dict[str, Any] = {}
    for block in re.findall(r"^```python\n(.*?)^```", own, flags=re.MULTILINE | re.DOTALL):
        exec(block, found)
    assert found["line"].text == "ΔG(OOH*) = 1.04 ΔG(OH*) + 3.15 eV"
    assert found["line"].slope_error == pytest.approx(0.041, abs=0.0005)
    assert found["mean"].text == "ΔG(OOH*) = ΔG(OH*) + 3.19 eV"
    assert found["there"].limiting_potential == pytest.approx(1.8)
    assert found["there"].steps[found["there"].step] == "O* + H2O → OOH*"
    assert found["best"].overpotential == pytest.approx(0.37, abs=0.005)
    assert found["oer"].equilibrium_potential == pytest.approx(1.23, abs=0.005)
    assert found["oer"].ideal["O"] == pytest.approx(2.46, abs=0.005)
    assert found["fits"](sites(3))["OH", "O"]["M0"] == "O*: not calculated"
