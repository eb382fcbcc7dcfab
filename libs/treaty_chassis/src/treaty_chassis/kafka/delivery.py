"""How often a record may count: the promise of one process, chosen by its environment."""

from __future__ import annotations

from enum import StrEnum

from pydantic import Field

from treaty_chassis.settings import Environment

__all__ = ["Delivery", "DeliverySettings"]


class Delivery(StrEnum):
    EXACTLY_ONCE = "exactly_once"
    """Outputs and offsets commit in one transaction of the broker."""
    AT_LEAST_ONCE = "at_least_once"
    """For brokers without transactions: outputs are acknowledged first, then offsets are committed. What a
    crash, an error or a rebalance comes between is produced again."""


class DeliverySettings(Environment):
    delivery: Delivery = Field(Delivery.EXACTLY_ONCE, validation_alias="TREATY_DELIVERY")
