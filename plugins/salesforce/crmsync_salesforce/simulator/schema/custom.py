"""What this org's administrators added: fields on standard objects, three custom objects and person accounts."""

from __future__ import annotations

from crmsync_salesforce.simulator.schema.people import AUDIT

_MARKETING = """\
mkto71_Lead_Score__c double:10,0 CUN-P-FS- "Score
mkto71_Acquisition_Date__c datetime CUN-P-FS- "Acquisition Date
mkto71_Acquisition_Program__c string:255 CUN-P-FSG "Acquisition Program
mkto71_Acquisition_Program_Id__c double:18,0 CUN-P-FS- "Acquisition Program Id
mkto71_Original_Referrer__c string:255 CUN-P-FSG "Original Referrer
mkto71_Original_Source_Type__c string:255 CUN-P-FSG "Original Source Type
mkto71_Inferred_Company__c string:255 CUN-P-FSG "Inferred Company
mkto71_Inferred_Country__c string:255 CUN-P-FSG "Inferred Country
"""
_PERSON = f"""\
External_Id__c string:64 CUN-PIFSG "External Id
Interests__c multipicklist:4099 CUN-P-F--
Preferred_Language__c picklist:255 CUN-P-FSG
Newsletter__c boolean CU-DP-FSG
Budget__c currency:18,2 CUN-P-FS-
Last_Webinar__c datetime CUN-P-FS-
Notes__c textarea:32000 CUN-P----
Web_Activity__c textarea:131072 CUN-P----
{_MARKETING}"""

LEAD = f"{_PERSON}Owner_Name__c string:1300 --N-P-FSG\n"
CONTACT = f"{_PERSON}Account_Industry__c string:1300 --N-P-FSG\n"
ACCOUNT = """\
External_Id__c string:64 CUN-PIFSG "External Id
Tier__c picklist:255 CUN-P-FSG
Contract_Value__c currency:18,2 CUN-P-FS-
Renewal_Date__c date CUN-P-FSG
Owner_Department__c string:1300 --N-P-FSG
"""
OPPORTUNITY = """\
External_Id__c string:64 CUN-PIFSG "External Id
Discount__c percent:5,2 CUN-P-FS-
"""
FORMULAS = {
    "Lead": {"Owner_Name__c": "Owner.Name"},
    "Contact": {"Account_Industry__c": "Account.Industry"},
    "Account": {"Owner_Department__c": "Owner.Department"},
}

HEAD = f"""\
Id id ---D-IFSG "Record ID
OwnerId reference CU-D--FSG >Group,User=Owner "Owner ID
IsDeleted boolean ---D--FSG "Deleted
Name string:80 CUND-IFSG
{AUDIT}"""

SUBSCRIPTION = f"""\
{HEAD}\
Contact__c reference CUN-P-FSG >Contact=Contact__r
Plan__c picklist:255 CUN-P-FSG
Price__c currency:18,2 CUN-P-FS-
Start__c date CUN-P-FSG
Active__c boolean CU-DP-FSG
External_Id__c string:64 CUN-PIFSG "External Id
"""
SUBSCRIPTION_ITEM = f"""\
{HEAD}\
Subscription__c reference CUN-P-FSG >Subscription__c=Subscription__r
Quantity__c double:8,0 CUN-P-FS-
Description__c textarea:32768 CUN-P----
"""
REGION = f"""\
{HEAD}\
Code__c string:10 CUN-PIFSG
Population__c double:12,0 CUN-P-FS-
"""
OBJECTS = (
    ("Subscription__c", "Subscription", "Subscriptions", "a00", SUBSCRIPTION),
    ("Subscription_Item__c", "Subscription Item", "Subscription Items", "a01", SUBSCRIPTION_ITEM),
    ("Region__c", "Region", "Regions", "a02", REGION),
)

PERSON_ACCOUNT = """\
LastName string:80 CUN---FSG ^Name
FirstName string:40 CUN---FSG ^Name
Salutation picklist:40 CUN---FSG ^Name
IsPersonAccount boolean ---D--FSG "Is Person Account
PersonContactId reference --N---FSG >Contact=PersonContact "Contact ID
PersonEmail email:80 CUN-PIFSG "Email
PersonTitle string:80 CUN-P-FSG "Title
PersonMobilePhone phone:40 CUN-P-FSG "Mobile
PersonBirthdate date CUN-P-FSG "Birthdate
PersonHasOptedOutOfEmail boolean CU-DP-FSG "Email Opt Out
Newsletter__pc boolean CU-DP-FSG
"""
PERSON_CONTACT = 'IsPersonAccount boolean ---D--FSG "Is Person Account\n'

# Field of the account half of a person account -> the same value on its contact half.
PERSON_PAIRS = {
    "LastName": "LastName",
    "FirstName": "FirstName",
    "Salutation": "Salutation",
    "PersonEmail": "Email",
    "PersonTitle": "Title",
    "PersonMobilePhone": "MobilePhone",
    "PersonBirthdate": "Birthdate",
    "PersonHasOptedOutOfEmail": "HasOptedOutOfEmail",
    "Newsletter__pc": "Newsletter__c",
}

EXTERNAL_IDS = frozenset({"External_Id__c", "Code__c"})
