"""What `atomsieve explain` prints adds up again, and says where each number comes from."""

from __future__ import annotations

import io
import json
import random
import re
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from rich.console import Console

from atomsieve.analysis.account import account
from atomsieve.analysis.electrode import limiting_potential
from atomsieve.analysis.surroundings import Surroundings, surroundings
from atomsieve.structures.energies import AdsorptionEnergy, SiteLabel, Term
from atomsieve.structures.errors import InputError
from atomsieve.structures.limiting import LimitingPotential
from atomsieve.structures.method import Method
from atomsieve.structures.reaction import reaction
from atomsieve.workflows import explaining, reckoning, sums

Cli = Callable[..., subprocess.CompletedProcess[str]]

METHOD = Method("gfn1-xtb", {"etemp": 300}, "semiempirical").to_dict()
SITE = SiteLabel("Fe-N4@graphene-4x4", "ab" * 32, "graphene", ("Fe",))
PLAIN = {"temperature": 298.15, "pH": 0, "potential": 0.0, "scale": "RHE"}
ALKALINE = {"temperature": 298.15, "pH": 13, "potential": -0.5, "scale": "SHE"}
#: A number that stands in a sum, with the brackets of a negative one.
NUMBER = r"\(?-?\d+\.\d{4}\)?"


def rows_for(name: str, missing: tuple[str, ...] = (), seed: int = 3) -> dict[str, AdsorptionEnergy]:
    """Return rows of energies with more decimals than are printed, in several terms each."""
    rng = random.Random(seed)
    found = {}
    for adsorbate in reaction(name).adsorbates:
        terms = (
            Term(f"E({adsorbate}*)", "electronic", -200 - rng.random() * 9.87654321, "ef" * 32),
            Term("-E(*)", "electronic", 190.123456789, "cd" * 32),
            Term("-1 E(H2O)", "electronic", 14.2222222 - rng.random(), "12" * 32),
            Term(f"ΔG-ΔE({adsorbate}*)", "correction", 0.33335, "doi 10.1021/jp047349j"),
        )
        found[adsorbate] = AdsorptionEnergy(
            site=SITE,
            adsorbate=adsorbate,
            method=METHOD,
            policy={"corrections": "norskov", "solvation": "none", "temperature": 298.15},
            terms=() if adsorbate in missing else terms,
            verdict="dissociated" if adsorbate in missing else "bound",
            reason="N-N 2.90 Å" if adsorbate in missing else "Fe-N 1.87 Å",
            calculations={"clean": "cd" * 32},
            considered=({"key": "ef" * 32, "role": "adsorbed", "status": "done", "reason": "", "verdict": "bound"},),
            multiplicity={"clean": 3, "adsorbed": 2},
        )
    return found


def potential_of(
    name: str, rows: dict[str, AdsorptionEnergy], conditions: dict[str, Any]
) -> tuple[LimitingPotential, Surroundings]:
    around = surroundings(conditions)
    made = limiting_potential(reaction(name), rows, site=SITE, method=METHOD, conditions=conditions, around=around)
    return made, around


def shown(
    potential: LimitingPotential,
    rows: dict[str, AdsorptionEnergy],
    around: Surroundings,
    number: int = 1,
    width: int = 160,
) -> str:
    out = Console(file=io.StringIO(), width=width, highlight=False, no_color=True)
    reckoning.show_account(
        out, potential, rows, around, account(potential, rows, around, number=number, decimals=sums.DECIMALS)
    )
    assert isinstance(out.file, io.StringIO)
    return out.file.getvalue()


def value_of(expression: str) -> float:
    """Work out a printed sum, as a reader does: what is no number or sign is only said."""
    bare = (
        re.sub(r"Δ?G\([^)]*\)", "", expression)
        .replace("(pH)", "")
        .replace("×", "*")
        .replace("[", "(")
        .replace("]", ")")
    )
    assert re.fullmatch(r"[-+*/(). \d]+", bare), expression
    return float(eval(bare))


