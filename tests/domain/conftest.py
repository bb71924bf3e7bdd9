"""How long hypothesis looks: ``ONTHAAL_HYPOTHESIS=fuzz`` looks longer, and elsewhere every time."""

from __future__ import annotations

import os

from hypothesis import HealthCheck, settings

_SLOW_IS_FINE = [HealthCheck.too_slow, HealthCheck.data_too_large]

settings.register_profile(
    "ci",
    derandomize=True,
    database=None,
    deadline=None,
    max_examples=400,
    stateful_step_count=30,
    suppress_health_check=_SLOW_IS_FINE,
)
settings.register_profile(
    "fuzz",
    deadline=None,
    max_examples=5_000,
    stateful_step_count=60,
    print_blob=True,
    suppress_health_check=_SLOW_IS_FINE,
)
settings.load_profile(os.environ.get("ONTHAAL_HYPOTHESIS", "ci"))
