"""The routes that write."""

from __future__ import annotations

from crmsync_dynamics.simulator.api.routes import Route

WRITES: tuple[Route, ...] = ()
