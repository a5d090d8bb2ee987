"""Commands: what each command of the command line does."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from rich.markup import escape

from atomsieve.analysis import table
from atomsieve.structures.errors import CampaignError, InputError
from atomsieve.structures.identity import plain
from atomsieve.structures.site import ActiveSite
from atomsieve.workflows import display, screen
from atomsieve.workflows.campaign_check import lacks
from atomsieve.workflows.campaigns import find, load, open_database, stored_database
from atomsieve.workflows.checked import CheckedCampaign
from atomsieve.workflows.comparison import method_agreements
from atomsieve.workflows.drawing import draw
from atomsieve.workflows.ending import Code
from atomsieve.workflows.folder import Folder, file_stem
from atomsieve.workflows.funnel import Level, levels
from atomsieve.workflows.gallery import fit_text
from atomsieve.workflows.screenwatch import ScreenWatch
from atomsieve.workflows.settings import Settings, core_count, read_settings


def handle(checked: CheckedCampaign, file: str, settings: Settings) -> str:
    """Return what to call a campaign on the command line: its name where that finds it, else its file."""
    found_by_name = checked.folder.root == Folder(settings.folder).root
    return checked.campaign.name if found_by_name else shlex.quote(file)


def plan(file: str, pictures: Path | None, structures: Path | None, *, keys: bool, as_json: bool) -> None:
    """Say what a campaign would run."""
    from rich.progress import Progress

    from atomsieve.workflows.plan import Planner
    from atomsieve.workflows.stageplan import plan_stages

    settings = read_settings()
    checked = load(Path(file), settings)
    total = checked.site_count
    err = screen.console(stderr=True)
    with (
        stored_database(checked, settings) as database,
        Progress(console=err, transient=True, disable=not err.is_terminal) as progress,
    ):
        if keys:
            _print_keys(checked, as_json=as_json)
            return
        bar = progress.add_task("building sites", total=total)

        fits: list[str] = []

        def on_site(site: ActiveSite) -> None:
            progress.advance(bar)
            stem = file_stem(site.label)
            if len(fits) < display.REASONS and (fit := fit_text(site)) is not None:
                fits.append(f"{site.label}: {fit}")
            if pictures is not None:
                from atomsieve.analysis.pictures import draw

                pictures.mkdir(parents=True, exist_ok=True)
                draw(site.atoms, pictures / f"{stem}.png", title=site.label, bonds=site.bonds)
            if structures is not None:
                structures.mkdir(parents=True, exist_ok=True)
                site.atoms.write(structures / f"{stem}.xyz", format="extxyz")

        stages = list(plan_stages(checked, database, on_site)) if checked.campaign.stages else []
        plans = [entry.plan for entry in stages] or [Planner(checked, database).plan(on_site)]
    missing = lacks(checked.campaign)
    if as_json:
        data = {"stages": [asdict(entry) for entry in stages]} if stages else asdict(plans[0])
        screen.print_json({"campaign": checked.campaign.name, **data, "lacks": list(map(str, missing))})
        return
    out = screen.console()
    out.print(f"[bold]{checked.campaign.name}[/bold]: {plans[0].sites:,} sites, {plans[0].complete:,} complete")
    for number, made in enumerate(plans):
        if stages:
            out.print(escape(screen.stage_text(stages[number], number + 1, len(stages))), style="bold")
        out.print(screen.plan_table(made))
        out.print(screen.cost_text(made))
        if stages and stages[number].criteria:
            out.print(escape(f"pass on: {stages[number].criteria}"), soft_wrap=True)
        if made.closed:
            out.print(escape(screen.closed_text(made)), style="yellow")
    for why, count in checked.uncovered.items():
        out.print(f"resting: {count:,} site{'s' * (count > 1)} as named alone: {why}", style="yellow", soft_wrap=True)
    for fit in fits:
        out.print(escape(fit), soft_wrap=True)
    if pictures is not None:
        out.print(f"pictures: {pictures}")
    if structures is not None:
        out.print(f"structures: {structures}")
    for problem in missing:
        out.print(escape(str(problem)), style="yellow", soft_wrap=True)
    if any(made.complete < made.sites for made in plans):
        out.print(f"run it: atomsieve run {shlex.quote(file)}")
    else:
        out.print(f"nothing is left to run; see: atomsieve results {handle(checked, file, settings)}")


def _print_keys(checked: CheckedCampaign, *, as_json: bool) -> None:
    from atomsieve.workflows.plan import Planner

    if len(checked.stages) > 1:
        # what later stages ask for starts from what the one before leaves, and has no key before that
        screen.console(stderr=True).print("those of the first stage; what later ones ask for depends on its results")
    found = Planner(checked.stages[0], None).requests()
    if as_json:
        screen.print_json_list(
            {"key": request.key, "for": name, "certain": certain, "request": plain(request.to_dict())}
            for name, request, certain in found
        )
        return
    for name, request, certain in found:
        sys.stdout.write(f"{request.key}  {'will run' if certain else 'may run '}  {name}\n")


def run(file: str, workers: int | None, *, as_json: bool = False) -> int:
    """Run a campaign; return the exit code."""
    from atomsieve.workflows.runner import Runner

    settings = read_settings()
    checked = load(Path(file), settings)
    if missing := lacks(checked.campaign):
        raise CampaignError(checked.source, missing)
    workers = workers or settings.workers or core_count()
    command = f"atomsieve run {shlex.quote(file)}"
    total = checked.site_count
    out = screen.console(stderr=as_json)
    database = open_database(checked.campaign, checked.folder, settings)
    out.print(
        f"[bold]{checked.campaign.name}[/bold]: {total:,} sites, "
        f"{escape(', then '.join(stage.entry.title for stage in checked.stages))}, {workers} workers; "
        f"results in {checked.folder.root}, database {escape(database.title)}",
        soft_wrap=True,
    )
    out.print(f"stop it whenever you like; to go on: {command}")
    try:
        with database, ScreenWatch(out, total) as watch:
            summary = Runner(checked, database, workers, watch).run()
    except KeyboardInterrupt:
        out.print(f"stopped; everything that was finished is kept. To go on: {command}")
        return Code.STOPPED
    done = f"{summary.computed:,} calculations done, {summary.reused:,} found done, {summary.failed:,} failed"
    if summary.stored == summary.sites and not summary.errors:
        out.print(f"everything was there already; nothing was computed ({summary.seconds:.1f} s)")
    else:
        out.print(f"{summary.sites:,} of {summary.entered:,} sites complete in {summary.seconds:.0f} s: {done}")
    for label, error in summary.errors.items():
        out.print(f"[red]{escape(label)}[/red]: {escape(error.strip().splitlines()[-1])}")
    code = Code.INCOMPLETE if summary.errors else Code.DONE
    if as_json:
        data = asdict(summary)
        counts = {"sites": data.pop("entered"), "complete": data.pop("sites")}
        screen.print_json({"campaign": checked.campaign.name, **counts, **data})
        return code
    with database:
        found = levels(checked, database)
    name = handle(checked, file, settings)
    display.show(checked, display.rows(found), name, limit=50)
    for path in draw(found, checked.folder.root / "reports" / checked.campaign.name, is_brief=True):
        out.print(f"plot: {path}", soft_wrap=True)
    out.print(
        f"look further: atomsieve results {name} --sort overpotential; atomsieve report {name}; atomsieve status {name}"
    )
    if summary.errors:
        out.print(f"try the rest again: {command}")
    return code


def flow(file: str, out: Path, site: str | None, *, as_json: bool = False) -> None:
    """Write a campaign's flow."""
    from atomsieve.workflows.flowfile import write_flow

    checked = load(Path(file), read_settings())
    if missing := lacks(checked.campaign):
        raise CampaignError(checked.source, missing)
    written = write_flow(checked, out, site)
    if as_json:
        stage = checked.stages[0].stage
        data = {"stage": stage.name if stage is not None else None, "sites": written.sites, "gases": written.gases}
        screen.print_json({"campaign": checked.campaign.name, "file": str(out), **data})
        return
    console = screen.console()
    of = f" of its first stage, {checked.stages[0].stage.name}" if checked.stages[0].stage is not None else ""
    console.print(
        f"wrote {out}: one jobflow Flow{of} of {written.sites:,} sites and {written.gases:,} gases", soft_wrap=True
    )
    console.print(
        f"its jobs leave their results in ATOMSIEVE_FOLDER; with that set to {checked.folder.root} they are found by: "
        f"atomsieve run {shlex.quote(file)}",
        soft_wrap=True,
    )


