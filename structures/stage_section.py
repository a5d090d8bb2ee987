"""StageSection: one stage of a campaign, as its file states it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from atomsieve.structures.section import (
    NAME,
    DescriptorsSection,
    MethodSection,
    PosesSection,
    PrerelaxationSection,
    RelaxationSection,
    Section,
    SpinSection,
    StabilitySection,
    ThermochemistrySection,
)


def _conditions(value: Any) -> Any:
    """Take one condition for a list of them, and ``verdict: bound`` for the text that it is to YAML elsewhere."""
    entries = value if isinstance(value, list) else [value]
    texts = []
    for entry in entries:
        pairs = entry.items() if isinstance(entry, Mapping) else [(entry, None)]
        for key, words in pairs:
            listed = " or ".join(map(str, words)) if isinstance(words, list) else words
            texts.append(key if listed is None else f"{key}: {listed}")
    return texts


class StageSection(Section):
    """One stage of a campaign: what is done there, and what passes on.

    Parameters
    ----------
    name : str
        Letters, digits, dots, dashes and underscores.
    method : MethodSection
        Its method.
    reactions : list of str or None
        What is computed; all that the campaign names where neither these nor adsorbates are stated.
    adsorbates : list of str or None
        The same of adsorbates.
    where : list of str
        Conditions that a site must fulfil to pass on.
    verdict : str or None
        The verdict that every adsorbate must have to pass on.
    keep : str or None
        How many of those that fulfil all conditions pass on, and by what they are ranked.
    relaxation : RelaxationSection or None
        In place of the campaign's; what is not stated is as there.
    spin : SpinSection or None
        In place of the campaign's; what is not stated is as there.
    poses : PosesSection or None
        In place of the campaign's; what is not stated is as there.
    thermochemistry : ThermochemistrySection or None
        In place of the campaign's; what is not stated is as there.
    descriptors : DescriptorsSection or None
        In place of the campaign's; what is not stated is as there.
    prerelaxation : PrerelaxationSection or None
        In place of the campaign's.
    single_point : MethodSection or None
        In place of the campaign's.
    stability : StabilitySection, False or None
        In place of the campaign's; ``false`` leaves it to other stages.
    """

    name: Annotated[str, Field(pattern=NAME)]
    method: MethodSection
    reactions: list[str] | None = None
    adsorbates: list[str] | None = None
    where: Annotated[list[str], BeforeValidator(_conditions)] = Field(default_factory=list)
    verdict: str | None = None
    keep: str | None = None
    relaxation: RelaxationSection | None = None
    spin: SpinSection | None = None
    poses: PosesSection | None = None
    thermochemistry: ThermochemistrySection | None = None
    descriptors: DescriptorsSection | None = None
    prerelaxation: PrerelaxationSection | None = None
    single_point: MethodSection | None = None
    stability: StabilitySection | Literal[False] | None = None
