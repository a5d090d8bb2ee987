"""Commands: what each command of the command line does."""

from __future__ import annotations

import json
import shlex
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from rich.markup import escape

from atomsieve.analysis import table
from atomsieve.analysis.database import Database
from atomsieve.structures.errors import CampaignError, InputError
from atomsieve.structures.identity import plain
from atomsieve.structures.site import ActiveSite
from atomsieve.workflows import screen
from atomsieve.workflows.campaigns import find, lacks, load, open_database
from atomsieve.workflows.checked import CheckedCampaign
from atomsieve.workflows.folder import Folder, file_stem
from atomsieve.workflows.gallery import fit_text
from atomsieve.workflows.harvest import SiteRows, stored_rows
from atomsieve.workflows.settings import Settings, core_count, read_settings

#: Lines with reasons under a table.
REASONS = 20


@contextmanager
def _stored(checked: CheckedCampaign, settings: Settings) -> Iterator[Database | None]:
    """Open the database of a campaign, or give None where there is none yet: looking must not make one."""
    database = open_database(checked.campaign, checked.folder, settings)
    if database.path is not None and not database.path.exists():
        yield None
        return
    with database:
        yield database


def handle(checked: CheckedCampaign, file: str, settings: Settings) -> str:
    """Return what to call a campaign on the command line: its name where that finds it, else its file."""
    found_by_name = checked.folder.root == Folder(settings.folder).root
    return checked.campaign.name if found_by_name else shlex.quote(file)


def plan(file: str, pictures: Path | None, structures: Path | None, *, keys: bool, as_json: bool) -> None:
    """Say what a campaign would run."""
    from rich.progress import Progress

    from atomsieve.workflows.plan import Planner

    settings = read_settings()
    checked = load(Path(file), settings)
    total = checked.site_count
    err = screen.console(stderr=True)
    with (
        _stored(checked, settings) as database,
        Progress(console=err, transient=True, disable=not err.is_terminal) as progress,
    ):
        planner = Planner(checked, database)
        if keys:
            for name, request, certain in planner.requests():
                if as_json:
                    line = {"key": request.key, "for": name, "certain": certain, "request": plain(request.to_dict())}
                    sys.stdout.write(json.dumps(line) + "\n")
                else:
                    sys.stdout.write(f"{request.key}  {'will run' if certain else 'may run '}  {name}\n")
            return
        bar = progress.add_task("building sites", total=total)

        fits: list[str] = []

        def on_site(site: ActiveSite) -> None:
            progress.advance(bar)
            stem = file_stem(site.label)
            if len(fits) < REASONS and (fit := fit_text(site)) is not None:
                fits.append(f"{site.label}: {fit}")
            if pictures is not None:
                from atomsieve.analysis.pictures import draw

                pictures.mkdir(parents=True, exist_ok=True)
                draw(site.atoms, pictures / f"{stem}.png", title=site.label, bonds=site.bonds)
            if structures is not None:
                structures.mkdir(parents=True, exist_ok=True)
                site.atoms.write(structures / f"{stem}.xyz", format="extxyz")

        made = planner.plan(on_site)
    missing = lacks(checked.campaign)
    if as_json:
        from dataclasses import asdict

        screen.print_json({"campaign": checked.campaign.name, **asdict(made), "lacks": list(map(str, missing))})
        return
    out = screen.console()
    out.print(f"[bold]{checked.campaign.name}[/bold]: {made.sites:,} sites, {made.complete:,} complete")
    out.print(screen.plan_table(made))
    out.print(screen.cost_text(made))
    for fit in fits:
        out.print(escape(fit), soft_wrap=True)
    if made.closed:
        out.print(escape(screen.closed_text(made)), style="yellow")
    if pictures is not None:
        out.print(f"pictures: {pictures}")
    if structures is not None:
        out.print(f"structures: {structures}")
    for problem in missing:
        out.print(escape(str(problem)), style="yellow", soft_wrap=True)
    if made.complete < made.sites:
        out.print(f"run it: atomsieve run {shlex.quote(file)}")
    else:
        out.print(f"nothing is left to run; see: atomsieve results {handle(checked, file, settings)}")


