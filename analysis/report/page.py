"""Page: the HTML file of a report, which brings its data, its scripts and its viewers along.

A browser asks no one for anything: the page's own policy (Content-Security-Policy) forbids every request, and lets
only those scripts run whose hash it names. Data and libraries are packed (gzip, base64); the browser unpacks a library
when it is first needed.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import html
import json
import os
import re
from collections.abc import Mapping, Sequence
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any

from atomsieve.structures.errors import InputError, unknown

#: The version of the data that the scripts read.
SCHEMA = 1
#: What a page cannot be without.
_KEYS = ("schema", "campaign", "reactions", "columns", "rows", "sites", "methods_text", "bibtex")
#: The columns that the page itself reads; others are shown as they come.
COLUMNS = (
    "site",
    "family",
    "metals",
    "reaction",
    "limiting_potential",
    "overpotential",
    "pds",
    "verdict",
    "rejected",
)
#: The parts of the one module that the page runs, in their order.
_SCRIPTS = (
    "base.js",
    "table.js",
    "filters.js",
    "plots.js",
    "diagram.js",
    "periodic.js",
    "viewer.js",
    "site.js",
    "main.js",
)
_SUFFIXES = (".html", ".htm")


def write_report(data: Mapping[str, Any], path: str | Path) -> Path:
    """Write one HTML file that shows a campaign in a browser, without a network.

    Parameters
    ----------
    data : mapping
        Plain data of schema 1: ``campaign``, ``reactions``, ``columns`` (the first nine are :data:`COLUMNS`), ``rows``
        in their order, one for each site and reaction, ``sites`` by label, ``methods_text``, ``bibtex`` and, if there
        are any, ``plots``. Energies in eV, potentials in V against RHE, lengths in Å; None where unknown.

        Of a site, ``potentials`` holds for each reaction ``states``, ``free`` (eV at 0 V) and ``electrons``, taken up
        until each state, by which the potential moves it. ``plots["volcanoes"]`` holds for each reaction
        ``descriptor`` (a column), the line ``x`` and ``y``, ``ideal`` (the thermodynamic limit) and ``source``.
    path : str or Path
        Where to write; ``.html``. What was there is replaced in one step.

    Returns
    -------
    Path
        What was written.

    Raises
    ------
    InputError
        If the suffix is another, the data are of another schema or lack a part, a row is longer or shorter than the
        columns, or a number is not finite.
    """
    target = Path(path)
    if target.suffix.lower() not in _SUFFIXES:
        raise InputError(unknown(target.suffix, _SUFFIXES, "kind of report"))
    _check(data)
    unfinished = target.with_name(f".{target.name}.{os.getpid()}")
    try:
        unfinished.write_text(_page(data), encoding="utf-8", newline="\n")
        unfinished.replace(target)
    finally:
        unfinished.unlink(missing_ok=True)
    return target


def _check(data: Mapping[str, Any]) -> None:
    missing = [key for key in _KEYS if key not in data]
    if missing:
        raise InputError(f"the data of a report lack {', '.join(missing)}; they need {', '.join(_KEYS)}")
    if data["schema"] != SCHEMA:
        raise InputError(f"the data of a report are of schema {data['schema']!r}, and the page reads {SCHEMA}")
    names = tuple(column["name"] for column in data["columns"])
    if names[: len(COLUMNS)] != COLUMNS:
        raise InputError(f"the columns of a report begin with {', '.join(COLUMNS)}, not {', '.join(names) or 'none'}")
    rows: Sequence[Sequence[Any]] = data["rows"]
    for row in rows:
        if len(row) != len(names):
            raise InputError(f"a row of a report has {len(row)} values for {len(names)} columns: {list(row)[:4]}")
        if row[0] not in data["sites"]:
            raise InputError(f"a row of a report is about {row[0]!r}, which is none of its {len(data['sites'])} sites")


def _page(data: Mapping[str, Any]) -> str:
    folder = files("atomsieve.analysis.report")
    # base64 and the scripts' own texts hold no "</script", which would end them early
    script = "\n".join(_read(folder / name) for name in _SCRIPTS)
    plotly = _read(files("plotly") / "package_data" / "plotly.min.js")
    viewer = _read(folder / "vendor" / "3Dmol-min.js")
    licences = (folder / "vendor" / "3Dmol-LICENSE.txt", folder / "vendor" / "plotly-LICENSE.txt")
    overview = {key: value for key, value in data.items() if key != "sites"}
    parts = {
        "policy": _policy(script, plotly, viewer),
        "title": html.escape(str(data["campaign"].get("title") or data["campaign"].get("name") or "atomsieve")),
        "style": _read(folder / "page.css"),
        "overview": _packed_json(overview),
        "sites": _packed_json(data["sites"]),
        "plotly": _packed(plotly),
        "viewer": _packed(viewer),
        "script": script,
        "licences": "\n\n".join(_read(path) for path in licences),
    }
    return re.sub(r"@@(\w+)@@", lambda match: parts[match[1]], _read(folder / "page.html"))


def _read(path: Traversable) -> str:
    return path.read_text(encoding="utf-8")


def _policy(*scripts: str) -> str:
    """Return a policy under which nothing is fetched, and only these scripts run."""
    hashes = (base64.b64encode(hashlib.sha256(script.encode()).digest()).decode() for script in scripts)
    allowed = " ".join(f"'sha256-{digest}'" for digest in hashes)
    return (
        f"default-src 'none'; script-src {allowed}; style-src 'unsafe-inline'; img-src data: blob:; "
        "base-uri 'none'; form-action 'none'"
    )


def _packed_json(value: Any) -> str:
    try:
        return _packed(json.dumps(value, separators=(",", ":"), ensure_ascii=False, allow_nan=False))
    except ValueError as error:
        raise InputError(f"the data of a report hold a number that is not finite ({error}); write None") from error


def _packed(text: str) -> str:
    """Return a text as gzip in base64, the same each time."""
    return base64.b64encode(gzip.compress(text.encode(), mtime=0)).decode()
