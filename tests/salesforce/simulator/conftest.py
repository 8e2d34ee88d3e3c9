"""Orgs to test against, at noon of a day that stands still."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from crmsync.clock import SetClock
from crmsync_salesforce.simulator import Org
from salesforce.simulator.running import NOON, Client, running

RECORDED = Path(__file__).parents[3].parent / "shared" / "data" / "salesforce"


@pytest.fixture
def clock() -> SetClock:
    return SetClock(NOON)


@pytest.fixture
def site(clock: SetClock) -> Iterator[Callable[..., Client]]:
    """Start orgs with chosen traits: `site(records=10, commit_lag=60)`."""
    with ExitStack() as stack:

        def start(records: int = 20, *, user: str = "full", **traits: Any) -> Client:
            org = Org(records, 7, clock=traits.pop("clock", clock), **traits)
            return Client(stack.enter_context(running(org)), user)

        yield start


@pytest.fixture
def client(site: Callable[..., Client]) -> Client:
    """A small org and a user who may do everything."""
    return site()


@pytest.fixture
def recorded() -> Path:
    """The folder of recorded bodies, which is not part of the project."""
    if not RECORDED.is_dir():
        pytest.skip(f"NOT COMPARED WITH REAL BODIES: there is no folder of recorded data at {RECORDED}")
    return RECORDED
