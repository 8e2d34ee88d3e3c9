"""Filters as OData and the vendor's own query functions write them, parsed into a tree.

The grammar is our own: the vendor's functions take named arguments and JSON lists, which no OData library reads.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from functools import lru_cache
from typing import Any

from lark import Lark, Token, Transformer, UnexpectedInput, v_args

from crmsync_dynamics.simulator.errors import Refusal
from crmsync_dynamics.simulator.odata.tree import Both, Call, Comparison, Lambda, Literal, Negation, Path

_GRAMMAR = r"""
?start: either
?either: every (_OR every)*
?every: negated (_AND negated)*
?negated: _NOT negated -> negation
    | comparison
?comparison: operand
    | operand OPERATOR operand -> compared
?operand: literal
    | lambda
    | call
    | path
    | "(" either ")"
call: FUNCTION "(" [argument ("," argument)*] ")"
    | NAME "(" [argument ("," argument)*] ")"
?argument: NAME "=" value -> named
    | either
?value: literal
    | "[" [literal ("," literal)*] "]" -> listed
lambda: (NAME "/")+ QUANTIFIER "(" [NAME ":" either] ")"
path: NAME ("/" NAME)*
literal: STRING | QUOTED | GUID | MOMENT | DATE | NUMBER | TRUTH | NULL | ENUM

_OR.3: /or\b/
_AND.3: /and\b/
_NOT.3: /not\b/
OPERATOR.3: /(?:eq|ne|gt|ge|lt|le)\b/
TRUTH.3: /(?:true|false)\b/
NULL.3: /null\b/
QUANTIFIER.3: /(?:any|all)(?=\()/
ENUM.8: /[A-Za-z_][\w.]*\.[A-Za-z_]\w*'[^']*'/
FUNCTION.7: /[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)+(?=\()/
GUID.9: /[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}/
MOMENT.6: /\d{4}-\d\d-\d\dT\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:\d\d)/
DATE.5: /\d{4}-\d\d-\d\d/
NUMBER.4: /-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/
STRING: /'(?:[^']|'')*'/
QUOTED: /"[^"]*"/
NAME: /[A-Za-z_]\w*/
%ignore /\s+/
"""
_KINDS: dict[str, tuple[str, Callable[[str], Any]]] = {
    "STRING": ("string", lambda text: text[1:-1].replace("''", "'")),
    "QUOTED": ("string", lambda text: text[1:-1]),
    "NUMBER": ("number", Decimal),
    "TRUTH": ("truth", lambda text: text == "true"),
    "NULL": ("null", lambda _: None),
    "ENUM": ("enum", lambda text: text.partition("'")[2][:-1]),
    "GUID": ("guid", str.lower),
    "MOMENT": ("moment", str),
    "DATE": ("date", str),
}


class _Build(Transformer[Token, Any]):
    """Builds the tree."""

    def either(self, parts: list[Any]) -> Both:
        return Both(every=False, parts=tuple(parts))

    def every(self, parts: list[Any]) -> Both:
        return Both(every=True, parts=tuple(parts))

    def negation(self, parts: list[Any]) -> Negation:
        return Negation(parts[0])

    @v_args(inline=True)
    def compared(self, left: Any, operator: Token, right: Any) -> Comparison:
        return Comparison(str(operator), left, right)

    def call(self, parts: list[Any]) -> Call:
        given = [one for one in parts[1:] if one is not None]
        named = tuple(one for one in given if isinstance(one, tuple))
        return Call(str(parts[0]), tuple(one for one in given if not isinstance(one, tuple)), named)

    def named(self, parts: list[Any]) -> tuple[str, Any]:
        return str(parts[0]), parts[1]

    def listed(self, parts: list[Any]) -> list[Literal]:
        return [one for one in parts if one is not None]

    def path(self, parts: list[Token]) -> Path:
        return Path(tuple(map(str, parts)))

    def literal(self, parts: list[Token]) -> Literal:
        return _literal(parts[0])

    def lambda_(self, parts: list[Any]) -> Lambda:
        place = next(n for n, one in enumerate(parts) if getattr(one, "type", "") == "QUANTIFIER")
        path, every = Path(tuple(map(str, parts[:place]))), str(parts[place]) == "all"
        rest = [one for one in parts[place + 1 :] if one is not None]
        return Lambda(path, every, str(rest[0]), rest[1]) if rest else Lambda(path, every)


setattr(_Build, "lambda", _Build.lambda_)


def _literal(token: Token) -> Literal:
    kind, read = _KINDS[token.type]
    return Literal(kind, read(str(token)))


@lru_cache(maxsize=1)
def _parser() -> Lark:
    return Lark(_GRAMMAR, parser="lalr", transformer=_Build(), maybe_placeholders=False)


@lru_cache(maxsize=512)
def parse(text: str) -> Any:
    """The tree of a filter; raises the vendor's refusal of one that cannot be read."""
    try:
        return _parser().parse(text)
    except UnexpectedInput as error:
        raise Refusal("0x0", f"Syntax error at position {error.pos_in_stream} in '{text}'.") from error
