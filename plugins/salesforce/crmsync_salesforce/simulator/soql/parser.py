"""The query grammar and the parser made of it, built on first use because small orgs start without one."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache
from typing import Any

from lark import Lark, Token, Transformer, v_args
from lark.exceptions import UnexpectedCharacters, UnexpectedInput, UnexpectedToken

from crmsync_salesforce.simulator.errors import Refusal
from crmsync_salesforce.simulator.soql import tree

MOST_CHARACTERS = 100_000

GRAMMAR = r"""
start: query
query: SELECT items FROM PATH using? where? group? order? limit? offset? tail*
items: item ("," item)*
item: PATH -> field
    | PATH "(" [PATH] ")" [PATH] -> call
    | "(" query ")" -> nested
using: USING SCOPE PATH
where: WHERE condition
condition: unit | both | either
both: unit (AND unit)+
either: unit (OR unit)+
?unit: NOT unit -> negation
    | "(" condition ")" -> brackets
    | test
test: PATH OPERATOR literal -> compare
    | PATH LIKE literal -> like
    | PATH IN list -> among
    | PATH NOT IN list -> not_among
    | PATH IN "(" query ")" -> within
    | PATH NOT IN "(" query ")" -> not_within
    | PATH INCLUDES list -> includes
    | PATH EXCLUDES list -> excludes
list: "(" literal ("," literal)* ")"
literal: STRING | NUMBER | DATETIME | DATE | BOOLEAN | NULL | RELATIVE
group: GROUP BY PATH ("," PATH)*
order: ORDER BY key ("," key)*
key: PATH [DIRECTION] [nulls]
nulls: NULLS PLACE
limit: LIMIT INTEGER
offset: OFFSET INTEGER
tail: FOR PATH | ALL ROWS

