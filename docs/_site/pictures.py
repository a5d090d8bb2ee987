"""Pictures: the examples of all families side by side."""

from __future__ import annotations

from html import escape
from urllib.parse import quote


def markdown(argument: str, inside: str) -> str:
    """Return a grid of each family's examples: picture, label, and what there is around the metal."""
    from atomsieve.builders import catalog
    from atomsieve.workflows import gallery
    from atomsieve.workflows.folder import file_stem

    parts = []
    for family in catalog.families().values():
        title = f"{family.title[0].upper()}{family.title[1:]}"
        parts.append(f"## {family.name}\n\n{title}: [parameters](gallery/README.md#{family.name.lower()}).\n")
        figures = []
        for _, site in gallery.examples(family):
            file, text = quote(file_stem(site.label)), escape(gallery.shell_text(gallery.summary(site)))
            figures.append(f"![{site.label}](gallery/{file}.png)\n\n**{site.label}**<br>{text}\n")
        boxes = [f"::::{{container}} picture\n{figure}::::\n" for figure in figures]
        parts += [":::::{container} pictures", *boxes, ":::::\n"]
    return "\n".join(parts)
