"""Tables of docs/case-study.md, made of the files beside this one: ``python docs/case-study/tables.py`` prints them."""

from __future__ import annotations

import csv
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from statistics import mean, stdev

from scipy.stats import kendalltau, spearmanr

HERE = Path(__file__).resolve().parent
METALS = ("Cr", "Mn", "Fe", "Co", "Ni", "Cu", "Zn")
SHELLS = ("N4", "N3C1", "porphine")
ADSORBATES = ("OH", "O", "OOH", "H")
#: Methods with limiting potentials, by the name of their file; GPAW has energies of OH* alone.
METHODS = {"gfn1-xtb": "GFN1-xTB", "chgnet": "CHGNet"}
Row = dict[str, str]


def read(name: str) -> list[Row]:
    """Return the rows of a file, by the names of their columns without units."""
    path = HERE / f"{name}.csv"
    if not path.exists():
        return []
    with path.open(encoding="utf-8", newline="") as file:
        return [{key.partition(" (")[0]: value for key, value in row.items()} for row in csv.DictReader(file)]


def number(text: str | None) -> float | None:
    """Return a number, or None where nothing is known."""
    return float(text) if text else None


def order(site: str) -> tuple[int, int]:
    """Return the place of a site: by its first shell, then along the 3d row."""
    metal, _, rest = site.partition("-")
    return SHELLS.index(rest.partition("@")[0]), METALS.index(metal)


def of(method: str) -> dict[str, dict[str, Row]]:
    """Return the rows of a method, by site and reaction."""
    found: dict[str, dict[str, Row]] = {}
    for row in sorted(read(method), key=lambda row: order(row["site"])):
        found.setdefault(row["site"], {})[row["reaction"]] = row
    return found


def text(value: float | None, digits: int = 2) -> str:
    """Write a number for a table."""
    return "–" if value is None else f"{value + 0.0:.{digits}f}"


def table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> list[str]:
    """Return the lines of a table."""
    head = list(head)
    lines = [head, ["---"] * len(head), *rows]
    return ["| " + " | ".join(cells) + " |" for cells in lines]


def free(method: str, adsorbate: str) -> dict[str, float]:
    """Return ΔG of an adsorbate by site, eV at 0 V against RHE, where it is bound."""
    if method == "gpaw":
        return {row["site"]: float(row["free_energy"]) for row in read("gpaw") if row["adsorbate"] == adsorbate}
    reaction = "HER" if adsorbate == "H" else "ORR"
    values = {site: number(rows[reaction].get(f"free_{adsorbate}")) for site, rows in of(method).items()}
    return {site: value for site, value in values.items() if value is not None}


def overpotential(method: str, reaction: str) -> dict[str, float]:
    """Return η by site, V, where it is determined."""
    if method == "published":
        column = f"overpotential of {reaction}"
        return {row["site"]: float(row[column]) for row in read("published")}
    values = {site: number(rows[reaction]["overpotential"]) for site, rows in of(method).items()}
    return {site: value for site, value in values.items() if value is not None}


def sites(method: str) -> list[str]:
    """Return the table of a method's sites."""
    lines = []
    for site, rows in of(method).items():
        frees = [text(free(method, adsorbate).get(site)) for adsorbate in ADSORBATES]
        orr, oer, her = (rows[name] for name in ("ORR", "OER", "HER"))
        potentials = [text(number(orr[name])) for name in ("limiting_potential", "overpotential")]
        others = [text(number(row["overpotential"])) for row in (oer, her)]
        step = orr["pds"].replace("*", r"\*") or "–"
        lines.append([site, orr["spin"] or "–", *frees, *potentials, step, *others])
    head = ["site", "2S+1", *(rf"ΔG({adsorbate}\*)" for adsorbate in ADSORBATES)]
    return table([*head, "U_L ORR", "η ORR", "limiting step", "η OER", "η HER"], lines)


def rejections(method: str) -> list[str]:
    """Return the table of what is not bound."""
    rows = sorted(read(f"{method}-rejected"), key=lambda row: (order(row["site"]), row["adsorbate"]))
    return table(
        ["site", "adsorbate", "verdict", "reason"],
        ([row["site"], rf"{row['adsorbate']}\*", row["verdict"], row["reason"].replace("*", r"\*")] for row in rows),
    )


