"""Campaigns, marketing lists and their members."""

from __future__ import annotations

from crmsync_dynamics.simulator.schema.common import IMPORTED, STATE, audit, money, owned

CAMPAIGN = (
    """\
CampaignId guid CR--s "Campaign
Name string:128 CRU-s
CodeName string:32 CR--n "Campaign Code
TypeCode choice CRU-n "Campaign Type
Objective memo:2000 CRU-n "Offer
Description memo:2000 CRU-n
Message string:256 CRU-n
PromotionCodeName string:128 CRU-n "Promotion Code
EmailAddress string:100,Email CRU-n "Email Address
ExpectedResponse int:0..100 CRU-n "Expected Response Percentage
BudgetedCost money:0..1000000000000 CRU-n "Budget Allocated
BudgetedCost_Base money -R--n "Budget Allocated (Base)
ExpectedRevenue money:0..1000000000000 CRU-n "Estimated Revenue
ExpectedRevenue_Base money -R--n "Estimated Revenue (Base)
OtherCost money:0..1000000000000 CRU-n "Miscellaneous Costs
OtherCost_Base money -R--n "Miscellaneous Costs (Base)
TotalActualCost money:0..1000000000000 -R--n "Total Cost of Campaign
TotalActualCost_Base money -R--n "Total Cost of Campaign (Base)
ProposedStart date:UserLocal,DateOnly CRU-n "Proposed Start Date
ProposedEnd date:UserLocal,DateOnly CRU-n "Proposed End Date
ActualStart date:UserLocal,DateOnly CRU-n "Actual Start Date
ActualEnd date:UserLocal,DateOnly CRU-n "Actual End Date
IsTemplate bool CR--n =yesno "Template
"""
    + audit("campaign", base="")
    + IMPORTED
    + owned("campaign", "campaigns", names=("SystemUser_Campaigns", "team_Campaigns", "BusinessUnit_Campaigns"))
    + STATE
    + money("campaign").replace("TransactionCurrencyId lookup CRU-n", "TransactionCurrencyId lookup CR--a")
)
LIST = (
    """\
ListId guid CR--s "Marketing List
ListName string:128 CRU-s "Name
CreatedFromCode choice CR--s "Marketing List Member Type
Type bool CR--s =list_type
Purpose string:512 CRU-n
Source string:128 CRU-n
Description memo:2000 CRU-n
Query string:1073741823 CRU-n
MemberCount int:0..1000000000 -RU-n "Members Count
MemberType int:0..1000000000 CR--n "Member Type
LockStatus bool CRU-n =yesno "Locked
LastUsedOn date:UserLocal,DateOnly -RU-n "Last Used On
Cost money:0..1000000000000 CRU-n
Cost_Base money -R--n "Cost (Base)
"""
    + audit("list", base="")
    + IMPORTED
    + owned("list", "lists", names=("user_list", "team_list", "business_unit_list"))
    + STATE
    + money("list")
)
LIST_MEMBER = """\
ListMemberId guid -R--s "List Member
Name string:100 -R--n
ListId lookup CR--s >list "Marketing List
EntityId lookup CR--s >account,contact,lead "Member
CreatedOn date -R--n
ModifiedOn date -R--n
CreatedBy lookup -R--n >systemuser
ModifiedBy lookup -R--n >systemuser
VersionNumber bigint -R--n
"""
