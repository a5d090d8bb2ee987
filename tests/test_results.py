"""Results: the same question has the same answer embedded, on a server, and by a plain look at every row."""

from __future__ import annotations

import random
import tracemalloc
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pymongo
import pytest
from ase import Atoms
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from atomsieve.analysis import Results
from atomsieve.analysis.database import Database
from atomsieve.analysis.opening import open_where
from atomsieve.analysis.provenance import Provenance
from atomsieve.analysis.results.language import FilterError
from atomsieve.structures.calculation import Calculation, Request
from atomsieve.structures.energies import AdsorptionEnergy, SiteLabel, Term
from atomsieve.structures.errors import InputError, MethodMismatchError, StoreError
from atomsieve.structures.identity import content_key
from atomsieve.structures.judgement import Judgement, Verdict
from atomsieve.structures.limiting import LimitingPotential
from atomsieve.structures.method import Method
from atomsieve.structures.reaction import reaction
from atomsieve.structures.site import atoms_to_dict

DFT = Method("vasp", {"functional": "RPBE", "cutoff": 400}, "dft")
MOCK = Method("mock", {"model": "mock"}, "mock")
METALS = ("Fe", "Co", "Ni", "Cu")
POLICY = {"corrections": "norskov", "solvation": "none", "temperature": 298.15}
CONDITIONS = {"temperature": 298.15, "pH": 0, "potential": 0.0, "scale": "RHE"}


def relaxed(label: str, method: Method) -> Calculation:
    """Return a finished calculation whose atoms tell of which site it is."""
    symbols = [metal for metal in METALS if metal in label]
    atoms = Atoms(symbols, positions=[[0, 0, 2.0 * i] for i in range(len(symbols))], cell=[9, 9, 9], pbc=True)
    request = Request("clean", {"family": "graphene", "label": label}, method, 0.05)
    data = atoms_to_dict(atoms)
    return Calculation(request, -1.5, data, content_key("geometry", label), Judgement(Verdict.INTACT, "it is"), 3, 0.01)


def fill(database: Database, method: Method, sites: int, seed: int, provenance: Provenance) -> None:
    """Push what a campaign would: sites of one or two metals, ORR and HER, some undetermined, some equal."""
    rng = random.Random(seed)
    rows, potentials = [], []
    for number in range(sites):
        metals = tuple(rng.sample(METALS, rng.choice((1, 1, 2))))
        label = f"{'-'.join(metals)}-N4 number {number}"
        site = SiteLabel(label, content_key("site", [label]), rng.choice(("graphene", "porphyrin")), metals)
        clean = relaxed(label, method)
        database.ingest([clean.to_dict()])
        verdicts = {name: rng.choice(("bound",) * 6 + ("dissociated", "desorbed")) for name in ("OH", "O", "OOH", "H")}
        own = {}
        for name, verdict in verdicts.items():
            terms = (Term(f"E({name}*)", "electronic", round(rng.uniform(-2, 4), 1), clean.key),)
            own[name] = AdsorptionEnergy(
                site,
                name,
                method.to_dict(),
                POLICY,
                terms if verdict == "bound" else (),
                verdict,
                "so it is",
                {"clean": clean.key},
                ({"key": clean.key, "role": "clean", "status": "done", "reason": "", "verdict": "intact"},),
                multiplicity={"clean": rng.choice((None, 1, 3)), "adsorbed": 2},
            )
        rows += own.values()
        for name in ("ORR", "HER"):
            of = reaction(name)
            stands = {adsorbate: own[adsorbate] for adsorbate in of.adsorbates}
            found = all(row.verdict == "bound" for row in stands.values())
            eta = round(rng.uniform(0, 1.5), 1)
            potentials.append(
                LimitingPotential(
                    site,
                    name,
                    method.to_dict(),
                    {adsorbate: row.key for adsorbate, row in stands.items()},
                    (),
                    (),
                    of.equilibrium_potential,
                    round(of.equilibrium_potential - eta, 3) if found else None,
                    eta if found else None,
                    (of.steps[0].text,) if found else (),
                    None if found else "OH* is not bound",
                    CONDITIONS,
                    method.is_predictive,
                )
            )
    database.push(rows, potentials, provenance=provenance)


