"""The tenants of the platform: the two shops of ``demo.py``, the many of ``rollout.py``."""

import os
from typing import Any

from django.utils.translation import gettext

HANGZHOU, SUZHOU = "demo-1a2b3c4d5e6f7g8h", "demo-9i0j1k2l3m4n5o6p"


def shops(user: Any = None) -> dict[str, dict[str, Any]]:
    """Return the two shops, each with a label and tags to find it by."""
    return {
        HANGZHOU: {
            "label": gettext("Tea House Hangzhou"),
            "tags": ["province/zhejiang", "ring/early"],
        },
        SUZHOU: {"label": gettext("Tea House Suzhou"), "tags": ["province/jiangsu", "ring/main"]},
    }


def offered(user: Any = None) -> dict[str, dict[str, Any]]:
    """Return as many tenants as TENANTS says; a real project would ask its own tables."""
    tenants = [f"tea-house-{number:03}" for number in range(int(os.environ["TENANTS"]))]
    return {
        env: {"label": env.replace("-", " ").title(), "tags": [ring(number)]}
        for number, env in enumerate(tenants)
    }


def ring(number: int) -> str:
    return "ring/early" if number < 4 else "ring/main"
