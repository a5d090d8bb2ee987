"""Bibliography: what a text cites, as BibTeX and as lines for people."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import Any, Final

import yaml

from atomsieve.structures.errors import InputError, unknown

_CITED: Final = re.compile(r"@([\w.-]+)")
_DOI: Final = re.compile(r"\b10\.\d{4,9}/[^\s,;]+")
#: The fields of BibTeX in the order in which they are written.
_FIELDS: Final = (
    "author", "title", "journal", "institution", "publisher", "howpublished", "edition", "volume", "number", "pages",
    "year", "version", "doi", "note",
)  # fmt: skip


@dataclass(frozen=True)
class Reference:
    """One thing that is cited.

    Parameters
    ----------
    key : str
        By which a text cites it.
    fields : mapping of str to str
        ``type`` and the fields of BibTeX; of what is known by its DOI alone ``doi``.
    """

    key: str
    fields: Mapping[str, str]

    @property
    def bibtex(self) -> str:
        """The entry of BibTeX, in UTF-8."""
        lines = [f"  {name} = {{{_escaped(name, self.fields[name])}}}" for name in _FIELDS if name in self.fields]
        return f"@{self.fields['type']}{{{self.key},\n" + ",\n".join(lines) + "\n}\n"

    @property
    def text(self) -> str:
        """One line for people."""
        f = self.fields
        if "title" not in f:
            return f"doi:{f['doi']}"
        names = [name.strip("{}") for name in f["author"].split(" and ")]
        shown = ", ".join(" ".join(reversed(name.split(", ", 1))) for name in names[:3] if name != "others")
        authors = shown + (" et al." if len(names) > 3 or names[-1] == "others" else "")
        where = " ".join(
            f[name] for name in ("journal", "howpublished", "institution", "publisher", "volume") if name in f
        )
        pages = f.get("pages", "").replace("--", "–")
        parts = (authors, f["title"], ", ".join(filter(None, (where, pages, f.get("year", ""), f.get("version", "")))))
        return ". ".join(part.rstrip(".") for part in parts if part) + (f". doi:{f['doi']}" if "doi" in f else "")


def _escaped(name: str, value: str) -> str:
    if name == "doi":
        return value
    text = value.replace("&", r"\&")
    # a second pair of braces keeps formulas and names as they are in every style
    return f"{{{text}}}" if name == "title" else text


@cache
def references() -> Mapping[str, Reference]:
    """Return all references by key."""
    text = (files("atomsieve.analysis.report") / "references.yaml").read_text(encoding="utf-8")
    data: dict[str, dict[str, Any]] = yaml.safe_load(text)
    return MappingProxyType(
        {key: Reference(key, {name: str(value) for name, value in entry.items()}) for key, entry in data.items()}
    )


@cache
def _by_doi() -> Mapping[str, str]:
    return {entry.fields["doi"].lower(): key for key, entry in references().items() if "doi" in entry.fields}


def dois(source: str) -> list[str]:
    """Return the DOIs that a source names, without the full stop or the bracket of the sentence that they stand in."""
    found = []
    for doi in _DOI.findall(source):
        doi = doi.rstrip(".:")
        while doi.endswith(")") and doi.count(")") > doi.count("("):
            doi = doi[:-1]
        found.append(doi)
    return found


def _named(source: str) -> list[Reference]:
    """Return what a source of a table names: by their DOIs, known or not, and by name what has none."""
    known, found = references(), []
    for doi in dois(source):
        key = _by_doi().get(doi.lower())
        # brackets and slashes are more than a key may hold
        alone = Reference(f"doi-{re.sub(r'[^A-Za-z0-9.-]+', '-', doi).strip('-')}", {"type": "misc", "doi": doi})
        found.append(known[key] if key is not None else alone)
    return found + [one for one in known.values() if "named" in one.fields and one.fields["named"] in source]


class Citations:
    """What a text cites.

    Parameters
    ----------
    versions : mapping of str to str
        Versions of programs, by the key of their reference.
    """

    def __init__(self, versions: Mapping[str, str]) -> None:
        self._versions = versions
        self._cited: dict[str, Reference] = {}

    def __call__(self, *sources: str) -> str:
        """Cite, and return the mark that stands in the text: `` [@norskov2004; @peterson2010]``.

        Parameters
        ----------
        *sources : str
            Keys of references, or what a table says of a source: DOIs in it, or the name of what has none.

        Raises
        ------
        InputError
            If one names neither; what has no reference is not to be cited.
        """
        keys = dict.fromkeys(key for source in sources for key in self._keys(source))
        return f" [{'; '.join(f'@{key}' for key in keys)}]" if keys else ""

    def known(self, *sources: str) -> str:
        """Return the mark of sources of which some may name nothing to cite."""
        return self(*(source for source in sources if source in references() or _named(source)))

    def _keys(self, source: str) -> list[str]:
        known = references()
        if source in known:
            return [self._add(known[source])]
        if not (found := _named(source)):
            raise InputError(unknown(source, known, "reference"))
        return [self._add(entry) for entry in found]

    def _add(self, entry: Reference) -> str:
        version = self._versions.get(entry.key)
        fields = {**entry.fields, **({"version": version} if version is not None and "doi" not in entry.fields else {})}
        self._cited.setdefault(entry.key, Reference(entry.key, fields))
        return entry.key

    def order(self, text: str) -> None:
        """Put what is cited in the order in which a text that holds the marks does so."""
        self._cited = {key: self._cited[key] for key in dict.fromkeys(_CITED.findall(text))}

    @property
    def bibtex(self) -> str:
        """All that is cited, for a ``.bib`` file."""
        return "\n".join(entry.bibtex for entry in self._cited.values())

    def to_list(self) -> list[dict[str, str | None]]:
        """Return ``key``, ``doi`` (None where there is none) and ``text`` of all that is cited."""
        return [{"key": e.key, "doi": e.fields.get("doi"), "text": e.text} for e in self._cited.values()]
