"""Own adsorbates and reactions: written into a campaign, keyed by all that they are, known to whoever reads them."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from atomsieve.analysis import Results
from atomsieve.builders import catalog
from atomsieve.builders.spin_centres import taken_by
from atomsieve.structures import adsorbate as adsorbate_room
from atomsieve.structures.adsorbate import adsorbates, tabulated_adsorbates
from atomsieve.structures.campaign import parse_campaign
from atomsieve.structures.definition import described
from atomsieve.structures.errors import CampaignError
from atomsieve.structures.molecule import molecule
from atomsieve.structures.reaction import reaction, reactions
from atomsieve.workflows.campaigns import CheckedCampaign, load
from atomsieve.workflows.requests import Policy
from atomsieve.workflows.settings import Settings

Cli = Callable[..., subprocess.CompletedProcess[str]]
PAGES = Path(__file__).resolve().parent.parent / "docs" / "how-to"
CAMPAIGN = """\
name: acetaldehyde
sites: [{family: graphene, metals: Co}]
define:
  adsorbates:
    CH3CHOH:
      symbols: [C, C, O, H, H, H, H, H]
      positions:
        - [0.0, 0.0, 0.0]
        - [1.273, 0.629, 0.521]
        - [-1.088, 0.770, 0.510]
        - [-1.910, 0.372, 0.180]
        - [-0.069, -1.046, 0.332]
        - [2.148, 0.081, 0.163]
        - [1.343, 1.665, 0.183]
        - [1.274, 0.620, 1.612]
      source: ethanol of the G2 set less one H (doi 10.1063/1.473182)
  reactions:
    AcR:
      title: acetaldehyde reduction to ethanol
      routes:
        hydroxyethyl: ["* + CH3CHO", "CH3CHOH*", "* + C2H5OH"]
        ethoxy: ["* + CH3CHO", "CH3CH2O*", "* + C2H5OH"]
      source: doi 10.1021/acscatal.7b03477
