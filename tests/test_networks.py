"""All networks at once with the mock: what a campaign finds, redone by hand, and taken in again from a table."""

from __future__ import annotations

import csv
import itertools
import json
import shutil
import subprocess
from collections import defaultdict
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from atomsieve.analysis.database import Database
from atomsieve.structures.reaction import reaction, reactions

pytestmark = pytest.mark.slow

Cli = Callable[..., subprocess.CompletedProcess[str]]

SITES = """\
sites:
  - family: graphene
    metals: [Sc, Ti, V, Cr, Mn, Fe, Co, Ni, Cu, Zn, Y, Zr, Nb, Mo, Tc, Ru, Rh, Pd, Ag, Cd, Hf, Ta, W, Re, Os, Ir, Pt,
             Au, Hg]
  - family: graphene-dual
    metals: [Fe-Co, Fe-Ni, Fe-Cu, Co-Ni, Co-Cu, Ni-Cu, Mn-Fe, Mn-Co, Cr-Fe, Zn-Fe, Zn-Co, Cu-Zn, Ru-Fe, Ru-Co, Pd-Ni,
             Pt-Ni, Pd-Fe]
  - {family: oxo-trimer, metals: [Fe, Cr], partners: V, terminals: OH}
  - {family: oxo-trimer, metals: [Ti, Cr], partners: Ti, terminals: OH}
"""
HOW = """\
method: {calculator: mock}
spin: {clean: fixed, adsorbed: fixed}
poses: {most: 1}
relaxation: {fmax: 0.1, max_steps: 60, ladder: false}
"""
FILE = f"name: networks\n{SITES}reactions: [{', '.join(reactions())}]\n{HOW}thermochemistry: {{corrections: none}}\n"
NUMBER = 50

#: E° of 2 CO2, N2, NO3- and O2, V, pH 0; free energies against H2, H2O, CO2 and N2 follow (NASA and OBIGT data).
METHANE, OXYGEN = -8 * 0.1690, 4 * 1.2289
AMMONIUM = -3 * 0.2745
NITRATE = 8 * 0.8809 + AMMONIUM


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory, cli: Cli) -> Path:
    """Return a folder in which the campaign has been run."""
    folder = tmp_path_factory.mktemp("networks")
    ran(folder, FILE, cli)
    return folder


def ran(folder: Path, text: str, cli: Cli) -> str:
    (folder / "file.yaml").write_text(text, encoding="utf-8")
    result = cli("run", "file.yaml", "--workers", "2", cwd=folder, NO_COLOR="1")
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout


def documents(folder: Path, collection: str, **criteria: Any) -> list[dict[str, Any]]:
    with Database.embedded(folder / "atomsieve-data" / "atomsieve.sqlite") as database:
        return list(getattr(database, collection).query({**criteria}))


def raw(folder: Path) -> tuple[dict[str, float], dict[str, float]]:
    """Return the stored energies by key, and those of the gases by name."""
    found = documents(folder, "calculations", status="done")
    energies = {entry["key"]: float(entry["energy"]) for entry in found}
    gases = {entry["request"]["subject"].get("molecule"): float(entry["energy"]) for entry in found}
    return energies, gases


def test_every_network_is_determined_somewhere_and_closes(whole: Path) -> None:
    found = documents(whole, "reaction_results")
    assert len(found) == NUMBER * len(reactions())
    determined: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for entry in found:
        if entry["limiting_potential"] is not None:
            determined[entry["reaction"]].append(entry)
    assert {name: len(own) for name, own in determined.items()}.keys() == set(reactions())
    for name, own in determined.items():
        electrons = reaction(name).electrons
        for entry in own:
            # at pH 0 nothing but electrons feels a potential: the steps add up to the experimental whole
            total = sum(step["free_at_zero"] for step in entry["steps"])
            assert total == pytest.approx(-electrons * entry["equilibrium_potential"], abs=1e-9)
            assert entry["states"][-1]["free"] - entry["states"][0]["free"] == pytest.approx(total, abs=1e-9)
            pairs = [s["free_at_zero"] / s["electrons"] for s in entry["steps"] if s["electrons"] == s["protons"] != 0]
            hardest = -max(pairs) if electrons > 0 else -min(pairs)
            assert entry["limiting_potential"] == pytest.approx(hardest, abs=1e-9)
            assert -6 < entry["limiting_potential"] < 6


