"""Listing: the families of sites as the command line shows them."""

from __future__ import annotations

from pathlib import Path

from rich.markup import escape
from rich.table import Table

from atomsieve.builders import catalog
from atomsieve.builders.catalog import REQUIRED
from atomsieve.workflows import gallery, screen
from atomsieve.workflows.folder import file_stem
from atomsieve.workflows.settings import read_settings


def families(name: str | None, pictures: Path | None, folder: Path | None, *, as_json: bool) -> None:
    """List all families, show one, or write the gallery of all.

    Parameters
    ----------
    name : str or None
        A family; all of them if none is named.
    pictures : Path or None
        Where the pictures of the named family go; the settings' folder unless given.
    folder : Path or None
        Where the gallery goes, if one is wanted.
    as_json : bool
        Print plain data, and draw nothing.
    """
    if folder is not None:
        _write_gallery(folder)
    elif name is None:
        _list(as_json=as_json)
    else:
        _show(name, pictures, as_json=as_json)


def _write_gallery(folder: Path) -> None:
    from rich.progress import Progress

    err = screen.console(stderr=True)
    total = sum(len(family.examples) for family in catalog.families().values())
    with Progress(console=err, transient=True, disable=not err.is_terminal) as progress:
        bar = progress.add_task("drawing sites", total=total)
        page = gallery.write(folder, lambda site: progress.advance(bar))
    screen.console().print(f"gallery: {page}", soft_wrap=True)


def _list(*, as_json: bool) -> None:
    if as_json:
        screen.print_json([gallery.schema(family) for family in catalog.families().values()])
        return
    table = Table("family", "what it is", "parameters")
    for family in catalog.families().values():
        table.add_row(family.name, family.title, ", ".join(family.parameters))
    out = screen.console()
    out.print(table)
    out.print("one of them, with what its parameters may be: atomsieve families NAME")


def _show(name: str, pictures: Path | None, *, as_json: bool) -> None:
    family = gallery.family(name)
    found = [(entry, site, gallery.summary(site)) for entry, site in gallery.examples(family)]
    if as_json:
        data = gallery.schema(family)
        data["examples"] = [{"entry": entry, **summary} for entry, _, summary in found]
        screen.print_json(data)
        return
    from atomsieve.analysis.pictures import draw

    out = screen.console()
    out.print(f"[bold]{family.name}[/bold]: {family.title}")
    table = Table("parameter", "what it is", "allowed", "default")
    for parameter in family.parameters.values():
        default = "required" if parameter.default is REQUIRED else str(parameter.default)
        table.add_row(parameter.name, escape(parameter.title), escape(parameter.allowed), escape(default))
    out.print(table)
    folder = pictures or read_settings().folder / "families"
    folder.mkdir(parents=True, exist_ok=True)
    for entry, site, summary in found:
        written = ", ".join(f"{key}: {value}" for key, value in entry.items())
        out.print(f"\n[bold]{escape(site.label)}[/bold]  {escape('{' + written + '}')}", soft_wrap=True)
        out.print(escape(f"  {summary['formula']}; {gallery.shell_text(summary)}"), soft_wrap=True)
        if (fit := gallery.fit_text(site)) is not None:
            out.print(escape(f"  {fit}"), soft_wrap=True)
        path = draw(site.atoms, folder / f"{file_stem(site.label)}.png", title=site.label, bonds=site.bonds)
        out.print(f"  picture: {path}", soft_wrap=True)
