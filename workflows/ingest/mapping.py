"""Mapping: what a person says of her files: which is the clean site, which adsorbate, which gas, by which method."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import ValidationError

from atomsieve.structures.adsorbate import adsorbates
from atomsieve.structures.complaint import path_text
from atomsieve.structures.errors import CampaignError, InputError, Problem, unknown
from atomsieve.structures.method import Method
from atomsieve.structures.molecule import molecules
from atomsieve.structures.yaml_text import Loader
from atomsieve.workflows.ingest.mapping_file import CLEAN, MappingFile, RunEntry, compiled, problems

#: What people call the folder in which their gas molecules lie.
GASES = frozenset({"gas", "gases", "gas-phase", "gasphase", "molecule", "molecules", "reference", "references", "refs"})


@dataclass(frozen=True)
class Role:
    """What a run is said to be; None is not said.

    Parameters
    ----------
    site : str or None
        Label.
    state : str or None
        ``clean``, ``gas``, or the name of an adsorbate.
    gas : str or None
        Name of the molecule, where the state is ``gas``.
    remark : str
        What was said and is not understood.
    """

    site: str | None = None
    state: str | None = None
    gas: str | None = None
    remark: str = ""


@dataclass(frozen=True)
class Mapped:
    """A mapping that has been checked.

    Parameters
    ----------
    file : MappingFile
        What it says.
    """

    file: MappingFile = field(default_factory=MappingFile)

    @cached_property
    def _patterns(self) -> list[re.Pattern[str]]:
        return [compiled(pattern) for pattern in self.file.patterns]

    @cached_property
    def _runs(self) -> list[tuple[re.Pattern[str], RunEntry | Literal["skip"]]]:
        return [(compiled(path), entry) for path, entry in self.file.runs.items()]

    def entry(self, name: str) -> RunEntry | Literal["skip"] | None:
        """Return what the mapping says of one path."""
        return next((entry for pattern, entry in self._runs if pattern.fullmatch(name)), None)

    def method(self, name: str | None = None) -> Method:
        """Return the method of energies whose files state none.

        Parameters
        ----------
        name : str, optional
            By which a run or a row names it.

        Raises
        ------
        InputError
            If there is none of the name, or none at all.
        """
        if name:
            if name not in self.file.methods:
                known = list(self.file.methods) or ["none: the mapping has no methods"]
                raise InputError(unknown(name, known, "method"))
            return self.file.methods[name].method()
        if self.file.method is None:
            raise InputError(
                "nothing states its method; write it in a mapping, as method: {calculator: vasp, tags: {functional: "
                "PBE, cutoff: 500}}"
            )
        return self.file.method.method()

    def role(self, name: str, stated: Mapping[str, str]) -> Role:
        """Return what a run is.

        Parameters
        ----------
        name : str
            Its path, from the folder that was named on the command line.
        stated : mapping of str to str
            What the file itself says, by ``site``, ``adsorbate`` and ``gas``.

        Raises
        ------
        InputError
            If there are patterns, and none fits.
        """
        said: Mapping[str, str | None] = stated
        entry = self.entry(name)
        if isinstance(entry, RunEntry):
            said = {**stated, **entry.model_dump(exclude_none=True)}
        elif self._patterns and "site" not in stated and "gas" not in stated:
            fits = (pattern.fullmatch(name) for pattern in self._patterns)
            found = next((match for match in fits if match is not None), None)
            if found is None:
                raise InputError(f"its path fits none of the patterns {', '.join(self.file.patterns)}")
            said = {**found.groupdict(), **stated}
        return self._understood(said.get("site"), said.get("adsorbate"), said.get("gas"))

    def _understood(self, site: str | None, text: str | None, gas: str | None) -> Role:
        if gas:
            return Role(state="gas", gas=self._species(gas, molecules()) or gas)
        if site is not None and site.casefold() in GASES:
            return Role(state="gas", gas=self._species(text, molecules()) if text else None)
        if not text:
            return Role(site=site)
        if self.file.names.get(text, text).casefold() in CLEAN:
            return Role(site=site, state="clean")
        found = self._species(text, adsorbates())
        return Role(site=site, state=found, remark="" if found else f"{text!r} is no adsorbate")

    def _species(self, text: str | None, table: Mapping[str, Any]) -> str | None:
        """Return the name in a table of what a person wrote: her own name for it, a star at its end, other cases."""
        if text is None:
            return None
        wanted = self.file.names.get(text, text).strip("*").strip()
        if wanted in table:
            return wanted
        folded = [name for name in table if name.casefold() == wanted.casefold()]
        return folded[0] if len(folded) == 1 else None


def load(path: Path | None, patterns: Sequence[str] = ()) -> Mapped:
    """Read a mapping file, and add the patterns of a command line.

    Raises
    ------
    InputError
        If there is no such file.
    CampaignError
        With every entry that is wrong.
    """
    data: Any = {}
    if path is not None:
        try:
            data = yaml.load(path.read_text(encoding="utf-8"), Loader=Loader) or {}
        except (FileNotFoundError, IsADirectoryError):
            raise InputError(f"there is no mapping {path}") from None
        except (UnicodeDecodeError, yaml.YAMLError) as error:
            raise InputError(f"{path} is not readable as YAML: {str(error).splitlines()[0]}") from None
        if not isinstance(data, Mapping):
            raise InputError(f"{path} is no mapping; it holds runs, patterns, names, method ...")
    source = str(path) if path is not None else "--pattern"
    try:
        file = MappingFile.model_validate({**data, "patterns": [*patterns, *data.get("patterns", [])]})
    except ValidationError as error:
        wrong = [
            Problem(path_text(tuple(p for p in entry["loc"] if p != "RunEntry")), _text(entry))
            for entry in error.errors()
        ]
        raise CampaignError(source, wrong) from None
    if found := list(problems(file)):
        raise CampaignError(source, found)
    return Mapped(file)


def _text(error: Mapping[str, Any]) -> str:
    if error["type"] == "extra_forbidden":
        known = MappingFile.model_fields if len(error["loc"]) == 1 else {}
        return unknown(error["loc"][-1], known, "key") if known else f"{error['loc'][-1]!r} is no key here"
    return f"{error['input']!r} is not allowed; {error['msg'][0].lower()}{error['msg'][1:]}"
