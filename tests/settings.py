"""The suite's project: one database, the three storages, no real credentials."""

import os
from importlib import import_module
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent
SECRET_KEY = "only-for-tests"
USE_TZ = True
# Django's own takes a third of a second for each user with a password.
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
DEBUG = False
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
    "wx_static_store.callback",
    "wx_static_store.rollouts",
    "wx_static_store.health",
    "tests.bookshop",
]
MIDDLEWARE = [
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
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


def database(wanted: str) -> dict[str, Any]:
    """Return what ``WX_TEST_DATABASE`` names, at ``WX_TEST_DATABASE_HOST`` and so on."""
    if wanted == "sqlite":
        return {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}
    engine, user, port = {
        "postgresql": ("postgresql", "postgres", "5432"),
        "mariadb": ("mysql", "root", "3306"),
    }[wanted]
    if wanted == "mariadb":
        # The driver that installs without a compiler; only this database needs it.
        import_module("pymysql").install_as_MySQLdb()
    return {
        "ENGINE": f"django.db.backends.{engine}",
        "NAME": os.environ.get("WX_TEST_DATABASE_NAME", "wx_static_store"),
        "HOST": os.environ.get("WX_TEST_DATABASE_HOST", "127.0.0.1"),
        "PORT": os.environ.get("WX_TEST_DATABASE_PORT", port),
        "USER": os.environ.get("WX_TEST_DATABASE_USER", user),
        "PASSWORD": os.environ.get("WX_TEST_DATABASE_PASSWORD", ""),
        "TEST": {"CHARSET": "utf8mb4"} if wanted == "mariadb" else {},
    }


# What the callback's checks ask for; tests that reach a store bring settings of their own.
WX_STATIC_STORE = {
    "COMPONENT_APPID": "wx0000000000000001",
    "CALLBACK_TOKEN": "planted-callback-token",
    "CALLBACK_AES_KEY": "planted0callback0key0".ljust(43, "A"),
}
DATABASES = {"default": database(os.environ.get("WX_TEST_DATABASE") or "sqlite")}
ROOT_URLCONF = "tests.urls"
STATIC_URL = "/static/"
STATIC_ROOT = str(ROOT / "nowhere")
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
