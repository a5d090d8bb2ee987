"""Uncertainty: error bars of limiting potentials, the places that they allow, and the spread of methods."""

from __future__ import annotations

import math
import time
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from atomsieve.analysis.electrode import limiting_potential
from atomsieve.analysis.pathways import search
from atomsieve.analysis.ranking import ranking
from atomsieve.analysis.spread import agreements, spreads
from atomsieve.analysis.surroundings import surroundings
from atomsieve.analysis.uncertainty import Sampled, error_bar
from atomsieve.structures.energies import AdsorptionEnergy, SiteLabel, Term
from atomsieve.structures.errors import InputError
from atomsieve.structures.limiting import LimitingPotential
from atomsieve.structures.method import Method
from atomsieve.structures.reaction import reaction, reactions

AROUND = surroundings()
ORR = reaction("ORR")
PT = {"OH": 0.75, "O": 1.70, "OOH": 3.91}
METHOD = Method("vasp", {"functional": "BEEF-vdW"}, "dft").to_dict()


def test_two_tenths_of_a_volt_unless_something_better_is_known() -> None:
    assert error_bar(ORR, PT, AROUND) == error_bar(ORR, PT, AROUND, uncertainties={"OH": 0.05, "O": 0.05})
    assert (error_bar(ORR, PT, AROUND).value, error_bar(ORR, PT, AROUND).source) == (0.2, "assumed")


def test_one_step_that_limits_passes_on_its_own_error() -> None:
    # OH* -> H2O is 0.20 eV harder than the next step: nothing but OH* matters as long as errors are small
    bar = error_bar(ORR, PT, AROUND, uncertainties={"OH": 0.01, "O": 0.02, "OOH": 0.02})
    assert bar.value == pytest.approx(0.01, rel=1e-12)
    assert bar.source == "propagated"
    # between two adsorbates both count: O* -> OH* limits where OH* binds weakly
    weak = {"OH": 1.6, "O": 1.70, "OOH": 3.91}
    assert error_bar(ORR, weak, AROUND, uncertainties={"OH": 0.03, "O": 0.04, "OOH": 0.04}).value == pytest.approx(0.05)


def test_steps_that_share_an_adsorbate_are_not_independent() -> None:
    # H* at 0 eV: Volmer takes +x, Heyrovsky -x, so that U_L = -|x|, and its mean square is that of x
    bar = error_bar(reaction("HER"), {"H": 0.0}, AROUND, uncertainties={"H": 0.1})
    assert bar.value == pytest.approx(0.1, rel=0.05)
    # were they independent, U_L would be -max(x, y), whose mean square is the same, but whose spread is smaller
    network = Sampled(reaction("HER"), {"H": 0.0}, AROUND)
    x = np.linspace(-0.3, 0.3, 7)
    assert network.limiting_potentials({"H": x}) == pytest.approx(-np.abs(x))


def test_ties_count_as_well() -> None:
    # of the four steps of 1.229 eV each, by hand for any errors a, b, c of OH*, O*, OOH*
    quarter = ORR.equilibrium_potential
    free = {"OH": quarter, "O": 2 * quarter, "OOH": 3 * quarter}
    generator = np.random.default_rng(1)
    a, b, c = 0.1 * generator.standard_normal((3, 200_000))
    expected = np.minimum.reduce([a, b - a, c - b, -c])
    bar = error_bar(ORR, free, AROUND, uncertainties=dict.fromkeys(free, 0.1))
    assert bar.value == pytest.approx(np.sqrt(np.mean(expected**2)), rel=0.03)


def test_the_same_error_bar_each_time() -> None:
    free = {"OH": 0.9, "O": 1.9, "OOH": 4.0}
    wide = dict.fromkeys(free, 0.2)
    first = error_bar(ORR, free, AROUND, uncertainties=wide)
    turned = error_bar(ORR, dict(reversed(free.items())), AROUND, uncertainties=dict(reversed(wide.items())))
    assert first == turned


@given(st.data(), st.sampled_from(sorted(reactions())))
def test_without_deviations_the_search_says_the_same(data: st.DataObject, name: str) -> None:
    network = reaction(name)
    free: dict[str, float | None] = {a: data.draw(st.none() | st.floats(-2, 4)) for a in network.adsorbates}
    known = search(network, free, AROUND).best.limiting_potential
    sampled = Sampled(network, free, AROUND)
    zero = {a: np.zeros(2) for a in sampled.names}
    if known is None:
        with pytest.raises(InputError, match="no path"):
            sampled.limiting_potentials(zero)
    else:
        assert sampled.limiting_potentials(zero) == pytest.approx([known, known], abs=2e-6)


