"""Display: a campaign's rows, as its commands show them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rich.markup import escape

from atomsieve.analysis import table
from atomsieve.analysis.stability import stability_row
from atomsieve.workflows import screen
from atomsieve.workflows.checked import CheckedCampaign
from atomsieve.workflows.comparison import compare, place_of
from atomsieve.workflows.funnel import Level
from atomsieve.workflows.harvest import SiteRows

#: Lines with reasons under a table.
REASONS = 20


#: What is known of a site at the last stage that it has come to: the stage, its rows, and those of the table.
Latest = tuple[CheckedCampaign, SiteRows, list[dict[str, Any]]]


def latest(found: Sequence[Level]) -> list[Latest]:
    """Return each site that has results, at the last stage that it has come to, with that stage and why it fell out."""
    by_site: dict[str, list[Latest]] = {}
    beside = compare(found)
    blank = dict.fromkeys((*table.COMPARISON_COLUMNS, *table.STABILITY_COLUMNS))
    for stage, sites, sifted in found:
        here: dict[str, list[Latest]] = {}
        for site in sites:
            own = table.rows([row.to_dict() for row in site.rows.values()], [p.to_dict() for p in site.potentials])
            if not own:
                continue
            compared = {p.reaction: beside[place_of(p)] for p in site.potentials}
            more = blank | (stability_row(site.stability) if site.stability is not None else {})
            own = [row | more | compared.get(row["reaction"], {}) for row in own]
            key = next(iter(site.rows.values())).site.key
            if stage.stage is not None:
                own = [{**row, "stage": stage.stage.name, "rejected": sifted.rejected.get(key)} for row in own]
            here.setdefault(key, []).append((stage, site, own))
        by_site |= here
    return [entry for entries in by_site.values() for entry in entries]


def rows(found: Sequence[Level]) -> list[dict[str, Any]]:
    """Return the rows of each site at the last stage that it has come to."""
    return [row for _, _, own in latest(found) for row in own]


def show(checked: CheckedCampaign, found: Sequence[dict[str, Any]], name: str, limit: int | None = None) -> None:
    """Print a table of what is still in, one for each stage it has come to, and one of what fell out."""
    out = screen.console()
    still = [row for row in found if row.get("rejected") is None]
    shown = still[:limit]
    for stage in checked.stages:
        own = [row for row in shown if stage.stage is None or row["stage"] == stage.stage.name]
        title = checked.campaign.name + (f", stage {stage.stage.name}" if stage.stage is not None else "")
        if own:
            out.print(screen.results_table(own, title, out.width))
    if len(still) > len(shown):
        out.print(f"and {len(still) - len(shown):,} rows more: atomsieve results {name}")
    fallen = [row for row in found if row.get("rejected") is not None]
    if fallen:
        out.print(screen.fallen_table(fallen[:limit]))
    if limit is not None and len(fallen) > limit:
        out.print(f"and {len(fallen) - limit:,} rows more that fell out: atomsieve results {name}")
    lines = screen.rejections(shown)
    for line in lines[:REASONS]:
        out.print(f"  {escape(line)}", style="yellow")
    if len(lines) > REASONS:
        out.print(f"  and {len(lines) - REASONS:,} reasons more: atomsieve results {name} --json")
    covered = screen.at_rest(shown)
    for line in covered[:REASONS]:
        out.print(f"  {escape(line)}")
    if len(covered) > REASONS:
        out.print(f"  and {len(covered) - REASONS:,} covered sites more: atomsieve results {name} --json")
    single = screen.single_starts(shown)
    if single:
        named = "; ".join(single[:REASONS]) + (f" and {len(single) - REASONS:,} sites more" * (len(single) > REASONS))
        out.print(escape(f"single-start, no second spin state converged: {named}"), style="yellow")
    warnings = list(dict.fromkeys(f"{row['site']}: {text}" for row in shown for text in row["warnings"]))
    for line in warnings[:REASONS]:
        out.print(f"  warning: {escape(line)}", style="yellow")
    if len(warnings) > REASONS:
        out.print(f"  and {len(warnings) - REASONS:,} warnings more: atomsieve results {name} --json")
    if shown and "path" in screen.shown_columns(shown, out.width):
        out.print(f"free energies: --csv or --json; each as a sum: atomsieve explain {name} SITE REACTION", style="dim")
    remark = screen.caveat(found)
    if remark:
        out.print(f"[bold yellow]{escape(remark)}[/bold yellow]")
