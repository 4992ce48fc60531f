"""A project with the API, which runs in a process of its own; see `Site` in servers.py."""

import json
import os
import resource
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.urls import include, path

GIVEN: dict[str, Any] = json.loads(os.environ["WX_TEST_API"])

SECRET_KEY = "planted-django-secret-key"
USE_TZ = True
ALLOWED_HOSTS = ["*"]
INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "rest_framework",
    "rest_framework.authtoken",
    "wx_static_store",
]
MIDDLEWARE = [
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
]
TEMPLATES = [{"BACKEND": "django.template.backends.django.DjangoTemplates", "APP_DIRS": True}]
ROOT_URLCONF = "tests.api.project"
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": f"{GIVEN['folder']}/db.sqlite3",
        "OPTIONS": {"timeout": 30},
    }
}
CACHES = {
    "default": {
        "BACKEND": f"django.core.cache.backends.{GIVEN['cache']}",
        "LOCATION": f"{GIVEN['folder']}/cache",
    }
}
STORAGES = {
    "default": {"BACKEND": "wx_static_store.storage.WxStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
STATIC_URL = "static/"
WX_STATIC_STORE = GIVEN["options"]
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "rest_framework.authentication.TokenAuthentication",
        "rest_framework.authentication.SessionAuthentication",
    ],
    "DEFAULT_THROTTLE_RATES": {"wx_static_store_upload": None, "wx_static_store_list": None},
}
LOGGING = {  # what a server says of its own errors
    "version": 1,
    "disable_existing_loggers": False,
    "handlers": {"stderr": {"class": "logging.StreamHandler"}},
    "root": {"handlers": ["stderr"], "level": "WARNING"},
}
SILENCED_SYSTEM_CHECKS = ["wx_static_store.W007", "wx_static_store.E009"]


def memory(request: HttpRequest) -> HttpResponse:
    """Most bytes that this process held until now."""
    return HttpResponse(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024)


def __getattr__(name: str) -> Any:
    """Make the addresses when they are first needed: this module holds the settings as well."""
    if name != "urlpatterns":
        raise AttributeError(name)
    return [
        path("wx/", include("wx_static_store.api.urls")),
        path("memory/", memory),
    ]
