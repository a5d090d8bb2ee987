"""Board: how a campaign stands, as people see it, once or again and again."""

from __future__ import annotations

import re
import shlex
import time
from collections.abc import Callable, Iterator

from rich import box
from rich.console import Console, Group, RenderableType
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from atomsieve.structures.clock import duration, utc_now
from atomsieve.structures.errors import StoreError
from atomsieve.structures.task import KINDS, TaskState
from atomsieve.workflows.printing import console, print_json, print_json_line
from atomsieve.workflows.settings import read_settings
from atomsieve.workflows.watching import monitor
from atomsieve.workflows.watching.standing import StageStanding, Standing

#: What may be a key, or the first letters of one.
KEY = re.compile(r"[0-9a-f]{6,64}")
#: Colours of states.
STYLES = {"done": "green", "failed": "red", "lost": "red", "running": "bold", "paused": "yellow", "cancelled": "yellow"}


def status(file_or_name: str, key: str | None, *, watch: float | None, as_json: bool) -> None:
    """Say how a campaign stands, and say it again every few seconds if that is wanted; or show one calculation.

    Parameters
    ----------
    file_or_name : str
        A campaign file, or the name of one that was run; the key of a calculation, where no campaign is called so.
    key : str or None
        A calculation of the campaign.
    watch : float or None
        Seconds between two looks; None for one.
    as_json : bool
        Print plain data; a line a look where it is watched.
    """
    if key is not None:
        _one(file_or_name, key, as_json=as_json)
        return
    settings = read_settings()
    name, folder, wanted = monitor.located(file_or_name, settings)
    with monitor.opened(settings, folder, wanted) as look:
        if KEY.fullmatch(file_or_name) and look(name).sites is None:
            _one(None, file_or_name, as_json=as_json)
            return

        def seen() -> Standing:
            glance = look(name)
            if glance.sites is None and not glance.counts:
                return _unbegun(file_or_name)
            return monitor.in_nodes(monitor.standing(name, glance, folder), settings)

        if watch is not None and as_json:
            _lines(seen, watch)
        elif as_json:
            print_json(seen().to_dict())
        elif watch is None:
            console().print(board(seen(), file_or_name), soft_wrap=True)
        else:
            _watch(seen, file_or_name, watch)


def _one(file_or_name: str | None, key: str, *, as_json: bool) -> None:
    from atomsieve.workflows.watching import control

    control.one(file_or_name, key, as_json=as_json)


def _unbegun(file_or_name: str) -> Standing:
    """Return the standing of a campaign of which nothing was run; what is no campaign is refused."""
    from atomsieve.workflows.campaigns import find

    checked = find(file_or_name, read_settings())
    stages = tuple(
        StageStanding(
            name=stage.stage.name if stage.stage is not None else None,
            entered=checked.site_count if stage is checked.stages[0] else None,
            passed=None,
            done=0,
            failed=0,
            working=0,
        )
        for stage in checked.stages
    )
    return Standing(
        campaign=checked.campaign.name,
        now=utc_now(),
        engines=(),
        running=False,
        heard=None,
        sites=checked.site_count,
        stages=stages,
        calculations={},
        rate=None,
        left=None,
        failures={},
        core_hours=0.0,
    )


def board(seen: Standing, handle: str) -> Group:
    """Return how a campaign stands.

    Parameters
    ----------
    seen : Standing
        How.
    handle : str
        What to call it on the command line.
    """
    parts: list[RenderableType] = [Text.from_markup(line) for line in _head(seen)]
    if seen.calculations:
        parts.append(_table(seen))
    parts += [Text.from_markup(line) for line in _foot(seen, shlex.quote(handle))]
    return Group(*parts)


def _head(seen: Standing) -> Iterator[str]:
    where = ", ".join(f"{engine} on {worker}" if worker else engine for engine, worker in seen.engines)
    state = "running now" if seen.running else "not running"
    heard = f", last sign of life {duration((seen.now - seen.heard).total_seconds())} ago" if seen.heard else ""
    yield f"[bold]{escape(seen.campaign)}[/bold]: {state}{f' ({escape(where)})' if where else ''}{heard}"
    working, failed = (sum(getattr(stage, name) for stage in seen.stages) for name in ("working", "failed"))
    yield f"sites: {seen.complete:,} of {seen.sites:,} complete{_more(working, 'in work')}{_more(failed, 'failed')}"
    for stage in seen.stages:
        if stage.name is not None:
            yield f"  stage {escape(stage.name)}: {_stage(stage)}"


