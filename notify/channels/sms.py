"""SMS: the gateway that the configuration names."""

from __future__ import annotations

from notify.channels import Gateway
from notify.channels.exchange import Line
from notify.channels.sms_http import HttpGateway
from notify.channels.sms_kannel import Kannel
from notify.channels.sms_twilio import Twilio
from server.channel_tables import secret
from server.sms_tables import SmsGateway, SmsTable


def channel(table: SmsTable) -> Gateway | None:
    """The gateway of ``[channels.sms]``; None is the console.

    Raises ``ConfigError`` where the environment does not have a secret. Close it with :func:`aclose`.
    """
    line = Line(table.at_once, table.timeout_s)
    if table.gateway is SmsGateway.KANNEL and table.kannel is not None:
        password = secret(table.kannel.password)
        return Kannel(table.kannel, password, table.sender, line)
    if table.gateway is SmsGateway.HTTP and table.http is not None:
        keys = secret(table.http.key), secret(table.http.signature.key)
        return HttpGateway(table.http, *keys, table.sender, line)
    if table.gateway is SmsGateway.TWILIO and table.twilio is not None:
        token = secret(table.twilio.token)
        return Twilio(table.twilio, token, table.sender, line)
    return None


async def aclose(gateway: Gateway | None) -> None:
    """Close a gateway's connections."""
    if isinstance(gateway, Kannel | HttpGateway | Twilio):
        await gateway.aclose()