def test_what_is_undetermined_names_what_is_missing(whole: Path) -> None:
    rows = {(row["site"]["key"], row["adsorbate"]): row for row in documents(whole, "adsorption_energies")}
    undetermined = [entry for entry in documents(whole, "reaction_results") if entry["limiting_potential"] is None]
    assert undetermined
    for entry in undetermined:
        assert entry["undetermined"]
        assert entry["missing"]
        for name, reason in entry["missing"].items():
            assert rows[entry["site"]["key"], name]["free"] is None
            assert rows[entry["site"]["key"], name]["verdict"] in reason
            assert f"{name}*" in entry["undetermined"]
    bound = [row for row in rows.values() if row["verdict"] == "bound"]
    assert len(bound) > 0.6 * len(rows)
    for row in bound:
        assert sum(term["value"] for term in row["terms"]) == pytest.approx(row["free"], abs=1e-9)


def test_nothing_is_computed_twice_and_all_commands_know_the_networks(whole: Path, cli: Cli) -> None:
    starts = (whole / "atomsieve-data" / "starts.log").read_text()
    said = ran(whole, FILE, cli)
    assert "everything was there already; nothing was computed" in said
    assert (whole / "atomsieve-data" / "starts.log").read_text() == starts
    drawn = [line for line in said.splitlines() if line.startswith("plot: ")]
    assert all(any(f"free-energy-{name}.png" in line for line in drawn) for name in reactions())
    rows = json.loads(cli("results", "networks", "--json", cwd=whole).stdout)
    assert len(rows) == NUMBER * len(reactions())
    told = cli("explain", "networks", "FeCo-N6@graphene-5x5", "CO2RR-CH4", cwd=whole)
    assert told.returncode == 0, told.stderr
    assert "COOH*" in told.stdout


# What each adsorbate is made of: H2, H2O, CO2, N2.
MADE_OF = {
    "O": (-1.0, 1, 0, 0.0), "OH": (-0.5, 1, 0, 0.0), "OOH": (-1.5, 2, 0, 0.0),
    "COOH": (0.5, 0, 1, 0.0), "CO": (1.0, -1, 1, 0.0), "CHO": (1.5, -1, 1, 0.0), "CH2O": (2.0, -1, 1, 0.0),
    "OCH3": (2.5, -1, 1, 0.0),
    "NO3": (-3.0, 3, 0, 0.5), "NO3H": (-2.5, 3, 0, 0.5), "NO2": (-2.0, 2, 0, 0.5), "NO2H": (-1.5, 2, 0, 0.5),
    "NO": (-1.0, 1, 0, 0.5), "NOH": (-0.5, 1, 0, 0.5), "N": (0.0, 0, 0, 0.5), "NH": (0.5, 0, 0, 0.5),
    "NH2": (1.0, 0, 0, 0.5), "NH3": (1.5, 0, 0, 0.5),
}  # fmt: skip
# Each route as states: an adsorbate (None for the bare site), the free energy of the free molecules, eV.
ROUTES: dict[str, list[tuple[str | None, float]]] = {
    "OER": [(None, 0.0), ("OH", 0.0), ("O", 0.0), ("OOH", 0.0), (None, OXYGEN)],
    "CO2RR-CH4:CHO": [
        (None, 0.0), ("COOH", 0.0), ("CO", 0.0), ("CHO", 0.0), ("CH2O", 0.0), ("OCH3", 0.0), ("O", METHANE),
        ("OH", METHANE), (None, METHANE),
    ],
    "NO3RR:NOH": [
        (None, NITRATE), ("NO3", 0.0), ("NO3H", 0.0), ("NO2", 0.0), ("NO2H", 0.0), ("NO", 0.0), ("NOH", 0.0),
        ("N", 0.0), ("NH", 0.0), ("NH2", 0.0), ("NH3", 0.0), (None, AMMONIUM),
    ],
}  # fmt: skip
# Steps without a proton, which do not count: nitrate gives its electron to the site, ammonia leaves.
UNCOUNTED = {"NO3RR:NOH": {0, 10}}
# ZPE, integral of Cp and -TS of gases and adsorbates (doi 10.1039/c0ee00071j; TS of gases: NASA), eV.
GAS_TERMS = (0.274 + 0.090 - 0.4038, 0.580 + 0.103 - 0.672, 0.314 + 0.098 - 0.6606)
PETERSON = {
    "O": 0.072 + 0.025 - 0.038, "OH": 0.364 + 0.046 - 0.079, "COOH": 0.624 + 0.096 - 0.178,
    "CO": 0.192 + 0.076 - 0.153, "CHO": 0.444 + 0.086 - 0.184, "CH2O": 0.758 + 0.091 - 0.190,
    "OCH3": 1.108 + 0.093 - 0.179,
}  # fmt: skip


