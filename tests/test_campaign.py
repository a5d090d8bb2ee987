"""Campaign files: each of many mistakes gets the message that mends it."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from atomsieve.builders.catalog import build, recipes
from atomsieve.structures.campaign import campaign_from_data
from atomsieve.structures.errors import CampaignError, InputError
from atomsieve.workflows.campaign_check import check
from atomsieve.workflows.campaigns import CheckedCampaign, load
from atomsieve.workflows.folder import Folder
from atomsieve.workflows.plan import Planner
from atomsieve.workflows.screen import closed_text
from atomsieve.workflows.settings import Settings
from atomsieve.workflows.template import TEMPLATE, write_template

GOOD = """\
name: good
sites:
  - family: graphene
    metals: [Co, Ni]
    coordination: [N4, N2C2]
  - family: porphine
    metals: Co
reactions: [ORR, OER, HER]
method: {calculator: mock}
"""


def read(text: str, folder: Path) -> CheckedCampaign:
    path = folder / "c.yaml"
    path.write_text(text, encoding="utf-8")
    return load(path, Settings())


def test_lists_mean_every_combination(tmp_path: Path) -> None:
    checked = read(GOOD, tmp_path)
    recipes = list(checked.recipes())
    graphene = [(r["metals"], r["coordination"]) for r in recipes if r["family"] == "graphene"]
    assert graphene == [
        ([metal], shell) for metal in ("Co", "Ni") for shell in ("N4", "N2C2-cis5", "N2C2-trans", "N2C2-cis6")
    ]
    assert [r["metals"] for r in recipes if r["family"] == "porphine"] == [["Co"]]
    assert set(checked.campaign.all_adsorbates) == {"OH", "O", "OOH", "H"}
    assert checked.gases == ("H2", "H2O")


def test_files_are_looked_for_beside_the_campaign(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "elsewhere").mkdir()
    site = build(next(recipes({"family": "porphine", "metals": "Co"})))
    site.atoms.write(tmp_path / "mine.xyz")
    (tmp_path / "at@home").mkdir()
    site.atoms.write(tmp_path / "at@home" / "mine.xyz")
    monkeypatch.chdir(tmp_path / "elsewhere")
    entry = "  - {family: structure, file: mine.xyz, metals: [as given, Fe]}\n"
    text = GOOD.replace("  - family: porphine\n    metals: Co\n", entry)
    found = [recipe for recipe in read(text, tmp_path).recipes() if recipe["family"] == "structure"]
    assert [recipe["metals"] for recipe in found] == [["Co"], ["Fe"]]
    for name in ("at@home/mine.xyz", "at@home/mine.xyz@0"):
        entries = read(text.replace("mine.xyz", name), tmp_path).campaign.sites
        assert entries[1]["file"]["numbers"] == site.atoms.numbers.tolist()
    # what is kept of the campaign stands on its own, also where the file is gone
    data = read(text, tmp_path).campaign.model_dump(mode="json", exclude_unset=True)
    (tmp_path / "mine.xyz").unlink()
    again = check(campaign_from_data(json.loads(json.dumps(data)), "kept"), "kept", Folder(tmp_path))
    assert [recipe for recipe in again.recipes() if recipe["family"] == "structure"] == found
    with pytest.raises(CampaignError, match=r"sites\[1\].file: .*other.xyz"):
        read(text.replace("mine.xyz", "other.xyz"), tmp_path)


def test_the_same_site_twice_is_one_site(tmp_path: Path) -> None:
    twice = GOOD.replace("  - family: porphine\n    metals: Co\n", "  - {family: graphene, metals: Co}\n")
    assert len(list(read(twice, tmp_path).recipes())) == 8


# what is wrong, the text that replaces a part of the good file, and the message it must give
MALFORMED = [
    ("metals: [Co, Ni]", "metals: [Feo, Ni]", "sites[0].metals[0]: unknown metal 'Feo' (did you mean 'Fe'?)"),
    ("metals: [Co, Ni]", "metals: [Co, No]", "sites[0].metals[1]: No is not a transition metal"),
    ("metals: [Co, Ni]", "metals: []", "sites[0].metals: is empty"),
    ("metals: [Co, Ni]", "metal: [Co, Ni]", "sites[0].metal: unknown key 'metal' (did you mean 'metals'?)"),
    ("    metals: Co\n", "", "sites[1].metals: is missing"),
    ("family: porphine", "family: porphin", "sites[1].family: unknown family 'porphin' (did you mean 'porphine'?)"),
    ("[N4, N2C2]", "[N4, N5]", "sites[0].coordination[1]: 'N5' names 5 atoms; write 3 (single vacancy) or 4"),
    ("    coordination: [N4, N2C2]", "    supercell: 2x2", "sites[0].supercell: "),
    ("    coordination: [N4, N2C2]", "    vacuum: 3", "sites[0].vacuum: "),
    ("reactions: [ORR, OER, HER]", "reactions: [ORR, ORE]", "reactions[1]: unknown reaction 'ORE' (did you mean"),
    ("reactions: [ORR, OER, HER]", "reactions: []", "reactions: is empty, and so is adsorbates; name at least one"),
    ("reactions: [ORR, OER, HER]", "adsorbates: [HO]", "adsorbates[0]: unknown adsorbate 'HO' (did you mean"),
    (
        "calculator: mock",
        "calculator: gfn1xtb",
        "method.calculator: unknown calculator 'gfn1xtb' (did you mean 'gfn1-xtb'",
    ),
    ("calculator: mock", "calculator: mock, settings: {speed: 1}", "method.settings.speed: unknown setting of mock"),
    (
        "calculator: mock",
        "calculator: gfn1-xtb, settings: {electronic_temperature: -5}",
        "method.settings.electronic_temperature: -5 is out of range",
    ),
    ("calculator: mock", "calculator: emt", "sites[0].metals[0]: emt does not know 'Co'; it knows Ag, Al, Au, C, Cu"),
    (
        "method: {calculator: mock}",
        "methods: {calculator: mock}",
        "methods: unknown key 'methods' (did you mean 'method'?)",
    ),
    ("method: {calculator: mock}", "", "method: is missing; add it"),
    ("name: good", "name: so good", "name: 'so good' is not a name; allowed: up to 64 letters"),
    (
        "name: good",
        "name: good\nname: better",
        "line 2, column 1: not readable as YAML: the key 'name' is written twice",
    ),
    ("name: good", "name: [good", "line 2, column 6: not readable as YAML"),
    (
        "name: good",
        "name: good\nspin: {clean: 0}",
        "spin.clean: 0 is not allowed; allowed: 'scan', 'fixed', or a whole number from 1 to 6",
    ),
    ("name: good", "name: good\nspin: {adsorbed: all}", "spin.adsorbed: 'all' is not allowed; allowed: 'inherit'"),
    ("name: good", "name: good\nrelaxation: {fmax: 2}", "relaxation.fmax: 2 is out of range; allowed: <= 0.5"),
    (
        "name: good",
        "name: good\nrelaxation: {optimizer: BGFS}",
        "relaxation.optimizer: unknown value 'BGFS' (did you mean 'BFGS'?); allowed: BFGS, LBFGS, FIRE",
    ),
    ("name: good", "name: good\nposes: {tilts: []}", "poses.tilts: has 0 entries"),
    (
        "name: good",
        "name: good\nposes: {torsions: every}",
        "poses.torsions: unknown value 'every'; allowed: start, all",
    ),
    (
        "name: good",
        "name: good\nadsorbates: [OH, N2]",
        "thermochemistry.corrections: 'norskov' has no value for N2; allowed here: harmonic, quasi-harmonic, none",
    ),
    ("name: good", "name: good\nadsorbates: [NO]", "thermochemistry.corrections: 'norskov' has no value for NO"),
    (
        "name: good",
        "name: good\nconditions: {temperature: 350}",
        "conditions.temperature: 350.0 K, but all tabulated free energies hold at 298.15 K only",
    ),
    (
        "name: good",
        "name: good\nthermochemistry: {corrections: peterson}",
        "thermochemistry.corrections: 'peterson' has no value for OOH; allowed here: norskov, harmonic, "
        "quasi-harmonic, none",
    ),
    (
        "name: good",
        "name: good\nthermochemistry: {corrections: none, solvation: table}",
        "thermochemistry.solvation: 'table' needs a table",
    ),
    ("name: good", "name: good\nresults: {database: mongo}", "results.database: "),
    (GOOD, "", "is empty; it must be a mapping"),
    (GOOD, "- a\n- b\n", "is a list; it must be a mapping"),
]


@pytest.mark.parametrize(
    ("old", "new", "message"), MALFORMED, ids=[new.strip()[:40] or old[:20] for old, new, _ in MALFORMED]
)
def test_a_mistake_is_named_with_its_place_and_its_remedy(old: str, new: str, message: str, tmp_path: Path) -> None:
    assert old in GOOD
    with pytest.raises(CampaignError) as caught:
        read(GOOD.replace(old, new, 1), tmp_path)
    lines = str(caught.value).splitlines()
    assert all(line.startswith(f"{tmp_path / 'c.yaml'}: ") for line in lines)
    assert any(line.removeprefix(f"{tmp_path / 'c.yaml'}: ").startswith(message) for line in lines), lines


def test_all_mistakes_come_at_once(tmp_path: Path) -> None:
    bad = GOOD.replace("[Co, Ni]", "[Cx, Ni, Nj]").replace("mock", "mocc")
    with pytest.raises(CampaignError) as caught:
        read(bad, tmp_path)
    assert [problem.path for problem in caught.value.problems] == [
        "sites[0].metals[0]",
        "sites[0].metals[2]",
        "method.calculator",
    ]


def test_yaml_cannot_run_code(tmp_path: Path) -> None:
    with pytest.raises(CampaignError, match="not readable as YAML"):
        read(f"name: !!python/object/apply:os.mkdir [{tmp_path / 'harm'}]\n", tmp_path)
    assert not (tmp_path / "harm").exists()


def test_a_missing_file_says_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="atomsieve new NAME"):
        load(tmp_path / "absent.yaml", Settings())


def test_the_template_is_a_campaign(tmp_path: Path) -> None:
    path = write_template("mine", tmp_path)
    assert load(path, Settings()).campaign.name == "mine"
    with pytest.raises(InputError, match="exists"):
        write_template("mine", tmp_path)
    assert path.read_text(encoding="utf-8") == TEMPLATE.format(name="mine")


def test_the_commented_keys_of_the_template_work_too(tmp_path: Path) -> None:
    lines = []
    for line in TEMPLATE.format(name="all").splitlines():
        body = line.lstrip().removeprefix("# ")
        is_key = (
            line.lstrip().startswith("# ") and body.lstrip().split(":")[0].strip(" -").isidentifier() and ": " in body
        )
        is_section = re.fullmatch(r"# \w+:", line.lstrip()) is not None
        indent = len(line) - len(line.lstrip())
        lines.append(" " * indent + body if is_section or (is_key and not body[0].isupper()) else line)
    text = "\n".join(lines)
    assert "\n    dopants" in text
    assert "\nresults:" in text
    build(next(recipes({"family": "porphine", "metals": "Co"}))).atoms.write(tmp_path / "mine.xyz")
    checked = read(text.replace("mine.cif", "mine.xyz"), tmp_path)
    found = [recipe["family"] for recipe in checked.recipes()]
    # the porphine also with OH and with O on its far face; the graphene sites carry OH there already
    assert found == ["graphene"] * 3 + ["graphene-dual", *["porphine"] * 3, "structure"]
    assert checked.folder.root == tmp_path / "all-data"


def test_policy_keys_do_not_depend_on_what_cannot_change_the_answer(tmp_path: Path) -> None:
    first, second, third = (
        read(GOOD + extra, tmp_path)
        for extra in ("", "relaxation: {max_steps: 17, optimizer: FIRE}\n", "relaxation: {fmax: 0.02}\n")
    )
    recipe = next(first.recipes())
    assert first.policy_keys(recipe) == second.policy_keys(recipe)
    assert set(first.policy_keys(recipe).values()).isdisjoint(third.policy_keys(recipe).values())


def test_a_plan_names_the_sites_without_an_open_way(tmp_path: Path) -> None:
    closed = "  - {family: Zn4O-node, metals: Co}\n"
    made = Planner(read(GOOD.replace("  - family: porphine\n    metals: Co\n", closed), tmp_path), None).plan()
    assert made.closed == ["Co@Zn4O-node"]
    assert closed_text(made).endswith(": Co@Zn4O-node")
    # what needs two metals, or an oxide of a node, says nothing of the way to a metal
    other = GOOD.replace(
        "reactions: [ORR, OER, HER]", "adsorbates: [OH, CO.CHO, Vo]\nthermochemistry: {corrections: none}"
    )
    assert not Planner(read(other, tmp_path), None).plan().closed
