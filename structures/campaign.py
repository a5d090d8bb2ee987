"""Campaign: what a campaign file says, read into frozen models that refuse what they do not know.

What depends on other rooms (families of sites, calculators) is checked where those are known; see
:mod:`atomsieve.workflows.campaigns`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import Annotated, Any

from pydantic import Field, ValidationError

from atomsieve.structures.complaint import problem_of, unique
from atomsieve.structures.conditions import ligands
from atomsieve.structures.consistency import thermochemistry_problems
from atomsieve.structures.criterion import Criteria
from atomsieve.structures.definition import DefineSection
from atomsieve.structures.errors import CampaignError, InputError, Problem, unknown
from atomsieve.structures.grammar import parse_condition, parse_ranking
from atomsieve.structures.reaction import reaction
from atomsieve.structures.section import (
    NAME,
    PROBE,
    ConditionsSection,
    DescriptorsSection,
    FingerprintsSection,
    MethodSection,
    PosesSection,
    PrerelaxationSection,
    RelaxationSection,
    ResultsSection,
    Section,
    SpinSection,
    StabilitySection,
    ThermochemistrySection,
)
from atomsieve.structures.stability import StabilityVerdict
from atomsieve.structures.stage_section import StageSection
from atomsieve.structures.yaml_text import parse_mapping


class Campaign(Section):
    """A campaign file.

    Parameters
    ----------
    name : str
        Letters, digits, dots, dashes and underscores.
    sites : list of dict
        Families with their parameters; a list of values means every combination.
    method : MethodSection or None
        None where there are stages, each of which has its own.
    stages : list of StageSection
        Done in their order, each for the sites that the one before let pass.
    reactions : list of str
        What is wanted; their intermediates are adsorbates as well.
    adsorbates : list of str
        Further ones than the reactions need.
    resting : list of str
        Adsorbates with which each site is also built on its far face.
    tags : list of str
        Words by which what it finds is found again in the database, whatever campaign made it.
    define : DefineSection
        Adsorbates and reactions that no table has.
    relaxation, spin, poses, conditions, thermochemistry, results, descriptors, fingerprints : Section
        Described in their classes.
    prerelaxation, single_point, stability : Section or None
        None unless given.
    """

    name: Annotated[str, Field(pattern=NAME)]
    sites: Annotated[list[dict[str, Any]], Field(min_length=1)]
    method: MethodSection | None = None
    stages: list[StageSection] = Field(default_factory=list)
    reactions: list[str] = Field(default_factory=list)
    adsorbates: list[str] = Field(default_factory=list)
    resting: list[str] = Field(default_factory=list)
    tags: list[Annotated[str, Field(min_length=1, max_length=64)]] = Field(default_factory=list)
    define: DefineSection = DefineSection()
    relaxation: RelaxationSection = RelaxationSection()
    spin: SpinSection = SpinSection()
    poses: PosesSection = PosesSection()
    conditions: ConditionsSection = ConditionsSection()
    thermochemistry: ThermochemistrySection = ThermochemistrySection()
    descriptors: DescriptorsSection = DescriptorsSection()
    results: ResultsSection = ResultsSection()
    prerelaxation: PrerelaxationSection | None = None
    single_point: MethodSection | None = None
    stability: StabilitySection | None = None
    fingerprints: FingerprintsSection = FingerprintsSection()

    @cached_property
    def all_reactions(self) -> tuple[str, ...]:
        """The reactions, and those that compete with them."""
        competing = [name for wanted in self.reactions for name in reaction(wanted).competes]
        return tuple(dict.fromkeys([*self.reactions, *competing]))

    @cached_property
    def stated_adsorbates(self) -> tuple[str, ...]:
        """Those that its reactions need and that it names, in order of first mention."""
        implied = [name for wanted in self.all_reactions for name in reaction(wanted).adsorbates]
        bound = [name for around in self.ligands for name in ligands().get(around, ())]
        return tuple(dict.fromkeys([*implied, *self.adsorbates, *self.resting, *bound]))

    @property
    def ligands(self) -> Mapping[str, float]:
        """What else is around and may cover the sites, by molecule its pressure (bar) or activity (mol/kg)."""
        return self.stability.ligands if self.stability is not None else {}

    @cached_property
    def all_adsorbates(self) -> tuple[str, ...]:
        """Every adsorbate that is needed."""
        probe = [PROBE] if self.fingerprints.co_stretch else []
        return tuple(dict.fromkeys([*self.stated_adsorbates, *probe]))

    @property
    def probe_alone(self) -> bool:
        """Whether carbon monoxide is an adsorbate for the sake of its stretch alone."""
        return self.fingerprints.co_stretch and PROBE not in self.stated_adsorbates

    @cached_property
    def all_molecules(self) -> tuple[str, ...]:
        """Every free molecule of the reactions, of their side products, and around, in order of first mention."""
        wanted = [reaction(name) for name in self.all_reactions]
        chains = [chain for one in wanted for chain in (one.states, *one.leaves)]
        free = [name for chain in chains for state in chain for name in state.free]
        return tuple(dict.fromkeys([*free, *(name for name in self.ligands if name in ligands())]))

    @property
    def all_known(self) -> bool:
        """Whether there are such reactions and adsorbates."""
        named = {*self.adsorbates, *self.resting}
        return not any(map(self.define.problem_with, self.reactions)) and named <= {*self.define.adsorbate_names}

    def at_stage(self, stage: StageSection) -> Campaign:
        """Return the campaign without stages that one of its stages is."""
        content = {name: getattr(self, name) for name in type(self).model_fields}
        stated = {name: getattr(stage, name) for name in stage.model_fields_set & content.keys()}
        if stage.stability is False:
            stated["stability"] = None
        for name in ("relaxation", "spin", "poses", "thermochemistry", "descriptors"):
            if stated.get(name) is not None:
                own = {key: getattr(stated[name], key) for key in stated[name].model_fields_set}
                stated[name] = content[name].model_copy(update=own)
        if stage is not self.stages[-1]:
            content["fingerprints"] = FingerprintsSection()
        if stage is not self.stages[0]:
            # later stages start where the one before ended
            content["prerelaxation"] = None
        if stage.reactions is not None or stage.adsorbates is not None:
            stated |= {"reactions": stage.reactions or [], "adsorbates": stage.adsorbates or []}
        return Campaign(**{**content, **stated, "name": self.name, "stages": []})


def parse_campaign(text: str, source: str) -> Campaign:
    """Read a campaign from YAML text.

    Parameters
    ----------
    text : str
        YAML.
    source : str
        The file's name, for messages.

    Returns
    -------
    Campaign
        Complete in itself; that its sites can be built is :func:`~atomsieve.workflows.campaigns.load`'s to check.

    Raises
    ------
    CampaignError
        With every entry that is wrong: its path, the value, what is allowed, the nearest match.
    """
    data = parse_mapping(text, source, "name, sites, method")
    return campaign_from_data(data, source)


def campaign_from_data(data: Mapping[str, Any], source: str) -> Campaign:
    """Make a campaign from plain data; see :func:`parse_campaign`."""
    try:
        campaign = Campaign.model_validate(dict(data))
    except ValidationError as error:
        raise CampaignError(source, unique(problem_of(Campaign, entry) for entry in error.errors())) from None
    if problems := unique(campaign.define.problems()):
        # what they are for makes no sense without them
        raise CampaignError(source, problems)
    campaign.define.learn()
    problems = unique(_cross_check(campaign))
    if problems:
        raise CampaignError(source, problems)
    return campaign


def _cross_check(campaign: Campaign) -> Iterator[Problem]:
    known = campaign.define.adsorbate_names
    for index, name in enumerate(campaign.reactions):
        if name in campaign.reactions[:index]:
            yield Problem(f"reactions[{index}]", f"{name!r} is named twice; keep one")
        if problem := campaign.define.problem_with(name):
            yield Problem(f"reactions[{index}]", problem)
    for index, name in enumerate(campaign.adsorbates):
        if name not in known:
            yield Problem(f"adsorbates[{index}]", unknown(name, known, "adsorbate"))
    for index, name in enumerate(campaign.resting):
        if name not in known:
            yield Problem(f"resting[{index}]", unknown(name, known, "adsorbate"))
    if not campaign.reactions and not campaign.adsorbates:
        names = ", ".join(campaign.define.reaction_names)
        yield Problem("reactions", f"is empty, and so is adsorbates; name at least one of {names}")
    if campaign.stages:
        yield from _check_stages(campaign)
        return
    if campaign.method is None:
        yield Problem("method", "is missing; add it, or stages with a method each")
    yield from thermochemistry_problems(campaign)


def _check_stages(campaign: Campaign) -> Iterator[Problem]:
    if campaign.method is not None:
        yield Problem("method", "is stated, and so are stages, which have a method each; keep one of the two")
    for index, stage in enumerate(campaign.stages):
        path = f"stages[{index}]"
        if stage.name in [other.name for other in campaign.stages[:index]]:
            yield Problem(f"{path}.name", f"{stage.name!r} is the name of an earlier stage; choose another")
        if index and stage.prerelaxation is not None:
            yield Problem(
                f"{path}.prerelaxation",
                "only the first stage has one, for the others start where the stage before came to rest; "
                "remove it, or make it a stage",
            )
        if not campaign.all_known:
            continue
        for field, allowed in (("reactions", campaign.reactions), ("adsorbates", campaign.all_adsorbates)):
            for position, name in enumerate(getattr(stage, field) or ()):
                if name not in allowed:
                    # a stage computes a part of what the campaign is for
                    what = unknown(name, allowed or ["none"], field.removesuffix("s"))
                    yield Problem(f"{path}.{field}[{position}]", f"{what} (those of the campaign)")
        own = campaign.at_stage(stage)
        if not own.reactions and not own.adsorbates:
            yield Problem(
                f"{path}.reactions", "is empty, and so is adsorbates; leave both out, or name what to compute"
            )
        if own.all_known:
            yield from read_criteria(own, stage, path)[1]
            stated = stage.thermochemistry is not None
            for found in thermochemistry_problems(own):
                own_path = stated and found.path.startswith("thermochemistry")
                yield Problem(f"{path}.{found.path}" if own_path else found.path, found.message)


def read_criteria(own: Campaign, stage: StageSection, path: str) -> tuple[Criteria, list[Problem]]:
    """Return what a stage asks of a site, and what of that cannot be read.

    Parameters
    ----------
    own : Campaign
        The campaign that the stage is.
    stage : StageSection
        What the file says of it.
    path : str
        Where, for messages.
    """
    names = {
        "reaction": own.all_reactions,
        "adsorbate": own.all_adsorbates,
        "stability": [str(verdict) for verdict in StabilityVerdict] if own.stability is not None else [],
        "family": list(dict.fromkeys(str(entry["family"]) for entry in own.sites if "family" in entry)),
    }
    texts = {f"{path}.where[{position}]": text for position, text in enumerate(stage.where)}
    if stage.verdict is not None:
        texts = {f"{path}.verdict": f"verdict: {stage.verdict}", **texts}
    conditions, problems = [], []
    for place, text in texts.items():
        try:
            conditions.append(parse_condition(text, names))
        except InputError as error:
            problems.append(Problem(place, str(error)))
    ranking = None
    try:
        ranking = parse_ranking(stage.keep, names) if stage.keep is not None else None
    except InputError as error:
        problems.append(Problem(f"{path}.keep", str(error)))
    return Criteria(tuple(conditions), ranking), problems
