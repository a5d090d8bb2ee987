"""What `atomsieve results` and `atomsieve show` print, for people, for other programs and at the tab key."""

from __future__ import annotations

import csv
import io
import json
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from typer.testing import CliRunner

from atomsieve.analysis import Results
from atomsieve.analysis.results.fields import COLLECTIONS
from atomsieve.structures.errors import InputError, UnknownNameError
from atomsieve.workflows.cli import app

Cli = Callable[..., subprocess.CompletedProcess[str]]

CAMPAIGN = """\
name: small
sites:
  - {family: graphene, metals: [Fe, Ni, Ta]}
reactions: [ORR, HER]
method: {calculator: mock}
tags: [paper]
"""


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory, cli: Cli) -> Path:
    """A folder in which a campaign was run."""
    folder = tmp_path_factory.mktemp("asked")
    (folder / "small.yaml").write_text(CAMPAIGN, encoding="utf-8")
    result = cli("run", "small.yaml", cwd=folder)
    assert result.returncode == 0, result.stderr
    return folder


@pytest.fixture
def call(done: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    """The command line in this process, in that folder."""
    monkeypatch.chdir(done)

    def run(*arguments: str, **environment: str) -> Result:
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        return CliRunner().invoke(app, list(arguments), catch_exceptions=True)

    return run


def table(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text), delimiter="\t"))


def test_every_form_holds_the_same_rows(call: Callable[..., Result], done: Path) -> None:
    asked = ("results", "--where", "overpotential is not null", "--sort", "overpotential", "--columns",
             "site,metal,overpotential,superseded,updated")  # fmt: skip
    with Results.open(done / "atomsieve-data") as results:
        wanted = list(
            results.where("overpotential is not null").sort("overpotential").select("site", "metal", "overpotential")
        )
    assert len(wanted) > 3
    as_json = json.loads(call(*asked, "--json").stdout)
    assert [{name: row[name] for name in wanted[0]} for row in as_json] == wanted
    assert [json.loads(line) for line in call(*asked, "--jsonl").stdout.splitlines()] == as_json
    for text in (call(*asked, "--csv").stdout.replace(",", "\t"), call(*asked).stdout):
        rows = table(text)
        assert [(row["site"], row["metal"], float(row["overpotential"])) for row in rows] == [
            (row["site"], ", ".join(row["metal"]), row["overpotential"]) for row in wanted
        ]
        assert {row["superseded"] for row in rows} == {"no"}
    assert len(call(*asked, "--top", "2", "--jsonl").stdout.splitlines()) == 2
    shown = call(*asked, FORCE_COLOR="1", COLUMNS="120").stdout
    assert "η (V)" in shown
    assert f"{wanted[0]['overpotential']:.2f}" in shown
    assert json.loads(call("results", "--where", "metal = Zr", "--json").stdout) == []
    assert call("results", "--where", "metal = Zr", "--jsonl").stdout == ""


def test_groups_are_a_line_each_or_their_first_rows(call: Callable[..., Result]) -> None:
    groups = json.loads(call("results", "--group", "metal", "--json").stdout)
    assert [(row["metal"], row["rows"]) for row in groups] == [("Fe", 2), ("Ni", 2), ("Ta", 2)]
    best = json.loads(call("results", "--group", "reaction", "--top", "1", "--sort", "overpotential", "--json").stdout)
    assert [row["reaction"] for row in best] == ["HER", "ORR"]
    for row in best:
        own = json.loads(call("results", "--reaction", row["reaction"], "--where", "overpotential>0", "--json").stdout)
        assert row["overpotential"] == min(entry["overpotential"] for entry in own)
    assert (
        "lowest ΔG (eV)"
        in call("results", "--of", "adsorption_energies", "--group", "adsorbate", FORCE_COLOR="1", COLUMNS="120").stdout
    )


def test_the_options_of_a_campaign_mean_the_same_in_the_database(call: Callable[..., Result]) -> None:
    for options in (("--metal", "Ni"), ("--reaction", "HER"), ("--family", "graphene"), ("--verdict", "dissociated")):
        of_campaign = json.loads(call("results", "small", *options, "--json").stdout)
        of_database = json.loads(call("results", *options, "--json").stdout)
        assert {(row["site"], row["reaction"]) for row in of_database} <= {
            (row["site"], row["reaction"]) for row in of_campaign
        }
        assert of_database
    limits = ("--overpotential-max", "1.2", "--overpotential-min", "0.2")
    assert {row["site"] + row["reaction"] for row in json.loads(call("results", *limits, "--json").stdout)} == {
        row["site"] + row["reaction"] for row in json.loads(call("results", "small", *limits, "--json").stdout)
    }
    # a campaign's own question goes to the database too, by its name or its file
    for name in ("small", "small.yaml"):
        assert len(json.loads(call("results", name, "--where", "reaction = ORR", "--json").stdout)) == 3
    assert json.loads(call("results", "other", "--where", "reaction = ORR", "--json").stdout) == []