def readd(text: str) -> int:
    """Add up again all that is printed; return how many sums there were."""
    seen, running = 0, []
    totals: dict[str, float] = {}
    section = ""
    for line in text.splitlines():
        if not line.startswith(" "):
            section = line.partition(" ")[0]
        elif section in ("Free", "Adsorbates", "Molecules"):
            match = re.match(r"  (\S.*?)  +(-?\d+\.\d{4})(?:  |$)", line)
            assert match is not None, line
            if re.fullmatch(r"Δ?G\([^ ]+\)", match[1]):
                totals[match[1]] = float(match[2])
                if running:
                    assert float(match[2]) == pytest.approx(sum(running), abs=1e-9), line
                    seen, running = seen + 1, []
            else:
                running.append(float(match[2]))
        elif section == "States":
            match = re.match(rf" +\d+  .*?  +({NUMBER})  = (.*)", line)
            assert match is not None, line
            assert float(match[1]) == pytest.approx(value_of(match[2]), abs=1e-9), line
            for name, value in re.findall(rf"(Δ?G\([^)]+\)) ({NUMBER})", match[2]):
                assert totals[name] == float(value), line
            seen += 1
        elif section in ("Steps", "Side") and " → " in line:
            for value, expression in re.findall(rf"({NUMBER})  = ([-+×(). \dpH]+?)(?:  |$)", line):
                assert float(value) == pytest.approx(value_of(expression), abs=1e-9), line
                seen += 1
        elif match := re.match(rf"  (?:U_L|U°|η) = (.*) = ({NUMBER}) V", line):
            assert float(match[2]) == pytest.approx(value_of(match[1].split(" = ")[-1]), abs=0.51e-4), line
            seen += 1
    return seen


@pytest.mark.parametrize("conditions", [PLAIN, ALKALINE], ids=["plain", "alkaline"])
@pytest.mark.parametrize("name", ["ORR", "OER", "HER", "NRR", "NO3RR", "NRR:distal+alternating"])
def test_what_is_printed_adds_up(name: str, conditions: dict[str, Any]) -> None:
    rows = rows_for(name)
    potential, around = potential_of(name, rows, conditions)
    text = shown(potential, rows, around)
    states, steps = len(potential.states), len(potential.steps)
    sums_of_rows = len({a for state in potential.states for a in re.findall(r"(\S+)\*", state["text"])})
    assert readd(text) >= sums_of_rows + states + steps + 3
    # and what adds up is what is stored
    for quantity, stored in (("U_L", potential.limiting_potential), ("U°", potential.equilibrium_potential)):
        printed = re.search(rf"  {quantity} = .* = ({NUMBER}) V", text)
        assert printed is not None
        assert stored is not None
        assert float(printed[1]) == pytest.approx(stored, abs=5e-4)
    for step in potential.potential_determining_steps:
        assert any(line.strip().startswith(step) and "potential-determining" in line for line in text.splitlines())
    assert "pre-screening, not predictive" in text
    assert "2S+1 = 3 (clean), 2S+1 = 2 (adsorbed)" in text
    assert "calculation efefefef " in text
    assert "doi 10.1021/jp047349j" in text


def test_exact_sums_are_those_of_the_record() -> None:
    rows = rows_for("NO3RR")
    potential, around = potential_of("NO3RR", rows, ALKALINE)
    exact = account(potential, rows, around)
    assert exact.limiting_potential == pytest.approx(potential.limiting_potential, abs=1e-12)
    assert exact.overpotential == pytest.approx(potential.overpotential, abs=1e-12)
    assert exact.equilibrium_potential == pytest.approx(potential.equilibrium_potential, abs=1e-12)
    for step, stored in zip(exact.steps, potential.steps, strict=True):
        assert (step.text, step.electrons, step.protons) == (stored.text, stored.electrons, stored.protons)
        assert step.free_at_zero == pytest.approx(stored.free_at_zero, abs=1e-12)
        assert step.free == pytest.approx(stored.free, abs=1e-12)
    for steps, side in zip(exact.leaves.values(), potential.side_products, strict=True):
        assert steps[-1].free == pytest.approx(side.free, abs=1e-12)


def test_what_paths_are_ranked_by_is_shown() -> None:
    level = dict.fromkeys(reaction("NRR:distal+alternating").adsorbates, 0.0) | {"N2": 0.7, "NNH": 1.0}
    rows = {name: _with_free(row, level[name]) for name, row in rows_for("NRR:distal+alternating").items()}
    potential, around = potential_of("NRR:distal+alternating", rows, PLAIN)
    # N2* lies 0.7 eV above N2, which the step to NNH* has to pay for
    exact = account(potential, rows, around)
    assert exact.toll == pytest.approx(1.0)
    assert exact.limiting_potential == pytest.approx(-0.3)
    assert "ranked by 1.0000 eV" in shown(potential, rows, around)