@pytest.fixture(scope="module")
def places(tmp_path_factory: pytest.TempPathFactory, mongo: tuple[str, str]) -> Iterator[dict[str, str]]:
    """The same rows in both kinds of database: those of DFT and, of another campaign, those of the mock."""
    folder = tmp_path_factory.mktemp("results")
    uri = mongo[0].replace("/?", f"/{mongo[1]}_results?")
    found = {"embedded": str(folder), "server": uri}
    for where in found.values():
        with open_where(where, read_only=False) as database:
            fill(database, DFT, 24, 1, Provenance("first", ("paper",)))
            fill(database, MOCK, 8, 2, Provenance("second"))
    yield found
    with pymongo.MongoClient(mongo[0]) as client:
        client.drop_database(f"{mongo[1]}_results")


@pytest.fixture(params=["embedded", "server"])
def results(request: pytest.FixtureRequest, places: dict[str, str]) -> Iterator[Results]:
    with Results.open(places[request.param]) as found:
        yield found


# -- the language decides as a look at every row does ------------------------------------------------------------------

NUMBERS = ("overpotential", "limiting_potential", "spin", "free_OH", "pH")
TEXTS = {
    "family": ("graphene", "porphyrin", "nowhere"),
    "site": ("Fe-N4 number 3", "Co", "Ni-N4 number 7"),
    "reaction": ("ORR", "HER", "OER"),
    "verdict_OH": ("bound", "desorbed"),
    "undetermined": ("OH* is not bound", "and"),
}
LISTS = {
    "metal": ("Fe", "Co", "Zn"),
    "tag": ("paper", "draft"),
    "verdict": ("bound", "dissociated", "desorbed"),
    "pds": ("O2 + * → OOH*", "x, y (z)"),
}
PATHS = {
    "spin": "multiplicity",
    "free_OH": "free_energies.OH",
    "verdict_OH": "verdicts.OH",
    "pH": "conditions.pH",
    "site": "site.label",
    "family": "site.family",
    "metal": "site.metals",
    "metals": "site.metal_set",
    "tag": "tags",
    "verdict": "verdict_set",
    "pds": "potential_determining_steps",
}


def quoted(value: Any) -> str:
    return str(value) if isinstance(value, float | int) else "'" + str(value).replace("'", "\\'") + "'"


def leaves() -> st.SearchStrategy[tuple[str, ...]]:
    number = st.tuples(
        st.sampled_from(NUMBERS),
        st.sampled_from(("=", "!=", "<", "<=", ">", ">=")),
        st.one_of(st.integers(-1, 4), st.integers(-10, 20).map(lambda n: n / 10)).map(lambda n: (n,)),
    )
    named = [
        st.tuples(
            st.just(name),
            st.sampled_from(("=", "!=", *(("<", ">=") if name in TEXTS and name != "reaction" else ()))),
            st.sampled_from(values).map(lambda v: (v,)),
        )
        for name, values in {**TEXTS, **LISTS, "metals": ("Fe", "Co-Fe", "Fe-Co", "Cu-Cu")}.items()
    ]
    several = [
        st.tuples(
            st.just(name), st.sampled_from(("in", "not in")), st.lists(st.sampled_from(values), min_size=1, max_size=3)
        )
        for name, values in {**TEXTS, **LISTS}.items()
    ]
    blank = st.tuples(
        st.sampled_from([*NUMBERS, *TEXTS, "metal", "tag", "pds"]),
        st.sampled_from(("is null", "is not null")),
        st.just(()),
    )
    return st.one_of(number, *named, *several, blank)


def trees() -> st.SearchStrategy[Any]:
    return st.recursive(
        leaves(),
        lambda inner: st.one_of(
            st.tuples(st.just("not"), inner), st.tuples(st.sampled_from(("and", "or")), inner, inner)
        ),
        max_leaves=6,
    )


def written(tree: Any) -> str:
    if tree[0] == "not":
        return f"not ({written(tree[1])})"
    if tree[0] in ("and", "or"):
        return f"({written(tree[1])}) {tree[0]} ({written(tree[2])})"
    name, operator, values = tree
    return f"{name} {operator} {', '.join(map(quoted, values))}"


def value_at(document: Mapping[str, Any], path: str) -> Any:
    value: Any = document
    for name in path.split("."):
        value = value.get(name) if isinstance(value, Mapping) else None
    return value