def stored_levels(file_or_name: str) -> tuple[CheckedCampaign, list[Level]]:
    """Return a campaign with all that is known of each of its stages."""
    settings = read_settings()
    checked = find(file_or_name, settings)
    with stored_database(checked, settings) as database:
        return checked, levels(checked, database)


def results(
    file_or_name: str,
    *,
    filters: Mapping[str, Any],
    sort: str,
    descending: bool,
    limit: int | None,
    as_csv: bool,
    as_json: bool,
) -> None:
    """Show a campaign's rows."""
    checked, found = stored_levels(file_or_name)
    rows = display.rows(found)
    chosen = table.select(rows, **filters)
    for name in reversed(sort.split(",")):
        own = name.strip()
        chosen = table.ordered(chosen, own.removeprefix("-"), descending=descending or own.startswith("-"))
    # what is still in comes first
    chosen = sorted(chosen, key=lambda row: bool(row.get("rejected")))[:limit]
    columns = [*table.columns_of(rows, checked.campaign.all_adsorbates), *table.COMPARISON_COLUMNS]
    columns += table.STAGE_COLUMNS if checked.campaign.stages else ()
    columns += table.STABILITY_COLUMNS if any(stage.stability is not None for stage in checked.stages) else ()
    if as_json:
        screen.print_json([{name: row[name] for name in columns} for row in chosen])
    elif as_csv:
        sys.stdout.write(table.csv_text(chosen, columns))
    elif not rows:
        screen.console().print(f"no results yet; run it: atomsieve run {shlex.quote(file_or_name)}")
    elif not chosen:
        screen.console().print(f"none of {len(rows):,} rows meets these conditions")
    else:
        display.show(checked, chosen, file_or_name)
        for line in screen.agreement_lines(method_agreements(found)):
            screen.console().print(escape(line), soft_wrap=True)