def test_calculated_molecules_leave_the_equilibrium_potential_measured() -> None:
    rows = rows_for("NRR")
    terms = (Term("E(NH3)", "electronic", -0.1499999, "aa" * 32), Term("ZPE(NH3)", "zpe", -0.0333333, "ab" * 32))
    around = surroundings(PLAIN, {"NH3": terms})
    potential = limiting_potential(reaction("NRR"), rows, site=SITE, method=METHOD, conditions=PLAIN, around=around)
    measured, _ = potential_of("NRR", rows, PLAIN)
    text = shown(potential, rows, around)
    assert readd(text) > 20
    exact = account(potential, rows, around)
    assert exact.equilibrium_potential == pytest.approx(measured.equilibrium_potential, abs=1e-9)
    assert "ZPE(NH3)" in text
    printed = re.search(rf"closure: ({NUMBER}) \(the path\) - ({NUMBER}) \(measured\) = ({NUMBER}) eV", text)
    assert printed is not None
    whole, total, residual = (float(value.strip("()")) for value in printed.groups())
    assert residual == pytest.approx(whole - total, abs=1e-9)
    assert residual == pytest.approx(potential.closure, abs=5e-4)


def test_alternatives_are_shown_by_their_number() -> None:
    # intermediates of all routes alike: many paths are as good as the best
    rows = rows_for("NRR")
    level = dict.fromkeys(rows, 1.0) | {"NH2": 0.5, "NH3": 0.2, "NNH": 2.0, "NNH-side": 2.0}
    rows = {name: _with_free(row, level[name]) for name, row in rows.items()}
    potential, around = potential_of("NRR", rows, PLAIN)
    assert potential.alternatives
    text = shown(potential, rows, around, number=2)
    second = potential.alternatives[0]
    assert f"path {second['path']}, number 2 of {potential.paths}" in text
    printed = re.search(rf"U_L = .* = ({NUMBER}) V", text)
    assert printed is not None
    assert float(printed[1]) == pytest.approx(second["limiting_potential"], abs=5e-4)
    assert readd(text)
    with pytest.raises(InputError, match=f"allowed: 1 to {1 + len(potential.alternatives)}"):
        account(potential, rows, around, number=99)


def _with_free(row: AdsorptionEnergy, free: float) -> AdsorptionEnergy:
    return replace(row, terms=(Term(f"E({row.adsorbate}*)", "electronic", free, "ef" * 32),))


def test_what_is_missing_is_named_with_the_reason() -> None:
    rows = rows_for("NRR", missing=("NNH2", "NH2"))
    potential, around = potential_of("NRR", rows, PLAIN)
    assert potential.limiting_potential is None
    text = shown(potential, rows, around)
    assert "U_L is undetermined" in text
    assert "ΔG(NH2*) is unknown: dissociated: N-N 2.90 Å" in text
    assert "route distal lacks NNH2*, NH2*" in text
    assert "U° = " in text
    # a route that does not need it is still determined
    rows = rows_for("NRR", missing=("NNH2",))
    potential, around = potential_of("NRR", rows, PLAIN)
    text = shown(potential, rows, around)
    assert re.search(rf"U_L = .* = {NUMBER} V", text)
    assert f"Undetermined: {potential.undetermined_paths} of {potential.paths} paths" in text
    assert "NNH2*: dissociated (N-N 2.90 Å)" in text


@pytest.mark.parametrize("width", [60, 80, 200])
def test_no_number_is_cut_at_any_width(width: int) -> None:
    rows = rows_for("NO3RR")
    potential, around = potential_of("NO3RR", rows, ALKALINE)
    text = shown(potential, rows, around, width=width)
    assert max(len(line) for line in text.splitlines()[2:]) <= width
    joined = re.sub(r"\s+", " ", text)
    for row in rows.values():
        if row.adsorbate in {a for state in potential.states for a in re.findall(r"(\S+)\*", state["text"])}:
            for term in row.terms:
                assert f"{term.value:.4f}" in joined
    assert "…" not in text


def levels(*names: str) -> Any:
    """Return a campaign of two sites, as far as a choice needs it."""
    rows = rows_for("ORR") | rows_for("HER")
    sites = []
    for label, key in (("Fe-N4@graphene-4x4", "ab" * 32), ("Fe-N3@graphene-4x4", "ac" * 32))[: len(names)]:
        site = SiteLabel(label, key, "graphene", ("Fe",))
        own = {name: replace(row, site=site) for name, row in rows.items()}
        potentials = tuple(
            limiting_potential(reaction(name), own, site=site, method=METHOD, conditions=PLAIN) for name in names
        )
        sites.append(SimpleNamespace(rows=own, potentials=potentials, around=surroundings(PLAIN)))
    return [(SimpleNamespace(surroundings=surroundings(PLAIN)), sites, None)]


