"""Task and Event."""

from __future__ import annotations

from crmsync_salesforce.simulator.schema.people import AUDIT

_WHAT = ">Account,Campaign,Case,Contract,Opportunity=What"

TASK = f"""\
Id id ---D-IFSG "Activity ID
RecordTypeId reference CUN---FSG >RecordType=RecordType "Record Type ID
WhoId reference CUN-P-FSG >Contact,Lead=Who "Name ID
WhatId reference CUN-P-FSG {_WHAT} "Related To ID
WhoCount int:9 --N---FSG "Relation Count
WhatCount int:9 --N---FSG "Related To Count
Subject combobox:255 CUN---FS-
ActivityDate date CUN---FSG "Due Date Only
Status picklist:255 CU-D--FSG !Not Started
Priority picklist:20 CU-D--FSG !Normal
IsHighPriority boolean ---D--FSG "High Priority
OwnerId reference CU-D--FSG >Group,User=Owner "Assigned To ID
Description textarea:32000 CUN-P----
Type picklist:255 CUN-P-FSG
IsDeleted boolean ---D--FSG "Deleted
AccountId reference --N---FSG >Account=Account "Account ID
IsClosed boolean ---D--FSG "Closed
{AUDIT}\
IsArchived boolean ---D--FSG "Archived
IsVisibleInSelfService boolean CU-D--FSG "Public
CallDurationInSeconds int:8 CUN---FSG "Call Duration
CallType picklist:40 CUN---FSG
CallDisposition string:255 CUN---FSG "Call Result
CallObject string:255 CUN---FSG "Call Object Identifier
ReminderDateTime datetime CUN---FS- "Reminder Date/Time
IsReminderSet boolean CU-D--FSG "Reminder Set
RecurrenceActivityId reference --N---FSG >Task "Recurrence Activity ID
IsRecurrence boolean C--D--FSG "Create Recurring Series of Tasks
RecurrenceStartDateOnly date CUN---FSG "Recurrence Start
RecurrenceEndDateOnly date CUN---FSG "Recurrence End
RecurrenceTimeZoneSidKey picklist:40 CUN---FSG "Recurrence Time Zone
RecurrenceType picklist:40 CUN---FSG
RecurrenceInterval int:9 CUN---FSG
RecurrenceDayOfWeekMask int:9 CUN---FSG "Recurrence Day of Week Mask
RecurrenceDayOfMonth int:9 CUN---FSG "Recurrence Day of Month
RecurrenceInstance picklist:40 CUN---FSG
RecurrenceMonthOfYear picklist:40 CUN---FSG "Recurrence Month of Year
RecurrenceRegeneratedType picklist:40 CUN---FSG "Repeat This Task
TaskSubtype picklist:40 C-N---FSG
CompletedDateTime datetime --N---FS- "Completed Date/Time
"""

EVENT = f"""\
Id id ---D-IFSG "Activity ID
WhoId reference CUN-P-FSG >Contact,Lead=Who "Name ID
WhatId reference CUN-P-FSG {_WHAT} "Related To ID
Subject combobox:255 CUN---FS-
Location string:255 CUN-P-FSG
IsAllDayEvent boolean CU-DP-FSG "All-Day Event
ActivityDateTime datetime CUN---FS- "Due Date Time
ActivityDate date CUN---FSG "Due Date Only
DurationInMinutes int:8 CUN---FSG "Duration
StartDateTime datetime CUN---FS-
EndDateTime datetime CUN---FS-
EndDate date --N---FSG
Description textarea:32000 CUN-P----
AccountId reference --N---FSG >Account=Account "Account ID
OwnerId reference CU-D--FSG >Calendar,User=Owner "Assigned To ID
IsPrivate boolean CU-D--FSG "Private
ShowAs picklist:40 CUND--FSG !Busy "Show Time As
IsDeleted boolean ---D--FSG "Deleted
IsChild boolean ---D--FSG
IsGroupEvent boolean ---D--FSG
GroupEventType picklist:40 --ND--FSG !0
{AUDIT}\
IsArchived boolean ---D--FSG "Archived
RecurrenceActivityId reference --N---FSG >Event "Recurrence Activity ID
IsRecurrence boolean C--D--FSG "Create Recurring Series of Events
RecurrenceStartDateTime datetime CUN---FS- "Recurrence Start
RecurrenceEndDateOnly date CUN---FSG "Recurrence End
RecurrenceTimeZoneSidKey picklist:40 CUN---FSG "Recurrence Time Zone
RecurrenceType picklist:40 CUN---FSG
RecurrenceInterval int:9 CUN---FSG
RecurrenceDayOfWeekMask int:9 CUN---FSG "Recurrence Day of Week Mask
RecurrenceDayOfMonth int:9 CUN---FSG "Recurrence Day of Month
RecurrenceInstance picklist:40 CUN---FSG
RecurrenceMonthOfYear picklist:40 CUN---FSG "Recurrence Month of Year
ReminderDateTime datetime CUN---FS- "Reminder Date/Time
IsReminderSet boolean CU-D--FSG "Reminder Set
EventSubtype picklist:40 C-N---FSG
IsRecurrence2Exclusion boolean ---D--FSG "Historical Event, Not Following Recurrence
Recurrence2PatternText textarea:512 C-N------ "Recurrence Pattern
Recurrence2PatternVersion picklist:40 --N---FSG "Pattern Version
IsRecurrence2 boolean ---D--FSG "Repeat
IsRecurrence2Exception boolean ---D--FSG "Is Exception
Recurrence2PatternStartDate datetime --N---FS- "Recurrence Pattern Start Date
Recurrence2PatternTimeZone string:255 --N---FSG "Recurrence Pattern Time Zone Reference
"""

TASK_STATUS = f"""\
Id id ---D-IFSG "Task Status Value ID
MasterLabel string:255 --N---FSG
ApiName string:255 --N---FSG "API Name
SortOrder int:9 --N---FSG
IsDefault boolean ---D--FSG
IsClosed boolean ---D--FSG "Closed
{AUDIT}\
"""
