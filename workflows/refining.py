"""Refining: jobs that go on with the states that were found lowest: single points, vibrations, electronic structure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from jobflow import Flow, Job, Response, job

from atomsieve.analysis.saddle import along_imaginary, followed_request
from atomsieve.builders.poses.placement import Placement
from atomsieve.structures.calculation import Request
from atomsieve.structures.molecule import molecule as known_molecule
from atomsieve.structures.reference import lowest, lowest_adsorbed
from atomsieve.structures.site import ActiveSite
from atomsieve.structures.vibrations import Vibrations
from atomsieve.workflows.folder import Folder
from atomsieve.workflows.requests import Policy
from atomsieve.workflows.settings import read_settings
from atomsieve.workflows.vibrations import vibrations_flow

if TYPE_CHECKING:
    from atomsieve.workflows.jobs import RelaxMaker

State = Mapping[str, Any]


@job  # type: ignore[untyped-decorator]
def refine_site(
    relax: RelaxMaker,
    policy: dict[str, Any],
    site: dict[str, Any],
    clean: list[dict[str, Any]],
    adsorbed: dict[str, list[dict[str, Any]]],
    follow: bool = True,
) -> Response:
    """Go on with each state of a site that was found lowest, and gather all that was tried.

    Parameters
    ----------
    relax : RelaxMaker
        The calculation.
    policy : dict
        What is asked for.
    site : dict
        The site as built.
    clean : list of dict
        References.
    adsorbed : dict of str to list of dict
        References, by adsorbate.
    follow : bool
        Whether imaginary modes may be followed, if the policy asks for it: once, and no further.
    """
    asked, built = Policy.from_dict(policy), ActiveSite.from_dict(site)
    tried = {"clean": clean, "adsorbed": adsorbed}
    states = _lowest_states(clean, adsorbed)
    named = {f"{name}* on {built.label}" if name else built.label: state for name, state in states.items()}
    going_on = follow and asked.vibrations is not None and asked.vibrations["follow"]
    moving: dict[str, Iterable[int]] = {}
    probed: dict[str, Iterable[int]] = {}
    for name, state in states.items():
        host = _host(built, state) if name else built
        own = range(len(host.atoms), _size(state)) if name else ()
        moving[str(state["key"])] = (*_metals(host, asked.vibrations), *own)
        if asked.is_probed(name) and not going_on:
            probed[str(state["key"])] = (*_metals(host, asked.probe), *own)
    jobs, refined = _refine(relax, asked, named, moving, probed)
    if asked.electronic and built.metals and "" in states:
        found = relax.make(asked.electronic_request(states[""]), name=f"electronic structure of {built.label}")
        jobs.append(found)
        refined["electronic"] = {states[""]["key"]: found.output}
    if going_on:
        end = follow_modes(relax, policy, site, clean, adsorbed, refined["vibrations"])
    elif not jobs:
        return Response(output=tried)
    else:
        end = gather(tried, refined)
    return Response(replace=Flow([*jobs, end], output=end.output))


@job  # type: ignore[untyped-decorator]
def refine_molecule(relax: RelaxMaker, policy: dict[str, Any], name: str, molecule: dict[str, Any]) -> Response:
    """Go on with a molecule."""
    # in a metal nothing moves, nor vibrates
    state = None if known_molecule(name).is_metal else lowest([molecule])
    states = {f"gas {name}": state} if state is not None else {}
    moving = {one["key"]: range(_size(one)) for one in states.values()}
    asked = Policy.from_dict(policy)
    jobs, refined = _refine(relax, asked, states, moving, moving if asked.is_probed(name, gas=True) else {})
    if not jobs:
        return Response(output={"molecule": molecule})
    end = gather({"molecule": molecule}, refined)
    return Response(replace=Flow([*jobs, end], output=end.output))


@job  # type: ignore[untyped-decorator]
def follow_modes(
    relax: RelaxMaker,
    policy: dict[str, Any],
    site: dict[str, Any],
    clean: list[dict[str, Any]],
    adsorbed: dict[str, list[dict[str, Any]]],
    vibrations: dict[str, dict[str, Any]],
) -> Response:
    """Relax again, along its largest imaginary mode, each state that has one; then go on with whatever is lowest."""
    folder, built = Folder(read_settings().folder), ActiveSite.from_dict(site)
    tries: dict[str, Job] = {}
    for name, state in _lowest_states(clean, adsorbed).items():
        found = vibrations.get(state["key"])
        if not name or found is None or found["status"] != "done":
            continue
        modes = Vibrations.from_dict(folder.stored(found["key"]))
        if not modes.imaginary:
            continue
        request = followed_request(modes, Request.from_dict(folder.stored(state["key"])["request"]))
        atoms, host = along_imaginary(modes), _host(built, state)
        size = len(host.atoms)
        start = host.with_positions(atoms.positions[:size])
        title = f"{name}* on {built.label}, along its imaginary mode"
        tries[name] = relax.make(request, site=start, extra=atoms[size:], name=title)
    wider = {name: [*tried, tries[name].output] if name in tries else tried for name, tried in adsorbed.items()}
    end = refine_site(relax, policy, site, clean, wider, follow=False)
    return Response(replace=Flow([*tries.values(), end], output=end.output))


@job  # type: ignore[untyped-decorator]
def gather(tried: dict[str, Any], refined: dict[str, Any]) -> dict[str, Any]:
    """Return the references of all that was tried, with what refines them by their keys."""
    return {**tried, **refined}


def _lowest_states(clean: list[dict[str, Any]], adsorbed: Mapping[str, list[dict[str, Any]]]) -> dict[str, State]:
    """Return the lowest clean state under an empty name, and on it the lowest of each adsorbate."""
    parent = lowest(clean)
    if parent is None:
        return {}
    found = {name: lowest_adsorbed(tried, parent["key"]) for name, tried in adsorbed.items()}
    return {"": parent, **{name: state for name, state in found.items() if state is not None}}


def _refine(
    relax: RelaxMaker,
    policy: Policy,
    states: Mapping[str, State],
    moving: Mapping[str, Iterable[int]],
    probed: Mapping[str, Iterable[int]],
) -> tuple[list[Job | Flow], dict[str, dict[str, Any]]]:
    """Return what a policy asks for at states, by their names, and the outputs by the states' keys."""
    jobs: list[Job | Flow] = []
    refined: dict[str, dict[str, Any]] = {}
    if policy.single_point is not None:
        points = {
            state["key"]: relax.make(policy.energy_request(state), name=f"energy of {name}")
            for name, state in states.items()
        }
        jobs += points.values()
        refined["energies"] = {key: point.output for key, point in points.items()}
    folder = Folder(read_settings().folder)
    for what, asked, atoms in (("vibrations", policy.vibrations, moving), ("probe", policy.probe, probed)):
        if asked is None:
            continue
        flows = {
            state["key"]: vibrations_flow(
                relax,
                Request.from_dict(folder.stored(state["key"])["request"]),
                atoms[state["key"]],
                displacement=asked["displacement"],
                name=f"vibrations of {name}",
            )
            for name, state in states.items()
            if len(list(atoms.get(state["key"], ())))
        }
        jobs += flows.values()
        refined[what] = {key: flow.output for key, flow in flows.items()}
    return jobs, refined


def _metals(site: ActiveSite, asked: Mapping[str, Any] | None) -> tuple[int, ...]:
    """Return the metals that move in vibrations."""
    return site.metals if asked is not None and asked["metal"] else ()


def _host(site: ActiveSite, state: State) -> ActiveSite:
    """Return what the atoms of an adsorbate follow in a state."""
    subject = Folder(read_settings().folder).stored(state["key"])["request"]["subject"]
    return Placement.from_dict(subject).host(site)


def _size(state: State) -> int:
    """Return the number of atoms of a state."""
    return len(Folder(read_settings().folder).stored(state["key"])["atoms"]["numbers"])