def test_an_ensemble_is_followed_member_by_member() -> None:
    ensembles = {"OH": [0.1, -0.1, 0.0], "O": [0.2, -0.2, 0.0], "OOH": [0.1, -0.1, 0.6]}
    bar = error_bar(ORR, PT, AROUND, ensembles=ensembles, uncertainties=dict.fromkeys(PT, 1.0))
    # OH* -> H2O is the hardest in the first two members, 0.85 and 0.65 V; in the third O2 -> OOH* with 0.4056 V
    expected = [0.85, 0.65, 4 * ORR.equilibrium_potential - 4.51]
    assert bar.value == pytest.approx(np.std(expected), abs=1e-9)
    assert bar.source == "ensemble"
    with pytest.raises(InputError, match="'OH': 2"):
        error_bar(ORR, PT, AROUND, ensembles={**ensembles, "OH": [0.1, 0.1]})


def row(adsorbate: str, free: float, **errors: Any) -> AdsorptionEnergy:
    return AdsorptionEnergy(
        site=SiteLabel("a", "a", "graphene", ("Fe",)),
        adsorbate=adsorbate,
        method=METHOD,
        policy={"corrections": "none", "solvation": "none", "temperature": 298.15},
        terms=(Term(f"E({adsorbate}*)", "electronic", free, "made up"),),
        verdict="bound",
        reason="",
        calculations={"clean": "c"},
        considered=(),
        **errors,
    )


def test_rows_carry_their_errors_into_the_record() -> None:
    def record(**errors: Any) -> LimitingPotential:
        rows = {name: row(name, free, **errors) for name, free in PT.items()}
        site = next(iter(rows.values())).site
        conditions = {"temperature": 298.15, "pH": 0.0, "potential": 0.0, "scale": "RHE"}
        return limiting_potential(ORR, rows, site=site, method=METHOD, conditions=conditions)

    plain, stated, ensemble = record(), record(uncertainty=0.01), record(ensemble=(0.1, -0.1))
    assert (plain.error_bar, plain.error_source) == (0.2, "assumed")
    assert (stated.error_bar, stated.error_source) == (pytest.approx(0.01), "propagated")
    assert (ensemble.error_bar, ensemble.error_source) == (pytest.approx(0.1), "ensemble")
    assert len({plain.key, stated.key, ensemble.key}) == 3
    assert LimitingPotential.from_dict(ensemble.to_dict()) == ensemble


def test_a_row_without_errors_is_stored_as_ever() -> None:
    assert row("OH", 0.75).to_dict().keys().isdisjoint({"uncertainty", "ensemble"})
    for made in (row("OH", 0.75), row("OH", 0.75, uncertainty=0.0), row("OH", 0.75, ensemble=(0.1, 0.2))):
        assert AdsorptionEnergy.from_dict(made.to_dict()) == made
    keys = {row("OH", 0.75).key, row("OH", 0.75, uncertainty=0.0).key, row("OH", 0.75, ensemble=(0.1,)).key}
    assert len(keys) == 3


def test_places_by_hand() -> None:
    places = ranking([0.30, 0.35, None, 0.80, 0.35], [0.1, 0.1, 0.1, 0.1, 0.3], top=1)
    assert [place and (place.rank, place.best, place.worst) for place in places] == [
        (1, 1, 3),
        (2, 1, 3),
        None,
        # 0.70 to 0.90 lies behind the first two, and within reach of the last, 0.05 to 0.65, it does not come
        (4, 4, 4),
        (2, 1, 3),
    ]
    assert places[2] is None
    assert sum(place.probability for place in places if place) == pytest.approx(1.0)


def test_errors_in_common_leave_the_order() -> None:
    places = ranking([0.30, 0.35, 0.80], [0.2, 0.2, 0.2], top=1, common=1.0)
    assert [place and (place.best, place.worst, place.probability) for place in places] == [
        (1, 1, 1.0),
        (2, 2, 0.0),
        (3, 3, 0.0),
    ]
    high = ranking([0.30, 0.35, 0.80], [0.2, 0.2, 0.2], top=1, common=1.0, highest=True)
    assert [place and place.rank for place in high] == [3, 2, 1]


