"""The process that holds the lease does what is asked for: within moments, and equal actions together."""

from __future__ import annotations

import asyncio
import logging
import sqlite3
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager, suppress

from msgspec import Struct, field

from crmsync.actions import KINDS
from crmsync.actions.ending import ended
from crmsync.actions.jobs import Job, still_open
from crmsync.actions.reading import check, job_of
from crmsync.clock import Clock, stamp
from crmsync.errors import ConnectionStopped, CrmsyncError, LeaseLost, StoreError
from crmsync.pull.run import Pull
from crmsync.push.settling import settle
from crmsync.store import Store
from crmsync.store.people import actions

EVERY = 0.5  # seconds between two looks at the table
GRACE = 2.0  # seconds that what is being done has to end, once the process is asked to stop

Acting = Callable[[], AbstractAsyncContextManager[Pull]]
"""Opens a run of actions."""


class Server(Struct):
    """Serves the actions of one database until it is stopped."""

    store: Store
    acting: Acting
    clock: Clock
    retries: int
    batch: int
    _poked: asyncio.Event = field(default_factory=asyncio.Event)
    _stopping: bool = False
    _task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to look for actions."""
        self._task = asyncio.create_task(self._run())

    def poke(self) -> None:
        """Look now: an action was asked for."""
        self._poked.set()

    async def stop(self) -> None:
        """End soon. What is being done has a moment; what it does not reach is taken up by whoever serves next."""
        self._stopping = True
        self.poke()
        if self._task is not None:
            await asyncio.wait({self._task}, timeout=GRACE)
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task

    async def _run(self) -> None:
        while not self._stopping:
            try:
                if await self.store.read(actions.any_due, stamp(self.clock.now())):
                    await self._serve()
                    continue
            except LeaseLost:
                return
            except CrmsyncError as error:
                logging.getLogger("crmsync.actions").warning("actions wait: %s", error)
            except Exception:
                logging.getLogger("crmsync.actions").exception("a mistake of the program kept actions waiting")
            self._poked.clear()
            with suppress(asyncio.TimeoutError):
                await asyncio.wait_for(self._poked.wait(), EVERY)

    async def _serve(self) -> None:
        """Do what may be done now, a batch of it. Whatever ends it, every action is told how it stands."""
        jobs: list[Job] = []
        try:
            async with self.acting() as pull:
                jobs = await self.store.write(_taken, self, pull.run)
                await settle(pull)
                for kind in dict.fromkeys(job.kind for job in still_open(jobs)):
                    ours = [job for job in still_open(jobs) if job.kind == kind]
                    await check(pull, ours)  # what was done before of another kind may have ended persons
                    await _served(pull, kind, still_open(ours))
                await self._end(jobs, pull.run)
        except (StoreError, asyncio.CancelledError):
            raise
        except Exception as error:  # of all of them alike: no session, no way to the CRM, or a mistake
            jobs = jobs or await self.store.write(_taken, self, 0)
            for job in still_open(jobs):
                job.broken(error)
            await self._end(jobs, 0)
            if not isinstance(error, CrmsyncError):
                raise

    async def _end(self, jobs: Sequence[Job], run: int) -> None:
        await self.store.write(ended, jobs, run, self.clock, self.retries)


def _taken(con: sqlite3.Connection, server: Server, run: int) -> list[Job]:
    return [job_of(row) for row in actions.take(con, stamp(server.clock.now()), server.batch, run)]


async def _served(pull: Pull, kind: str, jobs: Sequence[Job]) -> None:
    """Do jobs of one kind. What ends them all says of each only that it is to be tried again."""
    try:
        await KINDS[kind].serve(pull, jobs)
    except (ConnectionStopped, StoreError):
        raise
    except CrmsyncError as error:
        for job in still_open(jobs):
            job.broken(error)
    except Exception as error:
        logging.getLogger("crmsync.actions").exception("a mistake of the program ended actions of kind %s", kind)
        for job in still_open(jobs):
            job.broken(error)
