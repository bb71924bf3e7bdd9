"""Single requests without the certificates that loopback has no use for: loading them costs the most."""

from __future__ import annotations

from functools import partial

import httpx

request = partial(httpx.request, verify=False, timeout=20)
get = partial(request, "GET")
head = partial(request, "HEAD")
post = partial(request, "POST")
delete = partial(request, "DELETE")