def holds(tree: Any, document: Mapping[str, Any]) -> bool:
    """Decide as a person would who looks at the row."""
    if tree[0] == "not":
        return not holds(tree[1], document)
    if tree[0] in ("and", "or"):
        return (all if tree[0] == "and" else any)(holds(part, document) for part in tree[1:])
    name, operator, values = tree
    found = value_at(document, PATHS.get(name, name))
    if name == "metals":
        values = ["-".join(sorted(set(value.split("-")))) for value in values]
    owned = found if isinstance(found, list) else [found] if found is not None else []
    match operator:
        case "is null":
            return not owned
        case "is not null":
            return bool(owned)
        case "=" | "in":
            return any(one in values for one in owned)
        case "!=" | "not in":
            return not any(one in values for one in owned)
    if not owned:
        return False
    (bound,) = values
    return {"<": found < bound, "<=": found <= bound, ">": found > bound, ">=": found >= bound}[operator]


@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(tree=trees())
@example(tree=("verdict_OH", "is null", ()))
@example(tree=("not", ("overpotential", "<", (0.5,))))
def test_a_filter_decides_as_a_look_at_every_row(tree: Any, results: Results) -> None:
    everything = {document["key"]: document for document in results.where(method="any").documents()}
    assert len(everything) == 64
    wanted = {key for key, document in everything.items() if holds(tree, document)}
    chosen = results.where(written(tree), method="any").select("key")
    assert {row["key"] for row in chosen} == wanted
    assert chosen.count() == len(wanted)


def test_words_and_arguments_are_one_language(results: Results) -> None:
    # in the order of the answers, which a server is free in
    results = results.sort("key")
    spoken = results.where("metal in Fe,Co and overpotential < 1.2 and reaction = ORR and method = vasp")
    stated = results.where(reaction="ORR", metal=["Fe", "Co"], overpotential__lt=1.2, method="vasp")
    assert list(spoken.sort("site")) == list(stated.sort("site"))
    assert spoken.count() > 2
    for text, conditions in {
        "overpotential is null": {"overpotential__null": True},
        "overpotential is not null": {"overpotential__ne": None},
        "spin != 3": {"spin__ne": 3},
        "metal not in (Fe, Co)": {"metal__not_in": ["Fe", "Co"]},
        "metal != Fe": {"metal__ne": "Fe"},
        "updated > 2020-01-01": {"updated__gt": "2020-01-01"},
        "predictive = yes": {"predictive": True},
        "metals = Fe-Co": {"metals": "Co-Fe"},
        "campaign = first and tag = paper": {"campaign": "first", "tag": "paper"},
    }.items():
        both = [results.where(text, method="vasp"), results.where(**conditions, method="vasp")]
        assert list(both[0].sort("key")) == list(both[1].sort("key"))
        assert both[0].count() > 0, text


# -- what is wrong is shown where it stands ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "position", "message"),
    [
        ("overpotental < 0.4", 0, "did you mean 'overpotential'"),
        ("metal in Fe,Co and overpotental < 0.4", 19, "unknown field of reaction_results 'overpotental'"),
        ("overpotential < low", 16, "overpotential is a number in V, not 'low'"),
        ("overpotential < nan", 16, "finite"),
        ("overpotential ~ 3", 14, "'~' after overpotential; allowed: =, !=, <"),
        ("overpotential", 13, "the end after overpotential"),
        ("metal in Fe, and spin = 1", 13, "'and' where a value should stand"),
        ("metal < Fe", 6, "metal has no order"),
        ("verdict = bond", 10, "did you mean 'bound'"),
        ("verdict in bound, desorbt", 18, "did you mean 'desorbed'"),
        ("verdict = weakly bound", 10, "did you mean 'weakly bound'"),
        ("reason = weakly bound", 0, "unknown field"),
        ("undetermined = not bound", 15, "stands in quotes"),
        ("undetermined = weakly bound", 22, "stands in quotes"),
        ("reaction = 'ORR", 11, "closing quote is missing"),
        ("(spin = 1 or spin = 3", 21, "the bracket of character 1 should close"),
        ("spin is nil", 8, "allowed: null, not null"),
        ("spin = 1 spin = 2", 9, "cannot stand here"),
        ("spin ! 1", 5, "what does '!' mean"),
        ("", 0, "an empty condition"),
        ("free_OHH < 1", 0, "did you mean 'free_OH'"),
        ("predictive = maybe", 13, "allowed: true, yes, false, no"),
        ("updated > yesterday", 10, "a time in UTC as 2026-01-31"),
        ("free_O.O < 1", 9, "cannot be asked for"),
        ("(" * 80 + "spin = 1", 51, "brackets and nots"),
    ],
)
def test_an_error_says_where_what_and_what_is_near(text: str, position: int, message: str, places: Any) -> None:
    with Results.open(places["embedded"]) as results, pytest.raises(FilterError) as caught:
        results.where(text)
    assert message in str(caught.value)
    assert caught.value.position == position
    *_, line, mark = str(caught.value).splitlines()
    assert line == f"  {text}"
    assert mark.startswith(" " * (position + 2) + "^")


