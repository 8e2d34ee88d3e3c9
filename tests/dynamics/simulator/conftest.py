"""Environments to test against, at noon of a day that stands still."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from crmsync.clock import SetClock
from crmsync_dynamics.simulator import Org
from dynamics.simulator.running import NOON, Client, running
from support.asking import real_data, starting


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
    return real_data("dynamics")
