"""Picklist values of the standard fields, keyed by field or by object and field."""

from __future__ import annotations

GEOCODE = "Address NearAddress Block Street ExtendedZip Zip Neighborhood City County State Unknown"
INDUSTRY = (
    "Agriculture,Apparel,Banking,Biotechnology,Chemicals,Communications,Construction,Consulting,Education,Electronics,"
    "Energy,Engineering,Entertainment,Environmental,Finance,Food & Beverage,Government,Healthcare,Hospitality,"
    "Insurance,Machinery,Manufacturing,Media,Not For Profit,Recreation,Retail,Shipping,Technology,Telecommunications,"
    "Transportation,Utilities,Other"
)
SOURCE = "Web,Phone Inquiry,Partner Referral,Purchased List,Other"
MONTHS = "January,February,March,April,May,June,July,August,September,October,November,December"
LANGUAGES = "en_US,de,es,fr,it,ja,sv,ko,zh_CN,pt_BR,nl_NL,ru,ar,iw,hi,el"


def _split(text: str) -> tuple[str, ...]:
    return tuple(text.split(","))


PICKLISTS: dict[str, tuple[str, ...]] = {
    "GeocodeAccuracy": tuple(GEOCODE.split()),
    "MailingGeocodeAccuracy": tuple(GEOCODE.split()),
    "OtherGeocodeAccuracy": tuple(GEOCODE.split()),
    "BillingGeocodeAccuracy": tuple(GEOCODE.split()),
    "ShippingGeocodeAccuracy": tuple(GEOCODE.split()),
    "Lead.Salutation": _split("Mr.,Ms.,Mrs.,Dr.,Prof.,Mx."),
    "Salutation": _split("Mr.,Ms.,Mrs.,Dr.,Prof."),
    "LeadSource": _split(SOURCE),
    "AccountSource": _split(SOURCE),
    "Lead.Status": _split("Open - Not Contacted,Working - Contacted,Closed - Converted,Closed - Not Converted"),
    "Industry": _split(INDUSTRY),
    "Rating": _split("Hot,Warm,Cold"),
    "Ownership": _split("Public,Private,Subsidiary,Other"),
    "Account.Type": _split(
        "Prospect,Customer - Direct,Customer - Channel,Channel Partner / Reseller,Installation Partner,"
        "Technology Partner,Other"
    ),
    "StageName": _split(
        "Prospecting,Qualification,Needs Analysis,Value Proposition,Id. Decision Makers,Perception Analysis,"
        "Proposal/Price Quote,Negotiation/Review,Closed Won,Closed Lost"
    ),
    "Opportunity.Type": _split(
        "Existing Customer - Upgrade,Existing Customer - Replacement,Existing Customer - Downgrade,New Customer"
    ),
    "ForecastCategory": _split("Omitted,Pipeline,BestCase,MostLikely,Forecast,Closed"),
    "ForecastCategoryName": _split("Omitted,Pipeline,Best Case,Commit,Closed"),
    "Role": _split(
        "Business User,Decision Maker,Economic Buyer,Economic Decision Maker,Evaluator,Executive Sponsor,Influencer,"
        "Technical Buyer,Other"
    ),
    "Subject": _split("Call,Email,Meeting,Send Letter/Quote,Other"),
    "ShowAs": _split("Busy,OutOfOffice,Free"),
    "GroupEventType": _split("0,1,2,3"),
    "RecurrenceType": _split(
        "RecursDaily,RecursEveryWeekday,RecursMonthly,RecursMonthlyNth,RecursWeekly,RecursYearly,RecursYearlyNth"
    ),
    "RecurrenceInstance": _split("First,Second,Third,Fourth,Last"),
    "RecurrenceMonthOfYear": _split(MONTHS),
    "RecurrenceTimeZoneSidKey": _split("GMT,America/Los_Angeles,America/New_York,Europe/Berlin,Asia/Tokyo"),
    "EventSubtype": _split("Event"),
    "Recurrence2PatternVersion": _split("1,2"),
    "Task.Status": _split("Not Started,In Progress,Completed,Waiting on someone else,Deferred"),
    "Priority": _split("High,Normal,Low"),
    "CallType": _split("Internal,Inbound,Outbound"),
    "TaskSubtype": _split("Task,Email,ListEmail,Cadence,Call,LinkedIn"),
    "Task.Type": _split("Call,Meeting,Other"),
    "Campaign.Type": _split(
        "Conference,Webinar,Trade Show,Public Relations,Partners,Referral Program,Advertisement,Banner Ads,Direct Mail,"
        "Email,Telemarketing,Other"
    ),
    "Campaign.Status": _split("Planned,In Progress,Completed,Aborted"),
    "CampaignMember.Status": _split("Sent,Responded"),
    "Group.Type": _split("Regular,Queue,Role,RoleAndSubordinates,Organization"),
    "UserType": _split("Standard,PowerPartner,CSPLitePortal,CustomerSuccess,PowerCustomerSuccess,CsnOnly,Guest"),
    "TimeZoneSidKey": _split("GMT,America/Los_Angeles,America/New_York,Europe/Berlin,Asia/Tokyo"),
    "LocaleSidKey": _split(LANGUAGES),
    "LanguageLocaleKey": _split(LANGUAGES),
    "EmailEncodingKey": _split("UTF-8,ISO-8859-1,Shift_JIS"),
    "Interests__c": _split("Analytics,Automation,Events,Integration,Mobile,Pricing,Security,Support"),
    "Preferred_Language__c": _split(LANGUAGES),
    "Tier__c": _split("Gold,Silver,Bronze"),
    "Plan__c": _split("Free,Team,Business,Enterprise"),
}

RESTRICTED = frozenset(
    {
        *("GeocodeAccuracy", "MailingGeocodeAccuracy", "OtherGeocodeAccuracy"),
        *("BillingGeocodeAccuracy", "ShippingGeocodeAccuracy", "ForecastCategory", "ForecastCategoryName", "ShowAs"),
        *("GroupEventType", "RecurrenceType", "RecurrenceInstance", "RecurrenceMonthOfYear"),
        *("RecurrenceTimeZoneSidKey", "EventSubtype", "Recurrence2PatternVersion", "TaskSubtype", "CallType"),
        *("TimeZoneSidKey", "LocaleSidKey", "LanguageLocaleKey", "EmailEncodingKey", "Tier__c"),
    }
)
