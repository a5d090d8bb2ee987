"""Screen: tables and progress for people, in colours that survive pipes and ``NO_COLOR``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rich import box
from rich.markup import escape
from rich.table import Table

from atomsieve.analysis.cells import parts
from atomsieve.analysis.labels import NOT_PREDICTIVE, label
from atomsieve.analysis.spread import Agreement
from atomsieve.structures.reaction import reaction
from atomsieve.workflows.checked import CheckedCampaign
from atomsieve.workflows.funnel import Sifted
from atomsieve.workflows.plan import Plan
from atomsieve.workflows.printing import console as console
from atomsieve.workflows.printing import print_json as print_json
from atomsieve.workflows.printing import print_json_list as print_json_list
from atomsieve.workflows.stageplan import StagePlan

#: From here on the results table has room for all columns.
WIDE = 115
#: Free energies for which it has room.
MOST_FREE = 6
#: Sites without an open way that a plan names.
CLOSED = 8


def shown_columns(rows: Sequence[Mapping[str, Any]], width: int) -> list[str]:
    """Return the columns of the table that say something and for which there is room.

    Where there are networks, their paths and side products take the place of free energies, which are too many.
    """
    free = [name for name in rows[0] if name.startswith("free_") and any(row[name] is not None for row in rows)]
    has_networks = any(row["reaction"] is not None and len(reaction(row["reaction"]).routes) > 1 for row in rows)
    if not has_networks and len(free) <= MOST_FREE:
        columns = ["site", "spin", *free, "reaction", "limiting_potential", "overpotential", "pds"]
        return columns if width < WIDE else [*columns, "rank", "verdicts"]
    columns = ["site", "spin", "reaction", "path", "limiting_potential", "overpotential", "pds"]
    beside = [] if width < WIDE else ["rank", "desorption", "side_products"]
    return [*columns, *(name for name in beside if any(row[name] for row in rows))]


def results_table(rows: Sequence[Mapping[str, Any]], title: str, width: int) -> Table:
    """Return the table of a campaign: one line a site and reaction, what the lines of a site share written once.

    Parameters
    ----------
    rows : sequence of mapping
        As :func:`atomsieve.analysis.table.rows` gives them.
    title : str
        Above the table.
    width : int
        Of the terminal; a narrow one gets fewer lines between columns, and finds what is not bound below the table.
    """
    is_narrow = width < WIDE
    columns = shown_columns(rows, width)
    if is_narrow:
        table = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False)
    else:
        table = Table(title=title, title_justify="left")
    for name in columns:
        entry = label(name)
        symbol, unit = entry.symbol, entry.unit
        if is_narrow:
            # numbers are never cut: what is long in a head goes below
            symbol, unit = (
                symbol.replace("ΔG(", "ΔG\n(").replace("reaction", "reac-\ntion"),
                unit.replace(" vs ", "\nvs "),
            )
        head = f"{symbol}\n{unit}" if unit else symbol
        is_number = entry.decimals is not None
        table.add_column(
            head,
            justify="right" if is_number else "left",
            no_wrap=is_number or name == "reaction" or (not is_narrow and name in ("site", "path")),
            overflow="fold",
        )
    before = None
    for row in rows:
        repeated = row["site"] == before
        if before is not None and not repeated:
            table.add_section()
        before = row["site"]
        cells = []
        for name in columns:
            shared = name in ("site", "spin", "verdicts") or name.startswith("free_")
            cells.append("" if shared and repeated else _cell(name, row))
        table.add_row(*cells)
    return table


def _cell(name: str, row: Mapping[str, Any]) -> str:
    value = row[name]
    if name == "pds":
        return escape("\n".join(value)) if value else "undetermined"
    if name == "verdicts":
        return escape("\n".join(f"{name}* {entry['verdict']}" for name, entry in value.items())) or "all bound"
    if name == "rank":
        return "–" if value is None else f"{value} ({row['rank_best']}–{row['rank_worst']})"
    if name in ("desorption", "side_products"):
        return escape("\n".join(parts(name, value)))
    if name == "limiting_potential" and value is None:
        return "–"
    return escape(label(name).text(value))


def at_rest(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return a line for each limiting potential that another state of the site than the bare one decides."""
    volt = label("limiting_potential").text
    return [
        f"{row['site']}: {row['reaction']} runs at {volt(row['limiting_potential_at_rest'])} V, where "
        f"{row['resting_state']} rests; {volt(row['limiting_potential'])} V if bare"
        for row in rows
        if row["limiting_potential_at_rest"] is not None and row["resting_state"] != "*"
    ]


