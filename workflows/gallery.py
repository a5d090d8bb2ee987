"""Gallery: every family of sites with its parameters, its examples and their pictures."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from atomsieve.builders import catalog
from atomsieve.builders.catalog import REQUIRED, Family
from atomsieve.builders.cells import distances
from atomsieve.builders.poses.faces import open_directions
from atomsieve.structures.errors import UnknownNameError, unknown
from atomsieve.structures.site import ActiveSite
from atomsieve.workflows.folder import file_stem

_COLOURS = 48


def family(name: str) -> Family:
    """Return a family by name.

    Raises
    ------
    UnknownNameError
        If there is none.
    """
    if name not in catalog.families():
        raise UnknownNameError(unknown(name, catalog.families(), "family"))
    return catalog.families()[name]


def examples(wanted: Family) -> Iterator[tuple[Mapping[str, Any], ActiveSite]]:
    """Build a family's examples; each comes with the entry of a campaign file that stands for it."""
    for example in wanted.examples:
        entry = {"family": wanted.name, **example}
        yield entry, catalog.build(next(catalog.recipes(entry)))


def schema(wanted: Family) -> dict[str, Any]:
    """Return what a family's entry may say, as plain data."""
    return {
        "family": wanted.name,
        "title": wanted.title,
        "schema": wanted.schema,
        "parameters": [
            {
                "name": parameter.name,
                "title": parameter.title,
                "required": parameter.default is REQUIRED,
                "default": None if parameter.default is REQUIRED else parameter.default,
                "allowed": parameter.allowed,
            }
            for parameter in wanted.parameters.values()
        ],
        "examples": [dict(example) for example in wanted.examples],
    }


def summary(site: ActiveSite) -> dict[str, Any]:
    """Return what a site is, as plain data: formula, bonds of the metals as built (Å), charge, spin and open faces."""
    shells = []
    for metal, donors, ligands in itertools.zip_longest(site.metals, site.donors, site.axial, fillvalue=()):
        around = [*donors, *ligands]
        lengths = distances(site.atoms, [metal] * len(around), around)
        by_element: dict[str, list[float]] = {}
        for atom, length in zip(around, lengths, strict=True):
            by_element.setdefault(site.atoms.symbols[atom], []).append(round(float(length), 3))
        shells.append({"metal": site.atoms.symbols[metal], "bonds": by_element})
    return {
        "label": site.label,
        "formula": site.atoms.get_chemical_formula(),
        "atoms": len(site.atoms),
        "kind": site.kind,
        "shells": shells,
        "charge": site.charge,
        "ledger": dict(site.ledger),
        "multiplicity": site.multiplicity,
        "open_faces": sum(1 for _ in open_directions(site)),
    }


def shell_text(found: Mapping[str, Any]) -> str:
    """Write the bonds of a summary's metals: ``Fe: 4 N at 1.90 Å``."""
    texts = []
    for shell in found["shells"]:
        parts = []
        for element, lengths in shell["bonds"].items():
            ends = dict.fromkeys(f"{end:.2f}" for end in (min(lengths), max(lengths)))
            parts.append(f"{len(lengths)} {element} at {' to '.join(ends)} Å")
        texts.append(f"{shell['metal']}: {', '.join(parts) or 'no bonds'}")
    return "; ".join(dict.fromkeys(texts))


def fit_text(site: ActiveSite) -> str | None:
    """Write how a guest fits its cage, None for a site that is no guest."""
    found = site.provenance.get("fit")
    if found is None:
        return None
    return (
        f"guest {found['guest_length']:.1f} Å long ({found['guest_length_with_radii']:.1f} Å with radii), cavity "
        f"{found['cavity_diameter']:.1f} Å, window {_number(found['window_diameter'])}; "
        f"closest contact {found['contact']:.2f} of the van der Waals distance, "
        f"{found['needed_contact']:g} is needed; "
        f"enters: {found['enters']}; stays: {found['stays']}"
    )


def _number(value: float | None) -> str:
    return "none" if value is None else f"{value:.1f} Å"


def write(folder: Path, on_site: Callable[[ActiveSite], None] = lambda site: None) -> Path:
    """Write a page of every family, and a picture of every example.

    Parameters
    ----------
    folder : Path
        Where to; made if need be.
    on_site : callable
        Is shown each site, for a progress bar.

    Returns
    -------
    Path
        The page.
    """
    from PIL import Image

    from atomsieve.analysis.pictures import draw

    folder.mkdir(parents=True, exist_ok=True)
    for wanted in catalog.families().values():
        for _, site in examples(wanted):
            path = draw(site.atoms, folder / f"{file_stem(site.label)}.png", title=site.label, bonds=site.bonds)
            # a handful of flat colours needs no more, and the page is to be kept beside the code
            with Image.open(path) as picture:
                small = picture.convert("RGB").quantize(_COLOURS)
            small.save(path, optimize=True)
            on_site(site)
    path = folder / "README.md"
    path.write_text(page(), encoding="utf-8")
    return path


def page() -> str:
    """Return the gallery as Markdown."""
    lines = [
        "# Gallery",
        "",
        "Every family of sites, as `atomsieve families` lists them; this page and its pictures are written by",
        "`atomsieve families --gallery docs/gallery`. Bond lengths are those before any relaxation.",
        "",
    ]
    lines += [f"- [{wanted.name}](#{wanted.name.lower()}): {wanted.title}" for wanted in catalog.families().values()]
    for wanted in catalog.families().values():
        lines += ["", f"## {wanted.name}", "", f"{wanted.title[0].upper()}{wanted.title[1:]}.", ""]
        lines += ["| parameter | what it is | allowed | default |", "|---|---|---|---|"]
        for parameter in wanted.parameters.values():
            default = "required" if parameter.default is REQUIRED else f"`{parameter.default}`"
            cells = (f"`{parameter.name}`", parameter.title, parameter.allowed, default)
            lines.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
        for entry, site in examples(wanted):
            found = summary(site)
            written = ", ".join(f"{key}: {value}" for key, value in entry.items())
            fit = fit_text(site)
            fit = fit and fit[0].upper() + fit[1:]
            spin = f", multiplicity {site.multiplicity}" if site.multiplicity else ""
            lines += [
                "",
                f"**{site.label}**: `{{{written}}}`",
                "",
                f"{found['formula']}, charge {site.charge:+d}{spin}; {shell_text(found)}.{f' {fit}.' if fit else ''}",
                "",
                f"![{site.label}]({file_stem(site.label).replace('(', '%28').replace(')', '%29')}.png)",
            ]
    return "\n".join(lines) + "\n"
