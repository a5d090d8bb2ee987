"""Criteria: read from text by a grammar, never run, and what they say of a site."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from atomsieve.structures.criterion import COMPARE, QUANTITIES, Condition, Criteria, Ranking, SiteResult
from atomsieve.structures.energies import AdsorptionEnergy, SiteLabel, Term
from atomsieve.structures.errors import InputError
from atomsieve.structures.grammar import parse_condition, parse_ranking
from atomsieve.structures.limiting import LimitingPotential

NAMES: Mapping[str, list[str]] = {
    "reaction": ["ORR", "ORR-2e", "OER", "NRR:distal+alternating"],
    "adsorbate": ["CO.CO", "N2-side", "OH", "O", "OOH"],
    "family": ["graphene", "porphine"],
    "stability": ["stable", "unstable", "undetermined"],
}
VERDICTS = ["bound", "desorbed", "not converged", "metal left its site", "not placed"]


def result(
    key: str,
    *,
    overpotential: float | None = None,
    free: float | None = None,
    electronic: float | None = None,
    verdict: str = "bound",
    metals: tuple[str, ...] = ("Fe",),
    family: str = "graphene",
    undetermined: str | None = None,
) -> SiteResult:
    """Return a site of which one reaction and one adsorbate are known."""
    site = SiteLabel(f"site {key}", key, family, metals)
    terms: tuple[Term, ...] = ()
    if free is not None:
        first = electronic if electronic is not None else free
        terms = (Term("E", "electronic", first, "x"), Term("G", "correction", free - first, "x"))
    method: dict[str, Any] = {}
    row = AdsorptionEnergy(site, "OH", method, {}, terms, verdict, "O-H 2.90 Å", {}, ())
    limiting = 1.23 - overpotential if overpotential is not None else None
    potential = LimitingPotential(
        site, "ORR", method, {}, (), (), 1.23, limiting, overpotential, (), undetermined, {}, predictive=False
    )
    return SiteResult(site, {"OH": row}, {"ORR": potential})


numbers = st.floats(allow_nan=False, allow_infinity=False)


def named_of(quantity: str) -> list[str | None]:
    """Return of what a quantity may be one; of the site's own, of nothing."""
    kind = QUANTITIES[quantity].kind
    return [None] if kind == "stability" else list(NAMES[kind])


@st.composite
def conditions(draw: st.DrawFn) -> Condition:
    quantity = draw(st.sampled_from(list(QUANTITIES)))
    entry = QUANTITIES[quantity]
    if entry.unit:
        of = draw(st.sampled_from(named_of(quantity)))
        return Condition(quantity, of, draw(st.sampled_from(list(COMPARE))), draw(numbers))
    own = {"verdict": VERDICTS, "family": NAMES["family"], "stability": NAMES["stability"]}
    words = {**own, "metal": ["Fe", "Co", "Fe-Co", "Hg"]}[quantity]
    value = tuple(draw(st.lists(st.sampled_from(words), min_size=1, max_size=3, unique=True)))
    named = st.none() if quantity != "verdict" else st.one_of(st.none(), st.sampled_from(NAMES["adsorbate"]))
    return Condition(quantity, draw(named), draw(st.sampled_from(["is", "is not"])), value)


@given(conditions())
def test_a_condition_is_read_as_it_is_written(condition: Condition) -> None:
    assert parse_condition(str(condition), NAMES) == condition
    assert parse_condition("  " + str(condition).replace(" ", "   "), NAMES) == condition


rankings = st.one_of(
    *(
        st.builds(Ranking, st.integers(1, 10**8), st.just(name), st.sampled_from(named_of(name)), st.booleans())
        for name in QUANTITIES
        if QUANTITIES[name].unit
    )
)


@given(rankings)
def test_a_ranking_is_read_as_it_is_written(ranking: Ranking) -> None:
    assert parse_ranking(str(ranking), NAMES) == ranking