def agreement_lines(found: Sequence[Agreement]) -> list[str]:
    """Return a line for each reaction and each two methods that order at least three sites."""
    return [
        f"{one.reaction}: {' and '.join(one.methods)} order {one.sites} sites with ρ = {one.spearman:z.2f} (Spearman), "
        f"τ = {one.kendall:z.2f} (Kendall)"
        for one in found
        if one.spearman is not None
    ]


def rejections(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return a line for each adsorbate without a bound state, with the reason, once a site."""
    lines = {f"{row['site']}: {text}": None for row in rows for text in parts("verdicts", row["verdicts"])}
    return list(lines)


def caveat(rows: Sequence[Mapping[str, Any]]) -> str | None:
    """Return the sentence under a table whose numbers do not predict, None where they do."""
    names = sorted({row["calculator"] for row in rows if not row["predictive"]})
    if not names:
        return None
    return f"{', '.join(names)}: {NOT_PREDICTIVE}; every U_L and η above ranks candidates for a dearer method, no more"


def single_starts(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return a line for each site of which some state was found in one spin state alone."""
    lines = {f"{row['site']}: {', '.join(row['single_start'])}": None for row in rows if row["single_start"]}
    return list(lines)


def sifted_text(stage: CheckedCampaign, sifted: Sifted) -> str:
    """Return one line with what became of the sites that entered a stage."""
    assert stage.stage is not None
    wanted = f" ({stage.criteria})" if str(stage.criteria) else ""
    missing = f", {sifted.missing:,} not complete" if sifted.missing else ""
    passed = f"{len(sifted.passed):,} of {sifted.entered:,} sites pass{wanted}"
    return f"stage {stage.stage.name}: {passed}, {len(sifted.rejected):,} fall out{missing}"


def stage_state(stage: CheckedCampaign, sifted: Sifted) -> dict[str, Any]:
    """Return the same as plain data."""
    assert stage.stage is not None
    return {
        "stage": stage.stage.name,
        "calculator": stage.entry.name,
        "criteria": str(stage.criteria),
        "entered": sifted.entered,
        "passed": len(sifted.passed),
        "rejected": len(sifted.rejected),
    }


def fallen_table(rows: Sequence[Mapping[str, Any]]) -> Table:
    """Return the table of the sites that fell out, one line a site.

    Parameters
    ----------
    rows : sequence of mapping
        As :func:`atomsieve.analysis.table.rows` gives them, with ``stage`` and ``rejected``.
    """
    table = Table(title="fell out", title_justify="left")
    for head in ("site", "stage", "why"):
        table.add_column(head, overflow="fold")
    for site, stage, why in dict.fromkeys((row["site"], row["stage"], row["rejected"]) for row in rows):
        table.add_row(escape(site), escape(stage), escape(why))
    return table


def stage_text(made: StagePlan, number: int, of: int) -> str:
    """Return one line with the sites that enter a stage."""
    least, most = made.entering
    sites = f"{most:,} sites" if least == most else f"at most {most:,} sites"
    plan = made.plan
    return f"stage {number} of {of}, {made.stage}: {sites}, {plan.complete:,} complete; {plan.calculator}"


def plan_table(plan: Plan) -> Table:
    """Return the table of a plan."""
    table = Table(title_justify="left")
    for head in ("calculations", "new", "already stored", "shared"):
        table.add_column(head, justify="left" if head == "calculations" else "right")
    titles = {
        "molecule": "gas references",
        "before clean": "clean sites, pre-relaxed",
        "before adsorbed": "adsorbates, pre-relaxed",
        "clean": "clean sites (spin starts)",
        "adsorbed": "adsorbates (poses, spins)",
        "energy": "single points",
        "displacement": "displacements, for vibrations",
        "electronic": "electronic structures",
    }
    for task, count in plan.counts.items():
        table.add_row(titles[task], _range(count.least, count.most), f"{count.stored:,}", f"{count.shared:,}")
    return table


def _range(least: int, most: int) -> str:
    return f"{most:,}" if least == most else f"{least:,} to {most:,}"


def cost_text(plan: Plan) -> str:
    """Return one line with the estimate of what is still to run."""
    calls = _range(round(plan.force_calls[0]), round(plan.force_calls[1]))
    hours = " to ".join(f"{value:.2g}" for value in dict.fromkeys(plan.cpu_hours))
    return f"still to run: about {calls} force calls, {hours} CPU hours with {plan.calculator}"


def closed_text(plan: Plan) -> str:
    """Return one line with the sites that leave no way to their metal."""
    shown = ", ".join(plan.closed[:CLOSED])
    more = f" and {len(plan.closed) - CLOSED:,} more (--json lists them)" if len(plan.closed) > CLOSED else ""
    return f"no way to the metal is open, so that adsorbates cannot be placed: {shown}{more}"
