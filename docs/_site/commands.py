"""Commands: the reference of the command line, made from the commands themselves."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args, get_type_hints

from tables import code, prose, table


def markdown(argument: str, inside: str) -> str:
    """Return every command with what it takes."""
    import typer

    from atomsieve.workflows.cli import app
    from atomsieve.workflows.ending import MEANING

    root = typer.main.get_command(app)
    found = list(_commands(root, ("atomsieve",)))
    rows = [(f"[{code(' '.join(path))}](#{'-'.join(path)})", _prose(_first(command.help))) for path, command in found]
    commands = table(("command", "what it does"), rows)
    codes = table(("exit code", "meaning"), [(code(number.value), prose(text)) for number, text in MEANING.items()])
    return "\n".join([commands, codes, *(_section(path, command) for path, command in found)])


def _commands(command: Any, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Any]]:
    if not getattr(command, "commands", None):
        yield path, command
    for name, one in getattr(command, "commands", {}).items():
        if not one.hidden:
            yield from _commands(one, (*path, name))


def _section(path: tuple[str, ...], command: Any) -> str:
    usage = " ".join(["[OPTIONS]", *(_metavar(one) for one in command.params if one.param_type_name == "argument")])
    example = (command.epilog or "").removeprefix("Example: ")
    shown = "\n".join(filter(None, [f"{' '.join(path)} {usage}", example]))
    parts = [f"## {' '.join(path)}\n", f"{_prose(command.help or '')}\n", f"```text\n{shown}\n```\n"]
    kinds = get_type_hints(command.callback)
    rows = [
        (_name(one, kinds.get(one.name)), _prose(getattr(one, "help", "") or "") + _default(one))
        for one in command.params
        if "--help" not in one.opts
    ]
    return "\n".join([*parts, table(("argument or option", "what it means"), rows)] if rows else parts)


def _metavar(one: Any) -> str:
    written = one.metavar or one.name.upper()
    return written if one.required or written.startswith("[") else f"[{written}]"


def _name(one: Any, kind: Any) -> str:
    if one.param_type_name == "argument":
        return code(_metavar(one))
    names = ", ".join(code(name) for name in (*one.opts, *one.secondary_opts))
    return names if one.is_flag else f"{names} {code(one.metavar or _kind(kind))}"


def _kind(kind: Any) -> str:
    """Return what stands for an option's value where the command names nothing: by its type, in any typer."""
    inner = {one for one in (kind, *get_args(kind)) if one is not type(None)}
    inner |= {one for outer in list(inner) for one in get_args(outer)}
    return "PATH" if Path in inner else "NUMBER" if inner & {int, float} else "TEXT"


def _default(one: Any) -> str:
    if one.param_type_name == "argument":
        return ""
    if one.required:
        return " Required."
    if one.default in (None, False, (), []) or callable(one.default) or "unless given" in one.help:
        return ""
    return f" Unless given: {code(one.default)}."


def _first(text: str | None) -> str:
    return (text or "").strip().partition("\n\n")[0]


def _prose(text: str) -> str:
    return re.sub(r"(?<!`)(--[a-z][a-z-]*)(?!`)", r"`\1`", prose(text)).replace("``--", "`--")
