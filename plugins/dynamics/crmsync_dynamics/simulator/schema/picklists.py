"""The choices of the simulated environment; `value/state` is a status with its state, `value:status` a state."""

from __future__ import annotations

from crmsync_dynamics.simulator.fields import Option
from crmsync_dynamics.simulator.notation import parse_options

_INDUSTRIES = (
    "Accounting; Agriculture and Non-petrol Natural Resource Extraction; Broadcasting Printing and Publishing; Brokers;"
    "Building Supply Retail; Business Services; Consulting; Consumer Services;"
    "Design, Direction and Creative Management; Distributors, Dispatchers and Processors;"
    "Doctor's Offices and Clinics; Durable Manufacturing; Eating and Drinking Places; Entertainment Retail;"
    "Equipment Rental and Leasing; Financial; Food and Tobacco Processing; Inbound Capital Intensive Processing;"
    "Inbound Repair and Services; Insurance; Legal Services; Non-Durable Merchandise Retail;"
    "Outbound Consumer Service; Petrochemical Extraction and Distribution; Service Retail; SIG Affiliations;"
    "Social Services; Special Outbound Trade Contractors; Specialty Realty; Transportation;"
    "Utility Creation and Distribution; Vehicle Retail; Wholesale"
)
_NUMBERED = "; ".join(f"{number} {name.strip()}" for number, name in enumerate(_INDUSTRIES.split(";"), 1))
_ALLOW = "0 Allow; 1 Do Not Allow"
_YES = "0 No; 1 Yes"

_LINES = f"""\
active 0:1 Active; 1:2 Inactive
active_status 1/0 Active; 2/1 Inactive
industry {_NUMBERED}
contact_methods 1 Any; 2 Email; 3 Phone; 4 Fax; 5 Mail
allow {_ALLOW}
send 0 Send; 1 Do Not Send
yesno {_YES}
confirminterest 0 Yes; 1 No
evaluatefit 0 Yes; 1 No
decisionmaker 0 mark complete; 1 completed
opportunity_isrevenuesystemcalculated 0 User Provided; 1 System Calculated
creditonhold 0 No; 1 Yes
contact_gendercode 1 Male; 2 Female
contact_familystatuscode 1 Single; 2 Married; 3 Divorced; 4 Widowed
contact_accountrolecode 1 Decision Maker; 2 Employee; 3 Influencer
contact_customertypecode 1 Default Value
contact_leadsourcecode 1 Default Value
lead_leadsourcecode 1 Advertisement; 2 Employee Referral; 3 External Referral; 4 Partner; 5 Public Relations;\
 6 Seminar; 7 Trade Show; 8 Web; 9 Word of Mouth; 10 Other
lead_leadqualitycode 1 Hot; 2 Warm; 3 Cold
lead_prioritycode 1 Default Value
lead_salesstagecode 1 Default Value
lead_statecode 0:1 Open; 1:3 Qualified; 2:4 Disqualified
lead_statuscode 1/0 New; 2/0 Contacted; 3/1 Qualified; 4/2 Lost; 5/2 Cannot Contact; 6/2 No Longer Interested;\
 7/2 Canceled
budgetstatus 0 No Committed Budget; 1 May Buy; 2 Can Buy; 3 Will Buy
need 0 Must have; 1 Should have; 2 Good to have; 3 No need
purchasetimeframe 0 Immediate; 1 This Quarter; 2 Next Quarter; 3 This Year; 4 Unknown
purchaseprocess 0 Individual; 1 Committee; 2 Unknown
initialcommunication 0 Contacted; 1 Not Contacted
account_accountcategorycode 1 Preferred Customer; 2 Standard
account_accountratingcode 1 Default Value
account_businesstypecode 1 Default Value
account_customertypecode 1 Competitor; 2 Consultant; 3 Customer; 4 Investor; 5 Partner; 6 Influencer; 7 Press;\
 8 Prospect; 9 Reseller; 10 Supplier; 11 Vendor; 12 Other
account_ownershipcode 1 Public; 2 Private; 3 Subsidiary; 4 Other
account_territorycode 1 Default Value
opportunity_statecode 0:1 Open; 1:3 Won; 2:4 Lost
opportunity_statuscode 1/0 In Progress; 2/0 On Hold; 3/1 Won; 4/2 Canceled; 5/2 Out-Sold
opportunity_salesstage 0 Qualify; 1 Develop; 2 Propose; 3 Close
opportunity_opportunityratingcode 1 Hot; 2 Warm; 3 Cold
opportunity_prioritycode 1 Default Value
opportunity_salesstagecode 1 Default Value
campaign_typecode 1 Advertisement; 2 Direct Marketing; 3 Event; 4 Co-branding; 5 Other
campaign_statecode 0:0 Active; 1:6 Inactive
campaign_statuscode 0/0 Proposed; 1/0 Ready To Launch; 2/0 Launched; 3/0 Completed; 4/0 Canceled; 5/0 Suspended;\
 6/1 Inactive
list_createdfromcode 1 Account; 2 Contact; 4 Lead
list_type 0 Static; 1 Dynamic
list_statecode 0:0 Active; 1:1 Inactive
list_statuscode 0/0 Active; 1/1 Inactive
task_prioritycode 0 Low; 1 Normal; 2 High
task_statecode 0:2 Open; 1:5 Completed; 2:6 Canceled
task_statuscode 2/0 Not Started; 3/0 In Progress; 4/0 Waiting on someone else; 7/0 Deferred; 5/1 Completed;\
 6/2 Canceled
connection_statecode 0:1 Active; 1:2 Inactive
connectionrole_category 1 Business; 2 Family; 3 Social; 4 Sales; 5 Other; 1000 Stakeholder; 1001 Sales Team;\
 1002 Service
systemuser_accessmode 0 Read-Write; 1 Administrative; 2 Read; 3 Support User; 4 Non-interactive; 5 Delegated Admin
team_type 0 Owner; 1 Access; 2 Security Group; 3 Office Group
fieldpermission 0 Not Allowed; 4 Allowed
new_tier 100000000 Bronze; 100000001 Silver; 100000002 Gold
new_interests 1 Analytics; 2 Automation; 3 Events; 4 Mobile; 5 Support; 9 Travel
mkt_priority 1 Low; 2 Medium; 3 High
"""


def _read() -> dict[str, tuple[Option, ...]]:
    named = parse_options(_LINES)
    named |= {f"{table}_statecode": named["active"] for table in _ACTIVE}
    return named | {f"{table}_statuscode": named["active_status"] for table in _ACTIVE}


_ACTIVE = (
    "contact", "account", "connection", "connectionrole", "transactioncurrency", "new_subscription",
    "new_subscriptionitem", "new_plain",
)  # fmt: skip
CHOICES = _read()
GLOBAL = frozenset(
    {
        *("new_tier", "new_interests", "mkt_priority", "confirminterest", "evaluatefit", "decisionmaker"),
        *("budgetstatus", "need", "purchasetimeframe", "purchaseprocess", "initialcommunication"),
        "opportunity_salesstage",
    }
)
"""The option sets that several columns share."""