@pytest.mark.parametrize("corrections", ["none", "peterson"])
def test_paths_redone_by_independent_arithmetic(whole: Path, tmp_path: Path, cli: Cli, corrections: str) -> None:
    names = list(ROUTES) if corrections == "none" else ["CO2RR-CH4:CHO"]
    shutil.copytree(whole / "atomsieve-data", tmp_path / "atomsieve-data")
    thermal = f"thermochemistry: {{corrections: {corrections}}}\n"
    starts = (tmp_path / "atomsieve-data" / "starts.log").read_text()
    ran(tmp_path, f"name: some\n{SITES}reactions: {json.dumps(names)}\n{HOW}{thermal}", cli)
    assert (tmp_path / "atomsieve-data" / "starts.log").read_text() == starts
    energies, gases = raw(tmp_path)
    rows = {
        (row["site"]["key"], row["adsorbate"]): row
        for row in documents(tmp_path, "adsorption_energies", verdict="bound")
        if row["policy"]["corrections"] == corrections
    }

    def free(site: str, adsorbate: str) -> float:
        keys = rows[site, adsorbate]["calculations"]
        value = energies[keys["adsorbed"]] - energies[keys["clean"]]
        amounts = dict(zip(("H2", "H2O", "CO2", "N2"), MADE_OF[adsorbate], strict=True))
        value -= sum(amount * gases[gas] for gas, amount in amounts.items() if amount)
        if corrections == "peterson":
            value += PETERSON[adsorbate]
            value -= sum(a * b for a, b in zip(MADE_OF[adsorbate], GAS_TERMS, strict=False))
        return value

    keys = {row["key"] for row in rows.values()}
    for name in names:
        chosen = [
            entry
            for entry in documents(tmp_path, "reaction_results", reaction=name)
            if entry["limiting_potential"] is not None and keys.issuperset(entry["adsorption_energies"].values())
        ]
        assert len(chosen) >= 3, name
        for entry in chosen:
            site = entry["site"]["key"]
            states = [molecules + (free(site, a) if a else 0.0) for a, molecules in ROUTES[name]]
            assert [s["free"] for s in entry["states"]] == pytest.approx(states, abs=1e-3)
            changes = [end - start for start, end in itertools.pairwise(states)]
            counted = [change for k, change in enumerate(changes) if k not in UNCOUNTED.get(name, ())]
            expected = max(counted) if name == "OER" else -max(counted)
            assert entry["limiting_potential"] == pytest.approx(expected, abs=1e-3)


