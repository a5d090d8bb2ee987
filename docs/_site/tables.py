"""Tables: Markdown out of rows."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

_DOI = re.compile(r"(?:doi )?(?<![\w/.])(10\.\d{4,}/[^\s,;]+)")
_HELD = re.compile(r"(`[^`]*`)")


def table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Return a table; cells are Markdown already."""
    lines = [list(head), ["---"] * len(head), *rows]
    return "".join(f"| {' | '.join(str(cell).replace('|', chr(92) + '|') for cell in row)} |\n" for row in lines)


def code(text: object) -> str:
    """Return a text as code, nothing as nothing."""
    return f"`{text}`" if str(text) else ""


def prose(text: str) -> str:
    """Return a plain text so that Markdown shows it as it is, but for what stands in backticks."""
    parts = _HELD.split(text.replace("``", "`"))
    return "".join(part if part.startswith("`") else re.sub(r"([\\*_<>\[\]$])", r"\\\1", part) for part in parts)


def cited(source: str) -> str:
    """Return a source with each DOI as a link."""
    parts, end = [], 0
    for match in _DOI.finditer(source):
        doi = match[1].rstrip(".)") if match[1].count("(") < match[1].count(")") else match[1].rstrip(".")
        parts += [prose(source[end : match.start()]), f"[{doi}](https://doi.org/{doi})"]
        end = match.start(1) + len(doi)
    return "".join([*parts, prose(source[end:])])
