"""Qualifying a lead: the account, contact and deal it becomes, and what the lead is told of them."""

from __future__ import annotations

from msgspec import Struct

from crmsync_dynamics.simulator.errors import Refusal
from crmsync_dynamics.simulator.fields import Ref, Row, Values
from crmsync_dynamics.simulator.state import State
from crmsync_dynamics.simulator.status import QUALIFIED
from crmsync_dynamics.simulator.writes import Writer

_SHARED = (
    "emailaddress1", "emailaddress2", "emailaddress3", "telephone1", "telephone2", "telephone3", "fax", "description",
    "donotemail", "donotbulkemail", "donotphone", "donotfax", "donotpostalmail", "donotsendmm", "ownerid",
    "preferredcontactmethodcode", "transactioncurrencyid", "websiteurl",
)  # fmt: skip
_PERSON = ("firstname", "middlename", "lastname", "salutation", "jobtitle", "mobilephone", "pager")
_COMPANY = ("revenue", "numberofemployees", "industrycode", "sic")
_DEAL = {
    "name": "subject", "estimatedvalue": "estimatedamount", "estimatedclosedate": "estimatedclosedate",
    "description": "description", "ownerid": "ownerid", "campaignid": "campaignid",
    "transactioncurrencyid": "transactioncurrencyid",
}  # fmt: skip
_KEPT_BACK = frozenset({"new_synctomkto", "new_marketingid"})


class Wish(Struct, frozen=True, kw_only=True):
    """What the caller of a qualification asks for."""

    lead: str
    account: bool
    contact: bool
    opportunity: bool
    status: int = 3
    campaign: Ref | None = None
    currency: Ref | None = None
    customer: Ref | None = None


class Qualification:
    """One qualification as it goes; what it makes is in `made`, in the order it was made."""

    def __init__(self, state: State, writer: Writer, wish: Wish) -> None:
        self._state = state
        self._writer = writer
        self._wish = wish
        self._lead: Row = {}
        self.made: list[Ref] = []

    def run(self) -> list[Ref]:
        """Qualify the lead and return the rows that were made; raises Refusal when it cannot be."""
        leads = self._state.entities["lead"]
        self._lead = self._writer.row("Write", leads, self._wish.lead)
        if self._lead.get("statecode"):
            raise Refusal("0x80040519", "The lead is already closed.")
        self._allowed()
        account = self._become("account", self._company(), wanted=self._wish.account)
        contact = self._become("contact", self._person(account), wanted=self._wish.contact)
        deal = self._deal(self._wish.customer or account or contact) if self._wish.opportunity else None
        self._close(account, contact, deal)
        return self.made

    def _allowed(self) -> None:
        try:
            self._writer.may_create(*(one for one in ("account", "contact", "opportunity") if getattr(self._wish, one)))
        except Refusal as refusal:
            raise Refusal("0x80081018", f"The lead cannot be qualified: {refusal.message}", status=403) from refusal

    def _become(self, table: str, cells: Values, *, wanted: bool) -> Ref | None:
        own = self._lead.get(f"parent{table}id")
        if isinstance(own, Ref) and self._state.settings.qualify_reuses:
            return own
        return self._make(table, cells) if wanted else None

    def _make(self, table: str, cells: Values) -> Ref:
        origin = {"originatingleadid": Ref("lead", self._wish.lead)}
        ref = Ref(table, self._writer.insert(self._state.entities[table], cells | origin))
        self.made.append(ref)
        return ref

    def _taken(self, table: str, names: tuple[str, ...]) -> Values:
        columns = self._state.entities[table].columns
        addresses = (name for name in columns if name.startswith(("address1_", "address2_")) and columns[name].create)
        custom = (name for name, one in columns.items() if one.custom and one.create and name not in _KEPT_BACK)
        wanted = {*_SHARED, *names, *addresses, *custom} & columns.keys() - {"address1_addressid", "address2_addressid"}
        return {name: self._lead[name] for name in sorted(wanted) if self._lead.get(name) is not None}

    def _company(self) -> Values:
        name = self._lead.get("companyname") or self._lead.get("fullname") or self._lead.get("subject")
        return {**self._taken("account", _COMPANY), "name": name}

    def _person(self, account: Ref | None) -> Values:
        return {**self._taken("contact", _PERSON), "parentcustomerid": account}

    def _deal(self, customer: Ref | None) -> Ref:
        cells = {name: self._lead.get(source) for name, source in _DEAL.items()}
        given = {"campaignid": self._wish.campaign, "transactioncurrencyid": self._wish.currency}
        cells |= {name: ref for name, ref in given.items() if ref is not None}
        cells["name"] = cells["name"] or self._lead.get("fullname")
        return self._make("opportunity", cells | {"customerid": customer})

    def _close(self, account: Ref | None, contact: Ref | None, deal: Ref | None) -> None:
        cells: Values = {"statecode": QUALIFIED, "statuscode": self._wish.status}
        if self._state.settings.qualify_fills:
            told = {"parentaccountid": account, "parentcontactid": contact, "qualifyingopportunityid": deal}
            cells |= {name: ref for name, ref in told.items() if ref is not None}
        self._writer.change(self._state.entities["lead"], self._wish.lead, cells)
