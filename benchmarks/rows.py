"""Rows: adsorption energies by the million, made up, and what people ask of them."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from maggma.core import Store

METALS = "Sc Ti V Cr Mn Fe Co Ni Cu Zn Y Zr Nb Mo Tc Ru Rh Pd Ag Cd Hf Ta W Re Os Ir Pt Au".split()  # noqa: SIM905
ADSORBATES = ("H", "O", "OH", "OOH", "CO", "COOH", "CHO", "N2H", "NH2", "N")
FIELDS = ("site.label", "site.family", "site.metal_set", "adsorbate", "free", "electronic", "verdict", "method.key")
#: The page: who asks this wants the ten best sites of two metals.
PAGE: dict[str, Any] = {
    "site.metals": {"$in": ["Fe", "Co"]},
    "adsorbate": "OH",
    "free": {"$gte": 0.2, "$lte": 1.4},
    "superseded": False,
}
Document = dict[str, Any]


def row(number: int) -> Document:
    """Give a document as `adsorption_energies` has them, about 3 kB."""
    source = random.Random(number)
    metals = source.sample(METALS, source.choice((1, 1, 1, 2)))

    def key(what: object) -> str:
        return f"{random.Random(f'{what}').getrandbits(256):064x}"

    electronic, zero, entropy = source.gauss(-1, 1), source.uniform(0.2, 0.5), source.uniform(-0.4, 0)
    site, tried = number // len(ADSORBATES), [key((number, turn)) for turn in range(6)]
    terms = (("E(OH*)", "electronic", electronic), ("ZPE", "zpe", zero), ("-TS", "entropy", entropy))
    return {
        "key": key(number),
        "schema": 2,
        "slot": key(("slot", number)),
        "policy_key": key(("policy", number)),
        "site": {
            "label": f"{'-'.join(metals)}-N4@graphene-{site}",
            "key": key(("site", site)),
            "family": source.choice(("graphene", "porphine", "phthalocyanine", "MOF node")),
            "metals": metals,
            "metal_set": "-".join(sorted(metals)),
        },
        "adsorbate": ADSORBATES[number % len(ADSORBATES)],
        "method": {"key": key("method"), "calculator": "vasp", "physics": {"xc": "RPBE", "encut": 520}, "tier": "dft"},
        "policy": {"corrections": "table", "solvation": None, "temperature": 298.15, "poses": 3},
        "terms": [{"name": name, "kind": kind, "value": value, "source": tried[0]} for name, kind, value in terms],
        "electronic": electronic,
        "free": electronic + zero + entropy,
        "verdict": "bound" if source.random() < 0.9 else "desorbed",
        "reason": "the shortest bond to the metal is 1.84 Å",
        "calculations": {"clean": tried[1], "adsorbed": tried[0]},
        "considered": [
            {"key": one, "role": "adsorbed", "status": "done", "reason": "converged", "energy": electronic - 310.2}
            for one in tried
        ],
        "multiplicity": {"clean": 3, "adsorbed": 2},
        "spin_states": {"clean": 2, "adsorbed": 2},
        "warnings": [],
        "predictive": True,
        "superseded": source.random() < 0.1,
        "campaigns": [f"screen-{number % 7}"],
        "tags": ["paper"] if number % 50 == 0 else [],
        "provenance": {"user": "someone", "host": "cluster", "folder": "/scratch/someone", "atomsieve": "0.1"},
        "last_updated": datetime(2026, 1, 1),
    }


def flat(store: Store) -> Iterator[Any]:
    """Give all rows that are current, cut to a few fields."""
    values = getattr(store, "values", None)
    if values is not None:
        return iter(values(FIELDS, {"superseded": False}))
    return iter(store.query({"superseded": False}, list(FIELDS)))
