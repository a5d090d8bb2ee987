"""The examples are campaigns, their headers say what they would run, and the table of them lists each one."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from atomsieve.builders import catalog
from atomsieve.workflows.calculators import CALCULATORS
from atomsieve.workflows.campaigns import load
from atomsieve.workflows.checked import CheckedCampaign
from atomsieve.workflows.plan import Planner
from atomsieve.workflows.settings import Settings

FOLDER = Path(__file__).resolve().parent.parent / "examples"
EXAMPLES = {path.stem: path for path in sorted(FOLDER.glob("*.yaml"))}
#: Those whose headers state what their plan counts; for a real cluster the last three.
SMALL = ("orr-3d-row", "co2rr-dual", "her-mof-layers", "nrr-graphdiyne", "no3rr-nodes", "own-cif")
LARGE = ("vasp-co2rr-dual", "cp2k-no3rr-nodes", "gpaw-orr-3d-row")


def _loaded(name: str) -> CheckedCampaign:
    return load(EXAMPLES[name], Settings())


@pytest.mark.parametrize("name", EXAMPLES)
def test_examples_are_campaigns(name: str) -> None:
    checked = _loaded(name)
    assert checked.campaign.name == name
    assert checked.site_count >= 1


@pytest.mark.parametrize("name", [*SMALL, *LARGE])
def test_headers_say_what_the_plan_counts(name: str) -> None:
    """Of a campaign with stages, the first."""
    text = EXAMPLES[name].read_text(encoding="utf-8")
    stated = re.search(r"^# Plan: (\d+) sites, ([\d,]+) to ([\d,]+) calculations", text, re.MULTILINE)
    assert stated is not None
    plan = Planner(_loaded(name).stages[0], None).plan()
    counted = (plan.sites, sum(c.least for c in plan.counts.values()), sum(c.most for c in plan.counts.values()))
    assert tuple(int(number.replace(",", "")) for number in stated.groups()) == counted
    assert f"atomsieve run examples/{name}.yaml" in text or f"atomsieve submit examples/{name}.yaml" in text
    assert re.search("^# Cost: (measured|estimated)", text, re.MULTILINE)


def test_three_are_for_clusters_and_all_others_run_here() -> None:
    dear = {stage.entry.name: name for name in EXAMPLES for stage in _loaded(name).stages if stage.entry.tier == "dft"}
    assert {"vasp", "cp2k", "gpaw"} <= dear.keys()
    for name in LARGE:
        # VASP and CP2K refuse a charge, but only once they run
        assert all(catalog.build(recipe).charge == 0 for recipe in _loaded(name).recipes())
    for name in SMALL:
        assert all(CALCULATORS[stage.entry.name].tier != "dft" for stage in _loaded(name).stages)


def test_the_table_lists_every_example_and_pages_that_are_there() -> None:
    text = (FOLDER / "README.md").read_text(encoding="utf-8")
    listed = re.findall(r"^\| \[`([\w-]+)\.yaml`\]\(\1\.yaml\)", text, re.MULTILINE)
    assert sorted(listed) == sorted(EXAMPLES)
    for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", text):
        assert (FOLDER / target).exists(), target
