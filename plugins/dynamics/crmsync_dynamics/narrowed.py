"""Options of a query that a plain server refuses are left out of it: more is read then, and less of it is needed."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection

from crmsync.connectors.answers import Answer
from crmsync_dynamics.errors import Faulty, shorten
from crmsync_dynamics.features import Features

FILTER, SELECT = "$filter", "$select"
_ATTEMPTS = ({FILTER}, {SELECT}, {FILTER, SELECT})
_REFUSED = frozenset({400, 404, 406, 410, 422, 500, 501})
"""Statuses of servers that do not take a question; others say that it is a bad moment to ask."""

Ask = Callable[[str], Awaitable[Answer]]


def refuses(error: Faulty, features: Features) -> bool:
    """Whether a plain server does not take a question, and may take another."""
    return features.plain and error.fault.status in _REFUSED


async def answered(ask: Ask, path: str, features: Features) -> Answer:
    """The answer to a query of ours, or to what is left of it without the options that the server refuses.

    Which those are is told, and remembered. Raises Faulty: that of the whole query where nothing helps.
    """
    path = _without(path, features.missing)
    try:
        return await ask(path)
    except Faulty as error:
        if not refuses(error, features):
            raise
        for options in _ATTEMPTS:
            if not options <= _options(path):
                continue
            answer = await _tried(ask, _without(path, options))
            if answer is not None:
                for one in sorted(options):
                    features.miss(one, shorten(error.fault.message, 120))
                return answer
        raise


async def _tried(ask: Ask, path: str) -> Answer | None:
    try:
        return await ask(path)
    except Faulty:
        return None


def _options(path: str) -> set[str]:
    return {one.partition("=")[0] for one in path.partition("?")[2].split("&")}


def _without(path: str, options: Collection[str]) -> str:
    before, _, query = path.partition("?")
    kept = [one for one in query.split("&") if one.partition("=")[0] not in options]
    return f"{before}?{'&'.join(kept)}" if any(kept) else before
