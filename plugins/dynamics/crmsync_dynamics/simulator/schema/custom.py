"""What an administrator has added: the sync filter, the columns of the marketing side, two tables and a secret."""

from __future__ import annotations

from crmsync_dynamics.simulator.schema.common import IMPORTED, STATE, audit, money, owned

_FILTER = 'new_synctomkto bool CRU-n =yesno !true "Sync to Marketing\n'
_PERSON = """\
new_MarketingId string:100 CRU-n "Marketing Id
new_Newsletter bool CRU-n =yesno
new_Interests choices CRU-n =new_interests
new_Budget money:0..1000000000000 CRU-n
new_Budget_Base money -R--n "Budget (Base)
new_Rate decimal:0..100000,4 CRU-n
new_LastWebinar date CRU-n "Last Webinar
new_OfficeHour date:TimeZoneIndependent CRU-n "Office Hour
new_Salary money:0..1000000000000 CRU-n
new_Salary_Base money -R--n "Salary (Base)
new_Nickname string:50 CRU-n "Pet Name
mkt_LeadScore int:0..1000000 CRU-n "Lead Score
mkt_RelativeScore int:0..3 CRU-n "Relative Score
mkt_Priority choice CRU-n =mkt_priority
mkt_Urgency int:0..3 CRU-n
mkt_LastInterestingMomentDate date CRU-n "Last Interesting Moment Date
mkt_LastInterestingMomentDesc string:250 CRU-n "Last Interesting Moment Desc
mkt_LastInterestingMomentSource string:100 CRU-n "Last Interesting Moment Source
mkt_LastInterestingMomentType string:100 CRU-n "Last Interesting Moment Type
"""
CONTACT = _FILTER + _PERSON + 'new_AccountIndustry string:100 -R--n "Account Industry\n'
LEAD = _FILTER + _PERSON
ACCOUNT = _FILTER + 'new_Tier choice CRU-n =new_tier\nnew_RenewalDate date:DateOnly CRU-n "Renewal Date\n'
OPPORTUNITY = _FILTER + "new_Reason memo:4000 CRU-n\n"
SUBSCRIPTION = (
    """\
new_SubscriptionId guid CR--s "Subscription
new_Name string:100 CRU-a "Name
new_Contact lookup CRU-n >contact=new_Contact/new_contact_new_subscription "Contact
new_Account lookup CRU-n >account=new_Account/new_account_new_subscription "Account
new_Plan choice CRU-n =new_tier "Plan
new_Seats int:0..100000 CRU-n
new_Amount money:0..1000000000000 CRU-n
new_Amount_Base money -R--n "Amount (Base)
new_StartsOn date:DateOnly CRU-n "Starts On
"""
    + _FILTER
    + audit("new_subscription")
    + IMPORTED
    + owned("new_subscription", "new_subscriptions")
    + STATE
    + money("new_subscription")
)
ITEM = (
    """\
new_SubscriptionItemId guid CR--s "Subscription Item
new_Name string:100 CRU-a "Name
new_Subscription lookup CRU-n >new_subscription=new_Subscription/new_subscription_items "Subscription
new_Quantity int:0..100000 CRU-n
"""
    + audit("new_subscriptionitem")
    + IMPORTED
    + owned("new_subscriptionitem", "new_subscriptionitems")
    + STATE
)
SECURED = frozenset({"new_salary", "new_nickname"})
"""Columns under column security: an application user needs a profile to read them."""
