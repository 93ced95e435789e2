"""The freight spec's state machine in plain Python, one customer at a time: what the database is compared with."""

from collections import Counter
from dataclasses import dataclass, field
from decimal import Decimal

Observed = dict[str, object]


@dataclass
class Account:
    """A customer: what it owes, its limit, and what blocks it."""

    parent: str | None
    limit: Decimal | None
    invoices: list[Decimal] = field(default_factory=list)
    credits: Decimal = Decimal(0)
    orders: dict[str, Decimal] = field(default_factory=dict)
    """Open ones on credit."""
    exceeded: bool | None = None
    exposure: Decimal | None = None
    overridden: bool = False
    manual: bool = False
    auto: bool = False
    tariffs: Counter[str] = field(default_factory=Counter)
    crossings: list[tuple[str, bool, bool]] = field(default_factory=list)

    @property
    def on_hold(self) -> bool:
        return self.manual or self.auto


class Model:
    """All customers, with the settings of their organisation and the policy."""

    def __init__(self, accounts: dict[str, Account]) -> None:
        self.accounts = accounts
        self.auto_apply = False
        self.auto_lift = False
        self.orders_count = False
        self.families = False
        for name in accounts:
            self.judge(name)

    def exposure(self, name: str) -> Decimal:
        """A naive sum over the customer and, where families go together, everybody below it."""
        one = self.accounts[name]
        owed = sum(one.invoices, Decimal(0)) - one.credits
        owed += sum(one.orders.values()) if self.orders_count else 0
        if self.families:
            owed += sum(self.exposure(child) for child, it in self.accounts.items() if it.parent == name)
        return owed

    def changed(self, name: str) -> None:
        """An amount or limit of the customer is other than before: it is judged, and its ancestors are."""
        self.judge(name)
        parent = self.accounts[name].parent
        if self.families and parent is not None:
            self.changed(parent)

    def judge(self, name: str, *, edge: bool = True) -> None:
        one = self.accounts[name]
        before, one.exposure = one.exceeded, self.exposure(name)
        one.exceeded = one.limit is not None and one.exposure > one.limit
        one.overridden &= one.exceeded
        if not edge or before in (None, one.exceeded):
            return
        applied = one.exceeded and self.auto_apply
        lifted = not one.exceeded and self.auto_lift and one.auto
        one.auto = one.auto or applied if one.exceeded else one.auto and not lifted
        one.crossings.append(("exceeded" if one.exceeded else "acceptable", applied, lifted))

    def define(self, *, orders_count: bool, families: bool) -> None:
        """Exposure is defined otherwise: nothing crosses."""
        self.orders_count, self.families = orders_count, families
        for name in self.accounts:
            self.judge(name, edge=False)

    def pay(self, name: str, amount: Decimal) -> None:
        """The oldest invoices first; the rest is a credit."""
        one = self.accounts[name]
        for place, due in enumerate(one.invoices):
            part = min(amount, due)
            one.invoices[place] -= part
            amount -= part
        one.credits += amount
        self.changed(name)

    def leave(self, name: str) -> None:
        """A person takes the customer out of Credit Hold."""
        one = self.accounts[name]
        was, one.manual, one.auto = one.on_hold, False, False
        one.overridden |= bool(was and one.exceeded)

    def end(self, name: str, source: str) -> None:
        """A person deletes an entry for all tariffs."""
        one = self.accounts[name]
        setattr(one, source, False)
        one.overridden |= bool(not one.on_hold and one.exceeded)

    def observed(self) -> Observed:
        """What the database must show, customer by customer."""
        return {
            name: {
                "status": "credit_hold" if one.on_hold else "good",
                "state": "exceeded" if one.exceeded else "acceptable",
                "exposure": one.exposure,
                "overridden": one.overridden,
                "entries": sorted(
                    ["manual"] * one.manual + ["auto_apply"] * one.auto + [f"manual {tariff}" for tariff in one.tariffs]
                ),
                "crossings": sorted(one.crossings),
            }
            for name, one in self.accounts.items()
        }
