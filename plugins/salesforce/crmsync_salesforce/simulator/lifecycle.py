"""The recycle bin and merging: what leaves, what goes with it, what comes back, and what a merge moves."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from crmsync_salesforce.simulator.access import Rights
from crmsync_salesforce.simulator.errors import Refusal, not_found
from crmsync_salesforce.simulator.fields import Field, Row
from crmsync_salesforce.simulator.rules import touch
from crmsync_salesforce.simulator.state import State
from crmsync_salesforce.simulator.table import Table

MOST_MERGED = 2


class Lifecycle:
    """Deletes, restores and merges as one user."""

    def __init__(self, state: State, rights: Rights) -> None:
        self._state = state
        self._rights = rights

    def live(self, identity: str, name: str | None = None) -> tuple[Table, Row]:
        """The record of an id; raises the vendor's refusal when it is gone, deleted or out of sight."""
        table = self._state.tables[name] if name else self._state.table_of(identity)
        row = table.by_id.get(identity) if table else None
        if table is None or row is None or not self._rights.sees_row(table.kind.name, row):
            raise not_found()
        if not table.live(row):
            raise Refusal("ENTITY_IS_DELETED", "entity is deleted", fields=[])
        return table, row

    def delete(self, identity: str, name: str | None = None) -> None:
        """Put a record and what hangs on it into the recycle bin."""
        table, row = self.live(identity, name)
        self._state.automation.touch(identity)
        if not table.kind.deletable or not self._rights.may("delete", table.kind.name):
            raise Refusal("INSUFFICIENT_ACCESS_OR_READONLY", "insufficient access rights on object id", fields=[])
        self._refuse_in_use(table, row)
        self._bin(table, row, identity)

    def _refuse_in_use(self, table: Table, row: Row) -> None:
        if table.kind.name != "CampaignMemberStatus":
            return
        members = self._state.tables["CampaignMember"]
        label, campaign = row[table.columns["Label"]], row[table.columns["CampaignId"]]
        rows = (members.by_id[one] for one in members.find("CampaignId", campaign))
        if any(members.live(one) and one[members.columns["Status"]] == label for one in rows):
            raise Refusal("DELETE_FAILED", "Your attempt to delete a status that is in use failed.", fields=[])

    def _bin(self, table: Table, row: Row, root: str) -> None:
        for field, child, below in list(self._children(table, row[0])):
            if field.cascade:
                self._bin(child, below, root)
            elif field.updateable:
                self._point(child, field, below, None)
        now = row.copy()
        touch(self._state, table, now, self._rights.user_id)
        table.gone[row[0]] = self._state.stamp()
        self._state.deleted_with[row[0]] = root
        if "IsDeleted" in table.columns:
            now[table.columns["IsDeleted"]] = True
            self._state.save(table, now)
        else:
            self._state.drop(table, row[0])

    def _children(self, table: Table, identity: str) -> Iterator[tuple[Field, Table, Row]]:
        for child in self._state.tables.values():
            for field in child.kind.fields.values():
                if not field.child_relationship or table.kind.name not in field.targets:
                    continue
                for one in sorted(child.find(field.name, identity)):
                    row = child.by_id.get(one)
                    if row is not None and child.live(row):
                        yield field, child, row

    def _point(self, table: Table, field: Field, row: Row, target: str | None) -> None:
        now = row.copy()
        now[table.columns[field.name]] = target
        touch(self._state, table, now, self._rights.user_id)
        self._state.save(table, now)

    def hard_delete(self, identity: str) -> None:
        """Delete a record past the recycle bin, or take it out of the bin for good."""
        table = self._state.table_of(identity)
        if table is None or identity not in table.by_id:
            raise not_found()
        if table.live(table.by_id[identity]):
            self.delete(identity)
        with_it = [one for one, root in self._state.deleted_with.items() if root == identity]
        for one in with_it or [identity]:
            owner = self._state.table_of(one)
            if owner is not None and one in owner.by_id:
                self._state.drop(owner, one)

    def undelete(self, identity: str) -> None:
        """Bring a record and what was deleted with it back from the bin."""
        table = self._state.table_of(identity)
        row = table.by_id.get(identity) if table else None
        if table is None or row is None or table.live(row) or not table.kind.undeletable:
            raise Refusal("UNDELETE_FAILED", "Entity is not in the recycle bin", fields=[])
        if row[table.columns["MasterRecordId"]] if "MasterRecordId" in table.columns else None:
            raise Refusal("UNDELETE_FAILED", "Entity was merged and cannot be restored alone", fields=[])
        for one in [key for key, root in self._state.deleted_with.items() if root == identity]:
            self._restore(one)

    def _restore(self, identity: str) -> None:
        del self._state.deleted_with[identity]
        table = self._state.table_of(identity)
        row = table.by_id.get(identity) if table else None
        if table is None or row is None:
            return
        now = row.copy()
        now[table.columns["IsDeleted"]] = False
        touch(self._state, table, now, self._rights.user_id)
        table.gone.pop(identity, None)
        self._state.save(table, now)

    def merge(self, name: str, master: str, losers: Sequence[str]) -> list[str]:
        """Merge up to two records into a master; returns the ids of the children that moved to it."""
        table, kept = self.live(master, name)
        self._state.automation.touch(master)
        if not table.kind.mergeable or not 1 <= len(losers) <= MOST_MERGED or master in losers:
            raise Refusal("INVALID_OPERATION", "merge needs one master and one or two other records", fields=[])
        self._rights.need("update", name)
        self._rights.need("delete", name)
        moved: list[str] = []
        for loser in losers:
            _, row = self.live(loser, name)
            moved += self._move_children(table, loser, master)
            gone = row.copy()
            gone[table.columns["MasterRecordId"]] = master
            gone[table.columns["IsDeleted"]] = True
            touch(self._state, table, gone, self._rights.user_id)
            table.gone[loser] = self._state.stamp()
            self._state.deleted_with[loser] = loser
            self._state.save(table, gone)
        now = kept.copy()
        touch(self._state, table, now, self._rights.user_id)
        self._state.save(table, now)
        return moved

    def _move_children(self, table: Table, loser: str, master: str) -> list[str]:
        moved = []
        for field, child, row in list(self._children(table, loser)):
            if child.kind.name == "CampaignMember" and self._is_member(child, field, row, master):
                self._bin(child, row, row[0])
                continue
            self._point(child, field, row, master)
            moved.append(str(row[0]))
        return moved

    def _is_member(self, members: Table, field: Field, row: Row, master: str) -> bool:
        campaign = members.columns["CampaignId"]
        others = (members.by_id[one] for one in members.find(field.name, master))
        return any(members.live(one) and one[campaign] == row[campaign] for one in others)
