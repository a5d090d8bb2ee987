"""Fences: blocks of a page that are filled from the data and from the code when the site is built.

A page says ```` ```{catalog} adsorbates ````; a forge fills nothing, and the words inside say where to look.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

if TYPE_CHECKING:
    from sphinx.application import Sphinx

_FENCE = re.compile(r"^```\{(\w+)\} ?(\S*)\n(.*?)^```$", flags=re.MULTILINE | re.DOTALL)
_PICTURE = re.compile(r"!\[[^]]*\]\([^)]+\)")


def fillers() -> Mapping[str, Callable[[str, str], str]]:
    """Return what fills which fence: from its argument and the words inside to Markdown."""
    import catalogs
    import commands
    import pictures
    import public

    return {
        "catalog": catalogs.markdown,
        "commands": commands.markdown,
        "gallery": pictures.markdown,
        "api": public.listed,
        "documented": public.documented,
    }


def filled(text: str) -> str:
    """Return a page with its fences filled; others, such as ``{eval-rst}``, stay as they are."""

    def fill(match: re.Match[str]) -> str:
        name, argument, inside = match.groups()
        known = fillers()
        return known[name](argument, inside) if name in known else match[0]

    return _FENCE.sub(fill, text)


def _on_source_read(app: Sphinx, name: str, source: list[str]) -> None:
    if "```{" in source[0]:
        source[0] = filled(source[0])
    # a browser reads escapes in the address of a picture, Sphinx looks for a file of that name
    source[0] = _PICTURE.sub(lambda match: unquote(match[0]), source[0])


def setup(app: Sphinx) -> dict[str, Any]:
    """Register with Sphinx."""
    app.connect("source-read", _on_source_read)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