reactions: [AcR]
method: {calculator: mock}
spin: {clean: fixed, adsorbed: fixed}
poses: {azimuths: 1}
relaxation: {fmax: 0.2}
thermochemistry: {corrections: none}
"""


def read(text: str, folder: Path) -> CheckedCampaign:
    path = folder / "c.yaml"
    path.write_text(text, encoding="utf-8")
    return load(path, Settings())


def test_a_campaign_defines_what_no_table_has() -> None:
    campaign = parse_campaign(CAMPAIGN, "c")
    assert campaign.all_adsorbates == ("CH3CHOH", "CH3CH2O")
    own = adsorbates()["CH3CHOH"]
    assert taken_by("CH3CHOH") == 1
    assert own.composition == {"C": 2, "H": 5, "O": 1}
    assert own.bonds == ((0, 1), (0, 2), (0, 4), (1, 5), (1, 6), (1, 7), (2, 3))
    assert "CH3CHOH" not in tabulated_adsorbates()
    assert reaction("AcR").electrons == 2
    assert reaction("AcR:ethoxy").adsorbates == ("CH3CH2O",)
    change = molecule("C2H5OH").formation - molecule("CH3CHO").formation
    assert reactions()["AcR"].equilibrium_potential == pytest.approx(-change / 2)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("CH3CHOH:", "CH3CHO:", "define.adsorbates.CH3CHO: 'CH3CHO' is in the table already"),
        ("CH3CHOH:", "my adsorbate:", "is no name"),
        ("[C, C, O,", "[C, C, Og,", "symbols[2]: unknown element with a reference gas 'Og'"),
        ("        - [1.274, 0.620, 1.612]\n", "", "positions: are 7, of 8 symbols"),
        ("[1.274, 0.620, 1.612]", "[1.343, 1.665, 0.283]", "atoms 6 and 7 (H, H) are 0.10 Å apart, which no bond is"),
        (
            "      source: eth",
            "      bonds: [[0, 1]]\n      source: eth",
            "(C, O), 1.43 Å apart, are bonded; list them",
        ),
        (
            "      source: eth",
            "      modes: {end-on: [1]}\n      source: eth",
            "the atom that binds end-on comes first",
        ),
        ("      source: eth", "      modes: {sideways: [1]}\n      source: eth", "unknown binding mode 'sideways'"),
        ("      source: eth", "      modes: {side-on: [0]}\n      source: eth", "side-on binds through 2 of its atoms"),
        ("      source: eth", "      torsions: [{atoms: [0, 1]}]\n      source: eth", "write four atoms and angles"),
        ("      source: ethanol of the G2 set less one H (doi 10.1063/1.473182)\n", "", "CH3CHOH.source: is missing"),
        ("AcR:\n", "ORR:\n", "define.reactions.ORR: 'ORR' is in the table already"),
        ('CH3CHOH*", "* + C2H5OH"', 'CH3CHOH*", "* + CH3OH"', "do not all lead from the same state"),
        (
            '["* + CH3CHO", "CH3CH2O*',
            '["* + CH3CHO", "OCH3*',
            "AcR: * + CH3CHO → OCH3* does not balance in C (2 before",
        ),
        ('["* + CH3CHO", "CH3CH2O*', '["* + CH3CHO", "CH3C*', "unknown adsorbate 'CH3C'"),
        ("reactions: [AcR]", "reactions: [AcR2]", "reactions[0]: unknown reaction 'AcR2' (did you mean 'AcR'?)"),
        ("corrections: none", "corrections: norskov", "'norskov' has no value for CH3CHOH"),
    ],
)
def test_what_cannot_be_used_is_refused(old: str, new: str, message: str) -> None:
    assert CAMPAIGN.count(old) == 1
    with pytest.raises(CampaignError) as error:
        parse_campaign(CAMPAIGN.replace(old, new), "c")
    assert message in str(error.value)


def test_no_campaign_uses_what_another_defines() -> None:
    parse_campaign(CAMPAIGN, "c")
    data = yaml.safe_load(CAMPAIGN)
    del data["define"]
    data["adsorbates"] = ["CH3CHOH"]
    with pytest.raises(CampaignError) as error:
        parse_campaign(yaml.safe_dump(data), "c")
    assert "unknown adsorbate 'CH3CHOH'" in str(error.value)
    assert "unknown reaction 'AcR'" in str(error.value)


def test_keys_follow_the_whole_definition(tmp_path: Path) -> None:
    """Another geometry, bond or way to bind is another calculation and another row; another source is none."""

    def keys(text: str) -> tuple[dict[str, str], dict[str, str]]:
        checked = read(text, tmp_path)
        recipe = next(checked.recipes())
        site = catalog.build(recipe)
        requests = {
            name: checked.policy.adsorbed_requests(site, "0" * 64, 2, name)[0][0].key
            for name in checked.campaign.all_adsorbates
        }
        return requests, checked.policy_keys(recipe)

    first = keys(CAMPAIGN)
    assert keys(CAMPAIGN.replace("less one H", "without one H")) == first
    assert keys(CAMPAIGN.replace("acetaldehyde reduction", "another title")) == first
    more = "      modes: {end-on: [0], bridge: [0]}\n      source: ethanol"
    for other in (CAMPAIGN.replace("0.332]", "0.333]"), CAMPAIGN.replace("      source: ethanol", more)):
        for ours, theirs in zip(first, keys(other), strict=True):
            assert ours["CH3CHOH"] != theirs["CH3CHOH"]
    # what a table has is keyed as ever
    plain = yaml.safe_load(CAMPAIGN)
    del plain["define"]
    plain |= {"reactions": [], "adsorbates": ["CH3CH2O"]}
    for ours, theirs in zip(first, keys(yaml.safe_dump(plain)), strict=True):
        assert ours["CH3CH2O"] == theirs["CH3CH2O"]


def test_a_worker_knows_it_from_the_policy_and_the_request(tmp_path: Path) -> None:
    checked = read(CAMPAIGN, tmp_path)
    wanted, policy = adsorbates()["CH3CHOH"], json.dumps(checked.policy.to_dict())
    adsorbate_room._OWN.clear()
    again = Policy.from_dict(json.loads(policy))
    assert adsorbates()["CH3CHOH"].definition == wanted.definition
    site = catalog.build(next(checked.recipes()))
    (request, _), *_ = again.adsorbed_requests(site, "0" * 64, 2, "CH3CHOH")
    assert request.key == checked.policy.adsorbed_requests(site, "0" * 64, 2, "CH3CHOH")[0][0].key
    adsorbate_room._OWN.clear()
    assert described(request.to_dict()["subject"]).definition == wanted.definition


@pytest.mark.slow
def test_a_campaign_with_its_own_reaction_runs(tmp_path: Path, cli: Cli) -> None:
    """From the file to rows that say what they are, read by commands that never saw the file."""

    def call(*arguments: str) -> str:
        result = cli(*arguments, cwd=tmp_path)
        assert result.returncode == 0, result.stdout + result.stderr
        return result.stdout

    (tmp_path / "a.yaml").write_text(CAMPAIGN, encoding="utf-8")
    assert "AcR" in call("run", "a.yaml", "--workers", "2")
    (tmp_path / "a.yaml").unlink()
    asked = ("results", "--of", "adsorption_energies", "--where", "adsorbate = CH3CHOH", "--json")
    (row,) = json.loads(call(*asked))
    assert row["adsorbate"] == "CH3CHOH"
    (row,) = json.loads(call("results", "--where", "reaction = AcR", "--columns", "free_CH3CHOH,path", "--json"))
    assert row.keys() == {"free_CH3CHOH", "path"}
    assert "AcR, acetaldehyde reduction to ethanol" in call("explain", "acetaldehyde", "Co", "AcR")
    with Results.open(tmp_path / "atomsieve-data") as results:
        (result,) = results.where(reaction="AcR").documents()
        (energy,) = results.of("adsorption_energies").where(adsorbate="CH3CHOH").documents()
    assert result["definition"]["routes"]["ethoxy"] == ["* + CH3CHO", "CH3CH2O*", "* + C2H5OH"]
    assert energy["policy"]["definition"]["symbols"] == ["C", "C", "O", "H", "H", "H", "H", "H"]

    other = CAMPAIGN.replace("0.332]", "0.333]").replace("name: acetaldehyde", "name: other")
    (tmp_path / "b.yaml").write_text(other, encoding="utf-8")
    refused = cli("run", "b.yaml", cwd=tmp_path)
    assert refused.returncode == 2
    assert "'CH3CHOH' is defined otherwise in results of acetaldehyde in this database" in refused.stderr