def run(file: str, workers: int | None) -> int:
    """Run a campaign; return the exit code."""
    from atomsieve.workflows.runner import Runner

    settings = read_settings()
    checked = load(Path(file), settings)
    if missing := lacks(checked.campaign):
        raise CampaignError(checked.source, missing)
    workers = workers or settings.workers or core_count()
    command = f"atomsieve run {shlex.quote(file)}"
    total = checked.site_count
    out = screen.console()
    database = open_database(checked.campaign, checked.folder, settings)
    out.print(
        f"[bold]{checked.campaign.name}[/bold]: {total:,} sites, {escape(checked.entry.title)}, {workers} workers; "
        f"results in {checked.folder.root}, database {escape(database.title)}",
        soft_wrap=True,
    )
    out.print(f"stop it whenever you like; to go on: {command}")
    try:
        with database, screen.ScreenWatch(out, total) as watch:
            summary = Runner(checked, database, workers, watch).run()
    except KeyboardInterrupt:
        out.print(f"stopped; everything that was finished is kept. To go on: {command}")
        return 130
    done = f"{summary.computed:,} calculations done, {summary.reused:,} found done, {summary.failed:,} failed"
    if summary.stored == summary.sites and not summary.errors:
        out.print(f"everything was there already; nothing was computed ({summary.seconds:.1f} s)")
    else:
        out.print(f"{summary.sites:,} of {total:,} sites complete in {summary.seconds:.0f} s: {done}")
    for label, error in summary.errors.items():
        out.print(f"[red]{escape(label)}[/red]: {escape(error.strip().splitlines()[-1])}")
    with database:
        sites = list(stored_rows(checked, database))
    name = handle(checked, file, settings)
    _show(_rows(sites), checked.campaign.name, name, limit=50)
    for path in _draw(checked, sites, checked.folder.root / "reports" / checked.campaign.name):
        out.print(f"plot: {path}", soft_wrap=True)
    out.print(
        f"look further: atomsieve results {name} --sort overpotential; atomsieve report {name}; atomsieve status {name}"
    )
    if summary.errors:
        out.print(f"try the rest again: {command}")
    return 1 if summary.errors else 0


def status(file_or_name: str, *, as_json: bool) -> None:
    """Say how far a campaign has come."""
    from atomsieve.workflows.runner import is_running

    settings = read_settings()
    checked = find(file_or_name, settings)
    name = checked.campaign.name
    state: dict[str, Any] = {
        "campaign": name,
        "running": is_running(checked.folder, name),
        "sites": checked.site_count,
        "complete": 0,
        "calculations": {"done": 0, "failed": 0},
        "verdicts": {},
        "failures": {},
    }
    verdicts: Counter[str] = Counter()
    reasons: Counter[str] = Counter()
    seen: dict[str, str] = {}
    with _stored(checked, settings) as database:
        for site in stored_rows(checked, database):
            state["complete"] += len(site.rows) == len(checked.campaign.all_adsorbates)
            for row in site.rows.values():
                verdicts[row.verdict] += 1
                for entry in row.considered:
                    if entry["key"] not in seen:
                        seen[entry["key"]] = entry["status"]
                        if entry["status"] == "failed":
                            reasons[entry["reason"]] += 1
    state["calculations"] = {word: sum(value == word for value in seen.values()) for word in ("done", "failed")}
    state["verdicts"], state["failures"] = dict(verdicts.most_common()), dict(reasons.most_common(10))
    if as_json:
        screen.print_json(state)
        return
    out = screen.console()
    out.print(f"[bold]{name}[/bold]: {'running now' if state['running'] else 'not running'}")
    out.print(f"sites: {state['complete']:,} of {state['sites']:,} complete")
    out.print(
        f"calculations at them: done: {state['calculations']['done']:,}, failed: {state['calculations']['failed']:,}"
    )
    if verdicts:
        out.print("adsorbates: " + ", ".join(f"{word}: {number:,}" for word, number in verdicts.most_common()))
    for reason, number in reasons.most_common(10):
        out.print(f"  {number:,} failed: {escape(reason)}")


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
    settings = read_settings()
    checked = find(file_or_name, settings)
    with _stored(checked, settings) as database:
        rows = _rows(stored_rows(checked, database))
    chosen = table.ordered(table.select(rows, **filters), sort, descending=descending)[:limit]
    if as_json:
        screen.print_json(chosen)
    elif as_csv:
        own = {f"free_{name}" for name in checked.campaign.all_adsorbates}
        columns = [name for name in table.COLUMNS if not name.startswith("free_") or name in own]
        sys.stdout.write(table.csv_text(chosen, columns))
    elif not rows:
        screen.console().print(f"no results yet; run it: atomsieve run {shlex.quote(file_or_name)}")
    elif not chosen:
        screen.console().print(f"none of {len(rows):,} rows meets these conditions")
    else:
        _show(chosen, checked.campaign.name, file_or_name)


