"""
One settings file for both worlds.

With ``WX_ENV`` and ``WX_ACCESS_TOKEN`` in the environment it publishes to that cloud environment,
for everybody to see. Without them it talks to an emulator on this machine.
"""

import os
from pathlib import Path

BASE_DIR = Path(__file__).resolve().parent.parent
VAR = Path(os.environ.get("EXAMPLE_VAR", BASE_DIR / "var"))  # all that is written here
VAR.mkdir(parents=True, exist_ok=True)

# --- WeChat's static hosting --------------------------------------------------------------------

if os.environ.get("WX_ENV") and os.environ.get("WX_ACCESS_TOKEN"):
    WX_STATIC_STORE = {
        "ENV": os.environ["WX_ENV"],
        "ACCESS_TOKEN": os.environ["WX_ACCESS_TOKEN"],
        # The site's public address; without it WeChat is asked once.
        "BASE_URL": os.environ.get("WX_BASE_URL"),
    }
else:
    # What `python -m wx_static_store.emulator --port 8765` says of itself.
    WX_STATIC_STORE = {
        "ENV": "demo-1a2b3c4d5e6f7g8h",
        "ACCESS_TOKEN": "emulator-access-token",
        "API_BASE_URL": os.environ.get("EMULATOR_API", "http://127.0.0.1:8765"),
        "BASE_URL": os.environ.get("EMULATOR_SITE", "http://127.0.0.1:8766"),
    }

STORAGES = {
    "default": {
        "BACKEND": "wx_static_store.storage.WxStorage",
        "OPTIONS": {"location": "media"},
    },
    "staticfiles": {
        "BACKEND": "wx_static_store.staticfiles.WxManifestStaticFilesStorage",
        "OPTIONS": {"location": "static"},
    },
}
STATIC_URL = "static/"  # base_url and location give the addresses
STATIC_ROOT = VAR / "static"  # collected here, then published

# --- the site -----------------------------------------------------------------------------------

SECRET_KEY = "public-because-it-is-an-example"  # noqa: S105
DEBUG = False  # as in production: hashed names, straight from the public site
ALLOWED_HOSTS = ["localhost", "127.0.0.1", "[::1]"]

INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.messages",
    "django.contrib.sessions",
    "django.contrib.staticfiles",
    "rest_framework",
    "wx_static_store",
    "documents",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
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
ROOT_URLCONF = "example.urls"
WSGI_APPLICATION = "example.wsgi.application"
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": VAR / "db.sqlite3"}}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
LANGUAGE_CODE = "en"
TIME_ZONE = "Asia/Shanghai"
USE_TZ = True