def test_what_cannot_be_asked_is_an_error_of_input(call: Callable[..., Result], tmp_path: Path, cli: Cli) -> None:
    for arguments, message in (
        (("--where", "overpotental < 1"), "did you mean 'overpotential'"),
        (("--where", "method = vasp"), "unknown method 'vasp'"),
        (("--columns", "sites"), "did you mean 'site'"),
        (("--of", "rows"), "unknown collection"),
        (("--database", "nowhere"), "there is no database"),
        (("--descending",), "goes with --sort"),
    ):
        error = call("results", *arguments).exception
        assert isinstance(error, InputError), arguments
        assert message in str(error)
    assert call("results", "--csv", "--json").exit_code == 2
    away = cli("results", cwd=tmp_path)
    assert away.returncode == 2
    assert "--database WHERE" in away.stderr
    assert "Traceback" not in away.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_reader_that_has_seen_enough_is_no_error(done: Path) -> None:
    command = (
        f"set -o pipefail; '{sys.executable}' -m atomsieve.workflows.cli results --of calculations --jsonl | head -1"
    )
    result = subprocess.run(["bash", "-c", command], cwd=done, capture_output=True, text=True, check=False)
    assert (result.returncode, result.stderr) == (0, "")
    assert json.loads(result.stdout)["task"]


def test_a_site_is_shown_whole(call: Callable[..., Result], done: Path) -> None:
    shown = call("show", "Fe").stdout
    place = str(done / "atomsieve-data")
    for needed in (
        "campaigns: small",
        "tags: paper",
        "coordination: N4",
        "ORR",
        "OOH*",
        "H2O",
        "not predictive",
        place,
    ):
        assert needed in shown, needed
    data = json.loads(call("show", "Ta-N4@graphene-4x4", "--json").stdout)
    assert {row["adsorbate"] for row in data["adsorption_energies"]} == {"OH", "O", "OOH", "H"}
    assert {row["reaction"] for row in data["reactions"]} == {"ORR", "HER"}
    assert json.loads(call("show", data["key"][:10], "--json").stdout) == data
    used = {key for row in data["adsorption_energies"] for key in row["calculations"].values()}
    assert {entry["key"] for entry in data["calculations"] if entry["used"]} == used
    for entry in data["calculations"]:
        assert (Path(entry["folder"]) / "result.json").exists() or entry["status"] != "done"
    for wrong, message in (("Fe-N4@graphine-4x4", "did you mean"), ("", "means 3 sites")):
        error = call("show", wrong).exception
        assert isinstance(error, UnknownNameError)
        assert message in str(error)


def test_the_tab_key_completes_what_is_there(call: Callable[..., Result]) -> None:
    for line, number, wanted in (
        ("atomsieve results sm", 2, {"small", "small.yaml"}),
        ("atomsieve show Ni", 2, {"Ni-N4@graphene-4x4"}),
        ("atomsieve results --sort over", 3, {"overpotential"}),
        ("atomsieve results --columns site,-over", 3, {"site,-overpotential"}),
        ("atomsieve results --of adsorption_energies --group adsorba", 5, {"adsorbate"}),
        ("atomsieve results --of sta", 3, {"stabilities"}),
        ("atomsieve results --from elsewhere --sort free_OO", 5, {"free_OOH"}),
        ("atomsieve show Zr", 2, set()),
        ("atomsieve report sma", 2, {"small", "small.yaml"}),
        ("atomsieve explain small T", 3, {"Ta-N4@graphene-4x4"}),
    ):
        found = call(_ATOMSIEVE_COMPLETE="complete_bash", COMP_WORDS=line, COMP_CWORD=str(number))
        assert set(found.stdout.split()) == wanted, line
        assert found.exception is None or isinstance(found.exception, SystemExit)
    assert "--install-completion" in CliRunner().invoke(app, ["--help"], env={"_ATOMSIEVE_COMPLETE": ""}).stdout


def test_completing_on_a_server_that_is_away_is_quiet(call: Callable[..., Result]) -> None:
    uri = "mongodb://me:secret@127.0.0.1:9/?serverSelectionTimeoutMS=100"
    environment = {"_ATOMSIEVE_COMPLETE": "complete_bash", "COMP_WORDS": "atomsieve show F", "COMP_CWORD": "2"}
    assert call(**environment, ATOMSIEVE_MONGODB_URI=uri).stdout.split() == []
    assert os.environ["ATOMSIEVE_MONGODB_URI"] == uri


# -- the page for the person who only wants data -----------------------------------------------------------------------

PAGE = (Path(__file__).resolve().parent.parent / "docs" / "data.md").read_text(encoding="utf-8")
RECIPES = re.findall(r"^### (\d+)\..*?^```sh\n(.*?)^```.*?^```python\n(.*?)^```", PAGE, flags=re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize(("number", "command", "code"), RECIPES, ids=[recipe[0] for recipe in RECIPES])
def test_the_command_and_the_python_of_a_recipe_agree(
    number: str, command: str, code: str, call: Callable[..., Result]
) -> None:
    (arguments,) = (shlex.split(line)[1:] for line in command.splitlines())
    with Results.open("atomsieve-data") as results:
        names: dict[str, Any] = {"results": results}
        exec(code, names)
    found = names["found"] if isinstance(names["found"], list) else names["found"].to_dict("records")
    assert found, number
    if arguments[0] != "results":
        result = call(*arguments)
        assert (result.exception, result.exit_code) == (None, 0)
        return
    printed = json.loads(call(*(argument for argument in arguments if argument != "--csv"), "--json").stdout)
    assert len(printed) == len(found)
    for own, other in zip(printed, found, strict=True):
        assert own.keys() == other.keys()
        for name, value in own.items():
            theirs = other[name]
            if value is None or name == "updated":
                assert theirs is None or theirs != theirs or name == "updated"
            else:
                assert theirs == value, (number, name)


def test_the_page_has_ten_recipes_and_names_every_collection() -> None:
    assert [recipe[0] for recipe in RECIPES] == [str(number) for number in range(1, 11)]
    assert all(f"`{name}`" in PAGE for name in COLLECTIONS)
