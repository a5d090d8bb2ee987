"""Campaign: what a campaign file says, read into frozen models that refuse what they do not know.

What depends on other rooms (families of sites, calculators) is checked where those are known; see
:mod:`atomsieve.workflows.campaigns`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cached_property
from typing import Annotated, Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic_core import ErrorDetails

from atomsieve.structures.adsorbate import REFERENCES, adsorbates
from atomsieve.structures.correction import TREATMENTS, correction_tables
from atomsieve.structures.errors import CampaignError, Problem, unknown
from atomsieve.structures.reaction import reaction, reactions
from atomsieve.structures.units import CRITICAL_TEMPERATURE, ROOM_TEMPERATURE, TRIPLE_POINT, is_room_temperature


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class MethodSection(_Section):
    """Which calculator, and its settings."""

    calculator: str
    settings: dict[str, Any] = Field(default_factory=dict)


class RelaxationSection(_Section):
    """When a relaxation has converged, and how it gets there."""

    fmax: Annotated[float, Field(ge=0.001, le=0.5)] = 0.05
    max_steps: Annotated[int, Field(ge=1, le=10000)] = 300
    optimizer: Literal["BFGS", "LBFGS", "FIRE"] = "BFGS"
    ladder: bool = True


class SpinSection(_Section):
    """Which spin states are tried."""

    clean: Literal["scan", "fixed"] | Annotated[int, Field(ge=1, le=6)] = "scan"
    adsorbed: Literal["inherit", "scan", "fixed"] | Annotated[int, Field(ge=1, le=6)] = "inherit"


class PrerelaxationSection(_Section):
    """A cheaper method that relaxes every start first."""

    calculator: str
    settings: dict[str, Any] = Field(default_factory=dict)
    fmax: Annotated[float, Field(ge=0.001, le=0.5)] = 0.1
    max_steps: Annotated[int, Field(ge=1, le=10000)] = 200
    keep: Annotated[int, Field(ge=1, le=100)] | None = None


class PosesSection(_Section):
    """How many orientations of an adsorbate are tried."""

    tilts: Annotated[list[Annotated[float, Field(ge=0, le=60)]], Field(min_length=1, max_length=6)] = [0.0]
    azimuths: Annotated[int, Field(ge=1, le=24)] = 8
    most: Annotated[int, Field(ge=1, le=100)] | None = None
    torsions: Literal["start", "all"] = "start"


class ConditionsSection(_Section):
    """Where free energies are evaluated."""

    temperature: Annotated[float, Field(gt=0, le=1000)] = ROOM_TEMPERATURE
    pH: Annotated[float, Field(ge=-1, le=15)] = 0.0  # noqa: N815 - the field's own spelling
    potential: Annotated[float, Field(ge=-5, le=5)] = 0.0
    scale: Literal["RHE", "SHE"] = "RHE"


class ThermochemistrySection(_Section):
    """What turns electronic energies into free energies."""

    corrections: str = "norskov"
    solvation: Literal["none", "table"] = "none"
    displacement: Annotated[float, Field(ge=0.001, le=0.1)] = 0.01
    floor: Annotated[float, Field(gt=0, le=500)] = 100.0
    metal: bool = False
    follow: bool = False


class ResultsSection(_Section):
    """Where results go."""

    folder: str | None = None
    database: Literal["embedded", "mongodb"] | None = None


class Campaign(_Section):
    """A campaign file.

    Parameters
    ----------
    name : str
        Letters, digits, dots, dashes and underscores.
    sites : list of dict
        Families with their parameters; a list of values means every combination.
    reactions, adsorbates : list of str
        What is wanted; the reactions' intermediates are adsorbates as well.
    method, relaxation, spin, poses, conditions, thermochemistry, results, prerelaxation, single_point
        Sections, see their classes.
    """

    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")]
    sites: Annotated[list[dict[str, Any]], Field(min_length=1)]
    method: MethodSection
    reactions: list[str] = Field(default_factory=list)
    adsorbates: list[str] = Field(default_factory=list)
    relaxation: RelaxationSection = RelaxationSection()
    spin: SpinSection = SpinSection()
    poses: PosesSection = PosesSection()
    conditions: ConditionsSection = ConditionsSection()
    thermochemistry: ThermochemistrySection = ThermochemistrySection()
    results: ResultsSection = ResultsSection()
    prerelaxation: PrerelaxationSection | None = None
    single_point: MethodSection | None = None

    @cached_property
    def all_adsorbates(self) -> tuple[str, ...]:
        """Every adsorbate that is needed, in order of first mention."""
        implied = [name for wanted in self.reactions for name in reaction(wanted).adsorbates]
        return tuple(dict.fromkeys([*implied, *self.adsorbates]))


class Loader(yaml.SafeLoader):
    """A safe loader to which ``NO`` is nitric oxide, no boolean, as in YAML 1.2.

    It refuses a key written twice, of which YAML would silently keep the last.
    """

    # only true and false are booleans
    yaml_implicit_resolvers = {  # noqa: RUF012 - as the base class has it
        first: [entry for entry in entries if entry[0] != "tag:yaml.org,2002:bool" or first in "tTfF"]
        for first, entries in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        """Make a mapping of a node; see the base class."""
        seen: set[str] = set()
        for key_node, _ in node.value:
            key = str(key_node.value)
            if key in seen:
                raise yaml.constructor.ConstructorError(
                    None, None, f"the key {key!r} is written twice; keep one", key_node.start_mark
                )
            seen.add(key)
        return super().construct_mapping(node, deep)


def parse_campaign(text: str, source: str) -> Campaign:
    """Read a campaign from YAML text.

    Parameters
    ----------
    text : str
        YAML.
    source : str
        The file's name, for messages.

    Raises
    ------
    CampaignError
        With every entry that is wrong: its path, the value, what is allowed, the nearest match.
    """
    try:
        data = yaml.load(text, Loader=Loader)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f"line {mark.line + 1}, column {mark.column + 1}" if mark else ""
        problem = getattr(error, "problem", None) or str(error)
        raise CampaignError(source, [Problem(where, f"not readable as YAML: {problem}")]) from None
    if not isinstance(data, Mapping):
        what = "empty" if data is None else f"a {type(data).__name__}"
        raise CampaignError(source, [Problem("", f"is {what}; it must be a mapping with name, sites, method ...")])
    return campaign_from_data(data, source)


def campaign_from_data(data: Mapping[str, Any], source: str) -> Campaign:
    """Make a campaign from plain data; see :func:`parse_campaign`."""
    try:
        campaign = Campaign.model_validate(dict(data))
    except ValidationError as error:
        raise CampaignError(source, _unique(_problem(entry) for entry in error.errors())) from None
    problems = list(_cross_check(campaign))
    if problems:
        raise CampaignError(source, problems)
    return campaign


def _cross_check(campaign: Campaign) -> Any:
    for index, name in enumerate(campaign.reactions):
        if name in campaign.reactions[:index]:
            yield Problem(f"reactions[{index}]", f"{name!r} is named twice; keep one")
        if name not in reactions():
            yield Problem(f"reactions[{index}]", unknown(name, reactions(), "reaction"))
    for index, name in enumerate(campaign.adsorbates):
        if name not in adsorbates():
            yield Problem(f"adsorbates[{index}]", unknown(name, adsorbates(), "adsorbate"))
        elif without := sorted(adsorbates()[name].composition.keys() - REFERENCES):
            allowed = [other for other, entry in adsorbates().items() if entry.composition.keys() <= REFERENCES.keys()]
            yield Problem(
                f"adsorbates[{index}]",
                f"{name!r} has no adsorption energy, for no gas is the reference of {', '.join(without)}; "
                f"allowed: {', '.join(allowed)}",
            )
    if not campaign.reactions and not campaign.adsorbates:
        yield Problem("reactions", f"is empty, and so is adsorbates; name at least one of {', '.join(reactions())}")
    corrections = campaign.thermochemistry.corrections
    tables = correction_tables()
    if corrections == "none":
        if campaign.thermochemistry.solvation == "table":
            yield Problem("thermochemistry.solvation", "'table' needs a table; set thermochemistry.corrections")
    elif corrections in TREATMENTS:
        if campaign.thermochemistry.solvation == "table":
            yield Problem(
                "thermochemistry.solvation", f"'table' comes with a table of corrections, not {corrections!r}"
            )
    elif corrections not in tables:
        allowed = [*tables, *TREATMENTS, "none"]
        yield Problem("thermochemistry.corrections", unknown(corrections, allowed, "correction table or treatment"))
    else:
        known = [name for name in campaign.reactions if name in reactions()]
        needed = [name for wanted in known for name in reaction(wanted).adsorbates] + campaign.adsorbates
        missing = [n for n in dict.fromkeys(needed) if n in adsorbates() and n not in tables[corrections].adsorbates]
        if missing:
            fitting = [name for name, table in tables.items() if all(n in table.adsorbates for n in needed)]
            yield Problem(
                "thermochemistry.corrections",
                f"{corrections!r} has no value for {', '.join(missing)}; allowed here: {', '.join([*fitting, 'none'])}",
            )
    if not TRIPLE_POINT <= campaign.conditions.temperature <= CRITICAL_TEMPERATURE:
        yield Problem(
            "conditions.temperature",
            f"{campaign.conditions.temperature} K: the reference of oxygen is liquid water; "
            f"allowed {TRIPLE_POINT} to {CRITICAL_TEMPERATURE}",
        )
        return
    tabulated = campaign.reactions or corrections not in (*TREATMENTS, "none")
    if tabulated and not is_room_temperature(campaign.conditions.temperature):
        yield Problem(
            "conditions.temperature",
            f"{campaign.conditions.temperature} K, but all tabulated free energies hold at {ROOM_TEMPERATURE} K only; "
            "others need adsorbates without reactions, and thermochemistry.corrections 'harmonic' or 'quasi-harmonic'",
        )


def _unique(problems: Any) -> list[Problem]:
    """Drop repeats: both arms of a union complain about the same entry."""
    seen: dict[str, Problem] = {}
    for problem in problems:
        seen.setdefault(problem.path, problem)
    return list(seen.values())


def path_text(location: tuple[int | str, ...]) -> str:
    """Write a path as ``sites[1].metals[0]``.

    Examples
    --------
    >>> path_text(("sites", 1, "metals", 0))
    'sites[1].metals[0]'
    """
    text = ""
    for part in location:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else str(part)
    return text


def _fields_at(location: tuple[int | str, ...]) -> list[str]:
    """Return the keys that are allowed beside the one at a location."""
    model: type[BaseModel] = Campaign
    for part in location[:-1]:
        annotation = model.model_fields[str(part)].annotation if str(part) in model.model_fields else None
        if not (isinstance(annotation, type) and issubclass(annotation, BaseModel)):
            return []
        model = annotation
    return list(model.model_fields)


#: What pydantic calls the arms of a union in a location, which is no part of the file.
_ARM = re.compile(r"^(literal\[|constrained-|int$|str$|float$|function-)")


def _problem(error: ErrorDetails) -> Problem:
    location = tuple(p for p in error["loc"] if isinstance(p, int) or not _ARM.match(p))
    path, value, kind = path_text(location), error["input"], error["type"]
    context = error.get("ctx", {})
    if path in ("spin.clean", "spin.adsorbed"):
        words = "'scan', 'fixed'" if path == "spin.clean" else "'inherit', 'scan', 'fixed'"
        return Problem(path, f"{value!r} is not allowed; allowed: {words}, or a whole number from 1 to 6")
    if kind == "extra_forbidden":
        return Problem(path, unknown(location[-1], _fields_at(location), "key"))
    if kind == "missing":
        return Problem(path, f"is missing; add it (allowed here: {', '.join(_fields_at(location))})")
    if kind == "literal_error":
        allowed = [text.strip("'") for text in re.split(r", | or ", context["expected"])]
        return Problem(path, unknown(value, allowed))
    if kind == "string_pattern_mismatch":
        return Problem(path, f"{value!r} is not a name; allowed: up to 64 letters, digits, dots, dashes, underscores")
    bounds = {"greater_than_equal": ">=", "less_than_equal": "<=", "greater_than": ">", "less_than": "<"}
    if kind in bounds:
        limit = next(iter(context.values()))
        return Problem(path, f"{value!r} is out of range; allowed: {bounds[kind]} {limit}")
    if kind in ("too_short", "too_long"):
        return Problem(path, f"has {context['actual_length']} entries; {error['msg'].lower()}")
    return Problem(path, f"{value!r} is not allowed; {error['msg'][0].lower()}{error['msg'][1:]}")
