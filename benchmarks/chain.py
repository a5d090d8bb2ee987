"""Force calls of the dear method per adsorption energy: the full chain beside the plain one, in one run.

Both try the same complete set of poses and spin starts with the same dear method. The plain one relaxes each; the full
one relaxes each with a cheap method first and hands on what is left after equivalent poses fell together. Beside them
stands what pymatgen's AdsorbateSiteFinder would have run: its adsorption sites on the same sheet, one spin each, at the
force calls per relaxation that the plain chain needed.

    python benchmarks/chain.py [--dear gfn2-xtb] [--cheap gfn1-xtb] [--metals Fe Co] [--adsorbates OH OOH] [--workers 2]
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from pathlib import Path
from typing import Any

from pymatgen.analysis.adsorption import AdsorbateSiteFinder
from pymatgen.io.ase import AseAtomsAdaptor

from atomsieve.builders import catalog
from atomsieve.workflows.campaigns import load, open_database
from atomsieve.workflows.harvest import stored_rows
from atomsieve.workflows.runner import Runner
from atomsieve.workflows.settings import Settings

#: eV within which both chains must agree on the lowest state.
SAME = 0.02


class Silent:
    """A watch that says nothing."""

    def started(self, *heard: object) -> None:
        """Hear of a start."""

    def finished(self, *heard: object) -> None:
        """Hear of an end."""

    def site(self, *heard: object, stored: bool) -> None:
        """Hear of a site."""


def campaign(name: str, options: argparse.Namespace, *, full: bool) -> str:
    """Return a campaign file of the plain or of the full chain."""
    text: dict[str, Any] = {
        "name": name,
        "sites": [{"family": options.family, "metals": options.metals}],
        "adsorbates": options.adsorbates,
        "method": {"calculator": options.dear},
        "spin": {"clean": "scan", "adsorbed": "inherit"},
        "poses": {"azimuths": options.azimuths, "tilts": [0.0, 30.0]},
    }
    if full:
        text["prerelaxation"] = {"calculator": options.cheap, "fmax": options.fmax, "keep": options.keep}
    return json.dumps(text)


def run(folder: Path, name: str, options: argparse.Namespace, *, full: bool) -> tuple[Any, dict[str, Any], float]:
    """Run a campaign in a folder of its own; return it, its calculations by key, and the seconds."""
    path = folder / f"{name}.yaml"
    path.write_text(campaign(name, options, full=full), encoding="utf-8")
    settings = Settings(folder=folder / name)
    checked = load(path, settings)
    began = time.monotonic()
    with open_database(checked.campaign, checked.folder, settings) as database:
        Runner(checked, database, options.workers, Silent()).run()
        rows = {(r.adsorbate, r.site.label): r for site in stored_rows(checked, database) for r in site.rows.values()}
        documents = {document["key"]: document for document in database.calculations.query({})}
    return rows, documents, time.monotonic() - began


def calls(documents: dict[str, Any], calculator: str, task: str) -> tuple[int, int]:
    """Return calculations and force calls of a method and a task."""
    own = [
        d
        for d in documents.values()
        if d["request"]["method"]["calculator"] == calculator and d["request"]["task"] == task
    ]
    return len(own), sum(d["force_calls"] for d in own)


def finder_sites(metal: str, family: str) -> int:
    """Return how many adsorption sites pymatgen finds on the same sheet: on top, bridge and hollow."""
    (recipe,) = catalog.recipes({"family": family, "metals": metal})
    atoms = catalog.build(recipe).atoms
    slab = AseAtomsAdaptor.get_structure(atoms)
    return len(AdsorbateSiteFinder(slab).find_adsorption_sites(distance=2.0)["all"])


def main() -> None:
    """Run both chains and print what the dear method had to do."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--dear", default="gfn2-xtb")
    parser.add_argument("--cheap", default="gfn1-xtb")
    parser.add_argument("--family", default="graphene")
    parser.add_argument("--metals", nargs="+", default=["Fe", "Co"])
    parser.add_argument("--adsorbates", nargs="+", default=["OH", "OOH"])
    parser.add_argument("--keep", type=int, default=1, help="distinct poses of each spin that the dear method sees")
    parser.add_argument("--fmax", type=float, default=0.05, help="of the cheap method, eV/Å")
    parser.add_argument("--azimuths", type=int, default=8)
    parser.add_argument("--workers", type=int, default=2)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        plain, slow, plain_seconds = run(Path(folder), "plain", options, full=False)
        full, fast, full_seconds = run(Path(folder), "full", options, full=True)
    print(f"{'':24}{'plain':>10}{'full':>10}{'ratio':>8}")
    total = [0, 0]
    for task in ("clean", "adsorbed"):
        (n, a), (m, b) = calls(slow, options.dear, task), calls(fast, options.dear, task)
        total = [total[0] + a, total[1] + b]
        print(f"{task + ' relaxations':24}{n:>10}{m:>10}{m / n:>8.2f}")
        print(f"{task + ' force calls':24}{a:>10}{b:>10}{b / a:>8.2f}")
    count = len(plain)
    print(f"{'per adsorption energy':24}{total[0] / count:>10.0f}{total[1] / count:>10.0f}{total[1] / total[0]:>8.2f}")
    cheap = sum(calls(fast, options.cheap, task)[1] for task in ("clean", "adsorbed"))
    print(f"{'cheap force calls':24}{0:>10}{cheap:>10}")
    print(f"{'seconds':24}{plain_seconds:>10.0f}{full_seconds:>10.0f}{full_seconds / plain_seconds:>8.2f}")
    relaxations, made = calls(slow, options.dear, "adsorbed")
    for metal in options.metals if options.family == "graphene" else []:
        sites = finder_sites(metal, options.family)
        own = sites * len(options.adsorbates)
        print(
            f"AdsorbateSiteFinder on {metal}: {sites} sites an adsorbate, {own} relaxations at one spin, about "
            f"{own * made / relaxations:.0f} force calls; on the metal is one of them"
        )
    for key, row in sorted(plain.items()):
        other = full[key]
        if row.electronic is None or other.electronic is None:
            print(f"  {key[0]}* on {key[1]}: plain {row.verdict}, full {other.verdict}")
            continue
        difference = other.electronic - row.electronic
        remark = (
            "" if abs(difference) <= SAME else "  <- the cheap ordering fails here" if difference > 0 else "  <- lower"
        )
        print(f"  {key[0]}* on {key[1]}: {row.electronic:+.3f} and {other.electronic:+.3f} eV{remark}")


if __name__ == "__main__":
    main()