def report(file_or_name: str, output: Path | None) -> None:
    """Draw a campaign's plots."""
    settings = read_settings()
    checked = find(file_or_name, settings)
    target = output or checked.folder.root / "reports" / checked.campaign.name
    with _stored(checked, settings) as database:
        paths = _draw(checked, list(stored_rows(checked, database)), target)
    if not paths:
        raise InputError(f"{checked.campaign.name} has no results yet; run it first")
    for path in paths:
        screen.console().print(str(path), soft_wrap=True)


def _rows(sites: Iterable[SiteRows]) -> list[dict[str, Any]]:
    energies, potentials = [], []
    for site in sites:
        energies += [row.to_dict() for row in site.rows.values()]
        potentials += [potential.to_dict() for potential in site.potentials]
    return table.rows(energies, potentials)


def _show(rows: list[dict[str, Any]], title: str, name: str, limit: int | None = None) -> None:
    out = screen.console()
    if not rows:
        return
    out.print(screen.results_table(rows[:limit], title, out.width))
    if limit is not None and len(rows) > limit:
        out.print(f"and {len(rows) - limit:,} rows more: atomsieve results {name}")
    lines = screen.rejections(rows[:limit])
    for line in lines[:REASONS]:
        out.print(f"  {escape(line)}", style="yellow")
    if len(lines) > REASONS:
        out.print(f"  and {len(lines) - REASONS:,} reasons more: atomsieve results {name} --json")
    single = screen.single_starts(rows[:limit])
    if single:
        shown = "; ".join(single[:REASONS]) + (f" and {len(single) - REASONS:,} sites more" * (len(single) > REASONS))
        out.print(escape(f"single-start, no second spin state converged: {shown}"), style="yellow")
    remark = screen.caveat(rows)
    if remark:
        out.print(f"[bold yellow]{escape(remark)}[/bold yellow]")


def _draw(checked: CheckedCampaign, sites: Sequence[SiteRows], target: Path) -> list[Path]:
    from atomsieve.analysis.plots import free_energy_diagram, volcano

    paths = []
    for name in checked.campaign.reactions:
        potentials = [p for site in sites for p in site.potentials if p.reaction == name]
        if not potentials:
            continue
        target.mkdir(parents=True, exist_ok=True)
        rows = [row for site in sites for row in site.rows.values()]
        for suffix in ("png", "svg"):
            diagram, mountain = (target / f"{kind}-{name}.{suffix}" for kind in ("free-energy", "volcano"))
            free_energy_diagram(potentials, diagram)
            volcano(potentials, rows, mountain, name)
            paths += [diagram, mountain]
    return paths