def essence(entry: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a limiting potential says, energies rounded."""
    return {
        "path": entry["path"],
        "U_L": round(entry["limiting_potential"], 6),
        "pds": entry["potential_determining_steps"],
        "states": [(state["text"], round(state["free"], 6)) for state in entry["states"]],
        "alternatives": [(other["path"], round(other["limiting_potential"], 6)) for other in entry["alternatives"]],
        "side products": [
            (p["product"], p["leaves"], p["free"] and round(p["free"], 6), p["limiting_potential"] is None)
            for p in entry["side_products"]
        ],
    }


def test_a_table_of_energies_gives_the_same_answers(whole: Path, tmp_path: Path, cli: Cli) -> None:
    energies, gases = raw(whole)
    wanted = {"OER", "CO2RR-CH4", "NRR"}
    ours = {
        (entry["site"]["label"], entry["reaction"]): essence(entry)
        for entry in documents(whole, "reaction_results")
        if entry["reaction"] in wanted and entry["limiting_potential"] is not None
    }
    needed = {name for one in wanted for name in reaction(one).adsorbates}
    lines: dict[tuple[str, ...], None] = {}
    for row in documents(whole, "adsorption_energies", verdict="bound"):
        if row["adsorbate"] in needed:
            label, metals = row["site"]["label"], "-".join(row["site"]["metals"])
            keys = row["calculations"]
            lines[label, "clean", "", repr(energies[keys["clean"]]), metals] = None
            lines[label, row["adsorbate"], "", repr(energies[keys["adsorbed"]]), metals] = None
    for gas in ("H2", "H2O", "CO2", "N2"):
        lines["", "", gas, repr(gases[gas]), ""] = None
    with (tmp_path / "energies.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["site", "adsorbate", "gas", "energy", "metals"])
        writer.writerows(lines)
    mapping = {"method": {"calculator": "mock"}, "thermochemistry": {"corrections": "none"}}
    (tmp_path / "mapping.yaml").write_text(json.dumps(mapping))
    result = cli("ingest", "mine", "energies.csv", "--mapping", "mapping.yaml", cwd=tmp_path)
    assert result.returncode == 0, result.stdout + result.stderr
    # results are made of rows when they are asked for
    assert cli("results", "mine", "--json", cwd=tmp_path).returncode == 0
    theirs = {(entry["site"]["label"], entry["reaction"]): entry for entry in documents(tmp_path, "reaction_results")}
    assert len(ours) > 20
    for place, said in ours.items():
        assert essence(theirs[place]) == said, place
    # what is asked of nobody is what its rows can tell: one path is enough
    assert {"ORR", "CO2RR-CO", "CO2RR-HCHO"} <= {name for _, name in theirs}


XTB = """\
name: xtb
sites: [{family: porphine, metals: [Fe, Co, Ni]}]
reactions: [CO2RR-CO, CO2RR-HCOOH, "NRR:distal+alternating"]
method: {calculator: gfn1-xtb}
thermochemistry: {corrections: none}
spin: {clean: 1, adsorbed: 1}
poses: {most: 1}
relaxation: {max_steps: 150, ladder: false}
"""


def test_carbon_dioxide_and_nitrogen_with_xtb(tmp_path: Path, cli: Cli) -> None:
    pytest.importorskip("tblite")
    ran(tmp_path, XTB, cli)
    found = documents(tmp_path, "reaction_results")
    assert len(found) == 3 * 4  # hydrogen evolution competes
    rows = documents(tmp_path, "adsorption_energies")
    assert sum(row["verdict"] == "bound" for row in rows) > 0.8 * len(rows)
    determined = [entry for entry in found if entry["limiting_potential"] is not None]
    assert {"CO2RR-CO", "CO2RR-HCOOH", "NRR:distal+alternating", "HER"} <= {entry["reaction"] for entry in determined}
    for entry in found:
        if entry in determined:
            total = sum(step["free_at_zero"] for step in entry["steps"])
            electrons = reaction(entry["reaction"]).electrons
            assert total == pytest.approx(-electrons * entry["equilibrium_potential"], abs=1e-9)
        else:
            assert entry["undetermined"]