def test_the_better_of_two_by_the_normal_distribution() -> None:
    # the difference of 0.1 V has an error of 0.2 √2 V, with a correlation of one half of 0.2 V
    for common, sigma in ((0.0, 0.2 * math.sqrt(2)), (0.5, 0.2)):
        first, second = ranking([0.3, 0.4], [0.2, 0.2], top=1, common=common, samples=40_000)
        assert first is not None
        assert second is not None
        assert first.probability == pytest.approx(0.5 * (1 + math.erf(0.1 / sigma / math.sqrt(2))), abs=0.01)
        assert first.probability + second.probability == pytest.approx(1.0)


@given(st.lists(st.tuples(st.floats(-1, 1), st.floats(0, 0.5)), min_size=1, max_size=12))
def test_places_are_what_the_bars_allow(sites: list[tuple[float, float]]) -> None:
    values, bars = [round(v, 3) for v, _ in sites], [round(e, 3) for _, e in sites]
    places = ranking(values, bars, samples=1)
    for i, place in enumerate(places):
        assert place is not None
        low, high = round(values[i] - bars[i], 6), round(values[i] + bars[i], 6)
        before = sum(round(v + e, 6) < low for v, e in zip(values, bars, strict=True))
        behind = sum(round(v - e, 6) > high for v, e in zip(values, bars, strict=True))
        assert (place.best, place.worst) == (1 + before, len(values) - behind)
        assert place.best <= place.rank <= place.worst


def test_ten_thousand_sites_take_seconds() -> None:
    values = list(np.random.default_rng(0).normal(0.5, 0.3, 10_000))
    start = time.perf_counter()
    places = ranking(values, [0.2] * len(values))
    assert time.perf_counter() - start < 10
    assert sum(place.probability for place in places if place) == pytest.approx(10.0)


def test_what_cannot_be_is_refused() -> None:
    with pytest.raises(InputError, match="correlation"):
        ranking([0.1], [0.1], common=1.5)
    with pytest.raises(InputError, match="one place"):
        ranking([0.1], [0.1], top=0)


def limit(site: str, value: float | None, name: str = "ORR") -> LimitingPotential:
    return LimitingPotential(
        site=SiteLabel(site, site, "graphene", ("Fe",)),
        reaction=name,
        method={},
        adsorption_energies={},
        states=(),
        steps=(),
        equilibrium_potential=1.229,
        limiting_potential=value,
        overpotential=None,
        potential_determining_steps=(),
        undetermined=None if value is not None else "not calculated",
        conditions={},
        predictive=True,
    )


def test_methods_stand_beside_each_other() -> None:
    cheap = [limit("a", 0.2), limit("b", 0.5), limit("c", 0.4), limit("d", None)]
    dear = [limit("a", 0.3), limit("b", 0.9), limit("c", 0.6), limit("d", 0.7)]
    other = [limit("a", 0.8)]
    found = {entry.site: entry for entry in spreads({"xtb": cheap, "pbe": dear, "rpbe": other})}
    assert set(found) == {"a", "b", "c"}
    assert dict(found["a"].values) == {"xtb": 0.2, "pbe": 0.3, "rpbe": 0.8}
    assert (found["a"].lowest, found["a"].median, found["a"].highest) == (0.2, 0.3, 0.8)
    assert found["a"].width == pytest.approx(0.6)
    pairs = {entry.methods: entry for entry in agreements(found.values())}
    assert (pairs["xtb", "pbe"].sites, pairs["xtb", "pbe"].spearman, pairs["xtb", "pbe"].kendall) == (3, 1.0, 1.0)
    assert (pairs["xtb", "rpbe"].sites, pairs["xtb", "rpbe"].spearman) == (1, None)


def test_rank_correlations_by_hand() -> None:
    # places 1 2 3 4 against 2 1 3 4: Spearman 1 - 6 (1 + 1) / (4 x 15) = 0.8, Kendall (5 - 1) / 6
    ours = [limit(site, value) for site, value in zip("abcd", (0.1, 0.2, 0.3, 0.4), strict=True)]
    theirs = [limit(site, value) for site, value in zip("abcd", (0.5, 0.4, 0.6, 0.7), strict=True)]
    (pair,) = agreements(spreads({"one": ours, "two": theirs}))
    assert pair.spearman == pytest.approx(0.8)
    assert pair.kendall == pytest.approx(2 / 3)
    same = [limit(site, 0.5) for site in "abcd"]
    assert agreements(spreads({"one": ours, "two": same}))[0].spearman is None
