"""Environments to test against, at noon of a day that stands still."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from crmsync.clock import SetClock
from crmsync_dynamics.simulator import Org
from dynamics.simulator.running import NOON, Client, running

REAL = Path(__file__).parents[3].parent / "shared" / "data" / "dynamics"


@pytest.fixture
def clock() -> SetClock:
    return SetClock(NOON)


@pytest.fixture
def site(clock: SetClock) -> Iterator[Callable[..., Client]]:
    """Start environments with chosen traits: `site(records=10, page_size=5)`."""
    with ExitStack() as stack:

        def start(records: int = 20, *, user: str = "full", **traits: Any) -> Client:
            org = Org(records, 7, clock=traits.pop("clock", clock), **traits)
            return Client(stack.enter_context(running(org)), user)

        yield start


@pytest.fixture
def client(site: Callable[..., Client]) -> Client:
    """A small environment and a user who may do everything."""
    return site()


@pytest.fixture
def real() -> Path:
    """The folder of real metadata, which is not part of the project."""
    if not REAL.is_dir():
        pytest.skip(f"NOT COMPARED WITH REAL METADATA: there is no folder of it at {REAL}")
    return REAL
