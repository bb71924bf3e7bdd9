"""The addresses at which gateways call back; with most, their secret part is all that vouches for a call."""

from __future__ import annotations

from server.keys import Keys


def of_delivery(keys: Keys, public_url: str, channel: str, delivery: str) -> str:
    """Where a gateway may say what became of one delivery: ``Message.receipt_url``."""
    return f"{public_url}/gateways/{channel}/receipts/{delivery}/{keys.receipt_mac(delivery)}"


def of_receipts(keys: Keys, public_url: str, channel: str) -> str:
    """Where it may say so of all, for gateways with which one address is registered."""
    return f"{public_url}/gateways/{channel}/receipts/{keys.gateway_mac(channel)}"


def of_incoming(keys: Keys, public_url: str, channel: str) -> str:
    """Where it brings messages of citizens."""
    return f"{public_url}/gateways/{channel}/incoming/{keys.gateway_mac(channel)}"
