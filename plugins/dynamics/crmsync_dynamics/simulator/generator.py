"""The first data: setup records, then accounts with people, deals, campaigns and tasks that fit together."""

from __future__ import annotations

from crmsync.simulate import Draw, Plan, without_collecting
from crmsync_dynamics.simulator import business, moments, population
from crmsync_dynamics.simulator.made import Made
from crmsync_dynamics.simulator.setup import set_up
from crmsync_dynamics.simulator.state import State


def fill(state: State, plan: Plan) -> None:
    """Put the whole environment's data into its empty tables."""
    with without_collecting():
        _fill(state, plan)


def _fill(state: State, plan: Plan) -> None:
    made = Made(state, Draw(plan.seed), plan)
    made.draw_stamps(moments.spell)
    set_up(made)
    population.accounts(made, plan.accounts)
    population.contacts(made, plan.records)
    population.big_account(made, plan.big)
    population.leads(made, plan.leads)
    business.deals(made, plan.deals)
    business.campaigns(made, plan.campaigns)
    business.activities(made, plan.deals)
    business.custom(made, plan.customs)
