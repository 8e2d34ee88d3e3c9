"""The routes of a run that is no cycle: those that the last cycle left, or what a look at the CRM's schema gives."""

from __future__ import annotations

from crmsync.opened import Opened
from crmsync.pull.run import Pull
from crmsync.schema import known_mapping, recall, survey, to_remember
from crmsync.store import memory


async def know_routes(opened: Opened, pull: Pull) -> None:
    """Give a run its routes; where none are remembered under these settings, with tables that fit them."""
    pull.routes = await recall(pull.store, opened.settings)
    if not pull.routes:
        known = await known_mapping(pull.store)
        found = list((await survey(pull.plugins, pull.session, opened.settings, known)).routes.values())
        await pull.store.prepare(found)
        await pull.store.write(memory.remember, to_remember(found, opened.settings))
        pull.routes = {route.object: route for route in found}
    pull.roles = {obj: route.role for obj, route in pull.routes.items()}
