"""Reckoning: a row or a limiting potential on the screen, from its terms to its overpotential."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rich.console import Console
from rich.markup import escape

from atomsieve.analysis.account import Account
from atomsieve.analysis.labels import NOT_PREDICTIVE, label
from atomsieve.analysis.sums import Ledger
from atomsieve.analysis.surroundings import Surroundings
from atomsieve.structures.energies import AdsorptionEnergy
from atomsieve.structures.limiting import LimitingPotential, SideProduct
from atomsieve.structures.method import Method
from atomsieve.structures.reaction import Path, reaction
from atomsieve.workflows import sums
from atomsieve.workflows.sums import DECIMALS, LETTERS, signed_text, value_text

#: Other calculations that are listed with a row.
CONSIDERED = 12

_UNITS = "eV, at 0 V vs RHE"


def show_row(out: Console, row: AdsorptionEnergy, around: Surroundings) -> None:
    """Print the sum of one adsorbate, and what else was tried for it."""
    _head(out, row, f"{row.adsorbate}*")
    _section(out, f"Free energy of adsorption ({_UNITS})")
    rows = {row.adsorbate: row}
    sums.print_species(out, [Ledger(rows, around, DECIMALS).adsorbate(row.adsorbate)], rows, around)
    out.print()
    _section(out, "Calculations that were tried (E in eV)")
    table = sums.grid("left", "left", "right", "right", "left")
    entries = sorted(row.considered, key=lambda entry: (str(entry["role"]), entry.get("energy") or 0.0))
    for entry in entries[:CONSIDERED]:
        energy, spin = entry.get("energy"), entry.get("multiplicity")
        table.add_row(
            "",
            escape(str(entry["role"])),
            str(entry["key"])[:LETTERS],
            f"2S+1 = {spin}" if spin else "",
            value_text(energy),
            escape(f"{entry.get('verdict') or entry['status']}: {entry.get('reason', '')}".strip(": ")),
        )
    out.print(table)
    if len(entries) > CONSIDERED:
        out.print(f"  and {len(entries) - CONSIDERED:,} more; --json lists them")


def show_account(
    out: Console,
    potential: LimitingPotential,
    rows: Mapping[str, AdsorptionEnergy],
    around: Surroundings,
    account: Account,
) -> None:
    """Print all sums of a path of a reaction.

    Parameters
    ----------
    out : Console
        Where to.
    potential : LimitingPotential
        What is explained.
    rows : mapping of str to AdsorptionEnergy
        By adsorbate.
    around : Surroundings
        The conditions.
    account : Account
        Its sums, rounded to :data:`DECIMALS`.
    """
    of = reaction(potential.reaction)
    is_moved = any(step.potential or step.ph for step in account.steps)
    _head(out, next(iter(rows.values())), f"{potential.reaction}, {of.title} ({of.source})")
    _conditions(out, potential, around)
    out.print()
    _section(out, f"Adsorbates ({_UNITS}, against H2, H2O, CO2 and N2)")
    sums.print_species(out, account.adsorbates, rows, around)
    _section(out, f"Molecules ({_UNITS})")
    sums.print_species(out, account.molecules, {}, around)
    _section(out, f"States ({_which(potential, account)}; {_UNITS})")
    sums.print_states(out, account.states)
    _section(out, "Steps (eV; first ΔG at 0 V vs RHE" + ("; then ΔG at U and pH)" if is_moved else ")"))
    sums.print_steps(out, account.steps, around, account.determining)
    _section(out, "Limiting potential")
    _limiting(out, potential, account, around)
    if account.leaves:
        _section(out, "Side products (the last step is where they leave)")
        _leaves(out, potential, account, around)
    _paths(out, potential, account)


def _which(potential: LimitingPotential, account: Account) -> str:
    """Say which path is shown."""
    place = "the cheapest" if account.number == 1 else f"number {account.number}"
    if account.limiting_potential is None:
        place = "as far as it is known, the first"
    return f"path {account.path}" + (f", {place} of {potential.paths:,}" if potential.paths > 1 else "")


def _head(out: Console, row: AdsorptionEnergy, what: str) -> None:
    method, geometry = Method.from_dict(row.method), row.policy.get("geometry_method")
    title = method.title(Method.from_dict(geometry) if geometry else None)
    out.print(f"[bold]{escape(row.site.label)}[/bold]: {escape(what)}", soft_wrap=True)
    out.print(
        escape(
            f"site {row.site.key[:LETTERS]}; method {title} [{method.key[:LETTERS]}]; corrections "
            f"{row.policy.get('corrections', 'none')}, solvation {row.policy.get('solvation', 'none')}"
        ),
        style="dim",
    )
    if not method.is_predictive:
        out.print(f"[bold yellow]{escape(method.calculator)}: {NOT_PREDICTIVE}[/bold yellow]")


def _conditions(out: Console, potential: LimitingPotential, around: Surroundings) -> None:
    """Say where it is: the potential as stated, and what that is against RHE."""
    stated = potential.conditions
    text = f"U = {value_text(around.potential)} V vs RHE"
    if stated.get("scale", "RHE") != "RHE":
        own = float(stated["potential"])
        scale = "SHE" if stated["scale"] == "SHE" else "vacuum"
        shift = f"{value_text(own)} V vs {scale} + {signed_text(around.potential - own)}"
        text = f"U = {shift} = {text.removeprefix('U = ')}"
    out.print(f"conditions: {text}, pH {around.ph:g}, {around.temperature:g} K", style="dim")


def _section(out: Console, text: str) -> None:
    out.print(escape(text), style="bold")


def _potential(value: float) -> str:
    """Write a potential that no sum above comes to."""
    quantity = label("limiting_potential")
    return f"{quantity.text(value)} {quantity.unit}"


def _limiting(out: Console, potential: LimitingPotential, account: Account, around: Surroundings) -> None:
    total, hardest = account.total, account.hardest
    sign = "-" if total.electrons > 0 else ""
    ph = f" + {signed_text(total.ph)} (pH)" if total.ph else ""
    lines = []
    if hardest is None:
        out.print(f"  U_L is undetermined: {escape(str(potential.undetermined))}", style="yellow")
    else:
        lines.append(
            f"U_L = {sign}max ΔG(0)/n = {sign}{signed_text(hardest.free_at_zero)}/{abs(hardest.electrons)} = "
            f"{value_text(account.limiting_potential)} V vs RHE, at {hardest.text}"
        )
    lines.append(
        f"U° = -[{value_text(total.end)} - {signed_text(total.start)}{ph}]/{signed_text(total.electrons, 0)} = "
        f"{value_text(account.equilibrium_potential)} V vs RHE, of {total.text}"
    )
    if around.is_computed:
        lines.append(f"  with measured {'; '.join(f'{end.text} {sums.parts_text(end)}' for end in account.ends)}")
        path = [step.free_at_zero for step in account.steps]
        if None not in path:
            whole = sum(value for value in path if value is not None)
            residual = value_text(whole - (total.free_at_zero or 0.0))
            lines.append(
                f"closure: {value_text(whole)} (the path) - {signed_text(total.free_at_zero)} (measured) = "
                f"{residual} eV, the error of the calculated molecules"
            )
    if account.overpotential is not None:
        first, second = ("U°", "U_L") if total.electrons > 0 else ("U_L", "U°")
        values = {"U°": account.equilibrium_potential, "U_L": account.limiting_potential}
        lines.append(
            f"η = {first} - {second} = {value_text(values[first])} - {signed_text(values[second])} = "
            f"{value_text(account.overpotential)} V ± {potential.error_bar:g} V ({potential.error_source})"
        )
    for line in lines:
        out.print(f"  {escape(line)}")


def _leaves(out: Console, potential: LimitingPotential, account: Account, around: Surroundings) -> None:
    found: Sequence[SideProduct | None] = potential.side_products or (None,) * len(account.leaves)
    for (chain, steps), side in zip(account.leaves.items(), found, strict=True):
        ease = ""
        if side is not None and side.limiting_potential is not None:
            bound = "below" if account.total.electrons > 0 else "above"
            ease = f"; its way there is downhill {bound} {_potential(side.limiting_potential)}"
        product = f"{side.product} leaves {side.leaves}" if side is not None else chain
        out.print(f"  {escape(product + ease)}")
        sums.print_steps(out, steps, around, indent=4)


def _paths(out: Console, potential: LimitingPotential, account: Account) -> None:
    if potential.paths > 1 and account.toll is not None:
        out.print(
            f"  ranked by {value_text(account.toll)} eV, what its hardest step asks with what is climbed by other "
            "steps just before"
        )
    if potential.alternatives:
        _section(out, "Alternatives, which ask for at most 0.1 eV more (--path N shows one)")
        table = sums.grid("right", "left", "right", "left")
        table.columns[4].ratio = 1
        for number, other in enumerate(potential.alternatives, start=2):
            pds = ", ".join(other["potential_determining_steps"])
            here = " (shown above)" if number == account.number else ""
            way = f"{' → '.join(other['states'])}; PDS {pds}{here}"
            table.add_row("", str(number), escape(other["path"]), _potential(other["limiting_potential"]), escape(way))
        out.print(table)
    if potential.undetermined_paths:
        _section(out, f"Undetermined: {potential.undetermined_paths:,} of {potential.paths:,} paths")
        for name, why in potential.missing.items():
            what = name if name.startswith("molecule ") else f"{name}*"
            out.print(f"  {escape(f'{what}: {why}')}", style="yellow")
        of = reaction(potential.reaction)
        lacking = {
            name: [f"{a}*" for a in Path(name, chain).adsorbates if a in potential.missing]
            for name, chain in of.routes.items()
        }
        for name, names in lacking.items():
            if names and len(of.routes) > 1:
                out.print(f"  route {escape(name)} lacks {escape(', '.join(names))}")