SELECT.3: /select\b/i
FROM.3: /from\b/i
USING.3: /using\b/i
SCOPE.3: /scope\b/i
WHERE.3: /where\b/i
AND.3: /and\b/i
OR.3: /or\b/i
NOT.3: /not\b/i
LIKE.3: /like\b/i
IN.3: /in\b/i
INCLUDES.3: /includes\b/i
EXCLUDES.3: /excludes\b/i
GROUP.3: /group\b/i
ORDER.3: /order\b/i
BY.3: /by\b/i
DIRECTION.3: /(asc|desc)\b/i
NULLS.3: /nulls\b/i
PLACE.3: /(first|last)\b/i
LIMIT.3: /limit\b/i
OFFSET.3: /offset\b/i
FOR.3: /for\b/i
ALL.3: /all\b/i
ROWS.3: /rows\b/i
BOOLEAN.3: /(true|false)\b/i
NULL.3: /null\b/i
OPERATOR: "=" | "!=" | "<>" | "<=" | ">=" | "<" | ">"
DATETIME.4: /\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:?\d\d)/i
DATE.3: /\d{4}-\d\d-\d\d/
INTEGER.2: /\d+\b/
NUMBER.2: /[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?/
RELATIVE: /[A-Za-z_]+(:\d+)?/
STRING: /'([^'\\]|\\.)*'/s
PATH: /[A-Za-z][A-Za-z0-9_]*(\.[A-Za-z][A-Za-z0-9_]*)*/
%ignore /\s+/
"""
_ESCAPES = {"n": "\n", "r": "\r", "t": "\t", "b": "\b", "f": "\f", '"': '"', "'": "'", "\\": "\\"}
_ESCAPE = re.compile(r"\\(u[0-9a-fA-F]{4}|.)", re.DOTALL)


def _unescape(found: re.Match[str]) -> str:
    mark = found[1]
    if mark[0] == "u" and len(mark) > 1:
        return chr(int(mark[1:], 16))
    if mark in {"_", "%"}:  # kept for LIKE, which gives them their meaning
        return "\\" + mark
    if mark not in _ESCAPES:
        raise Refusal("MALFORMED_QUERY", f"Illegal string literal: unknown escape sequence \\{mark}")
    return _ESCAPES[mark]


def _number(text: str) -> int | float:
    return int(text) if text.lstrip("+-").isdigit() else float(text)


_READERS: dict[str, Callable[[str], tree.Literal]] = {
    "STRING": lambda text: tree.Literal("string", _ESCAPE.sub(_unescape, text[1:-1])),
    "NUMBER": lambda text: tree.Literal("number", _number(text)),
    "DATETIME": lambda text: tree.Literal("datetime", text),
    "DATE": lambda text: tree.Literal("date", text),
    "BOOLEAN": lambda text: tree.Literal("boolean", text.lower() == "true"),
    "NULL": lambda _: tree.Literal("null", None),
    "RELATIVE": lambda text: tree.Literal("relative", text.upper()),
}


def _paths(children: list[Any]) -> list[str]:
    return [str(child) for child in children if isinstance(child, Token) and child.type == "PATH"]


@v_args(inline=True)
class _Build(Transformer[Token, tree.Query]):
    """Turns the parse tree into the frozen values, bottom up."""

    def start(self, query: tree.Query) -> tree.Query:
        return query

    def query(self, *parts: Any) -> tree.Query:
        members: dict[str, Any] = {}
        for part in parts:
            if isinstance(part, Token) and part.type == "PATH":
                members["source"] = str(part)
            elif isinstance(part, tuple):
                members[part[0]] = part[1]
        return tree.Query(**members)

    def items(self, *items: Any) -> tuple[str, Any]:
        return "items", items

    def field(self, path: Token) -> str:
        return str(path)

    def call(self, name: Token, path: Token | None, alias: Token | None) -> tree.Call:
        return tree.Call(name.upper(), path and str(path), alias and str(alias))

    def nested(self, query: tree.Query) -> tree.Query:
        return query

    def using(self, *_: Any) -> None:
        return None

    def where(self, _: Token, condition: Any) -> tuple[str, Any]:
        return "where", condition

    def condition(self, inner: Any) -> Any:
        return inner

    def both(self, *parts: Any) -> tree.Both:
        return tree.Both(tuple(part for part in parts if not isinstance(part, Token)))

    def either(self, *parts: Any) -> tree.Either:
        return tree.Either(tuple(part for part in parts if not isinstance(part, Token)))

    def negation(self, _: Token, inner: Any) -> tree.Not:
        return tree.Not(inner)

    def brackets(self, inner: Any) -> Any:
        return inner

    def compare(self, path: Token, operator: Token, literal: tree.Literal) -> tree.Compare:
        return tree.Compare(str(path), "!=" if operator == "<>" else str(operator), literal)

    def like(self, path: Token, _: Token, literal: tree.Literal) -> tree.Compare:
        return tree.Compare(str(path), "LIKE", literal)

    def among(self, path: Token, _: Token, values: tuple[tree.Literal, ...]) -> tree.Among:
        return tree.Among(str(path), "IN", values)

    def not_among(self, path: Token, _: Token, __: Token, values: tuple[tree.Literal, ...]) -> tree.Not:
        return tree.Not(tree.Among(str(path), "IN", values))

    def within(self, path: Token, _: Token, query: tree.Query) -> tree.Within:
        return tree.Within(str(path), query)

    def not_within(self, path: Token, _: Token, __: Token, query: tree.Query) -> tree.Not:
        return tree.Not(tree.Within(str(path), query))

    def includes(self, path: Token, _: Token, values: tuple[tree.Literal, ...]) -> tree.Among:
        return tree.Among(str(path), "INCLUDES", values)

    def excludes(self, path: Token, _: Token, values: tuple[tree.Literal, ...]) -> tree.Among:
        return tree.Among(str(path), "EXCLUDES", values)

    def list(self, *values: tree.Literal) -> tuple[tree.Literal, ...]:
        return values

    def literal(self, token: Token) -> tree.Literal:
        return _READERS[token.type](str(token))

    def group(self, *parts: Any) -> tuple[str, Any]:
        return "groups", tuple(_paths([*parts]))

    def order(self, *parts: Any) -> tuple[str, Any]:
        return "orders", tuple(part for part in parts if isinstance(part, tree.Order))

    def key(self, path: Token, direction: Token | None, nulls: str | None) -> tree.Order:
        return tree.Order(str(path), (direction or "").lower() == "desc", nulls or "")

    def nulls(self, _: Token, place: Token) -> str:
        return place.upper()

    def limit(self, _: Token, number: Token) -> tuple[str, int]:
        return "limit", int(number)

    def offset(self, _: Token, number: Token) -> tuple[str, int]:
        return "offset", int(number)

    def tail(self, *parts: Any) -> tuple[str, bool] | None:
        return ("all_rows", True) if parts[0].type == "ALL" else None


@lru_cache(maxsize=1)
def _parser() -> Lark:
    return Lark(GRAMMAR, parser="lalr", maybe_placeholders=True, transformer=_Build())


def complaint(text: str, column: int, reason: str) -> str:
    """The vendor's way to point at a place in a query."""
    start = max(0, column - 40)
    excerpt = text[start : column + 40].replace("\n", " ")
    return f"\n{excerpt}\n{' ' * (column - 1 - start)}^\nERROR at Row:1:Column:{column}\n{reason}"


def _reason(error: UnexpectedInput) -> str:
    if isinstance(error, UnexpectedToken):
        return f"unexpected token: '{error.token}'" if error.token else "unexpected token: '<EOF>'"
    if isinstance(error, UnexpectedCharacters):
        return f"unexpected character: '{error.char}'"
    return "unexpected token"


@lru_cache(maxsize=256)
def parse(text: str) -> tree.Query:
    """The query a text says; raises the vendor's MALFORMED_QUERY for anything else."""
    if len(text) > MOST_CHARACTERS:
        raise Refusal("MALFORMED_QUERY", "SOQL statements cannot be longer than 100000 characters.")
    try:
        result = _parser().parse(text)
    except UnexpectedInput as error:
        column = max(getattr(error, "column", 1) or 1, 1)
        raise Refusal("MALFORMED_QUERY", complaint(text, column, _reason(error))) from error
    assert isinstance(result, tree.Query)
    return result
