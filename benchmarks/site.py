"""The settings of a whole project, with admin, API and rollouts, for a number of tenants."""

from typing import Any

from tests.settings import MIDDLEWARE, TEMPLATES, database

from .settings import *  # noqa: F403
from .settings import BENCH, INSTALLED_APPS, WX_STATIC_STORE

__all__ = ("MIDDLEWARE", "TEMPLATES")
ALLOWED_HOSTS = ["*"]
INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.messages",
    "django.contrib.sessions",
    "rest_framework",
    *INSTALLED_APPS,
    "wx_static_store.rollouts",
    "wx_static_store.health",
]
ROOT_URLCONF = "benchmarks.urls"
DATABASES = {
    "default": database(BENCH["server"]) | {"NAME": BENCH["name"], "TEST": {"NAME": BENCH["name"]}}
}
TENANTS = {f"tenant-{number:04}": f"Tenant {number}" for number in range(BENCH["tenants"])}


def environments(user: Any) -> dict[str, str]:
    return TENANTS


WX_STATIC_STORE |= {"RELEASE_STORAGE": "releases"}
if TENANTS:
    WX_STATIC_STORE["ENVIRONMENTS"] = environments