READ = [
    ("overpotential of ORR < 0.8", Condition("overpotential", "ORR", "<", 0.8)),
    ("Overpotential of ORR<=0.8V", Condition("overpotential", "ORR", "<=", 0.8)),
    ("free energy of OH* < 1.5 eV", Condition("free energy", "OH", "<", 1.5)),
    ("adsorption free energy of OH < 1.5", Condition("free energy", "OH", "<", 1.5)),
    ("limiting potential of ORR-2e > -.5", Condition("limiting potential", "ORR-2e", ">", -0.5)),
    ("adsorption energy of O ≥ −1e-1 eV", Condition("adsorption energy", "O", ">=", -0.1)),
    ("overpotential of NRR:distal+alternating < 0.9 V", Condition("overpotential", "NRR:distal+alternating", "<", 0.9)),
    ("free energy of CO.CO* < 0", Condition("free energy", "CO.CO", "<", 0.0)),
    ("verdict of N2-side: bound", Condition("verdict", "N2-side", "is", ("bound",))),
    ("verdict: bound", Condition("verdict", None, "is", ("bound",))),
    ("verdict of OOH is bound or desorbed", Condition("verdict", "OOH", "is", ("bound", "desorbed"))),
    ("verdict is not dissociated", Condition("verdict", None, "is not", ("dissociated",))),
    ("verdict is not converged", Condition("verdict", None, "is", ("not converged",))),
    ("verdict is not not converged", Condition("verdict", None, "is not", ("not converged",))),
    ("metal is not Hg or Fe-Co", Condition("metal", None, "is not", ("Hg", "Fe-Co"))),
    ("family: graphene", Condition("family", None, "is", ("graphene",))),
]


@pytest.mark.parametrize(("text", "expected"), READ, ids=[text for text, _ in READ])
def test_conditions_are_written_as_a_chemist_would(text: str, expected: Condition) -> None:
    assert parse_condition(text, NAMES) == expected


REFUSED = [
    ("cohesive energy < 0", "unknown quantity 'cohesive energy'"),
    ("overpotental of ORR < 0.8", "unknown quantity 'overpotental' (did you mean 'overpotential'?); allowed: "),
    ("overpotential of OOR < 0.8", "unknown reaction 'OOR' (did you mean 'ORR'?); allowed: ORR, ORR-2e, OER"),
    ("overpotential of HER < 0.8", "unknown reaction 'HER'"),
    ("free energy of H < 0.8", "unknown adsorbate 'H'"),
    ("overpotential < 0.8", "'overpotential' is that of which reaction? allowed: `overpotential of ORR`"),
    ("overpotential of ORR < 0.8 eV", "unknown unit 'eV'; allowed: V, or none"),
    ("overpotential of ORR < high", "'high' is not a number; write one as `0.8` or `0.8 V`"),
    ("overpotential of ORR < 1e999", "'1e999' is not a number"),
    ("overpotential of ORR < 0.5 < 0.8", "is no condition"),
    ("overpotential of ORR: 0.8", "'overpotential' is a number; compare it by one of <, <=, >, >="),
    ("verdict < 3", "'verdict' is no number; write `verdict is ...`"),
    ("verdict: bond", "unknown verdict 'bond' (did you mean 'bound'?)"),
    ("verdict of OH is intact", "unknown verdict 'intact'"),
    ("metal is Feo", "'Feo' is no chemical symbol; write a metal as Fe, or several as Fe-Co"),
    ("metal of OH is Fe", "'metal' is of the site; leave out 'of OH'"),
    ("family is graphen", "unknown family 'graphen' (did you mean 'graphene'?)"),
    ("bound", "'bound' is no condition; write one as `overpotential of ORR < 0.8 V` or `verdict: bound`"),
    ("", "is no condition"),
    ("x" * 400, "has 400 characters; a criterion has at most 300"),
    ("__import__('os').system('true') < 1", "unknown quantity \"__import__('os').system('true')\""),
    ("overpotential of ORR < (lambda x: x)(1)", "is no condition"),
]


