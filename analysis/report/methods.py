"""Methods: the paragraphs of a paper that say how a campaign was done, with what they cite."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from atomsieve.analysis.report import energetics, theory
from atomsieve.analysis.report.bibliography import Citations
from atomsieve.analysis.report.practice import Practice, Treatment
from atomsieve.analysis.report.prose import counted, listed, number, sentence, spelled
from atomsieve.structures.reaction import reaction

#: Covalent radii by which geometries are judged.
RADII: Final = "doi 10.1039/b801115j"
#: The programs that every campaign stands on, by the keys of their references.
PROGRAMS: Final = {"ASE": "larsen2017", "pymatgen": "ong2013", "jobflow": "rosen2024", "atomate2": "ganose2025"}


_HOW: Final = {
    "multiplicity": ", with the total spin held",
    "moments": ", from start moments on the metal atoms",
}
_CLEAN: Final = {
    "scan": "all spin states of the d shells of the metals were relaxed",
    "fixed": "one spin state was relaxed",
}
_ADSORBED: Final = {
    "inherit": "multiplicities next to that of the clean site (m) were relaxed: m − 1 and m + 1 where the adsorbate "
    "changes the parity of the electrons, and m − 2, m and m + 2 where it does not",
    "scan": "all spin states of the d shells of the metals were relaxed",
    "fixed": "the spin state nearest to that of the clean site was relaxed",
}


class Writing:
    """The methods paragraphs of a campaign.

    Parameters
    ----------
    done : Practice
        What was done.
    """

    def __init__(self, done: Practice) -> None:
        self._done = done
        self._cite = Citations({"atomsieve": done.versions.get("atomsieve", "")})
        paragraphs = [
            self._overview(),
            *(
                self._treatment(one, before)
                for one, before in zip(done.treatments, (None, *done.treatments), strict=False)
            ),
            energetics.free_energies(done, self._cite),
            energetics.electrode(done, self._cite),
            energetics.stability(done, self._cite),
            energetics.probe(done),
            self._numbers(),
        ]
        written = [" ".join(map(sentence, paragraph)) for paragraph in map(list, paragraphs) if paragraph]
        #: Paragraphs apart by an empty line; ``[@key]`` cites an entry of :attr:`bibtex`, as pandoc reads it.
        self.text: str = "\n\n".join(written)
        self._cite.order(self.text)
        #: ``key``, ``doi`` and ``text`` of all that is cited, in its order.
        self.references: list[dict[str, str | None]] = self._cite.to_list()
        #: The same as BibTeX.
        self.bibtex: str = self._cite.bibtex

    def _overview(self) -> Iterator[str]:
        done = self._done
        families = [f"{title}, {counted(count, 'site')}" for title, count in done.families.items()]
        if len(families) == 1:
            families = [*done.families]
        held = f" of {listed(done.metals)}" if done.metals else ""
        held += f" ({'; '.join(families)})" if families and not done.ingested else ""
        what = [f"{_of(name)}{self._cite.known(reaction(name).source)}" for name in done.reactions]
        aim = f" for {listed(what)}" if what else ""
        whence = "taken over from calculations made elsewhere" if done.ingested else "screened"
        yield f"{_total(done.sites, 'active site')}{held} {_was(done.sites)} {whence}{aim}"
        adsorbates = [f"{name}*" for name in done.adsorbates]
        if adsorbates:
            yield f"The adsorbates were {listed(adsorbates)}"
        stages = [f"{one.name} ({one.energies.title})" for one in done.treatments if one.name is not None]
        if len(stages) > 1:
            yield f"The sites passed through {spelled(len(stages))} stages in turn, {listed(stages)}"

    def _treatment(self, one: Treatment, before: Treatment | None) -> Iterator[str]:
        done, cite = self._done, self._cite
        if one.name is not None:
            yield f"Stage {one.name}, which {counted(one.entered, 'site')} entered, was done as follows"
        if one.before is not None:
            yield (
                f"Every start was first relaxed with {theory.cited(one.before, cite)} until the largest force was "
                f"below {number(one.fmax_before)} eV/Å"
                + (f", and at most {counted(one.keep, 'distinct pose')} of each spin went on" if one.keep else "")
            )
        if one.starts is not None:
            yield f"Relaxations started from the geometries of stage {one.starts}"
        if before is not None and before.relaxed == one.relaxed:
            yield f"The method was that of stage {before.name}"
        else:
            what = "Energies" if done.ingested else "Energies and forces"
            yield from theory.sentences(one.relaxed, done.elements, cite, what)
        if not done.ingested:
            yield from self._relaxation(one)
            if before is not None and [*_tried(one)] == [*_tried(before)]:
                yield f"Spin states and poses were tried as in stage {before.name}"
            else:
                yield from _tried(one)
        if before is None:
            which = "Where there are geometries, only those" if done.ingested else "Only geometries"
            yield (
                f"{which} in which the site is intact and the adsorbate bound as it was meant were used, judged by "
                f"bond lengths against the sums of covalent radii{cite(RADII)}"
            )
        if one.energies != one.relaxed:
            yield from theory.sentences(one.energies, done.elements, cite, "Energies at the relaxed geometries")
        if one.name is not None and (one.criteria or one.passed != one.entered):
            wanted = f" ({one.criteria})" if one.criteria else ""
            yield f"{_total(one.passed, 'site')} passed on{wanted}"

    def _relaxation(self, one: Treatment) -> Iterator[str]:
        if one.relaxed.moves:
            how = f"the optimiser of {one.relaxed.title}"
        else:
            how = f"the {one.optimizer} optimiser of ASE{self._cite(PROGRAMS['ASE'])}"
        yield (
            f"Geometries were relaxed with {how} until the largest force on an atom was below {number(one.fmax)} eV/Å, "
            f"in at most {counted(one.max_steps, 'step')}"
        )

    def _numbers(self) -> Iterator[str]:
        done, cite = self._done, self._cite
        total = done.done + done.failed
        if total:
            failed = f"{done.failed:,} gave no energy" if done.failed else "none failed"
            verb = "stands" if total == 1 else "stand"
            yield f"In all, {counted(total, 'calculation')} {verb} behind these results, of which {failed}"
        if done.rejected:
            was = _was(done.rejected)
            yield f"Of the relaxed geometries, {done.rejected:,} {was} rejected, and kept with the reason"
        if done.sites:
            have = "has" if done.complete == 1 else "have"
            yield f"Of {counted(done.sites, 'site')}, {done.complete:,} {have} all results"
        if done.days:
            yield f"The calculations were made {'on' if ' to ' not in done.days else 'from'} {done.days}"
        own = done.versions.get("atomsieve", "")
        how = "gathered" if done.ingested else "built, placed, run and evaluated"
        itself = f"Sites were {how} by atomsieve{f' {own}' if own else ''}{cite('atomsieve')}"
        yield f"{itself}, which stands on {listed(f'{name}{cite(key)}' for name, key in PROGRAMS.items())}"
        others = [f"{name} {version}" for name, version in done.versions.items() if name != "atomsieve"]
        if others:
            yield f"The versions of programs were {listed(others)}"


def _total(number: int, noun: str) -> str:
    """Return so many things as a sentence begins: with a word."""
    word = spelled(number)
    return f"A total of {counted(number, noun)}" if word[0].isdigit() else f"{word} {noun}{'s' * (number != 1)}"


def _was(count: int) -> str:
    return "was" if count == 1 else "were"


def _of(name: str) -> str:
    """Return a reaction as a sentence names it: ``oxygen evolution (OER; adsorbate evolution mechanism)``."""
    title, _, mechanism = reaction(name).title.partition(" (")
    return f"{title} ({name}; {mechanism}" if mechanism else f"{title} ({name})"


def _tried(one: Treatment) -> Iterator[str]:
    yield from _spins(one)
    yield from _poses(one)


def _spins(one: Treatment) -> Iterator[str]:
    if one.relaxed.spin == "none":
        yield f"{one.relaxed.title} does not distinguish spin states"
        return
    yield f"{_CLEAN.get(str(one.clean)) or _several(one.clean)} for each clean site{_HOW[one.relaxed.spin]}"
    yield f"With an adsorbate, {_ADSORBED.get(str(one.adsorbed)) or _several(one.adsorbed)}"
    yield "The state of lowest energy was used in each case"


def _several(multiplicities: int | str) -> str:
    return f"{spelled(int(multiplicities))} spin {'state was' if multiplicities == 1 else 'states were'} relaxed"


def _poses(one: Treatment) -> Iterator[str]:
    poses = one.poses
    if not poses:
        return
    tilts = [f"{number(tilt)}°" for tilt in poses["tilts"]]
    leaning = "" if tilts == ["0°"] else f", tilted by {listed(tilts)}"
    most = f", and at most {counted(poses['most'], 'pose')} of an adsorbate kept" if poses.get("most") else ""
    yield (
        "Adsorbates were placed on the relaxed clean site in every way they can bind, turned about the open direction "
        f"in {counted(poses['azimuths'], 'step')}{leaning}; poses equal by symmetry were left out{most}"
    )
    if poses.get("torsions") == "all":
        yield "Bonds within adsorbates were turned as well"
