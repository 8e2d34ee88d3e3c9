"""Tasks, the activities that a sync makes."""

from __future__ import annotations

from crmsync_dynamics.simulator.schema.common import IMPORTED, STATE, audit, money, owned

_REGARDING = ",".join(
    f"{one}=regardingobjectid_{one}_task/{spelled}_Tasks"
    for one, spelled in (
        ("account", "Account"), ("contact", "Contact"), ("lead", "Lead"), ("opportunity", "Opportunity"),
        ("campaign", "Campaign"),
    )
)  # fmt: skip
TASK = (
    f"""\
ActivityId guid CR--s "Task
Subject string:200 CRU-a
Description memo:2000,Text CRU-n
RegardingObjectId lookup CRU-n >{_REGARDING} "Regarding
ActivityTypeCode entity -R--s "Activity Type
ScheduledStart date CRU-n "Start Date
ScheduledEnd date CRU-n "Due Date
ActualStart date:UserLocal,DateOnly CRU-n "Actual Start
ActualEnd date:UserLocal,DateOnly CRU-n "Actual End
ActualDurationMinutes int:0..2147483647 CRU-n "Duration
ScheduledDurationMinutes int:0..2147483647 -R--n "Scheduled Duration
PriorityCode choice CRU-n !1 "Priority
Category string:250 CRU-n
Subcategory string:250 CRU-n "Sub-Category
PercentComplete int:0..100 CRU-n "Percent Complete
IsBilled bool CRU-n =yesno "Is Billed
IsWorkflowCreated bool CRU-n =yesno "Is Workflow Created
"""
    + audit("task", "_task", base="")
    + IMPORTED
    + owned("task", "tasks", "_task", ("user_task", "team_task", "business_unit_task_activities"))
    + STATE.replace("Status\nStatusCode", "Activity Status\nStatusCode")
    + money("Task", "_task", "TransactionCurrency")
)
