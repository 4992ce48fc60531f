"""The settings of a child process; what differs stands in the environment."""

import json
import os
from typing import Any

GIVEN: dict[str, Any] = json.loads(os.environ["WX_SOAK"])

SECRET_KEY = "only-for-the-soak"
USE_TZ = True
ALLOWED_HOSTS = ["*"]
INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.messages",
    "django.contrib.sessions",
    "django.contrib.staticfiles",
    "rest_framework",
    "wx_static_store",
]
MIDDLEWARE = [
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]
ROOT_URLCONF = "tests.soak.urls"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
DATABASES = GIVEN["databases"]
DATABASE_ROUTERS = ["tests.soak.settings.ReplicaRouter"] if "replica" in DATABASES else []
# Locks and tokens are shared by the processes of a project.
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.filebased.FileBasedCache",
        "LOCATION": GIVEN["cache"],
    }
}
SESSION_ENGINE = "django.contrib.sessions.backends.signed_cookies"
STATIC_URL = "/static/"
STATIC_ROOT = GIVEN["static_root"]
STORAGES = {
    "default": {
        "BACKEND": "wx_static_store.storage.WxStorage",
        "OPTIONS": {"location": "media", "file_overwrite": True},
    },
    "forms": {
        "BACKEND": "wx_static_store.storage.WxStorage",
        "OPTIONS": {"location": "media/forms"},
    },
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
    "site": {"BACKEND": "wx_static_store.staticfiles.WxStaticFilesStorage"},
    "kept": {
        "BACKEND": "django.core.files.storage.FileSystemStorage",
        "OPTIONS": {"location": GIVEN["kept"]},
    },
}
WX_STATIC_STORE = GIVEN["options"]
# No client is asked to come back later: what happens is up to the seed.
REST_FRAMEWORK = {
    "DEFAULT_THROTTLE_RATES": {
        "wx_static_store_upload": "100000/min",
        "wx_static_store_list": "100000/min",
    }
}


class ReplicaRouter:
    """Reads of the app's models go to a copy that lags; everything else to the primary."""

    def db_for_read(self, model: Any, **hints: Any) -> str:
        return "replica" if model._meta.app_label == "wx_static_store" else "default"

    def db_for_write(self, model: Any, **hints: Any) -> str:
        return "default"

    def allow_relation(self, *args: Any, **hints: Any) -> bool:
        return True

    def allow_migrate(self, db: str, app_label: str, **hints: Any) -> bool:
        return db == "default"
