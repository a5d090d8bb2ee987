"""Sums: the terms of free energies, states and steps on the screen, so that a reader can add them up again."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from atomsieve.analysis.sums import SpeciesSum, StateSum, StepSum
from atomsieve.analysis.surroundings import Surroundings
from atomsieve.structures.energies import AdsorptionEnergy, Term
from atomsieve.workflows import screen

#: Decimals of what is printed; all sums are those of the printed numbers.
DECIMALS = 4
#: Letters of a key that are printed.
LETTERS = 8

_KEY = re.compile(r"[0-9a-f]{64}")


def grid(*justify: str, indent: int = 2) -> Table:
    """Return a table without lines; texts fold, numbers never do."""
    table = Table(box=None, show_header=False, padding=(0, 2, 0, 0), pad_edge=False)
    table.add_column(width=indent - 2)
    for side in justify:
        if side == "right":
            table.add_column(justify="right", no_wrap=True)
        else:
            table.add_column(overflow="fold")
    return table


def value_text(value: float | None, decimals: int = DECIMALS) -> str:
    """Write a number, or say that it is not known."""
    return "unknown" if value is None else f"{value:z.{decimals}f}"


def signed_text(value: float | None, decimals: int = DECIMALS) -> str:
    """Write a number that follows a sign."""
    text = value_text(value, decimals)
    return f"({text})" if value is not None and value < 0 else text


def source_text(term: Term) -> str:
    """Write where a term comes from: a DOI, or the beginning of a request key."""
    keys = term.source.split()
    if not all(_KEY.fullmatch(key) for key in keys):
        return term.source
    more = f" and {len(keys) - 1} more" if len(keys) > 1 else ""
    return f"calculation {keys[0][:LETTERS]}{more}"


def parts_text(state: StateSum) -> str:
    """Write the sum of a state."""
    parts = [
        f"{f'{times} × ' if times > 1 else ''}{part.symbol} {value_text(part.free)}" for times, part in state.parts
    ]
    return f"= {' + '.join(parts) or '0'}"


def note_text(row: AdsorptionEnergy) -> str:
    """Return what is known of a row beside its numbers: verdict, spin states, key."""
    spins = [f"2S+1 = {spin} ({role})" for role, spin in row.multiplicity.items() if spin is not None]
    parts = [f"{row.verdict}: {row.reason}", ", ".join(spins), f"row {row.key[:LETTERS]}", *row.warnings]
    return "; ".join(part for part in parts if part)


def kind_text(step: StepSum) -> str:
    """Write what a step takes up."""
    if step.kind == "proton-electron":
        return f"{step.electrons:+d} (H⁺ + e⁻)"
    return "chemical" if step.kind == "chemical" else f"{step.electrons:+d} e⁻"


def print_species(
    out: Console, sums: Iterable[SpeciesSum], rows: Mapping[str, AdsorptionEnergy], around: Surroundings
) -> None:
    """Print the sum of each adsorbate or molecule, with its terms."""
    table = grid("left", "right", "left")
    unknown = []
    for total in sums:
        row = rows.get(total.name.removesuffix("*"))
        note = note_text(row) if row is not None else ""
        if total.free is None:
            why = note or around.missing.get(total.name, "not calculated")
            unknown.append(f"{total.symbol} is unknown: {why}")
            continue
        terms = total.terms
        if len(terms) == 1 and row is None:
            # a sum of one is that one
            note, terms = f"{terms[0].name}: {source_text(terms[0])}", ()
        elif not terms:
            note = "what energies refer to"
        note = note or "in all"
        for term in terms:
            table.add_row("", escape(term.name), value_text(term.value), escape(source_text(term)))
        table.add_row(
            "", f"[bold]{escape(total.symbol)}[/bold]", f"[bold]{value_text(total.free)}[/bold]", escape(note)
        )
    out.print(table)
    for line in unknown:
        out.print(f"  {escape(line)}", style="yellow")


def print_states(out: Console, states: Iterable[StateSum]) -> None:
    """Print the sum of each state."""
    table = grid("right", "left", "right", "left")
    for number, state in enumerate(states):
        table.add_row("", str(number), escape(state.text), value_text(state.free), escape(parts_text(state)))
    out.print(table)


def print_steps(
    out: Console, steps: Sequence[StepSum], around: Surroundings, determining: Iterable[str] = (), indent: int = 2
) -> None:
    """Print ΔG of each step, at 0 V and at the conditions; on a narrow screen below each other."""
    moved = any(step.potential or step.ph for step in steps)
    is_narrow = out.width < screen.WIDE
    table = grid("left", "left", "right", "left", *(("right", "left") if moved else ()), "left", indent=indent)
    for step in steps:
        is_marked = step.kind == "proton-electron" and step.text in determining
        mark = "[bold]potential-determining[/bold]" if is_marked else ""
        zero, change = value_text(step.free_at_zero), f"{value_text(step.end)} - {signed_text(step.start)}"
        there = [zero]
        if step.potential:
            there.append(f"{signed_text(step.electrons, 0)} × {signed_text(around.potential)}")
        if step.ph:
            there.append(f"{signed_text(step.ph)} (pH)")
        if not is_narrow:
            cells = [escape(step.text), kind_text(step), zero, f"= {change}"]
            cells += [value_text(step.free), f"= {' + '.join(there)}"] if moved else []
            table.add_row("", *cells, mark)
            continue
        out.print(f"{' ' * indent}{escape(step.text)}, {kind_text(step)}{f', {mark}' if mark else ''}")
        out.print(f"{' ' * indent}  ΔG(0) = {change} = {zero}")
        if moved:
            out.print(f"{' ' * indent}  ΔG(U) = {' + '.join(there)} = {value_text(step.free)}")
    if not is_narrow:
        out.print(table)