@pytest.mark.parametrize(("text", "message"), REFUSED, ids=[text[:30] or "empty" for text, _ in REFUSED])
def test_what_cannot_be_read_is_refused_with_what_can(text: str, message: str) -> None:
    with pytest.raises(InputError) as caught:
        parse_condition(text, NAMES)
    assert message in str(caught.value)


@given(st.one_of(st.text(max_size=80), st.text("<>=:.()_ osXORVe1", max_size=60)))
def test_no_text_does_more_than_being_refused(text: str) -> None:
    for parse in (parse_condition, parse_ranking):
        try:
            parsed = parse(text, NAMES)
        except InputError:
            continue
        assert isinstance(parsed, Condition | Ranking)


@pytest.mark.parametrize(
    ("text", "highest"),
    [
        ("top 20 by overpotential of ORR", False),
        ("top 20 by highest overpotential of ORR", True),
        # a reduction is best at high potentials, an oxidation at low ones
        ("top 20 by limiting potential of ORR", True),
        ("Top 20 by limiting potential of OER", False),
        ("top 20 by lowest limiting potential of ORR", False),
        ("top 20 by lowest free energy of OH", False),
    ],
)
def test_the_best_come_first_unless_the_text_says_otherwise(text: str, highest: bool) -> None:
    ranking = parse_ranking(text, NAMES)
    assert (ranking.number, ranking.highest) == (20, highest)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("top 20 by free energy of OH", "'free energy' has no best end; write `lowest free energy of OH`"),
        ("top 0 by overpotential of ORR", "lets no site pass"),
        ("top 20 by verdict", "sites cannot be ranked by 'verdict', which is no number; allowed: overpotential, "),
        ("top 20 by overpotential", "'overpotential' is that of which reaction?"),
        ("best 20", "'best 20' is no ranking; write it as `top 20 by overpotential of ORR`"),
        ("top -3 by overpotential of ORR", "is no ranking"),
    ],
)
def test_a_ranking_that_means_nothing_is_refused(text: str, message: str) -> None:
    with pytest.raises(InputError) as caught:
        parse_ranking(text, NAMES)
    assert message in str(caught.value)


def sift(results: list[SiteResult], *texts: str, keep: str | None = None) -> dict[str, str | None]:
    ranking = parse_ranking(keep, NAMES) if keep is not None else None
    return Criteria(tuple(parse_condition(text, NAMES) for text in texts), ranking).sift(results)


def test_without_criteria_every_site_passes() -> None:
    assert sift([result("a"), result("b", verdict="desorbed")]) == {"a": None, "b": None}


def test_a_bound_is_held_to_the_digit_and_the_reason_names_value_and_criterion() -> None:
    found = sift([result("a", overpotential=0.8), result("b", overpotential=0.79)], "overpotential of ORR < 0.8")
    assert found == {"a": "overpotential of ORR is 0.800 V; wanted: overpotential of ORR < 0.8 V", "b": None}
    assert sift([result("a", overpotential=0.8)], "overpotential of ORR <= 0.8") == {"a": None}
    assert sift([result("a", free=1.0, electronic=0.65)], "adsorption energy of OH < 0.7") == {"a": None}
    assert sift([result("a", free=1.0, electronic=0.65)], "free energy of OH < 0.7")["a"] == (
        "free energy of OH is 1.000 eV; wanted: free energy of OH < 0.7 eV"
    )


@pytest.mark.parametrize("relation", list(COMPARE))
@pytest.mark.parametrize("quantity", ["overpotential of ORR", "limiting potential of ORR", "free energy of OH"])
def test_what_is_undetermined_fulfils_no_condition_on_a_number(relation: str, quantity: str) -> None:
    unknown = result("a", verdict="dissociated", undetermined="OH*: dissociated (O-H 2.90 Å)")
    for bound in ("1e300", "-1e300"):
        reason = sift([unknown], f"{quantity} {relation} {bound}")["a"]
        assert reason is not None
        assert f"{quantity} is undetermined (OH*: dissociated" in reason
        assert reason.count("\n") == 0