def _stage(stage: StageStanding) -> str:
    if stage.entered is None:
        return "not begun"
    if stage.passed is not None:
        missing = stage.entered - stage.done
        passed = f"{stage.passed:,} of {stage.entered:,} sites pass, {stage.done - stage.passed:,} fall out"
        return f"{passed}{_more(missing, 'not complete')}"
    more = f"{_more(stage.working, 'in work')}{_more(stage.failed, 'failed')}"
    return f"{stage.done:,} of {stage.entered:,} sites done{more}"


def _more(number: int, what: str) -> str:
    return f", {number:,} {what}" if number else ""


def _table(seen: Standing) -> Table:
    totals = seen.totals
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_footer=len(seen.calculations) > 1)
    table.add_column("calculations", footer="all")
    for state, number in totals.items():
        table.add_column(state, footer=f"{number:,}", justify="right", style=STYLES.get(state, ""))
    order = {kind: rank for rank, kind in enumerate(KINDS)}
    for kind, states in sorted(seen.calculations.items(), key=lambda entry: order.get(entry[0], len(order))):
        table.add_row(kind, *(f"{states[state]:,}" if state in states else "" for state in totals))
    return table


def _foot(seen: Standing, handle: str) -> Iterator[str]:
    if seen.rate is not None and seen.complete < seen.sites:
        yield f"rate: {_number(seen.rate)} calculations an hour{left_text(seen)}"
    if seen.core_hours:
        nodes = f" ({_number(seen.node_hours)} node hours)" if seen.node_hours is not None else ""
        yield f"spent: {_number(seen.core_hours)} core hours{nodes}"
    for name, number in seen.failures.items():
        yield f"[red]{number:,} failed[/red]: {escape(name)}"
    if seen.failures:
        yield f"why, and what to do: atomsieve failures {handle}"
    if lost := seen.totals.get(TaskState.LOST):
        yield f"[red]{lost:,} lost[/red]; take them up again: atomsieve recover {handle}"
    if seen.totals.get(TaskState.PAUSED):
        yield f"let go on what is paused: atomsieve resume {handle}"


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def left_text(seen: Standing) -> str:
    """Return the time that is left, as far as it can be said."""
    if seen.left is None:
        return ""
    least, most = seen.left
    which = next((f" of stage {stage.name}" for stage in reversed(seen.stages) if stage.name and stage.left), "")
    if most is None:
        return f"; at least {duration(least * 3600)}{which} left"
    return f"; {duration(least * 3600)} to {duration(most * 3600)}{which} left"


def _watch(seen: Callable[[], Standing], handle: str, seconds: float) -> None:
    """Show it until Ctrl-C; a database that is away is said so, and asked again."""
    from rich.live import Live

    out = console()

    def shown() -> RenderableType:
        try:
            return board(seen(), handle)
        except StoreError as error:
            return Text.from_markup(f"[red]{escape(str(error))}[/red]; asking again")

    try:
        if not out.is_terminal or out.is_dumb_terminal:
            while True:
                _line(out, seen)
                time.sleep(seconds)
        with Live(shown(), console=out, auto_refresh=False) as live:
            while True:
                time.sleep(seconds)
                live.update(shown(), refresh=True)
    except KeyboardInterrupt:
        return


def _lines(seen: Callable[[], Standing], seconds: float) -> None:
    """Print a line of JSON a look, until Ctrl-C; a database that is away is said so, and asked again."""
    err = console(stderr=True)
    try:
        while True:
            try:
                print_json_line(seen().to_dict())
            except StoreError as error:
                err.print(escape(str(error)), soft_wrap=True)
            time.sleep(seconds)
    except KeyboardInterrupt:
        return


def _line(out: Console, seen: Callable[[], Standing]) -> None:
    """Print one line, for a log."""
    try:
        now = seen()
    except StoreError as error:
        out.print(escape(str(error)))
        return
    states = ", ".join(f"{number:,} {state}" for state, number in now.totals.items())
    stamp = now.now.isoformat(timespec="seconds")
    out.print(f"{stamp}Z sites {now.complete:,}/{now.sites:,}; {states}{left_text(now)}", soft_wrap=True)
