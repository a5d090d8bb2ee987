"""YAML text: read into a mapping, in which no key may be written twice."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import yaml

from atomsieve.structures.errors import CampaignError, Problem


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


def parse_mapping(text: str, source: str, holds: str) -> dict[str, Any]:
    """Read a mapping from YAML text.

    Parameters
    ----------
    text : str
        YAML.
    source : str
        The file's name, for messages.
    holds : str
        What a person writes into such a file, as ``name, sites, method``.

    Raises
    ------
    CampaignError
        Names the line where it is not readable.
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
        raise CampaignError(source, [Problem("", f"is {what}; it must be a mapping with {holds} ...")])
    return dict(data)
