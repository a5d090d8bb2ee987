"""Catalogs: what may be named in a campaign file, as tables made from the data themselves."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

from tables import cited, code, prose, table

if TYPE_CHECKING:
    from atomsieve.structures.state import State
    from atomsieve.workflows.entry import Setting


def markdown(name: str, inside: str) -> str:
    """Return one catalog."""
    return CATALOGS[name]()


def _families() -> str:
    from atomsieve.builders import catalog

    rows = [
        (f"[{code(one.name)}](../gallery/README.md#{one.name.lower()})", prose(one.title), _codes(one.parameters))
        for one in catalog.families().values()
    ]
    return table(("family", "what it is", "parameters"), rows)


def _codes(names: Iterable[str]) -> str:
    return ", ".join(map(code, names))


def _adsorbates() -> str:
    from atomsieve.structures.adsorbate import adsorbates

    rows = [
        (code(one.name), _formula(one.composition), ", ".join(mode.name for mode in one.modes), cited(one.source))
        for one in adsorbates().values()
    ]
    return table(("adsorbate", "atoms", "binds", "start geometry"), rows)


def _formula(composition: Mapping[str, int]) -> str:
    def written(symbol: str, number: int) -> str:
        return f"{symbol}{number if number > 1 else ''}"

    gained = "".join(written(symbol, number) for symbol, number in composition.items() if number > 0)
    lost = "".join(f" − {written(symbol, -number)}" for symbol, number in composition.items() if number < 0)
    return (gained + lost).strip()


def _reactions() -> str:
    from atomsieve.structures.reaction import reactions

    parts = []
    for one in reactions().values():
        many = "s" if len(one.paths) > 1 else ""
        rivals = ", ".join(f"[{name}](#{name.lower()})" for name in one.competes)
        parts.append(
            f"## {one.name}\n\n{prose(_sentence(one.title))}\n\n"
            f"{one.electrons} electrons; adsorbates {_codes(one.adsorbates)}; {len(one.paths)} path{many}; "
            f"{cited(one.source)}.{f' Brings along {rivals}.' if rivals else ''}\n"
        )
        chains = [(code(f"{one.name}:{name}"), prose(_chain(states))) for name, states in one.routes.items()]
        chains += [("a side product leaves", prose(_chain(states))) for states in one.leaves]
        parts.append(table(("route", "states"), chains))
    return "\n".join(parts)


def _chain(states: Iterable[State]) -> str:
    return " → ".join(state.text for state in states)


def _sentence(text: str) -> str:
    return f"{text[0].upper()}{text[1:]}."


def _molecules() -> str:
    from atomsieve.structures.molecule import molecules

    rows = [
        (
            code(one.name),
            phase,
            f"{one.free(phase):.4f}",
            f"{data.gibbs:g}",
            f"{data.entropy:g}",
            "" if data.heat_capacity is None else f"{data.heat_capacity:g}",
            cited(data.source),
        )
        for one in molecules().values()
        for phase, data in one.phases.items()
    ]
    head = ("molecule", "phase", "ΔG, eV", "ΔfG°, kJ/mol", "S°, J/(mol K)", "Cp, J/(mol K)", "source")
    return table(head, rows)


def _calculators() -> str:
    from atomsieve.workflows.calculators import CALCULATORS

    parts = []
    for one in CALCULATORS.values():
        known = f"{len(one.elements)} elements"
        parts.append(f"## {one.name}\n\n{prose(one.title)}; {one.tier}; {known}; {cited(one.source)}.\n")
        rows = [
            (
                code(name),
                prose(setting.title),
                _range(setting),
                code(setting.default) or "none",
                "physics" if setting.is_physics else "numerics",
            )
            for name, setting in one.settings.items()
        ]
        head = ("setting", "what it does", "allowed", "default", "part of")
        parts.append(table(head, rows) if rows else "No settings.\n")
    return "\n".join(parts)


def _range(setting: Setting) -> str:
    if setting.choices:
        return ", ".join(map(code, setting.choices))
    if setting.lowest is None and setting.highest is None:
        return "a path" if setting.is_path else ""
    return f"{setting.lowest:g} to {setting.highest:g}"


def _corrections() -> str:
    from atomsieve.structures.correction import correction_tables
    from atomsieve.structures.gas_correction import gas_corrections

    rows = [(code(one.name), prose(one.title), _codes(one.adsorbates)) for one in correction_tables().values()]
    gases = [
        (code(one.name), prose(one.title), f"{functional}: {_codes(values)}")
        for one in gas_corrections().values()
        for functional, values in one.functionals.items()
    ]
    adsorbed = table(("`thermochemistry.corrections`", "what it is", "adsorbates"), rows)
    return adsorbed + "\n" + table(("`thermochemistry.gas_corrections`", "what it is", "functional and gases"), gases)


def _metals() -> str:
    from atomsieve.structures.hubbard import hubbard_tables
    from atomsieve.structures.metal import metals

    tables = list(hubbard_tables().values())
    rows = [
        (
            code(one.symbol),
            f"{one.cohesive:.2f}",
            one.multiplicity,
            f"{one.moment:g}{', antiferromagnetic' if one.antiferromagnetic else ''}" if one.moment else "",
            prose(one.no_bulk) or "calculated",
            *(f"{two.values[one.symbol]:g}" if one.symbol in two.values else "" for two in tables),
        )
        for one in metals().values()
    ]
    head = ["metal", "cohesive energy, eV", "2S+1 of the atom", "moment in the bulk, μB", "bulk"]
    head += [f"U {code(one.name)}, eV" for one in tables]
    sources = [
        f"- {code(one.name)}: {prose(one.title)}; {cited(one.source)}; fitted to {prose(one.fitted_to)}.\n"
        for one in tables
    ]
    return "\n".join([table(head, rows), "".join(sources)])


def _crystals() -> str:
    from atomsieve.builders.files import crystals

    return table(("crystal", "source"), [(code(name), cited(crystals.source(name))) for name in crystals.names()])


def _quantities() -> str:
    from atomsieve.structures.criterion import QUANTITIES

    rows = [(name, one.unit, one.kind, prose(one.title)) for name, one in QUANTITIES.items()]
    return table(("quantity", "unit", "of", "what it is"), rows)


def _exports() -> str:
    from atomsieve.analysis.export import FORMATS

    rows = [
        (code(name), prose(one.summary), "; ".join(f"{code(key)}: {prose(text)}" for key, text in one.options.items()))
        for name, one in FORMATS.items()
    ]
    return table(("format", "what comes out", "options"), rows)


def _template() -> str:
    from atomsieve.workflows.template import TEMPLATE

    return f"```yaml\n{TEMPLATE.format(name='mycampaign')}```\n"


def _keys() -> str:
    from atomsieve.structures.campaign import Campaign

    schema = Campaign.model_json_schema()
    parts = []
    for name, section in {"Campaign": schema, **schema["$defs"]}.items():
        title = _HEADINGS.get(name) or code(name.removesuffix("Section").lower())
        first, _, rest = section["description"].partition("\n\nParameters\n")
        told, needed = _told(rest), section.get("required", ())
        # a key that holds a section is explained there
        held = {key: schema["$defs"][_section(one)] for key, one in section["properties"].items() if _section(one)}
        told |= {key: one["description"].partition("\n\n")[0] for key, one in held.items()}
        rows = [
            (code(key), prose(told[key]), _wanted(one), "required" if key in needed else _default(one))
            for key, one in section["properties"].items()
        ]
        head = ("key", "what it is", "allowed", "default")
        parts.append(f"### {title}\n\n{prose(' '.join(first.split()))}\n\n{table(head, rows)}")
    return "\n".join(parts)


def _told(parameters: str) -> dict[str, str]:
    """Return what a docstring says of each of its parameters."""
    found = re.findall(r"^(\w+(?:, \w+)*)(?: : .*)?\n((?:    .*\n?)+)", parameters, flags=re.MULTILINE)
    return {name: " ".join(text.split()) for names, text in found for name in names.split(", ")}


def _section(one: Mapping[str, Any]) -> str:
    """Return the name of the section that a key holds; empty where it holds none."""
    return next((way["$ref"].rpartition("/")[2] for way in (one, *one.get("anyOf", ())) if "$ref" in way), "")


def _wanted(one: Mapping[str, Any]) -> str:
    if "anyOf" in one:
        return " or ".join(filter(None, map(_wanted, one["anyOf"])))
    if "$ref" in one:
        name = one["$ref"].rpartition("/")[2]
        title = _HEADINGS.get(name) or name.removesuffix("Section").lower()
        return f"[{title}](#{title.lower().replace(' ', '-')})"
    if "enum" in one:
        return ", ".join(map(code, one["enum"]))
    if "const" in one:
        return code(json.dumps(one["const"]))
    kind = one.get("type", "any")
    if kind == "null":
        return ""
    if kind == "array":
        return f"a list: {_wanted(one['items'])}"
    if kind == "object":
        inner = one.get("additionalProperties")
        return f"a mapping to {_wanted(inner)}" if isinstance(inner, dict) else "a mapping"
    low, high = one.get("minimum", one.get("exclusiveMinimum")), one.get("maximum", one.get("exclusiveMaximum"))
    ends = f" {low:g} to {high:g}" if high is not None else f" above {low:g}" if low is not None else ""
    return _KINDS.get(kind, kind) + ends


def _default(one: Mapping[str, Any]) -> str:
    value = one.get("default")
    if value in (None, [], {}) or isinstance(value, dict):
        return ""
    return code(json.dumps(value) if not isinstance(value, str) else value)


_KINDS = {"string": "text", "integer": "whole number", "boolean": "`true`, `false`"}
#: What sections are called that have no key of their own name.
_HEADINGS = {"Campaign": "the file", "StageSection": "a stage", "MethodSection": "a method"}


CATALOGS: dict[str, Callable[[], str]] = {
    "families": _families,
    "adsorbates": _adsorbates,
    "reactions": _reactions,
    "molecules": _molecules,
    "calculators": _calculators,
    "corrections": _corrections,
    "metals": _metals,
    "crystals": _crystals,
    "quantities": _quantities,
    "exports": _exports,
    "template": _template,
    "keys": _keys,
}
