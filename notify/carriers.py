"""Which channel carries what, by the configuration. What has no gateway goes to the console."""

from __future__ import annotations

from collections.abc import Callable

from notify.channels import Channel, Gateway, mail, push, sms
from notify.channels.console import Console
from notify.worker import Carrier
from server.channel_tables import Channels
from server.vapid import Vapid


class Carriers:
    """The carriers of a server, by channel; ``gateways`` are those of them that call back."""

    def __init__(
        self,
        tables: Channels,
        vapid: Vapid | None,
        *,
        shown: bool = False,
        now: Callable[[], int] | None = None,
    ) -> None:
        """``shown`` is whether the console writes whole texts, ``now`` the house time that it tells.

        Raises ``ConfigError`` where the environment does not have a secret.
        """
        self.two_way = tables.sms is not None and tables.sms.two_way
        self.by_channel: dict[str, Carrier] = {}
        self.gateways: dict[str, Gateway] = {}
        self._sms = None if tables.sms is None else sms.channel(tables.sms)
        self._mail = None if tables.mail is None else mail.channel(tables.mail)
        self._push = None if tables.push is None or vapid is None else push.channel(tables.push, vapid)
        if tables.sms is not None and self._sms is not None:
            self.by_channel["sms"] = Carrier(
                channel=self._sms,
                at_once=tables.sms.at_once,
                timeout_s=tables.sms.timeout_s,
                reach_within_s=tables.sms.reach_within_s,
                part_price=round(tables.sms.part_price * 1_000_000),
            )
            self.gateways["sms"] = self._sms
        if tables.mail is not None and self._mail is not None:
            self.by_channel["mail"] = Carrier(
                channel=self._mail, at_once=tables.mail.at_once, timeout_s=tables.mail.timeout_s
            )
        if tables.push is not None and self._push is not None:
            self.by_channel["push"] = Carrier(
                channel=self._push,
                at_once=tables.push.at_once,
                timeout_s=tables.push.timeout_s,
                reach_within_s=tables.push.reach_within_s,
            )
            self.gateways["push"] = self._push
        for name in ("push", "sms", "mail"):
            if name not in self.by_channel:
                console: Channel = Console(name, whole=shown, now=now)
                self.by_channel[name] = Carrier(channel=console)

    async def aclose(self) -> None:
        """Close all connections."""
        await sms.aclose(self._sms)
        for channel in (self._mail, self._push):
            if channel is not None:
                await channel.aclose()
