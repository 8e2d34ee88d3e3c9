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
EMailAddress string:100 CRU-n "Email
ExpectedResponse int:0..100 CRU-n "Expected Response Percentage
BudgetedCost money:0..1000000000000 CRU-n "Budget Allocated
BudgetedCost_Base money -R--n "Budget Allocated (Base)
ExpectedRevenue money:0..1000000000000 CRU-n "Estimated Revenue
ExpectedRevenue_Base money -R--n "Estimated Revenue (Base)
OtherCost money:0..1000000000000 CRU-n "Miscellaneous Costs
OtherCost_Base money -R--n "Miscellaneous Costs (Base)
TotalActualCost money:0..1000000000000 -R--n "Total Cost of Campaign
TotalActualCost_Base money -R--n "Total Cost of Campaign (Base)
ProposedStart date CRU-n "Proposed Start
ProposedEnd date CRU-n "Proposed End
ActualStart date CRU-n "Actual Start
ActualEnd date CRU-n "Actual End
IsTemplate bool CR--n =yesno "Template
"""
    + audit("campaign")
    + IMPORTED
    + owned("campaigns")
    + STATE
    + money("campaign").replace("TransactionCurrencyId lookup CRU-n", "TransactionCurrencyId lookup CR--n")
)
LIST = (
    """\
ListId guid CR--s "List
ListName string:128 CRU-s "Name
CreatedFromCode choice CR--s "Targeted At
Type bool CR--s =list_type
Purpose string:512 CRU-n
Source string:128 CRU-n
Description memo:2000 CRU-n
Query memo:1073741823 CRU-n
MemberCount int:0..1000000000 -R--n "Members Count
MemberType int:1..9999 CR--s "Member Type
LockStatus bool CRU-n =yesno "Locked
LastUsedOn date CRU-n "Last Used On
Cost money:0..1000000000000 CRU-n
Cost_Base money -R--n "Cost (Base)
"""
    + audit("list")
    + IMPORTED
    + owned("lists")
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
