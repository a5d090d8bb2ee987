"""Format: what results can be written as, and who writes it.

A writer takes results and a path. It streams, so that memory stays flat; it writes beside the path and renames at the
end (:mod:`~atomsieve.analysis.whole`), so that nothing half-written is ever found there; and what may not be
combined never gets into one file, because results refuse to be read where their methods do not go together.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from atomsieve.analysis.export.publication import OPTIONS as OF_PUBLICATION
from atomsieve.structures.errors import InputError, unknown

if TYPE_CHECKING:
    from atomsieve.analysis import Results


@dataclass(frozen=True)
class Written:
    """What an export came to.

    Parameters
    ----------
    number : int
        How many were written.
    noun : str
        Of what: ``rows``, ``structures``, ``frames``.
    notes : tuple of str
        What a person should know of the file, a sentence each: what was left out, and why.
    """

    number: int
    noun: str
    notes: tuple[str, ...] = ()


#: From results and a path, and options by name as a format lists them, to what was written.
Writer = Callable[..., Written]


@dataclass(frozen=True)
class Format:
    """One way to write results.

    Parameters
    ----------
    module : str
        Module of :mod:`atomsieve.analysis.export`, imported when it is asked for.
    function : str
        Its writer: ``function(results, out, **options) -> Written``.
    summary : str
        What comes out, in one clause.
    of : tuple of str
        Collections that it can be made from, the usual one first; empty for any.
    options : mapping of str to str
        What else can be said, and what it means; values are text.
    """

    module: str
    function: str
    summary: str
    of: tuple[str, ...] = ()
    options: Mapping[str, str] = field(default_factory=dict)

    @property
    def writer(self) -> Writer:
        """The writer."""
        found: Writer = getattr(import_module(f"atomsieve.analysis.export.{self.module}"), self.function)
        return found


#: Collections whose documents belong to one site of which there is a relaxed geometry.
_WITH_SITE: Final = ("reaction_results", "adsorption_energies", "stabilities")

#: All formats by name.
FORMATS: Final[Mapping[str, Format]] = {
    "csv": Format("rows", "write_csv", "one line a row, units in the head"),
    "jsonl": Format("rows", "write_jsonl", "one JSON object a row, units in the names"),
    "parquet": Format("parquet", "write_parquet", "columns with their types and units, compressed"),
    "ase": Format("asedb", "write_ase", "ASE database: relaxed geometries, the row as key-value pairs", _WITH_SITE),
    "xyz": Format(
        "frames", "write_xyz", "extended XYZ with energies, and forces where they are kept", ("calculations",)
    ),
    "cif": Format("folders", "write_cif", "folder of relaxed geometries as CIF, with an index", _WITH_SITE),
    "poscar": Format("folders", "write_poscar", "folder of relaxed geometries as POSCAR, with an index", _WITH_SITE),
    "optimade": Format("optimade", "write_optimade", "structures as an OPTIMADE response in JSON", _WITH_SITE),
    "latex": Format("paper", "write_latex", "a paper's table, one for each reaction", ("reaction_results",)),
    "markdown": Format("paper", "write_markdown", "the same in Markdown", ("reaction_results",)),
    "catalysis-hub": Format(
        "catalysis_hub",
        "write_catalysis_hub",
        "Catalysis-Hub's file: adsorptions as reactions, with their geometries and the publication",
        ("adsorption_energies", "reaction_results"),
        {**OF_PUBLICATION, "username": "who uploads; unless given, who made the rows"},
    ),
    "catmap": Format(
        "catmap",
        "write_catmap",
        "CatMAP's table of formation energies and frequencies",
        ("adsorption_energies", "reaction_results"),
        {
            "energies": "electronic (usual; CatMAP adds what vibrates) or free (ΔG at 0 V vs RHE, with all its terms)",
            "reaction": "name of a reaction, to write the template of a model beside the table; with energies=free",
        },
    ),
}


def export(results: Results, name: str, out: Path, **options: Any) -> Written:
    """Write results in a format.

    Parameters
    ----------
    results : Results
        Which.
    name : str
        One of :data:`FORMATS`.
    out : Path
        File or folder; what is there is replaced if it is a file, and must be empty if it is a folder.
    **options
        As the format lists them.

    Returns
    -------
    Written
        What was written, and what was left out.

    Raises
    ------
    InputError
        If there is no such format or option, or if it is not made from such results.
    MethodMismatchError
        If the results come from methods that do not go together.
    """
    if name not in FORMATS:
        raise InputError(unknown(name, FORMATS, "format"))
    wanted = FORMATS[name]
    if wanted.of and results.collection not in wanted.of:
        raise InputError(f"{name} is made of {' or '.join(wanted.of)}, not of {results.collection}; ask for these")
    for option in options:
        if option not in wanted.options:
            raise InputError(unknown(option, wanted.options, f"option of {name}"))
    return wanted.writer(results, out, **options)
