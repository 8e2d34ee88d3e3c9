"""Environments to test against, at noon of a day that stands still."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from crmsync.clock import SetClock
from crmsync_dynamics.simulator import Org
from dynamics.simulator.running import NOON, Client, running
from support.asking import starting

REAL = Path(__file__).parents[3].parent / "shared" / "data" / "dynamics"


@pytest.fixture
def clock() -> SetClock:
    return SetClock(NOON)


@pytest.fixture
def site(clock: SetClock) -> Iterator[Callable[..., Client]]:
    """Start environments with chosen traits: `site(records=10, page_size=5)`."""
    with starting(Org, running, Client, clock) as start:
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
