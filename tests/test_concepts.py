"""What the pages of docs/concepts print and compute is what the package does, and plain arithmetic too."""

from __future__ import annotations

import contextlib
import io
import math
import re
from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path

import pytest

from atomsieve.analysis.adsorption import adsorption_energy
from atomsieve.analysis.dissolution import demetallation, dissolution
from atomsieve.analysis.electrode import limiting_potential
from atomsieve.analysis.surroundings import surroundings
from atomsieve.analysis.thermochemistry import harmonic_terms
from atomsieve.structures.calculation import Request
from atomsieve.structures.energies import AdsorptionEnergy, SiteLabel
from atomsieve.structures.judgement import Judgement, Verdict
from atomsieve.structures.reaction import reaction
from atomsieve.structures.site import atoms_to_dict
from atomsieve.structures.units import WAVENUMBER
from atomsieve.structures.vibrations import Vibrations, vibrations_request
from atomsieve.workflows.calculators import calculator

PAGES = Path(__file__).resolve().parent.parent / "docs" / "concepts"
EXAMPLE = (PAGES / "free-energies.md").read_text(encoding="utf-8").partition("## An example")[2]
#: kT at 298.15 K, eV; kT ln 10.
KT = 8.617333262e-5 * 298.15
SLOPE = KT * math.log(10)
SITE = SiteLabel("Co-porphyrin-sheet", "key", "porphyrin-sheet", ("Co",))


@pytest.mark.parametrize("page", ["identity.md", "method-gate.md"])
def test_blocks_print_what_the_page_says(page: str) -> None:
    text = (PAGES / page).read_text(encoding="utf-8")
    pairs = re.findall(r"^```python\n(.*?)^```.*?^```text\n(.*?)^```", text, flags=re.MULTILINE | re.DOTALL)
    assert pairs
    for code, expected in pairs:
        with contextlib.redirect_stdout(io.StringIO()) as printed:
            exec(compile(code, page, "exec"), {})
        assert printed.getvalue() == expected


def table(heading: str) -> dict[str, tuple[float, ...]]:
    """Return the numbers of the table of the example whose first cell is the heading, by the first cell of a line."""
    lines = EXAMPLE.partition(f"\n| {heading} |")[2].splitlines()[2:]
    found = {}
    for line in lines:
        if not line.startswith("|"):
            break
        name, *cells = (cell.strip() for cell in line.strip("|").split("|"))
        numbers = [re.fullmatch(r"([+−-]?\d+\.\d+)(?: .*)?", cell) for cell in cells]
        found[name.replace("\\", "")] = tuple(float(n[1].replace("−", "-")) for n in numbers if n is not None)
    return found


ENERGIES = {name: values[0] for name, values in table("state").items()}


def rows(corrections: str = "norskov") -> dict[str, AdsorptionEnergy]:
    """Return the rows that the package makes of the page's electronic energies."""

    def entry(name: str) -> dict[str, object]:
        return {"key": name, "status": "done", "energy": ENERGIES[name], "verdict": "bound", "reason": "",
                "multiplicity": 1, "elements": None, "subject": {}}  # fmt: skip

    method = calculator("gfn1-xtb").method({}).to_dict()
    policy = {"corrections": corrections, "solvation": "none", "temperature": 298.15}
    names = ("OH",) if corrections == "peterson" else ("OH", "O", "OOH")
    return {
        name: adsorption_energy(
            site=SITE, adsorbate=name, method=method, policy=policy, clean=[entry("*")], adsorbed=[entry(f"{name}*")],
            gases={gas: entry(gas) for gas in ("H2", "H2O")},
        )
        for name in names
    }  # fmt: skip


def electronic() -> dict[str, float]:
    e = ENERGIES
    return {
        "OH*": e["OH*"] - e["*"] - e["H2O"] + 0.5 * e["H2"],
        "O*": e["O*"] - e["*"] - e["H2O"] + e["H2"],
        "OOH*": e["OOH*"] - e["*"] - 2 * e["H2O"] + 1.5 * e["H2"],
    }


def test_adsorption_energies_of_the_example() -> None:
    added = {"OH*": 0.35, "O*": 0.05, "OOH*": 0.40}
    stated, by_hand = table("adsorbate"), electronic()
    package = rows()
    for name, (delta, correction, free) in stated.items():
        assert by_hand[name] == pytest.approx(delta, abs=6e-4)
        assert correction == added[name]
        assert by_hand[name] + correction == pytest.approx(free, abs=6e-4)
        row = package[name[:-1]]
        assert (row.electronic, row.free) == pytest.approx((by_hand[name], by_hand[name] + correction), abs=1e-9)