def test_verdicts_are_of_one_adsorbate_or_of_all() -> None:
    site = result("a", verdict="desorbed")
    bound = result("b").rows["OH"]
    two = SiteResult(site.site, {"O": bound, "OH": site.rows["OH"]}, site.potentials)
    assert sift([two], "verdict of O is bound") == {"a": None}
    assert sift([two], "verdict: bound")["a"] == "OH*: desorbed (O-H 2.90 Å); wanted: verdict: bound"
    assert sift([two], "verdict: bound or desorbed") == {"a": None}
    assert sift([two], "verdict is not desorbed")["a"] == "OH*: desorbed (O-H 2.90 Å); wanted: verdict is not desorbed"
    assert sift([two], "verdict is not dissociated") == {"a": None}


def test_metals_and_families() -> None:
    pair = result("a", metals=("Co", "Fe"), family="porphine")
    for text in ("metal is Fe", "metal: Fe-Co", "metal is Hg or Co", "metal is not Fe-Fe", "family is porphine"):
        assert sift([pair], text) == {"a": None}, text
    assert sift([pair], "metal is not Fe")["a"] == "metal is Co-Fe; wanted: metal is not Fe"
    assert sift([pair], "metal is Fe-Fe")["a"] is not None
    assert sift([pair], "family: graphene")["a"] == "family is porphine; wanted: family: graphene"


def test_the_first_condition_that_is_not_fulfilled_is_the_reason() -> None:
    site = result("a", overpotential=2.0, metals=("Hg",))
    assert "metal is Hg" in str(sift([site], "metal is not Hg", "overpotential of ORR < 1")["a"])


@given(st.lists(st.integers(0, 5), min_size=1, max_size=12), st.integers(1, 8), st.randoms())
def test_equal_values_are_ranked_by_key_whatever_the_order(values: list[int], number: int, rng: Any) -> None:
    sites = [result(f"key {index:02d}", overpotential=value / 10) for index, value in enumerate(values)]
    expected = {
        site.site.key
        for _, site in sorted(zip(values, sites, strict=True), key=lambda e: (e[0], e[1].site.key))[:number]
    }
    shuffled = sites.copy()
    rng.shuffle(shuffled)
    found = sift(shuffled, keep=f"top {number} by overpotential of ORR")
    assert {key for key, reason in found.items() if reason is None} == expected
    assert list(found) == [site.site.key for site in shuffled]


def test_places_count_those_that_fulfil_the_conditions_alone() -> None:
    sites = [
        result("a", overpotential=0.1, metals=("Hg",)),
        result("b", overpotential=0.3),
        result("c", overpotential=0.3),
        result("d", overpotential=0.9),
        result("e", undetermined="OH*: desorbed"),
    ]
    found = sift(sites, "metal is not Hg", keep="top 1 by overpotential of ORR")
    wanted = "wanted: top 1 by lowest overpotential of ORR"
    assert found["b"] is None
    assert found["c"] == (
        "overpotential of ORR is 0.300 V, place 2 of 3, equal to the last that passes (ties go by the site's key); "
        + wanted
    )
    assert found["d"] == f"overpotential of ORR is 0.900 V, place 3 of 3; {wanted}"
    assert found["e"] == f"overpotential of ORR is undetermined (OH*: desorbed); {wanted}"
    assert "metal is Hg" in str(found["a"])
    # the noise of the last bits decides nothing
    close = [result("a", overpotential=0.3 + 1e-9), result("b", overpotential=0.3)]
    assert sift(close, keep="top 1 by overpotential of ORR")["a"] is None


def test_the_highest_may_be_wanted() -> None:
    sites = [result("a", overpotential=0.1), result("b", overpotential=0.9)]
    assert sift(sites, keep="top 1 by limiting potential of ORR")["a"] is None
    assert sift(sites, keep="top 1 by highest overpotential of ORR")["b"] is None
