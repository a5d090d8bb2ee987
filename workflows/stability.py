"""Stability: what holds the sites of a campaign together and what becomes of them, on the screen."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rich.markup import escape
from rich.table import Table

from atomsieve.analysis.labels import label
from atomsieve.analysis.stability import stability_row
from atomsieve.structures.energies import Term
from atomsieve.structures.errors import InputError
from atomsieve.structures.stability import ENERGIES, QUANTITIES, Stability, StabilityVerdict
from atomsieve.workflows import screen, sums
from atomsieve.workflows.commands import stored_levels
from atomsieve.workflows.explaining import site_named
from atomsieve.workflows.funnel import Level

#: Reasons under a table.
REASONS = 20
_COLOURS = {
    StabilityVerdict.STABLE: "green",
    StabilityVerdict.UNSTABLE: "red",
    StabilityVerdict.UNDETERMINED: "yellow",
}


def show(file_or_name: str, site: str | None, *, as_json: bool) -> None:
    """Show the stability of all sites of a campaign, or that of one, criterion by criterion and sum by sum.

    Parameters
    ----------
    file_or_name : str
        A campaign.
    site : str or None
        A label, the beginning of one, or a key; None for all.
    as_json : bool
        Print plain data.

    Raises
    ------
    InputError
        If the campaign asks for no stability, or nothing is known of it yet.
    """
    checked, found = stored_levels(file_or_name)
    if all(stage.campaign.stability is None for stage in checked.stages):
        raise InputError(
            f"{checked.campaign.name} does not ask for stability; add a section `stability: {{}}` to its file and run "
            "it again: what is calculated already is not calculated twice"
        )
    known = list(_latest(found))
    if not known:
        raise InputError(f"nothing is known of the stability of {checked.campaign.name} yet; run it first")
    if site is not None:
        wanted = site_named({one.site.key: one.site for one in known}, site)
        known = [one for one in known if one.site.key == wanted.key]
    if as_json:
        screen.print_json([one.to_dict() for one in known])
    elif site is not None:
        _one(known[0])
    else:
        _all(known, checked.campaign.name)


def _latest(found: Sequence[Level]) -> Iterable[Stability]:
    """Return the stability of each site at the last stage that knows it."""
    latest = {one.stability.site.key: one.stability for _, sites, _ in found for one in sites if one.stability}
    return latest.values()


def _all(known: Sequence[Stability], name: str) -> None:
    rows = [(one, stability_row(one)) for one in known]
    columns = [
        column
        for column in rows[0][1]
        if column != "stability_reason" and any(row[column] is not None for _, row in rows)
    ]
    table = Table("site", title=f"stability of {escape(name)}", title_style="")
    for column in columns:
        table.add_column(escape(label(column).header), justify="left" if column == "stability" else "right")
    for one, row in rows:
        cells = [label(column).text(row[column]) for column in columns]
        cells[0] = f"[{_COLOURS[one.verdict]}]{cells[0]}[/]"
        table.add_row(escape(one.site.label), *cells)
    out = screen.console()
    out.print(table)
    lines = [f"{one.site.label}: {one.reason}" for one in known if one.verdict != StabilityVerdict.STABLE]
    for line in lines[:REASONS]:
        out.print(f"  {escape(line)}", soft_wrap=True)
    if len(lines) > REASONS:
        out.print(f"  and {len(lines) - REASONS:,} sites more: atomsieve stability {escape(name)} --json")
    out.print(f"one of them, sum by sum: atomsieve stability {escape(name)} SITE", style="dim")


def _one(one: Stability) -> None:
    out = screen.console()
    out.print(f"[bold]{escape(one.site.label)}[/bold]: [{_COLOURS[one.verdict]}]{one.verdict}[/]", soft_wrap=True)
    table = Table("criterion", "value", "must be", "", "what it means")
    for criterion in one.criteria:
        must = f"{'below' if criterion.passes_below else 'above'} {criterion.limit:z.2f} {criterion.unit}"
        value = "unknown" if criterion.value is None else f"{criterion.value:z.3f} {criterion.unit}"
        passed = {True: "[green]passes[/]", False: "[red]fails[/]", None: "[yellow]unknown[/]"}[criterion.passes]
        table.add_row(QUANTITIES[criterion.name], value, must, passed, escape(criterion.reason))
    out.print(table)
    for criterion in one.criteria:
        if criterion.terms:
            _sum(QUANTITIES[criterion.name], criterion.terms, criterion.unit)
    for name, (title, symbol) in ENERGIES.items():
        if name in one.energies:
            _sum(f"{title}, {symbol}", one.energies[name], "eV")
        elif name in one.missing:
            out.print(f"\n{escape(title)}, {symbol}: unknown: {escape(one.missing[name])}", soft_wrap=True)
    for warning in one.warnings:
        out.print(f"warning: {escape(warning)}", style="yellow", soft_wrap=True)


def _sum(title: str, terms: Sequence[Term], unit: str) -> None:
    out = screen.console()
    rounded = [round(term.value, sums.DECIMALS) for term in terms]
    out.print(f"\n{escape(title)} = {sums.value_text(sum(rounded))} {unit}", soft_wrap=True)
    table = sums.grid("left", "right", "left")
    for term, value in zip(terms, rounded, strict=True):
        table.add_row("", escape(term.name), sums.value_text(value), escape(sums.source_text(term)))
    out.print(table)
