"""The org's duplicate rule for leads and contacts, by e-mail address."""

from __future__ import annotations

from crmsync_salesforce.simulator.errors import Refusal


def looks(mode: str, name: str, *, allowed: bool) -> bool:
    """Whether records like a new one are looked for; a rule that only alerts is silenced by who allows them."""
    return mode != "off" and name in {"Lead", "Contact"} and not (mode == "alert" and allowed)


def alike(name: str, found: list[str], *, allow: bool) -> Refusal:
    """The refusal of a record that others are like; `allow` where it may be saved all the same."""
    refusal = Refusal("DUPLICATES_DETECTED", "Use one of these records?")
    records = [
        {
            "additionalInformation": [],
            "fieldDiffs": [],
            "matchConfidence": 100.0,
            "record": {"attributes": {"type": name, "url": f"/services/data/sobjects/{name}/{one}"}, "Id": one},
        }
        for one in found
    ]
    match = {
        "entityType": name,
        "errors": [],
        "matchEngine": "FuzzyMatchEngine",
        "matchRecords": records,
        "rule": f"Standard_{name}_Match_Rule_v1_0",
        "size": len(records),
        "success": True,
    }
    refusal.extra["duplicateResult"] = {
        "allowSave": allow,
        "duplicateRule": f"Standard_{name}_Duplicate_Rule",
        "duplicateRuleEntityType": name,
        "errorMessage": "Use one of these records?",
        "matchResults": [match],
    }
    return refusal