def against(method: str, reaction: str) -> list[str]:
    """Return the table of η beside the published ones."""
    published = overpotential("published", reaction)
    known = {name: overpotential(name, reaction) for name in METHODS}
    chosen = [site for site in published if site in of(method)]
    lines = ([site, text(published[site]), *(text(known[name].get(site)) for name in METHODS)] for site in chosen)
    return table(["site", "published", *METHODS.values()], lines)


def hydroxide() -> list[str]:
    """Return the table of ΔG(OH*) of the three sites that have PBE energies."""
    names = {**METHODS, "gpaw": "PBE (GPAW) // GFN1-xTB"}
    known = {name: free(name, "OH") for name in names}
    chosen = sorted(known["gpaw"], key=order)
    return table(
        ["site", *names.values()], ([site, *(text(known[name].get(site)) for name in names)] for site in chosen)
    )


def distances() -> list[str]:
    """Return the table of metal-nitrogen distances beside the published ones."""
    rows = sorted(read("distances"), key=lambda row: order(row["site"]))
    cells = []
    for row in rows:
        published = float(row["published"])
        found = [number(row[name]) for name in ("gfn1-xtb", "chgnet")]
        errors = [f"{text(value, 3)} ({value - published:+.3f})" if value is not None else "–" for value in found]
        cells.append([row["site"], text(published, 3), *errors])
    return table(["site", "published", "GFN1-xTB", "CHGNet"], cells)


def agreement(name: str, first: Mapping[str, float], second: Mapping[str, float]) -> list[str]:
    """Return how far two methods agree where both know: ranks, and the difference of the first less the second."""
    shared = sorted(first.keys() & second.keys())
    pairs = [(first[site], second[site]) for site in shared]
    if len(pairs) < 3:
        return [name, str(len(pairs))]
    x, y = zip(*pairs, strict=True)
    tau, rho = kendalltau(x, y).statistic, spearmanr(x, y).statistic
    differences = [one - other for one, other in pairs]
    return [
        name,
        str(len(pairs)),
        f"{tau:+.2f}",
        f"{rho:+.2f}",
        f"{mean(differences):+.2f}",
        f"{stdev(differences):.2f}",
    ]


def shell(name: str, values: Mapping[str, float]) -> dict[str, float]:
    """Return the values of the sites with a first shell."""
    return {site: value for site, value in values.items() if site.partition("-")[2].partition("@")[0] == name}


def correlations() -> list[str]:
    """Return the table of agreements between methods."""
    lines = []
    for reaction in ("ORR", "HER"):
        for method in METHODS:
            found, published = overpotential(method, reaction), overpotential("published", reaction)
            for name in SHELLS[:2]:
                title = f"η {reaction}, {METHODS[method]} and published, {name}"
                line = agreement(title, shell(name, found), shell(name, published))
                lines += [line] if int(line[1]) > 2 else []
    for adsorbate in ADSORBATES:
        line = agreement(
            rf"ΔG({adsorbate}\*), GFN1-xTB and CHGNet", free("gfn1-xtb", adsorbate), free("chgnet", adsorbate)
        )
        lines += [line] if int(line[1]) > 2 else []
    return table(["quantity and methods", "n", "Kendall τ", "Spearman ρ", "mean difference", "its spread"], lines)


def tables() -> dict[str, list[str]]:
    """Return all tables of the page, by what they are of; those without a row are left out."""
    found = {f"sites, {name}": sites(name) for name in METHODS}
    found |= {f"rejected, {name}": rejections(name) for name in METHODS}
    found |= {f"η of {reaction}": against("gfn1-xtb", reaction) for reaction in ("ORR", "HER")}
    found |= {"hydroxide": hydroxide(), "distances": distances(), "correlations": correlations()}
    return {name: lines for name, lines in found.items() if len(lines) > 2}


def main() -> None:
    """Print all tables."""
    for name, lines in tables().items():
        sys.stdout.write(f"{name}\n\n" + "\n".join(lines) + "\n\n")


if __name__ == "__main__":
    main()