def test_wrong_arguments_say_what_is_allowed(results: Results) -> None:
    for wrong, message in (
        ({"overpotential__under": 1}, "unknown ending .* allowed: lt, le, gt"),
        ({"overpotental": 1}, "did you mean 'overpotential'"),
        ({"metal__lt": "Fe"}, "no order"),
        ({"spin__in": 3}, "give a list"),
        ({"spin__lt": [3]}, "give one value"),
        ({"spin__null": "yes"}, "give True or False"),
        ({"method__ne": "any"}, "means nothing"),
    ):
        with pytest.raises(InputError, match=message):
            results.where(**wrong)
    for call, message in (
        (lambda: results.sort("metal"), "has no order"),
        (lambda: results.sort("overpotental"), "did you mean"),
        (lambda: results.select("nothing"), "unknown field"),
        (lambda: results.limit(-1), "give 0 or more"),
        (lambda: results.page(0), "pages begin at 1"),
        (lambda: results.of("rows"), "unknown collection 'rows'"),
        (lambda: results.where("spin = 1 or method = any"), "cannot stand within or"),
        (lambda: results.group("metal", of="site"), "is no number"),
        (lambda: results.where(method="gpaw").first(), r"unknown method 'gpaw'.*vasp RPBE \["),
        (lambda: list(results.of("campaigns").structures()), "have no geometries"),
    ):
        with pytest.raises(InputError, match=message):
            call()
    with pytest.raises(InputError, match="unknown collection"):
        Results.open("nowhere", of="rows")


# -- the gate ----------------------------------------------------------------------------------------------------------


def test_methods_that_do_not_go_together_are_refused_and_listed(results: Results) -> None:
    for read in (
        lambda: next(iter(results)),
        lambda: next(results.documents()),
        results.to_pandas,
        results.first,
        lambda: results.page(1),
        lambda: results.group("metal"),
        lambda: list(results.structures()),
        results.where(method=["vasp", "mock"]).first,
        results.where("calculator in vasp, mock").first,
        results.where(method="any").sort("overpotential").first,
        lambda: results.where(method="any").group("metal", of="overpotential"),
    ):
        with pytest.raises(
            MethodMismatchError, match=r"2 methods .*vasp RPBE \[\w{8}\]: 48; mock \[\w{8}\]: 16"
        ) as caught:
            read()
        assert '"method = vasp"' in str(caught.value)
    assert results.mixed() is not None
    assert [(entry.calculator, entry.count, entry.predictive) for entry in results.methods()] == [
        ("vasp", 48, True),
        ("mock", 16, False),
    ]
    assert results.count() == 64


def test_one_method_is_asked_for_by_title_calculator_or_key(results: Results) -> None:
    vasp = results.methods()[0]
    for name in ("vasp", "vasp RPBE", vasp.key, vasp.key[:6]):
        chosen = results.where(method=name)
        assert chosen.count() == 48
        assert chosen.mixed() is None
        assert {row["method"] for row in chosen} == {"vasp RPBE"}
    assert results.where("method != vasp").count() == 16
    assert results.where(campaign="second").mixed() is None
    assert results.where(method="any").sort("site").count() == 64
    assert len(list(results.where(method="any").sort("site"))) == 64
    assert {row["method"]: row["rows"] for row in results.group("method")} == {"vasp RPBE": 48, "mock": 16}
    assert all("lowest" not in row for row in results.where(method="any").group("family"))
    assert results.of("adsorption_energies").mixed() is not None
    assert results.of("sites").mixed() is None


