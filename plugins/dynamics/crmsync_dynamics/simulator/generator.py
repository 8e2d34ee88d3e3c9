"""The first data: setup records, then accounts with people, deals, campaigns and tasks that fit together."""

from __future__ import annotations

import gc

from crmsync.simulate import Draw
from crmsync_dynamics.simulator import business, moments, population
from crmsync_dynamics.simulator.made import POOL, YEAR, Made, Plan
from crmsync_dynamics.simulator.setup import set_up
from crmsync_dynamics.simulator.state import State


def fill(state: State, plan: Plan) -> None:
    """Put the whole environment's data into its empty tables."""
    collecting = gc.isenabled()
    gc.disable()  # nothing made here is garbage, and looking for it takes longer than making it
    try:
        _fill(state, plan)
    finally:
        if collecting:
            gc.enable()


def _fill(state: State, plan: Plan) -> None:
    draw = Draw(plan.seed)
    made = Made(state, draw, plan)
    now = moments.whole(state.now())
    made.stamps = sorted(draw.moments(now, YEAR, max(8, min(POOL, plan.records * 4)), moments.spell))
    set_up(made)
    population.accounts(made, max(1, plan.records // 5))
    population.contacts(made, plan.records)
    population.big_account(made, plan.big)
    population.leads(made, plan.records // 2)
    business.deals(made, plan.records // 5)
    business.campaigns(made, max(3, plan.records // 500))
    business.activities(made, plan.records // 5)
    business.custom(made, plan.records // 4)
