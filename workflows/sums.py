"""Sums: free energies and limiting potentials on the screen, so that a reader can add them up again."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from atomsieve.analysis.account import Account, Ledger, SpeciesSum, StateSum, StepSum
from atomsieve.analysis.labels import NOT_PREDICTIVE, label
from atomsieve.analysis.surroundings import Surroundings
from atomsieve.structures.energies import AdsorptionEnergy, Term
from atomsieve.structures.limiting import LimitingPotential, SideProduct
from atomsieve.structures.method import Method
from atomsieve.structures.reaction import Path, reaction
from atomsieve.workflows import screen

#: Decimals of what is printed; all sums are those of the printed numbers.
DECIMALS = 4
#: Letters of a key that are printed.
LETTERS = 8
#: Other calculations that are listed with a row.
CONSIDERED = 12

_KEY = re.compile(r"[0-9a-f]{64}")
_UNITS = "eV, at 0 V vs RHE"


def show_row(out: Console, row: AdsorptionEnergy, around: Surroundings) -> None:
    """Print the sum of one adsorbate, and what else was tried for it."""
    _head(out, row, f"{row.adsorbate}*")
    _section(out, f"Free energy of adsorption ({_UNITS})")
    rows = {row.adsorbate: row}
    _species(out, [Ledger(rows, around, DECIMALS).adsorbate(row.adsorbate)], rows, around)
    out.print()
    _section(out, "Calculations that were tried (E in eV)")
    table = _grid("left", "left", "right", "right", "left")
    entries = sorted(row.considered, key=lambda entry: (str(entry["role"]), entry.get("energy") or 0.0))
    for entry in entries[:CONSIDERED]:
        energy, spin = entry.get("energy"), entry.get("multiplicity")
        table.add_row(
            "",
            escape(str(entry["role"])),
            str(entry["key"])[:LETTERS],
            f"2S+1 = {spin}" if spin else "",
            _number(energy),
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
    _species(out, account.adsorbates, rows, around)
    _section(out, f"Molecules ({_UNITS})")
    _species(out, account.molecules, {}, around)
    _section(out, f"States ({_which(potential, account)}; {_UNITS})")
    _states(out, account.states)
    _section(out, "Steps (eV; first ΔG at 0 V vs RHE" + ("; then ΔG at U and pH)" if is_moved else ")"))
    _steps(out, account.steps, around, account.determining)
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
    text = f"U = {_number(around.potential)} V vs RHE"
    if stated.get("scale", "RHE") != "RHE":
        own = float(stated["potential"])
        scale = "SHE" if stated["scale"] == "SHE" else "vacuum"
        shift = f"{_number(own)} V vs {scale} + {_signed(around.potential - own)}"
        text = f"U = {shift} = {text.removeprefix('U = ')}"
    out.print(f"conditions: {text}, pH {around.ph:g}, {around.temperature:g} K", style="dim")


def _section(out: Console, text: str) -> None:
    out.print(escape(text), style="bold")


def _grid(*justify: str, indent: int = 2) -> Table:
    """Return a table without lines; texts fold, numbers never do."""
    table = Table(box=None, show_header=False, padding=(0, 2, 0, 0), pad_edge=False)
    table.add_column(width=indent - 2)
    for side in justify:
        if side == "right":
            table.add_column(justify="right", no_wrap=True)
        else:
            table.add_column(overflow="fold")
    return table


def _number(value: float | None, decimals: int = DECIMALS) -> str:
    return "unknown" if value is None else f"{value:z.{decimals}f}"


def _source(term: Term) -> str:
    return f"calculation {term.source[:LETTERS]}" if _KEY.fullmatch(term.source) else term.source


def _species(
    out: Console, sums: Iterable[SpeciesSum], rows: Mapping[str, AdsorptionEnergy], around: Surroundings
) -> None:
    table = _grid("left", "right", "left")
    unknown = []
    for total in sums:
        row = rows.get(total.name.removesuffix("*"))
        note = _note(row) if row is not None else ""
        if total.free is None:
            why = note or around.missing.get(total.name, "not calculated")
            unknown.append(f"{total.symbol} is unknown: {why}")
            continue
        terms = total.terms
        if len(terms) == 1 and row is None:
            # a sum of one is that one
            note, terms = f"{terms[0].name}: {_source(terms[0])}", ()
        elif not terms:
            note = "what energies refer to"
        note = note or "in all"
        for term in terms:
            table.add_row("", escape(term.name), _number(term.value), escape(_source(term)))
        table.add_row("", f"[bold]{escape(total.symbol)}[/bold]", f"[bold]{_number(total.free)}[/bold]", escape(note))
    out.print(table)
    for line in unknown:
        out.print(f"  {escape(line)}", style="yellow")


def _note(row: AdsorptionEnergy) -> str:
    """Return what is known of a row beside its numbers: verdict, spin states, key."""
    spins = [f"2S+1 = {spin} ({role})" for role, spin in row.multiplicity.items() if spin is not None]
    parts = [f"{row.verdict}: {row.reason}", ", ".join(spins), f"row {row.key[:LETTERS]}", *row.warnings]
    return "; ".join(part for part in parts if part)


def _states(out: Console, states: Iterable[StateSum]) -> None:
    table = _grid("right", "left", "right", "left")
    for number, state in enumerate(states):
        table.add_row("", str(number), escape(state.text), _number(state.free), escape(_parts(state)))
    out.print(table)


def _parts(state: StateSum) -> str:
    parts = [f"{f'{times} × ' if times > 1 else ''}{part.symbol} {_number(part.free)}" for times, part in state.parts]
    return f"= {' + '.join(parts) or '0'}"


def _steps(
    out: Console, steps: Sequence[StepSum], around: Surroundings, determining: Iterable[str] = (), indent: int = 2
) -> None:
    moved = any(step.potential or step.ph for step in steps)
    is_narrow = out.width < screen.WIDE
    table = _grid("left", "left", "right", "left", *(("right", "left") if moved else ()), "left", indent=indent)
    for step in steps:
        is_marked = step.kind == "proton-electron" and step.text in determining
        mark = "[bold]potential-determining[/bold]" if is_marked else ""
        zero, change = _number(step.free_at_zero), f"{_number(step.end)} - {_signed(step.start)}"
        there = [zero]
        if step.potential:
            there.append(f"{_signed(step.electrons, 0)} × {_signed(around.potential)}")
        if step.ph:
            there.append(f"{_signed(step.ph)} (pH)")
        if not is_narrow:
            cells = [escape(step.text), _kind(step), zero, f"= {change}"]
            cells += [_number(step.free), f"= {' + '.join(there)}"] if moved else []
            table.add_row("", *cells, mark)
            continue
        out.print(f"{' ' * indent}{escape(step.text)}, {_kind(step)}{f', {mark}' if mark else ''}")
        out.print(f"{' ' * indent}  ΔG(0) = {change} = {zero}")
        if moved:
            out.print(f"{' ' * indent}  ΔG(U) = {' + '.join(there)} = {_number(step.free)}")
    if not is_narrow:
        out.print(table)


def _kind(step: StepSum) -> str:
    """Write what a step takes up."""
    if step.kind == "proton-electron":
        return f"{step.electrons:+d} (H⁺ + e⁻)"
    return "chemical" if step.kind == "chemical" else f"{step.electrons:+d} e⁻"


def _potential(value: float) -> str:
    """Write a potential that no sum above comes to."""
    quantity = label("limiting_potential")
    return f"{quantity.text(value)} {quantity.unit}"


def _signed(value: float | None, decimals: int = DECIMALS) -> str:
    """Write a number that follows a sign."""
    text = _number(value, decimals)
    return f"({text})" if value is not None and value < 0 else text


def _limiting(out: Console, potential: LimitingPotential, account: Account, around: Surroundings) -> None:
    total, hardest = account.total, account.hardest
    sign = "-" if total.electrons > 0 else ""
    ph = f" + {_signed(total.ph)} (pH)" if total.ph else ""
    lines = []
    if hardest is None:
        out.print(f"  U_L is undetermined: {escape(str(potential.undetermined))}", style="yellow")
    else:
        lines.append(
            f"U_L = {sign}max ΔG(0)/n = {sign}{_signed(hardest.free_at_zero)}/{abs(hardest.electrons)} = "
            f"{_number(account.limiting_potential)} V vs RHE, at {hardest.text}"
        )
    lines.append(
        f"U° = -[{_number(total.end)} - {_signed(total.start)}{ph}]/{_signed(total.electrons, 0)} = "
        f"{_number(account.equilibrium_potential)} V vs RHE, of {total.text}"
    )
    if around.is_computed:
        lines.append(f"  with measured {'; '.join(f'{end.text} {_parts(end)}' for end in account.ends)}")
        path = [step.free_at_zero for step in account.steps]
        if None not in path:
            whole = sum(value for value in path if value is not None)
            residual = _number(whole - (total.free_at_zero or 0.0))
            lines.append(
                f"closure: {_number(whole)} (the path) - {_signed(total.free_at_zero)} (measured) = {residual} eV, the "
                "error of the calculated molecules"
            )
    if account.overpotential is not None:
        first, second = ("U°", "U_L") if total.electrons > 0 else ("U_L", "U°")
        values = {"U°": account.equilibrium_potential, "U_L": account.limiting_potential}
        lines.append(
            f"η = {first} - {second} = {_number(values[first])} - {_signed(values[second])} = "
            f"{_number(account.overpotential)} V ± {potential.error_bar:g} V ({potential.error_source})"
        )
    if potential.closure is not None:
        lines.append(f"calculated molecules make the whole reaction {_signed(potential.closure)} eV off experiment")
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
        _steps(out, steps, around, indent=4)


def _paths(out: Console, potential: LimitingPotential, account: Account) -> None:
    if potential.paths > 1 and account.toll is not None:
        out.print(
            f"  ranked by {_number(account.toll)} eV, what its hardest step asks with what is climbed by other steps "
            "just before"
        )
    if potential.alternatives:
        _section(out, "Alternatives, which ask for at most 0.1 eV more (--path N shows one)")
        table = _grid("right", "left", "right", "left")
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
            out.print(f"  {escape(f'{name}*: {why}')}", style="yellow")
        of = reaction(potential.reaction)
        lacking = {
            name: [f"{a}*" for a in Path(name, chain).adsorbates if a in potential.missing]
            for name, chain in of.routes.items()
        }
        for name, names in lacking.items():
            if names and len(of.routes) > 1:
                out.print(f"  route {escape(name)} lacks {escape(', '.join(names))}")
