"""Orgs to test against, at noon of a day that stands still."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from crmsync.clock import SetClock
from crmsync_salesforce.simulator import Org
from salesforce.simulator.running import NOON, Client, running
from support.asking import real_data, starting


@pytest.fixture
def clock() -> SetClock:
    return SetClock(NOON)


@pytest.fixture
def site(clock: SetClock) -> Iterator[Callable[..., Client]]:
    """Start orgs with chosen traits: `site(records=10, commit_lag=60)`."""
    with starting(Org, running, Client, clock) as start:
        yield start


@pytest.fixture
def client(site: Callable[..., Client]) -> Client:
    """A small org and a user who may do everything."""
    return site()


@pytest.fixture
def recorded() -> Path:
    """The folder of recorded bodies, which is not part of the project."""
    return real_data("salesforce")