def test_methods_that_differ_in_the_u_of_other_metals_go_together(tmp_path: Path) -> None:
    with open_where(tmp_path, read_only=False) as database:
        for metal, seed in (("Fe", 1), ("Co", 2)):
            method = Method("vasp", {"functional": "PBE", "u": {metal: 3.0}}, "dft")
            site = SiteLabel(f"{metal}-N4", content_key("site", metal), "graphene", (metal,))
            row = AdsorptionEnergy(site, "H", method.to_dict(), POLICY, (), "desorbed", "far", {}, ())
            database.push([row], [])
            assert seed
    with Results.open(tmp_path, of="adsorption_energies") as results:
        assert results.count() == len(list(results)) == 2
        assert results.mixed() is None
    with open_where(tmp_path, read_only=False) as database:
        other = AdsorptionEnergy(
            SiteLabel("Fe-N3", content_key("site", "Fe-N3"), "graphene", ("Fe",)),
            "H",
            method.to_dict(),
            POLICY,
            (),
            "desorbed",
            "far",
            {},
            (),
        )
        database.push([other], [])
    with Results.open(tmp_path, of="adsorption_energies") as results:
        assert "u of Fe" in str(results.mixed())


def test_a_row_whose_method_nobody_listed_is_not_let_through(places: dict[str, str], tmp_path: Path) -> None:
    with open_where(tmp_path, read_only=False) as database:
        fill(database, DFT, 2, 5, Provenance())
        fill(database, MOCK, 2, 6, Provenance())
        database.methods.remove_docs({"calculator": "mock"})
    with Results.open(tmp_path) as results, pytest.raises(MethodMismatchError, match="did not list"):
        list(results)
    with open_where(tmp_path, read_only=False) as database:
        # an older database has no list at all
        database.methods.remove_docs({})
    with Results.open(tmp_path) as results, pytest.raises(MethodMismatchError, match="2 methods"):
        list(results)


# -- order, pages, groups, structures ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "order", [("overpotential", "site"), ("-overpotential", "site"), ("-free_OH", "-site"), ("site",)]
)
def test_order_and_pages_are_those_of_all_rows(order: tuple[str, ...], results: Results) -> None:
    chosen = results.where(reaction="ORR", method="vasp")
    everything = list(chosen.select("key", *(name.removeprefix("-") for name in order)))
    for name in reversed(order):
        field, sign = name.removeprefix("-"), -1 if name.startswith("-") else 1
        known = [row for row in everything if row[field] is not None]
        known.sort(key=lambda row, field=field: row[field], reverse=sign < 0)
        everything = known + [row for row in everything if row[field] is None]
    wanted = [row["key"] for row in everything]
    asked = chosen.sort(*order).select("key")
    assert [row["key"] for row in asked] == wanted
    for skip, limit in ((0, 5), (3, 7), (10, 20), (23, 5), (24, 5), (0, 0), (5, None)):
        part = asked.skip(skip).limit(limit)
        end = None if limit is None else skip + limit
        assert [row["key"] for row in part] == wanted[skip:end], (skip, limit)
        assert part.count() == len(wanted[skip:end])
    assert [row["key"] for number in (1, 2, 3) for row in asked.page(number, 9)] == wanted
    assert asked.page(4, 9) == []
    assert len(asked.limit(12).page(2, 9)) == 3


def test_rows_are_flat_and_read_as_they_come(results: Results) -> None:
    chosen = results.where(reaction="HER", method="vasp").sort("overpotential")
    row = chosen.first()
    assert row is not None
    assert list(row)[:6] == ["site", "family", "metals", "reaction", "spin", "overpotential"]
    assert list(row)[-1] == "free_H"
    assert isinstance(row["pds"], list)
    assert results.where(site="nowhere").first() is None
    frame = chosen.to_pandas()
    assert list(frame.columns) == list(chosen.names())
    assert frame["overpotential"].dtype.kind == "f"
    assert frame["site"].tolist() == [entry["site"] for entry in chosen]
    assert results.where(site="nowhere").to_pandas().shape == (0, len(results.names()))
    document = next(chosen.documents())
    assert "_id" not in document
    assert document["site"]["label"] == row["site"]
    # a question that was narrowed is still the question that it was
    assert results.count() == 64


def test_groups_and_values_are_those_of_all_rows(results: Results) -> None:
    chosen = results.where(reaction="ORR", method="vasp")
    rows = list(chosen.select("metal", "overpotential", "family"))
    groups = {row["metal"]: row for row in chosen.group("metal")}
    assert sorted(groups) == sorted(METALS)
    for metal, group in groups.items():
        own = [row["overpotential"] for row in rows if metal in row["metal"]]
        known = [value for value in own if value is not None]
        assert (group["rows"], group["known"]) == (len(own), len(known))
        assert group["lowest"] == min(known, default=None)
        assert group["highest"] == max(known, default=None)
        assert group["mean"] == (pytest.approx(sum(known) / len(known)) if known else None)
    assert chosen.distinct("metal") == sorted(METALS)
    assert chosen.distinct("family") == ["graphene", "porphyrin"]
    assert results.distinct("method") == ["mock", "vasp RPBE"]
    assert chosen.distinct("overpotential") == sorted({row["overpotential"] for row in rows} - {None})