def test_steps_and_limiting_potential_of_the_example() -> None:
    free = {name: value + {"OH*": 0.35, "O*": 0.05, "OOH*": 0.40}[name] for name, value in electronic().items()}
    levels = [4.9156, free["OOH*"], free["O*"], free["OH*"], 0.0]
    changes = [after - before for before, after in pairwise(levels)]
    assert sum(changes) == pytest.approx(-4.9156)
    worst = max(changes)
    conditions = {"temperature": 298.15, "pH": 13.0, "potential": 0.9, "scale": "RHE"}
    method = calculator("gfn1-xtb").method({}).to_dict()
    found = limiting_potential(reaction("ORR"), rows(), site=SITE, method=method, conditions=conditions)
    assert [step.free_at_zero for step in found.steps] == pytest.approx(changes, abs=1e-4)
    assert [step.free for step in found.steps] == pytest.approx([change + 0.9 for change in changes], abs=1e-4)
    assert found.limiting_potential == pytest.approx(-worst, abs=1e-4)
    assert found.overpotential == pytest.approx(4.9156 / 4 + worst, abs=1e-4)
    hardest = [step.text for step, change in zip(found.steps, changes, strict=True) if change >= worst - 0.05]
    assert list(found.potential_determining_steps) == hardest
    stated = table("step")
    for change, (name, numbers) in zip(changes, stated.items(), strict=True):
        assert numbers == pytest.approx((change, change + 0.9), abs=6e-4), name
    assert _stated("U_L") == pytest.approx(-worst, abs=6e-3)
    assert _stated("η") == pytest.approx(4.9156 / 4 + worst, abs=6e-3)
    assert hardest[0].replace("*", "\\*") in EXAMPLE


def _stated(symbol: str) -> float:
    """Return the last number that is said of a symbol in the example, at the end of its sum."""
    sums = re.findall(rf"{re.escape(symbol)} = (.*?)(?: e?V\b|, )", " ".join(EXAMPLE.split()))
    return float(sums[-1].split("=")[-1].replace("−", "-"))


def test_the_other_convention() -> None:
    gases = {"H2O": 0.580 + 0.103 - 0.672, "H2": 0.274 + 0.090 - 0.4038}
    by_hand = electronic()["OH*"] + (0.364 + 0.046 - 0.079) - gases["H2O"] + 0.5 * gases["H2"]
    assert rows("peterson")["OH"].free == pytest.approx(by_hand, abs=1e-9)
    assert _stated("ΔG(OH\\*) by `peterson`") == pytest.approx(by_hand, abs=6e-4)


def test_one_mode() -> None:
    from ase import Atoms

    wavenumber = 400.0
    energy = wavenumber * 1.239841984e-4
    quantum = energy / (math.exp(energy / KT) - 1)
    by_hand = (energy / 2, quantum, quantum - KT * math.log(1 - math.exp(-energy / KT)))
    method = calculator("mock").method({})
    relaxed = Request("adsorbed", {"adsorbate": "O"}, method, 0.05, 1, parents=("clean",))
    vibrations = Vibrations(
        request=vibrations_request(relaxed, [0]),
        atoms=atoms_to_dict(Atoms("O")),
        masses=(15.999,),
        energies=(wavenumber * WAVENUMBER,),
        modes=(((0.0, 0.0, 1.0),),),
        displacements=(),
        asymmetry=0.0,
        judgement=Judgement(Verdict.BOUND, ""),
        force_calls=6,
    )
    zpe, thermal, entropy = (term.value for term in harmonic_terms(vibrations, "O*"))
    assert (zpe, thermal, -entropy) == pytest.approx(by_hand, rel=1e-6)
    for symbol, value in zip(("ZPE", "∫C dT", "TS"), by_hand, strict=True):
        assert _stated(symbol) == pytest.approx(value, abs=6e-5)


def test_formic_acid_at_ph_7_and_half_a_bar() -> None:
    constant = (0.4508 - 0.2287) / SLOPE
    acid = 0.2287 + min(0.0, SLOPE * (constant - 7))
    gas = KT * math.log(0.5)
    potential = -(acid - gas) / 2
    around = surroundings({"pH": 7.0, "pressures": {"CO2": 0.5}})

    def total(name: str) -> float:
        return sum(term.value for term in around.molecules[name])

    assert (total("HCOOH"), total("CO2")) == pytest.approx((acid, gas), abs=1e-4)
    assert around.equilibrium(reaction("CO2RR-HCOOH").overall) == pytest.approx(potential, abs=1e-4)
    assert _stated("pKa") == pytest.approx(constant, abs=6e-3)
    assert _stated("G(HCOOH)") == pytest.approx(acid, abs=6e-4)
    assert _stated("U°") == pytest.approx(potential, abs=6e-4)


def test_iron_dissolves() -> None:
    dilution = KT * math.log(1e-6)
    species: Mapping[str, tuple[int, float]] = {"Fe+++": (3, -0.1787), "Fe++": (2, -0.9484)}
    potentials = {name: (free + dilution + 3.0) / electrons for name, (electrons, free) in species.items()}
    found = dissolution(["Fe"], -3.0, ph=0.0, activity=1e-6)
    assert [one.name for one in found.species] == [min(potentials, key=lambda name: potentials[name])] == ["Fe+++"]
    assert found.potential == pytest.approx(potentials["Fe+++"], abs=1e-4)
    assert _stated("U_diss") == pytest.approx(potentials["Fe+++"], abs=6e-3)
    # at pH 1 and 0 V the protons that come in bring as many electrons as iron gives off
    swap = demetallation(["Fe"], -3.0, -6.0, 2, potential=0.0, ph=1.0, activity=1e-6)
    by_hand = -0.9484 + dilution + 3.0 - 6.0 + 0.0 - 2 * (0.0 - SLOPE)
    assert swap.energy == pytest.approx(by_hand, abs=1e-4)
    assert _stated("ΔG_demet") == pytest.approx(by_hand, abs=6e-3)
