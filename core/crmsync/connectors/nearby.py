"""Custom objects on offer: those that refer to a person or an account, or to a custom object that does."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence

from crmsync.model import Route

STEPS, FARTHEST = 2, 5
"""Steps from a custom object to one of the roots that are allowed, and that are looked at to show the way."""

Links = Callable[[Iterable[str]], Awaitable[Mapping[str, frozenset[str]]]]
"""What custom objects refer to: the roots among it, and custom objects. One that cannot be seen is left out."""


async def way(name: str, roots: Sequence[str], links: Links) -> tuple[str, ...]:
    """The objects on the shortest way from a custom object to one of the roots; none where there is none.

    An object that is met on several ways counts by the nearest (R-197).
    """
    ways: dict[str, tuple[str, ...]] = {name: ()}
    level: Collection[str] = [name]
    for _ in range(FARTHEST):
        found: dict[str, tuple[str, ...]] = {}
        for here, targets in (await links(level)).items():
            if root := next((one for one in roots if one in targets), None):
                return (*ways[here], root)
            for there in sorted(targets - ways.keys() - found.keys()):
                found[there] = (*ways[here], there)
        ways |= found
        level = found
    return ()


def is_near(chain: Sequence[str]) -> bool:
    """Whether an object with this way to a root may be synced."""
    return 0 < len(chain) <= STEPS


def refused(name: str, chain: Sequence[str], roots: Sequence[str], order: int) -> Route:
    """The route of a custom object that is too far from the roots, with the reason."""
    why = f"it refers to no {', '.join(roots[:-1])} or {roots[-1]} (R-186)"
    if chain:
        path = " -> ".join((name, *chain))
        why = f"it is {len(chain)} steps from {chain[-1]}, and {STEPS} are allowed: {path} (R-187)"
    return Route(
        object=name, entity=name.lower(), order=order, custom=True, optional=True,
        refused=f"{name} cannot be synced: {why}.",
    )  # fmt: skip
