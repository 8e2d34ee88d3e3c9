"""The routes that write."""

from __future__ import annotations

from crmsync.simulate import Route, route
from crmsync_dynamics.simulator.api import batch, bulk, changes, links, messages
from crmsync_dynamics.simulator.api.routes import ACTION, KEY, NAME, SET

_OTHER = KEY.replace("<key>", "<other>")

WRITES: tuple[Route, ...] = (
    route("POST", r"\$batch", batch.batch, "batch"),
    route("POST", "Merge", messages.merge_rows, "Merge"),
    route("POST", "WinOpportunity", messages.win_opportunity, "WinOpportunity"),
    route("POST", "LoseOpportunity", messages.lose_opportunity, "LoseOpportunity"),
    route("POST", "AddListMembersList", messages.add_members, "AddListMembersList"),
    route("POST", "BulkDelete", bulk.bulk_delete, "BulkDelete"),
    route("POST", SET, changes.create, "create"),
    route("PATCH", SET + KEY, changes.change, "update"),
    route("DELETE", SET + KEY, changes.delete, "delete"),
    route("POST", f"leads{KEY}/{ACTION}QualifyLead", messages.qualify_lead, "QualifyLead"),
    route("POST", f"lists{KEY}/{ACTION}AddMemberList", messages.add_member, "AddMemberList"),
    route("POST", f"lists{KEY}/{ACTION}RemoveMemberList", messages.remove_member, "RemoveMemberList"),
    route("POST", f"campaigns{KEY}/{ACTION}AddItemCampaign", messages.add_campaign_item, "AddItemCampaign"),
    route("POST", f"{SET}/{ACTION}CreateMultiple", bulk.create_multiple, "CreateMultiple"),
    route("POST", f"{SET}/{ACTION}UpdateMultiple", bulk.update_multiple, "UpdateMultiple"),
    route("POST", f"{SET}/{ACTION}UpsertMultiple", bulk.upsert_multiple, "UpsertMultiple"),
    route("POST", f"{SET}/{ACTION}DeleteMultiple", bulk.delete_multiple, "DeleteMultiple"),
    route("PUT", rf"{SET}{KEY}/{NAME}/\$ref", links.put, "associate"),
    route("POST", rf"{SET}{KEY}/{NAME}/\$ref", links.add, "associate"),
    route("DELETE", rf"{SET}{KEY}/{NAME}(?:{_OTHER})?/\$ref", links.remove, "disassociate"),
    route("PUT", f"{SET}{KEY}/{NAME}", changes.put_property, "update"),
    route("DELETE", f"{SET}{KEY}/{NAME}", changes.delete_property, "update"),
)
