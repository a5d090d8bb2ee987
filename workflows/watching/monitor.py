"""Monitor: how a campaign stands, worked out from one glance at its tasks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from math import sqrt
from pathlib import Path

from atomsieve.analysis.glance import WINDOW, Glance, Look, file_looks, server_looks
from atomsieve.structures.errors import InputError
from atomsieve.structures.task import FLOWS, OPEN, TaskCount, TaskState
from atomsieve.workflows.folder import Folder
from atomsieve.workflows.settings import Settings
from atomsieve.workflows.turn import is_running
from atomsieve.workflows.watching.standing import StageStanding, Standing

#: Calculations in the window below which a rate says nothing of what is to come.
FEWEST = 5
#: The engine of this machine, which has a lock and no heartbeat in the database.
LOCAL = "local"


@contextmanager
def opened(settings: Settings, folder: Folder, wanted: str | None = None) -> Iterator[Look]:
    """Give a way to look at campaigns, in whichever database their results go to.

    Parameters
    ----------
    settings : Settings
        Of this machine.
    folder : Folder
        Where the embedded database lies.
    wanted : {"embedded", "mongodb"} or None
        What the campaign asks for.
    """
    if settings.mongodb_uri is not None and wanted != "embedded":
        with server_looks(settings.mongodb_uri.get_secret_value(), settings.mongodb_database) as look:
            yield look
    else:
        with file_looks(folder.database) as look:
            yield look


def located(file_or_name: str, settings: Settings) -> tuple[str, Folder, str | None]:
    """Return the name of a campaign, its folder, and the database that it asks for, without checking the rest of it.

    Raises
    ------
    InputError
        If it names a file that is not there, or is none of a campaign.
    """
    path = Path(file_or_name)
    if not (path.is_file() or path.suffix in (".yaml", ".yml") or "/" in file_or_name):
        return file_or_name, Folder(settings.folder), None
    import yaml

    try:
        data = yaml.safe_load(path.read_text(encoding="utf-8"))
        results = data.get("results") or {}
        name, stated = data["name"], results.get("folder")
    except FileNotFoundError:
        raise InputError(f"there is no campaign file {path}; `atomsieve new NAME` writes one") from None
    except (OSError, UnicodeDecodeError, yaml.YAMLError, AttributeError, KeyError, TypeError):
        raise InputError(f"{path} is no campaign file; `atomsieve plan {path}` says what is wrong with it") from None
    folder = Folder(path.parent / Path(stated).expanduser()) if stated is not None else Folder(settings.folder)
    return str(name), folder, results.get("database")


def standing(name: str, glance: Glance, folder: Folder) -> Standing:
    """Work out how a campaign stands.

    Parameters
    ----------
    name : str
        Of the campaign.
    glance : Glance
        What its tasks come to.
    folder : Folder
        Where a process of this machine would work on it.
    """
    own = [count for count in glance.counts if count.kind not in FLOWS]
    kinds: dict[str, Counter[str]] = {}
    for count in own:
        kinds.setdefault(count.kind, Counter())[count.state] += count.number
    runs = [count for count in glance.counts if count.state == TaskState.RUNNING]
    elsewhere = [count for count in runs if count.engine != LOCAL]
    stages = tuple(_stages(glance))
    rate = _rate(own, glance.now)
    return Standing(
        campaign=name,
        now=glance.now,
        engines=tuple(sorted({(count.engine, count.worker) for count in own})),
        running=bool(elsewhere) or is_running(folder, name),
        heard=max((count.changed for count in runs if count.changed is not None), default=None),
        sites=glance.sites or 0,
        stages=stages,
        calculations={kind: {state: kinds[kind][state] for state in TaskState if kinds[kind][state]} for kind in kinds},
        rate=rate,
        left=_left(glance, stages, rate),
        failures=dict(_failures(glance.counts).most_common()),
        core_hours=sum(count.seconds * count.cores for count in own) / 3600,
    )


def _stages(glance: Glance) -> Iterator[StageStanding]:
    names: list[str | None] = [*glance.stages] or [None]
    for name in names:
        own = [count for count in glance.counts if count.kind == "site" and (name is None or count.stage == name)]
        known = glance.stages[name] if name is not None else {"entered": glance.sites or 0}
        yield StageStanding(
            name=name,
            entered=known.get("entered"),
            passed=known.get("passed"),
            done=_number(own, {TaskState.DONE}),
            failed=_number(own, {TaskState.FAILED, TaskState.CANCELLED}),
            working=_number(own, OPEN),
        )


def _number(counts: Iterable[TaskCount], states: Iterable[TaskState]) -> int:
    wanted = set(states)
    return sum(count.number for count in counts if count.state in wanted)


def _rate(own: list[TaskCount], now: datetime) -> float | None:
    """Return how many calculations end in an hour: over the last one, or since the first began."""
    ended = sum(count.recent for count in own if count.state == TaskState.DONE)
    first = min((count.began for count in own if count.began is not None), default=None)
    if not ended or first is None:
        return None
    hours = min(now - first, WINDOW).total_seconds() / 3600
    return ended / max(hours, 1 / 3600)


def _left(glance: Glance, stages: tuple[StageStanding, ...], rate: float | None) -> tuple[float, float | None] | None:
    """Return the hours until the stage under way is done, least and most.

    At least what is known to be asked for is left. At most the sites that are left cost as much as those that are done,
    if all that was spent so far was spent on these. Both with two standard deviations of the rate, which is a count.
    """
    under_way = next((stage for stage in reversed(stages) if stage.left), None)
    ended = sum(count.recent for count in glance.counts if count.state == TaskState.DONE and count.kind not in FLOWS)
    if under_way is None or rate is None or ended < FEWEST:
        return None
    own = [c for c in glance.counts if c.kind not in FLOWS and (under_way.name is None or c.stage == under_way.name)]
    known = _number(own, OPEN)
    spread = 2 / sqrt(ended)
    least = known / (rate * (1 + spread))
    if not under_way.done or spread >= 1:
        return (least, None) if known else None
    most = _number(own, {TaskState.DONE}) / under_way.done * under_way.left
    return least, max(most, known) / (rate * (1 - spread))


def _failures(counts: Iterable[TaskCount]) -> Counter[str]:
    """Count what failed by class; a reason that nobody has classed is classed here."""
    from atomsieve.structures.errors import FailureClass
    from atomsieve.workflows.watching.causes import classify

    classes = {str(entry) for entry in FailureClass}
    found: Counter[str] = Counter()
    for count in counts:
        if count.state == TaskState.FAILED and count.kind not in FLOWS:
            why = count.why or ""
            found[why if why in classes else str(classify(why).failure_class)] += count.number
    return found


def in_nodes(seen: Standing, settings: Settings) -> Standing:
    """Return the same with node hours, where all kinds of allocations of its workers take as many cores of a node.

    Parameters
    ----------
    seen : Standing
        Of the campaign.
    settings : Settings
        Where the workers' files lie.
    """
    import yaml

    cores: set[int] = set()
    for _, worker in seen.engines:
        try:
            # read as it stands: to check all of it takes longer than everything else here
            text = (settings.workers_folder.expanduser() / f"{worker}.yaml").read_text(encoding="utf-8")
            cores |= {int(kind.get("cores", 1)) for kind in yaml.safe_load(text)["kinds"].values()}
        except (OSError, ValueError, yaml.YAMLError, AttributeError, KeyError, TypeError):
            # this machine, or a cluster whose file lies elsewhere
            return seen
    return replace(seen, node_hours=seen.core_hours / cores.pop()) if len(cores) == 1 else seen
