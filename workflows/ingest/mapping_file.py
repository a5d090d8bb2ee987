"""Mapping file: what a person may write of her files, read into frozen models that refuse what they do not know."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from atomsieve.builders.bonding import METALS
from atomsieve.structures.adsorbate import adsorbates
from atomsieve.structures.consistency import condition_problems
from atomsieve.structures.correction import correction_tables
from atomsieve.structures.errors import InputError, Problem, unknown
from atomsieve.structures.gas_correction import gas_correction
from atomsieve.structures.method import Method, Tier
from atomsieve.structures.molecule import molecules
from atomsieve.structures.reaction import problem_with
from atomsieve.structures.section import ConditionsSection, ThermochemistrySection
from atomsieve.structures.units import ROOM_TEMPERATURE, is_room_temperature
from atomsieve.workflows.calculators import CALCULATORS

#: What people call a site without an adsorbate.
CLEAN = frozenset({"clean", "bare", "slab", "surface", "substrate", "site", "pristine", "empty", "*"})


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class MethodEntry(_Section):
    """A level of theory: a calculator of atomsieve with its settings, or any code with tags."""

    calculator: Annotated[str, Field(min_length=1)]
    settings: dict[str, Any] = Field(default_factory=dict)
    tags: dict[str, Any] = Field(default_factory=dict)
    tier: Tier = "dft"

    def method(self) -> Method:
        """Return the method.

        Raises
        ------
        InputError
            If a calculator of atomsieve is given tags, or another one settings or no functional.
        """
        ours = CALCULATORS.get(self.calculator)
        # the defaults of a DFT code are what we would choose, and say nothing of what somebody else chose
        if ours is not None and not self.tags and (self.settings or ours.tier != "dft"):
            return Method.from_dict(ours.method(self.settings).to_dict())
        if self.settings:
            raise InputError(
                unknown(self.calculator, CALCULATORS, "calculator for settings") + "; another code is described by tags"
            )
        if "functional" not in self.tags and self.tier == "dft":
            raise InputError(f"the tags of {self.calculator!r} name no functional; write functional: PBE, or whichever")
        return Method(self.calculator, dict(self.tags), self.tier)


class RunEntry(_Section):
    """What the runs whose path fits are."""

    site: str | None = None
    adsorbate: str | None = None
    gas: str | None = None
    method: str | None = None


class SiteEntry(_Section):
    """What the structure of a site does not tell."""

    metals: list[str] = Field(default_factory=list)


class MappingFile(_Section):
    """A mapping file.

    Parameters
    ----------
    patterns : list of str
        Tried in turn on the path of each run.
    runs : dict of str to (RunEntry or "skip")
        By path, in which ``*`` stands for anything but a slash and ``**`` for anything; before the patterns.
    names : dict of str to str
        What a person calls an adsorbate, a gas or ``clean``, and what it is.
    sites : dict of str to SiteEntry
        By label.
    method : MethodEntry
        Of all energies that state none.
    methods : dict of str to MethodEntry
        By the names that runs and tables use.
    fmax : float
        Frames whose largest force (eV/Å) is above it are not converged.
    uncertainty : float or None
        One standard deviation (eV) of each adsorption energy for which a table states none.
    reactions : list of str
        Whose limiting potentials are wanted; all of which the adsorbates make a path unless given.
    conditions, thermochemistry
        As in a campaign.
    """

    patterns: list[str] = Field(default_factory=list)
    runs: dict[str, RunEntry | Literal["skip"]] = Field(default_factory=dict)
    names: dict[str, str] = Field(default_factory=dict)
    sites: dict[str, SiteEntry] = Field(default_factory=dict)
    method: MethodEntry | None = None
    methods: dict[str, MethodEntry] = Field(default_factory=dict)
    fmax: Annotated[float, Field(gt=0, le=1)] = 0.1
    uncertainty: Annotated[float, Field(ge=0, le=5)] | None = None
    reactions: list[str] | None = None
    conditions: ConditionsSection = ConditionsSection()
    thermochemistry: ThermochemistrySection = ThermochemistrySection()


def compiled(pattern: str) -> re.Pattern[str]:
    """Turn a pattern over paths into a regular expression.

    ``{site}``, ``{adsorbate}`` and ``{gas}`` stand for one part of a path, or of its name, and say what it is; any
    other name in braces stands for what does not matter, as ``{pose}``; ``*`` for anything but a slash, ``**`` for
    anything.

    Raises
    ------
    InputError
        If braces do not close, or a name comes twice.

    Examples
    --------
    >>> compiled("{site}/{adsorbate}_{pose}").fullmatch("FeN4/OH_2").groupdict()
    {'site': 'FeN4', 'adsorbate': 'OH'}
    """
    text, seen = "", set()
    for part in re.split(r"(\{[^{}]*\}|\*\*|\*)", pattern.strip("/")):
        if part in ("*", "**"):
            text += ".*" if part == "**" else "[^/]*"
        elif re.fullmatch(r"\{.*\}", part):
            name = part[1:-1].strip()
            if name not in ("site", "adsorbate", "gas"):
                text += "[^/]+?"
                continue
            if name in seen:
                raise InputError(f"the pattern {pattern!r} names {{{name}}} twice; write {{anything}} for one of them")
            seen.add(name)
            text += f"(?P<{name}>[^/]+?)"
        elif "{" in part or "}" in part:
            raise InputError(f"the pattern {pattern!r} has a brace that does not close; write {{site}}/{{adsorbate}}")
        else:
            text += re.escape(part)
    return re.compile(text)


def problems(file: MappingFile) -> Iterator[Problem]:
    """Yield what is wrong with a mapping file beside the types of its entries."""
    for where, texts in (("patterns", file.patterns), ("runs", list(file.runs))):
        for text in texts:
            try:
                compiled(text)
            except InputError as error:
                yield Problem(where, str(error))
    entries = {"method": file.method} if file.method else {}
    entries |= {f"methods.{name}": entry for name, entry in file.methods.items()}
    for where, entry in entries.items():
        try:
            entry.method()
        except InputError as error:
            yield Problem(where, str(error))
    for name in file.reactions or ():
        if problem := problem_with(name):
            yield Problem("reactions", problem)
    for label, site in file.sites.items():
        for symbol in site.metals:
            if symbol not in METALS:
                yield Problem(f"sites.{label}.metals", unknown(symbol, METALS, "metal"))
    for text, meaning in file.names.items():
        if meaning.casefold() not in CLEAN and meaning not in {*adsorbates(), *molecules()}:
            yield Problem(f"names.{text}", unknown(meaning, ["clean", *adsorbates(), *molecules()], "species"))
    if not is_room_temperature(file.conditions.temperature):
        text = f"{file.conditions.temperature} K, but all tabulated free energies hold at {ROOM_TEMPERATURE} K only"
        yield Problem("conditions.temperature", text)
    yield from condition_problems(file.conditions)
    if file.thermochemistry.gases != "experiment":
        text = "'computed', but what is ingested has experimental molecules; leave it out"
        yield Problem("thermochemistry.gases", text)
    try:
        gas_correction(file.thermochemistry.gas_corrections)
    except InputError as error:
        yield Problem("thermochemistry.gas_corrections", str(error))
    table = file.thermochemistry.corrections
    if table != "none" and table not in correction_tables():
        yield Problem("thermochemistry.corrections", unknown(table, [*correction_tables(), "none"], "correction table"))
