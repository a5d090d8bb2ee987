"""Networks: the reactions as the command line shows them."""

from __future__ import annotations

from typing import Any

from rich.markup import escape
from rich.table import Table

from atomsieve.structures.reaction import Reaction, reaction, reactions
from atomsieve.workflows import screen


def show(name: str | None, *, as_json: bool) -> None:
    """List all reactions, or show one with its routes and steps.

    Parameters
    ----------
    name : str or None
        A reaction, or some of its routes as ``NRR:distal``; all reactions if none is named.
    as_json : bool
        Print plain data.
    """
    if name is not None:
        wanted = reaction(name)
        screen.print_json(_plain(wanted)) if as_json else _show(wanted)
        return
    if as_json:
        screen.print_json([_plain(entry) for entry in reactions().values()])
        return
    table = Table("reaction", "what it is", "e⁻", "U°, V vs RHE", "routes", "adsorbates", "paths")
    for entry in reactions().values():
        numbers = (str(len(entry.adsorbates)), str(len(entry.paths)))
        routes = ", ".join(entry.routes)
        table.add_row(
            entry.name, entry.title, str(entry.electrons), f"{entry.equilibrium_potential:.3f}", routes, *numbers
        )
    out = screen.console()
    out.print(table)
    out.print("one of them, with its steps: atomsieve reactions NAME; some of its routes in a campaign: NRR:distal")


def _show(wanted: Reaction) -> None:
    out = screen.console()
    out.print(f"[bold]{escape(wanted.name)}[/bold]: {escape(wanted.title)}; {escape(wanted.source)}", soft_wrap=True)
    out.print(
        f"{wanted.electrons} electrons, U° {wanted.equilibrium_potential:.4f} V at 298.15 K and pH 0; "
        f"{len(wanted.paths)} paths, {len(wanted.adsorbates)} adsorbates: {', '.join(wanted.adsorbates)}",
        soft_wrap=True,
    )
    if wanted.competes:
        out.print(f"in a campaign comes along what competes with it: {', '.join(wanted.competes)}")
    for name, chain in wanted.routes.items():
        out.print(f"\n[bold]{escape(name)}[/bold]")
        out.print(escape("  " + " → ".join(state.text for state in chain)))
    if wanted.leaves:
        out.print("\n[bold]side products[/bold]")
        for chain in wanted.leaves:
            out.print(escape("  " + " → ".join(state.text for state in chain)))


def _plain(wanted: Reaction) -> dict[str, Any]:
    return {
        "name": wanted.name,
        "title": wanted.title,
        "source": wanted.source,
        "electrons": wanted.electrons,
        "protons": wanted.overall.protons,
        "equilibrium_potential": wanted.equilibrium_potential,
        "adsorbates": list(wanted.adsorbates),
        "routes": {name: [state.text for state in chain] for name, chain in wanted.routes.items()},
        "leaves": [[state.text for state in chain] for chain in wanted.leaves],
        "competes": list(wanted.competes),
        "paths": len(wanted.paths),
        "steps": [
            {"text": step.text, "electrons": step.electrons, "protons": step.protons, "kind": step.kind}
            for step in wanted.steps
        ],
    }
