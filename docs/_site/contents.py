"""Contents: the lists of links of docs/index.md are the site's table of contents, so that it is written once.

The pages below another are named there in a comment, which no forge shows: ``<!-- contents: adsorbates metals -->``.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sphinx.application import Sphinx

_LINK = re.compile(r"^- \[([^]]+)\]\(([^)#]+)\.md\)", flags=re.MULTILINE)


_BELOW = re.compile(r"^<!-- contents: (.*) -->$", flags=re.MULTILINE)


def with_toctrees(text: str) -> str:
    """Return the index with a hidden toctree for each of its sections: the links that begin the items of its lists."""
    trees = []
    for section in re.split(r"^## ", text, flags=re.MULTILINE)[1:]:
        caption = section.partition("\n")[0]
        if pages := _LINK.findall(section):
            entries = "\n".join(f"{title} <{target}>" for title, target in pages)
            trees.append(_toctree(entries, f":caption: {caption}\n"))
    return "\n".join([text, *trees])


def _toctree(entries: str, options: str = "") -> str:
    return f"```{{toctree}}\n:hidden:\n{options}\n{entries}\n```\n"


def _on_source_read(app: Sphinx, name: str, source: list[str]) -> None:
    if name == app.config.root_doc:
        source[0] = with_toctrees(source[0])
    source[0] = _BELOW.sub(lambda match: _toctree(match[1].replace(" ", "\n")), source[0])


def setup(app: Sphinx) -> dict[str, Any]:
    """Register with Sphinx."""
    app.connect("source-read", _on_source_read)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
