"""What a cycle says when calls were short: what was left out, how old it is by now, and when it goes on."""

from __future__ import annotations

from collections.abc import Mapping

from crmsync.errors import QuotaKept
from crmsync.pull.run import READING, Pull
from crmsync.steps import close_steps
from crmsync.store.reports import forecast, throughput


async def tell(pull: Pull, failed: Mapping[str, BaseException]) -> None:
    """Raise QuotaKept, one for all objects that there were no calls for, if there are any."""
    short = {obj: error for obj, error in failed.items() if isinstance(error, QuotaKept)}
    if not short:
        return
    over = max(error.over for error in short.values())
    at = await pull.store.read(forecast.free_at, pull.clock.now(), over)
    left_out = [key for key, step in pull.steps.items() if key[0] in short and step.status == "incomplete"]
    stale = sorted({obj for obj, operation in left_out if operation in READING})
    unsent = sorted({obj for obj, operation in left_out if operation not in READING})
    since = await pull.store.read(throughput.read_since)
    said = [f"{', '.join(stale)}: not read; {_as_of(since, stale)}."] if stale else []
    said += [f"{', '.join(unsent)}: what is meant for the CRM waits."] if unsent else []
    close_steps(pull)  # what was read and sent all the same was no failure
    raise QuotaKept(
        f"The API calls of the day are short. {' '.join(said)}",
        hint=f"It goes on by itself {f'at about {at}' if at else 'when calls are free again'}; "
        "`quota_share` sets what may be used, `quota_pulls` and `quota_pushes` what of it is kept for better claims.",
        code="quota",
        over=over,
    )


def _as_of(since: Mapping[str, str], objects: list[str]) -> str:
    never = [obj for obj in objects if obj not in since]
    if never:
        return "the first read is not through"
    return f"all that was saved there before {min(since[obj] for obj in objects)} is here"