def explain(file_or_name: str, site: str | None, what: str | None, path: int, *, as_json: bool) -> None:
    """Show the sum behind a limiting potential, or a free energy."""
    from atomsieve.workflows import explaining

    _, found = stored_levels(file_or_name)
    explaining.explain(explaining.choose(found, site, what), path, as_json=as_json)


def report(file_or_name: str, output: Path | None, *, as_json: bool) -> None:
    """Draw a campaign's plots, write its page, its methods paragraph and BibTeX; or print what these show."""
    from atomsieve.analysis.report.page import write_report
    from atomsieve.workflows.reporting import report_data

    settings = read_settings()
    checked = find(file_or_name, settings)
    target = output or checked.folder.root / "reports" / checked.campaign.name
    with stored_database(checked, settings) as database:
        found = levels(checked, database)
        if not any(site.rows for _, sites, _ in found for site in sites):
            raise InputError(f"{checked.campaign.name} has no results yet; run it first")
        data = report_data(checked, found, database)
        if as_json:
            screen.print_json(data)
            return
        paths = draw(found, target)
    target.mkdir(parents=True, exist_ok=True)
    stem = file_stem(checked.campaign.name)
    paths.append(write_report(data, target / f"{stem}.html"))
    for name, text in ((f"{stem}-methods.md", data["methods_text"]), (f"{stem}.bib", data["bibtex"])):
        (target / name).write_text(f"{text.rstrip()}\n", encoding="utf-8")
        paths.append(target / name)
    for path in paths:
        screen.console().print(str(path), soft_wrap=True)
