"""Fingerprint: by what an experiment would recognise a site, as the command shows it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.markup import escape
from rich.table import Table

from atomsieve.analysis.database import Database
from atomsieve.analysis.exafs import (
    FOCUS,
    WIDTH,
    ScatteringPath,
    multiple_scattering,
    nearest_image,
    single_scattering,
    without_vacuum,
)
from atomsieve.analysis.feff import EDGES, Spectrum, feff_files, usual_edge
from atomsieve.analysis.probe import FUNDAMENTAL, HARMONIC, SOURCE, Probe
from atomsieve.builders import catalog, ledger, oxidation
from atomsieve.structures.errors import InputError, unknown
from atomsieve.structures.site import ActiveSite
from atomsieve.workflows import explaining, screen
from atomsieve.workflows.campaigns import find, stored_database
from atomsieve.workflows.carbonyl import probe_of
from atomsieve.workflows.checked import CheckedCampaign
from atomsieve.workflows.folder import file_stem
from atomsieve.workflows.funnel import levels
from atomsieve.workflows.ingest.collection import Collection
from atomsieve.workflows.settings import read_settings


@dataclass(frozen=True)
class Fingerprint:
    """What an experiment would see of a site.

    Parameters
    ----------
    site : ActiveSite
        Its lowest clean state.
    key : str
        Request key of that state.
    method : str
        Calculator that relaxed it.
    multiplicity : int or None
        2S + 1; None where the method knows no spin.
    spin_states : int or None
        How many spin states were compared.
    moments : tuple of float or None
        Of the metals, Bohr magnetons, where the method gives them.
    radius : float
        Å, of the paths.
    edge : str or None
        That is measured; None for the usual one of each metal.
    probe : Probe or str
        Carbon monoxide on it, or why there is nothing to say.
    """

    site: ActiveSite
    key: str
    method: str
    multiplicity: int | None
    spin_states: int | None
    moments: tuple[float, ...] | None
    radius: float
    edge: str | None
    probe: Probe | str

    @property
    def oxidation_states(self) -> dict[str, tuple[int, ...]]:
        """Formal oxidation states by metal, as the family states them; empty where it makes no statement."""
        if not self.site.ledger:
            return {}
        found = ledger.states(self.site.ledger)
        return {metal: found[metal] for metal in dict.fromkeys(self.site.metal_symbols) if metal in found}

    def paths(self, metal: int) -> tuple[tuple[ScatteringPath, ...], tuple[ScatteringPath, ...]]:
        """Return the single and the multiple scattering of one of the metals, by its index."""
        atoms = without_vacuum(self.site)
        return single_scattering(atoms, metal, self.radius), multiple_scattering(atoms, metal, self.radius)

    def to_dict(self) -> dict[str, Any]:
        """Return plain data."""
        absorbers = []
        for metal, symbol in zip(self.site.metals, self.site.metal_symbols, strict=True):
            single, multiple = self.paths(metal)
            paths = {"single": [path.to_dict() for path in single], "multiple": [path.to_dict() for path in multiple]}
            absorbers.append({"atom": metal, "metal": symbol, "edge": self.edge or usual_edge(symbol), **paths})
        return {
            "site": self.site.label,
            "site_key": self.site.key,
            "calculation": self.key,
            "calculator": self.method,
            "multiplicity": self.multiplicity,
            "spin_states_compared": self.spin_states,
            "moments": list(self.moments) if self.moments is not None else None,
            "oxidation_states": {metal: list(states) for metal, states in self.oxidation_states.items()} or None,
            "charges": dict(self.site.ledger) or None,
            "exafs": {
                "radius": self.radius,
                "width": WIDTH,
                "focus": FOCUS,
                "nearest_image": nearest_image(without_vacuum(self.site)),
                "absorbers": absorbers,
            },
            "co_stretch": self.probe.to_dict() if isinstance(self.probe, Probe) else None,
            "no_co_stretch": self.probe if isinstance(self.probe, str) else None,
        }


def show(
    file_or_name: str,
    site: str | None,
    output: Path | None,
    radius: float,
    edge: str | None,
    spectrum: Spectrum,
    *,
    as_json: bool,
) -> None:
    """Show the fingerprint of a site, and write what others calculate with.

    Parameters
    ----------
    file_or_name : str
        A campaign.
    site : str or None
        A label, the beginning of one, or of a key; may be left out where there is one site.
    output : Path or None
        Folder for its structure and the input of FEFF; None to write nothing.
    radius : float
        Å, of the scattering paths.
    edge : str or None
        None for the usual one of each metal.
    spectrum : {"EXAFS", "XANES"}
        What FEFF is to calculate.
    as_json : bool
        Print plain data.
    """
    settings = read_settings()
    checked = find(file_or_name, settings)
    with stored_database(checked, settings) as database:
        found = fingerprint(checked, database, site, radius, edge)
    files = write(found, output, spectrum) if output is not None else []
    if as_json:
        screen.print_json({**found.to_dict(), "files": list(map(str, files))})
    else:
        _print(found, files)


def fingerprint(
    checked: CheckedCampaign, database: Database | None, site: str | None, radius: float, edge: str | None = None
) -> Fingerprint:
    """Return the fingerprint of a site at the last stage that it has come to.

    Raises
    ------
    InputError
        If there is no such site or edge, it was calculated elsewhere, or no clean state of it can be used.
    """
    if edge is not None and edge not in EDGES:
        raise InputError(unknown(edge, EDGES, "edge"))
    stage, rows = explaining.known_of(levels(checked, database), site)
    own = next(iter(rows.rows.values())).site
    if isinstance(checked, Collection) or database is None:
        raise InputError(
            f"{own.label} was ingested, and which of its atoms is what is not kept; fingerprints need that"
        )
    row = next((row for row in rows.rows.values() if "clean" in row.calculations), None)
    if row is None:
        why = next(iter(rows.rows.values())).reason
        raise InputError(f"no clean state of {own.label} can be used: {why}")
    key = row.calculations["clean"]
    document = database.known([key])[key]
    relaxed = catalog.build(rows.recipe).with_positions(document["atoms"]["positions"])
    moments = document["moments"]
    return Fingerprint(
        site=relaxed,
        key=key,
        method=document["request"]["method"]["calculator"],
        multiplicity=document["request"]["multiplicity"],
        spin_states=row.spin_states.get("clean"),
        moments=tuple(moments[metal] for metal in relaxed.metals) if moments is not None else None,
        radius=radius,
        edge=edge,
        probe=probe_of(stage, rows.recipe, rows.rows, database),
    )


def write(found: Fingerprint, output: Path, spectrum: Spectrum) -> list[Path]:
    """Write the structure, and for each metal a folder with the input of FEFF; return the files that matter."""
    from ase.io import write as write_atoms

    site, stem = found.site, file_stem(found.site.label)
    atoms = without_vacuum(site)
    made = {
        f"{symbol}{metal}": feff_files(
            atoms, metal, found.radius, found.edge, spectrum, source=f"atomsieve {found.key[:16]}", comment=site.label
        )
        for metal, symbol in zip(site.metals, site.metal_symbols, strict=True)
    }
    output.mkdir(parents=True, exist_ok=True)
    paths = [output / f"{stem}.xyz"]
    write_atoms(paths[0], site.atoms, format="extxyz")
    if site.atoms.cell.rank == 3:
        paths.append(output / f"{stem}.cif")
        write_atoms(paths[1], site.atoms, format="cif")
    for name, files in made.items():
        folder = output / f"{stem}-{spectrum}-{name}"
        folder.mkdir(exist_ok=True)
        for file, text in files.items():
            (folder / file).write_text(text, encoding="ascii")
        paths.append(folder / "feff.inp")
    return paths


def _print(found: Fingerprint, files: list[Path]) -> None:
    out = screen.console()
    site = found.site
    out.print(f"[bold]{escape(site.label)}[/bold], relaxed by {found.method} ({found.key[:8]})")
    for title, text in (
        ("spin", _spin_text(found)),
        ("oxidation state", _oxidation_text(found)),
        ("C-O stretch of CO", _probe_text(found.probe)),
    ):
        out.print(f"{title}: {escape(text)}", soft_wrap=True)
    for metal, symbol in zip(site.metals, site.metal_symbols, strict=True):
        out.print(_table(found, metal, symbol))
    image = nearest_image(without_vacuum(site))
    if image is not None and image <= found.radius and site.kind != "bulk":
        text = f"from {image:.2f} Å on paths lead to the next cell of the model, which a site that stands alone lacks"
        out.print(text, style="yellow", soft_wrap=True)
    for path in files:
        out.print(f"wrote {path}", soft_wrap=True)
    if files:
        out.print("FEFF is not part of atomsieve; run it where feff.inp lies, in each folder", style="dim")


def _spin_text(found: Fingerprint) -> str:
    if found.multiplicity is None:
        return f"none; {found.method} knows no spin"
    name, spin = oxidation.spin_name(found.multiplicity), (found.multiplicity - 1) / 2
    compared = found.spin_states or 1
    why = f"the lowest of {compared} spin states" if compared > 1 else "the one spin state that was found"
    text = f"2S + 1 = {found.multiplicity} ({name}, S = {spin:g}), {why}"
    if found.moments is not None:
        symbols = found.site.metal_symbols
        listed = ", ".join(f"{symbol} {moment:+.2f} μB" for symbol, moment in zip(symbols, found.moments, strict=True))
        text += f"; moments: {listed}"
    return text


def _oxidation_text(found: Fingerprint) -> str:
    states = found.oxidation_states
    if not states:
        return f"no statement: the family {found.site.family} counts no formal charges"
    listed = ", ".join(f"{metal} {'/'.join(f'+{state}' for state in own)}" for metal, own in states.items())
    charges = ", ".join(f"{part} {charge:+d}" for part, charge in found.site.ledger.items())
    return f"{listed}, formal, as the family {found.site.family} counts: {charges}"


def _probe_text(probe: Probe | str) -> str:
    if isinstance(probe, str):
        return probe
    error = f"±{probe.error:.0f}" if probe.error is not None else f"by how much {probe.calculator} is off is not known"
    name = f" in a {oxidation.spin_name(probe.multiplicity)}" if probe.multiplicity is not None else ""
    bound = probe.adsorbed
    return (
        f"about {probe.estimate:.0f} cm⁻¹ ({error}), {FUNDAMENTAL:.0f} of the gas and {probe.shift:+.0f} by the site\n"
        f"  calculated, harmonic: {bound.wavenumber:.0f} on the site{name}, C-O {bound.length:.3f} Å; "
        f"{probe.gas.wavenumber:.0f} of the gas ({probe.gas_error:+.0f} against {HARMONIC:.0f})\n"
        f"  scaled by measured over calculated gas, instead of shifted: {probe.scaled:.0f}; of the gas: {SOURCE}"
    )


def _table(found: Fingerprint, metal: int, symbol: str) -> Table:
    single, multiple = found.paths(metal)
    title = f"EXAFS of {symbol} (atom {metal}), {found.edge or usual_edge(symbol)} edge: paths to {found.radius:g} Å"
    table = Table(title=title, title_justify="left")
    table.add_column("shell", justify="right")
    table.add_column("path")
    for head in ("half length / Å", "spread / Å", "count", "angle / °"):
        table.add_column(head, justify="right")
    for number, path in enumerate((*single, *multiple), start=1):
        shell = str(number) if number <= len(single) else ""
        angle = f"{path.angle:.0f}" if path.angle is not None else ""
        table.add_row(
            shell,
            escape(path.name),
            f"{path.distance:.3f}",
            f"{path.spread:.3f}",
            str(path.count),
            angle,
            end_section=number == len(single),
        )
    return table
