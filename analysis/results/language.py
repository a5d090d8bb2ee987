"""Language: conditions as people write them, ``metal in Fe,Co and overpotential < 0.4 and verdict = bound``.

::

    either     = both { "or" both }
    both       = one { "and" one }
    one        = "not" one | "(" either ")" | comparison
    comparison = NAME ( "=" | "!=" | "<" | "<=" | ">" | ">=" ) value
               | NAME [ "not" ] "in" ( value { "," value } | "(" value { "," value } ")" )
               | NAME "is" [ "not" ] "null"

A value is a word, or stands in single or double quotes; it must do so where it holds a space, a comma, a bracket or one
of ``=<>!``, or is one of the language's own words. A row without a value meets no ``=``, ``<`` ... and ``in``; it meets
``!=``, ``not in`` and ``is null``, and ``not`` turns round whatever follows.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from atomsieve.analysis.results.conditions import Combination, Comparison, Condition, comparison
from atomsieve.analysis.results.field import Field
from atomsieve.structures.errors import InputError

#: The words that the language keeps for itself.
WORDS = ("and", "or", "not", "in", "is", "null")
#: Brackets and nots within each other.
DEEPEST = 50
_OPERATORS = ("=", "!=", "<", "<=", ">", ">=")
_TOKEN = re.compile(
    r"""\s*(?:(?P<quoted>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')|(?P<sign><=|>=|!=|==|[=<>(),])|(?P<word>[^\s"'=<>!(),]+))""",
    re.VERBOSE,
)


class FilterError(InputError):
    """A condition that cannot be read; shows where.

    Parameters
    ----------
    message : str
        What is wrong, what was allowed, and what to do.
    text : str
        The condition.
    position : int
        Where in it, from 0.
    """

    def __init__(self, message: str, text: str, position: int) -> None:
        self.position = position
        # in one line, so that the mark stands below what it means
        line = re.sub(r"\s", " ", text)
        super().__init__(f"{message}\n  {line}\n  {' ' * position}^ at character {position + 1}")


@dataclass(frozen=True)
class _Token:
    kind: str
    text: str
    position: int

    def says(self, *words: str) -> bool:
        """Whether it is one of these signs, or of these words of the language."""
        return self.kind in ("sign", "word") and self.text.casefold() in words


def parse(text: str, field: Callable[[str], Field]) -> Condition:
    """Read a condition.

    Parameters
    ----------
    text : str
        As people write it.
    field : callable
        From a name to the field; raises InputError where there is none.

    Returns
    -------
    Comparison or Combination

    Raises
    ------
    FilterError
        With the position, what was allowed there, and the nearest name.
    """
    return _Parser(text, field).whole()


def _tokens(text: str) -> list[_Token]:
    found = []
    position = 0
    end = len(text.rstrip())
    while position < end:
        match = _TOKEN.match(text, position)
        if match is None:
            start = position + len(text[position:]) - len(text[position:].lstrip())
            sign = text[start]
            hint = "a closing quote is missing" if sign in "\"'" else f"what does {sign!r} mean here?"
            raise FilterError(f"{hint}; compare with one of {' '.join(_OPERATORS)}", text, start)
        kind = str(match.lastgroup)
        value = match[kind]
        if kind == "quoted":
            value = re.sub(r"\\(.)", r"\1", value[1:-1])
        found.append(_Token(kind, "=" if value == "==" and kind == "sign" else value, match.start(kind)))
        position = match.end()
    return [*found, _Token("end", "", len(text.rstrip()))]


class _Parser:
    """Reads one condition from left to right."""

    def __init__(self, text: str, field: Callable[[str], Field]) -> None:
        self._text = text
        self._field = field
        self._tokens = _tokens(text)
        self._at = 0
        self._depth = 0

    def whole(self) -> Condition:
        if self._now.kind == "end":
            raise self._error("an empty condition; write for instance: metal in Fe,Co and overpotential < 0.4")
        found = self._either()
        if self._now.kind != "end":
            quoting = "; a value with a space, a bracket or a sign stands in quotes" if self._now.kind == "word" else ""
            raise self._error(f"{self._shown} cannot stand here; go on with and, or, or end{quoting}")
        return found

    @property
    def _now(self) -> _Token:
        return self._tokens[self._at]

    @property
    def _shown(self) -> str:
        return repr(self._now.text) if self._now.kind != "end" else "the end"

    def _take(self) -> _Token:
        self._at += 1
        return self._tokens[self._at - 1]

    def _error(self, message: str, token: _Token | None = None) -> FilterError:
        return FilterError(message, self._text, (token or self._now).position)

    def _either(self) -> Condition:
        return self._joined("or", self._both)

    def _both(self) -> Condition:
        return self._joined("and", self._one)

    def _joined(self, word: str, read: Callable[[], Condition]) -> Condition:
        parts = [read()]
        while self._now.says(word):
            self._take()
            parts.append(read())
        return parts[0] if len(parts) == 1 else Combination(word, tuple(parts))

    def _one(self) -> Condition:
        if self._depth > DEEPEST:
            raise self._error(f"more than {DEEPEST} brackets and nots within each other; write it more simply")
        if self._now.says("not"):
            self._take()
            self._depth += 1
            turned = Combination("not", (self._one(),))
            self._depth -= 1
            return turned
        if self._now.says("("):
            opened = self._take()
            self._depth += 1
            found = self._either()
            self._depth -= 1
            if not self._now.says(")"):
                raise self._error(f"{self._shown} where the bracket of character {opened.position + 1} should close")
            self._take()
            return found
        return self._comparison()

    def _comparison(self) -> Comparison:
        name = self._take()
        if name.kind == "quoted" or name.kind != "word" or name.says(*WORDS):
            self._at -= 1
            raise self._error(f"{self._shown} where a field, not or ( should stand", name)
        try:
            field = self._field(name.text)
        except InputError as error:
            raise self._error(str(error), name) from None
        operator, start = self._operator(field)
        try:
            comparison(field, operator, ())
        except InputError as error:
            raise self._error(str(error), start) from None
        values: list[_Token] = []
        if operator in ("in", "not in"):
            values = self._list()
        elif operator not in ("is null", "is not null"):
            values = [self._value()]
        try:
            return comparison(field, operator, [token.text for token in values])
        except InputError as error:
            raise self._error(str(error), self._wrong(field, operator, values)) from None

    @staticmethod
    def _wrong(field: Field, operator: str, values: list[_Token]) -> _Token:
        """Return the value that a field does not take."""
        for token in values:
            try:
                comparison(field, operator, [token.text])
            except InputError:
                return token
        return values[0]

    def _operator(self, field: Field) -> tuple[str, _Token]:
        start = self._now
        if self._now.says(*_OPERATORS):
            return self._take().text, start
        if self._now.says("in"):
            self._take()
            return "in", start
        if self._now.says("not") and self._tokens[self._at + 1].says("in"):
            self._at += 2
            return "not in", start
        if self._now.says("is"):
            self._take()
            turned = self._now.says("not")
            self._at += turned
            if not self._now.says("null"):
                raise self._error(f"{self._shown} after is; allowed: null, not null")
            self._take()
            return "is not null" if turned else "is null", start
        raise self._error(
            f"{self._shown} after {field.name}; allowed: {', '.join(_OPERATORS)}, in, not in, is null, is not null"
        )

    def _list(self) -> list[_Token]:
        bracket = self._now if self._now.says("(") else None
        self._at += bracket is not None
        values = [self._value()]
        while self._now.says(","):
            self._take()
            values.append(self._value())
        if bracket is not None:
            if not self._now.says(")"):
                raise self._error(f"{self._shown} in a list; go on with a comma, or close the bracket")
            self._take()
        return values

    def _value(self) -> _Token:
        if self._now.kind not in ("word", "quoted") or self._now.says(*WORDS):
            raise self._error(f"{self._shown} where a value should stand; one of the language's own stands in quotes")
        return self._take()
