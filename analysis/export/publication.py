"""Publication: who published results and where, as Catalysis-Hub asks for it."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from atomsieve.structures.errors import InputError

#: What can be said of a publication, and how.
OPTIONS: Final[Mapping[str, str]] = {
    "title": "of the publication; needed",
    "authors": "family name first, with semicolons between: 'Curie, Marie; Bohr, Niels'; needed",
    "year": "four digits; needed",
    "journal": "where it appears",
    "volume": "of the journal",
    "number": "of the issue",
    "pages": "or the article's number",
    "publisher": "of the journal",
    "doi": "as 10.1021/jp047349j",
    "tags": "words to find it by, with commas between",
    "pub_id": "Catalysis-Hub's name of it; unless given, first author, first word of the title and year",
}
NEEDED: Final = ("title", "authors", "year")
#: What a title may begin with before its first word.
_ARTICLES: Final = ("the", "a")
_NO_LETTER = re.compile(r"[^\w-]")
_DOI = re.compile(r"^(?:https?://(?:dx\.)?doi\.org/|doi[: ]\s*)?(10\.\d{4,9}/\S+)$", re.IGNORECASE)


@dataclass(frozen=True)
class Publication:
    """A publication.

    Parameters
    ----------
    title : str
        Its title.
    authors : tuple of str
        Family name first.
    year : int
        Year.
    pub_id : str
        What Catalysis-Hub calls it.
    more : mapping of str to str
        Journal, volume, number, pages, publisher and DOI, where they are known.
    tags : tuple of str
        Words to find it by.
    """

    title: str
    authors: tuple[str, ...]
    year: int
    pub_id: str
    more: Mapping[str, str]
    tags: tuple[str, ...] = ()

    @classmethod
    def from_options(cls, options: Mapping[str, str]) -> Publication:
        """Read a publication from what a person said of it.

        Raises
        ------
        InputError
            If something is missing, all of it at once, or cannot be meant.
        """
        said = {name: str(value).strip() for name, value in options.items() if str(value).strip()}
        missing = [name for name in NEEDED if name not in said]
        if missing:
            told = "; ".join(f"{name}: {OPTIONS[name].removesuffix('; needed')}" for name in missing)
            raise InputError(f"Catalysis-Hub knows results by their publication; say its {', '.join(missing)} ({told})")
        if not re.fullmatch(r"[12]\d{3}", said["year"]):
            raise InputError(f"year {said['year']!r} is none; give four digits, as 2026")
        authors = tuple(name for part in said["authors"].split(";") if (name := part.strip()))
        if not authors:
            raise InputError(f"authors {said['authors']!r} names nobody; {OPTIONS['authors'].removesuffix('; needed')}")
        if "doi" in said:
            match = _DOI.match(said["doi"])
            if match is None:
                raise InputError(f"doi {said['doi']!r} is none; a DOI begins with 10., as 10.1021/jp047349j")
            said["doi"] = match[1]
        year = int(said["year"])
        return cls(
            title=said["title"],
            authors=authors,
            year=year,
            pub_id=said.get("pub_id") or _pub_id(said["title"], authors[0], year),
            more={
                name: said[name]
                for name in ("journal", "volume", "number", "pages", "publisher", "doi")
                if name in said
            },
            tags=tuple(tag for part in said.get("tags", "").split(",") if (tag := part.strip())),
        )

    def to_row(self) -> tuple[str | int | None, ...]:
        """Return its row in the table ``publication``, without the number of the row."""
        before, after = ("journal", "volume", "number", "pages"), ("publisher", "doi")
        return (
            self.pub_id,
            self.title,
            json.dumps(self.authors, ensure_ascii=False),
            *(self.more.get(name) for name in before),
            self.year,
            *(self.more.get(name) for name in after),
            json.dumps(self.tags, ensure_ascii=False),
        )


def _pub_id(title: str, author: str, year: int) -> str:
    """Return what Catalysis-Hub makes of author, title and year: ``CurieRadium1911``."""
    words = title.split()
    first = words[1] if len(words) > 1 and words[0].lower() in _ARTICLES else words[0]
    family = author.split(",")[0].split()[0]
    return f"{_NO_LETTER.sub('', family)}{_NO_LETTER.sub('', first)}{year}"