def test_structures_are_those_of_the_rows(results: Results) -> None:
    chosen = results.where(reaction="ORR", method="vasp").select("site", "metal")
    found = list(chosen.structures())
    assert len(found) == 24
    assert all(set(atoms.symbols) == set(row["metal"]) for row, atoms in found)
    assert all(atoms.pbc.all() for _, atoms in found)
    energies = results.of("adsorption_energies").where(method="vasp", adsorbate="H")
    assert len(list(energies.structures())) == 24
    assert list(energies.structures("adsorbed")) == []
    assert len(list(results.of("calculations").where(method="vasp", task="clean").structures())) == 24


def test_the_pipeline_gives_the_rows_on_a_server(places: dict[str, str], mongo: tuple[str, str]) -> None:
    with Results.open(places["server"]) as results, pymongo.MongoClient(mongo[0]) as client:
        collection = client[f"{mongo[1]}_results"]["reaction_results"]
        for chosen in (
            results.where("metal in Fe,Co and overpotential < 0.9", method="vasp").sort("overpotential", "site"),
            results.where(method="mock", reaction="ORR").sort("overpotential", "site").skip(1).limit(4),
            results.where("method = mock and not (spin = 3 or verdict = bound)")
            .sort("-site")
            .select("site", "free_OH"),
        ):
            stages = chosen.pipeline()
            rows = list(chosen)
            for row in rows:
                row.pop("method", None)
            found = [{name: row.get(name) for name in rows[0]} for row in collection.aggregate(stages)]
            assert found == rows
            assert chosen.explain_plan()


def test_superseded_rows_are_asked_for_by_name(tmp_path: Path) -> None:
    with open_where(tmp_path, read_only=False) as database:
        fill(database, DFT, 2, 7, Provenance())
        first = database.reaction_results.query_one({})
        database.reaction_results.update([{**first, "superseded": True}], key="key")
    with Results.open(tmp_path) as results:
        assert results.count() == 3
        assert results.where(superseded=True).count() == 1
        assert results.where("superseded in true, false").count() == 4


def test_reading_writes_nothing_and_a_database_that_is_away_is_said_so(tmp_path: Path, places: dict[str, str]) -> None:
    file = Path(places["embedded"]) / "atomsieve.sqlite"
    before = file.read_bytes()
    with Results.open(file) as results:
        assert len(list(results.where(method="vasp"))) == 48
    assert file.read_bytes() == before
    (tmp_path / "other.sqlite").write_text("no database at all, but long enough to be one" * 100, encoding="utf-8")
    with pytest.raises(StoreError, match="cannot be opened"):
        Results.open(tmp_path / "other.sqlite")
    uri = "mongodb://me:secret@127.0.0.1:9/?serverSelectionTimeoutMS=200"
    with pytest.raises(StoreError, match=r"cannot be (opened|read)") as caught, Results.open(uri) as results:
        results.count()
    assert "secret" not in str(caught.value)


def test_memory_does_not_grow_with_the_number_of_rows(tmp_path: Path) -> None:
    method = DFT.to_dict()
    site = {"label": "Fe-N4", "key": "s", "family": "graphene", "metals": ["Fe"], "metal_set": "Fe"}
    with open_where(tmp_path, read_only=False) as database:
        for begin in range(0, 6000, 1000):
            database.reaction_results.update(
                [
                    {"key": f"{number:064x}", "site": site, "method": method, "reaction": "ORR", "superseded": False,
                     "overpotential": number / 1e4, "text": "x" * 1000}
                    for number in range(begin, begin + 1000)
                ]
            )  # fmt: skip

    def peak(number: int) -> int:
        with Results.open(tmp_path) as results:
            rows = iter(results.where("overpotential >= 0").sort("overpotential"))
            documents = results.documents()
            next(rows), next(documents)
            tracemalloc.start()
            for _ in range(number):
                next(rows), next(documents)
            found = tracemalloc.get_traced_memory()[1]
            tracemalloc.stop()
        return found

    few, many = peak(300), peak(5900)
    assert many < few + 200_000