def test_sites_are_found_by_what_is_written_of_them() -> None:
    found = levels("ORR", "HER")
    for text in ("Fe-N4@graphene-4x4", "Fe-N4", "fe-n4@", "ab" * 32, "abab"):
        chosen = explaining.choose(found, text, "ORR")
        assert chosen.site.label == "Fe-N4@graphene-4x4"
        assert chosen.potential is not None
        assert chosen.potential.reaction == "ORR"
    row = explaining.choose(found, "Fe-N3", "OH*")
    assert row.potential is None
    assert list(row.rows) == ["OH"]
    assert list(explaining.choose(found, "Fe-N3", "OH").rows) == ["OH"]
    one = [(found[0][0], found[0][1][:1], None)]
    assert explaining.choose(one, None, "HER").potential.reaction == "HER"
    assert explaining.choose(one, "HER", None).potential.reaction == "HER"
    single = levels("ORR")
    assert explaining.choose(single, None, None).potential.reaction == "ORR"


def test_what_cannot_be_found_is_answered_with_the_nearest() -> None:
    found = levels("ORR", "HER")
    for site, what, message in (
        ("Fe-N", "ORR", r"'Fe-N' may be 2 sites: Fe-N3@graphene-4x4 \[acacacac\].*write more of it"),
        ("Fe-N5", "ORR", "no site 'Fe-N5' among 2; nearest: Fe-N"),
        (None, "ORR", "which of 2 sites"),
        ("Fe-N4", None, "what of Fe-N4@graphene-4x4. name one of ORR, HER, OOH"),
        ("Fe-N4", "ORRR", "unknown reaction or adsorbate.*did you mean 'ORR'"),
    ):
        with pytest.raises(InputError, match=message):
            explaining.choose(found, site, what)
    with pytest.raises(InputError, match="no results yet"):
        explaining.choose([], None, None)


SMALL = """\
name: small
sites: [{family: graphene, metals: [Fe]}]
reactions: [NRR, "NRR:distal"]
method: {calculator: mock}
spin: {clean: 1}
relaxation: {max_steps: 60}
poses: {most: 1}
thermochemistry: {corrections: none}
"""


@pytest.mark.slow
def test_a_campaign_over_a_network_is_explained_filtered_and_drawn(tmp_path: Path, cli: Cli) -> None:
    """Names with a colon go through every command; what is explained is what the results say."""
    (tmp_path / "small.yaml").write_text(SMALL, encoding="utf-8")
    run = cli("run", "small.yaml", "--workers", "2", cwd=tmp_path, NO_COLOR="1")
    assert run.returncode == 0, run.stdout + run.stderr
    rows = json.loads(cli("results", "small", "--json", "--sort", "desorption", cwd=tmp_path).stdout)
    assert {row["reaction"] for row in rows} == {"NRR", "NRR:distal", "HER"}
    distal = next(row for row in rows if row["reaction"] == "NRR:distal")
    assert distal["path"] == "distal"
    assert distal["desorption"]["step"]
    assert "free_OOH" not in distal
    text = cli("explain", "small", "NRR:distal", cwd=tmp_path).stdout
    assert readd(text) > 20
    printed = re.search(rf"U_L = .* = ({NUMBER}) V", text)
    assert printed is not None
    assert float(printed[1]) == pytest.approx(distal["limiting_potential"], abs=5e-4)
    assert "\x1b" not in text
    whole = json.loads(cli("explain", "small", "Fe-N4", "NRR", "--json", cwd=tmp_path).stdout)
    assert whole["account"]["limiting_potential"] == pytest.approx(whole["limiting_potential"])
    row = whole["rows"]["NNH"]
    assert sum(term["value"] for term in row["terms"]) == pytest.approx(row["free"])
    assert len(next(term["source"] for term in row["terms"])) == 64
    alone = cli("explain", "small", "Fe-N4", "NNH*", cwd=tmp_path).stdout
    assert readd(alone) == 1
    assert "Calculations that were tried" in alone
    reports = tmp_path / "atomsieve-data" / "reports" / "small"
    assert (reports / "free-energy-NRR_distal.svg").exists()
    wrong = cli("explain", "small", "Fe-N4", "NRRR", cwd=tmp_path)
    assert wrong.returncode == 2
    assert "did you mean 'NRR'" in wrong.stderr
