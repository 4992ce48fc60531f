"""
One settings file for both worlds.

With ``WX_ENV`` in the environment it publishes to that cloud environment, for everybody to see.
Without it, it talks to an emulator on this machine.
"""

import os
from pathlib import Path

BASE_DIR = Path(__file__).resolve().parent.parent
VAR = Path(os.environ.get("EXAMPLE_VAR", BASE_DIR / "var"))  # all that is written here
VAR.mkdir(parents=True, exist_ok=True)

# --- WeChat's static hosting --------------------------------------------------------------------

PLATFORM = ("COMPONENT_APPID", "COMPONENT_APPSECRET", "CALLBACK_TOKEN", "CALLBACK_AES_KEY")
if os.environ.get("WX_ENV"):
    # The platform's four, or an access token that somebody else keeps fresh; see the README.
    names = ("ENV", "BASE_URL", "ACCESS_TOKEN", *PLATFORM)
    WX_STATIC_STORE = {name: os.environ.get(f"WX_{name}") or None for name in names}
else:
    # What `python -m wx_static_store.emulator --port 8765` says of itself. There is no token and
    # no ticket: WeChat pushes a ticket to wx/callback/, and the token is fetched with it.
    WX_STATIC_STORE = {
        "ENV": "demo-1a2b3c4d5e6f7g8h",
        "COMPONENT_APPID": "wx0000000000000001",
        "COMPONENT_APPSECRET": "emulator-appsecret",
        "CALLBACK_TOKEN": "emulatorCallbackToken",
        "CALLBACK_AES_KEY": "emulatorCallbackAesKey000000000000000000000",
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
    # The whole public site, for `wx_deploy --using site`.
    "site": {"BACKEND": "wx_static_store.staticfiles.WxStaticFilesStorage"},
    # Private: what was deployed is kept here, so that one can roll back to it.
    "releases": {
        "BACKEND": "django.core.files.storage.FileSystemStorage",
        "OPTIONS": {"location": VAR / "releases", "file_permissions_mode": 0o600},
    },
}
WX_STATIC_STORE["RELEASE_STORAGE"] = "releases"
PUBLIC_SITES = WX_STATIC_STORE["BASE_URL"] or "https:"  # what pages may load; see example/csp.py
if "TENANTS" in os.environ:  # many environments, for rollouts
    WX_STATIC_STORE["ENVIRONMENTS"] = "example.tenants.offered"
elif "SHOPS" in os.environ:  # two, as `demo.py` has them; each has a port of the emulator
    WX_STATIC_STORE["ENVIRONMENTS"] = "example.tenants.shops"
    PUBLIC_SITES += " http://127.0.0.1:*"
STATIC_URL = "static/"  # base_url and location give the addresses
STATIC_ROOT = VAR / "static"  # collected here, then published

# --- the workers --------------------------------------------------------------------------------

# Messages as files, for a laptop. In production: "redis://…" or "amqp://…".
CELERY_BROKER_URL = os.environ.get("BROKER", "filesystem://")
if CELERY_BROKER_URL == "filesystem://":
    QUEUE = VAR / "queue"
    CELERY_BROKER_TRANSPORT_OPTIONS = {
        "data_folder_in": QUEUE / "messages",
        "data_folder_out": QUEUE / "messages",
        "control_folder": QUEUE / "control",
    }
    for folder in CELERY_BROKER_TRANSPORT_OPTIONS.values():
        folder.mkdir(parents=True, exist_ok=True)
CELERY_WORKER_PREFETCH_MULTIPLIER = 1  # a deploy takes long: no worker takes two
CELERY_BEAT_SCHEDULE = {
    "rollouts": {"task": "wx_static_store.tasks.advance_rollout", "schedule": 30.0},
}

# --- the site itself ----------------------------------------------------------------------------

SECRET_KEY = "public-because-it-is-an-example"  # noqa: S105
DEBUG = False  # as in production: hashed names, straight from the public site
ALLOWED_HOSTS = ["localhost", "127.0.0.1", "[::1]"]

INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.humanize",  # "3 minutes ago", in both languages
    "django.contrib.messages",
    "django.contrib.sessions",
    "django.contrib.staticfiles",
    "rest_framework",
    "rest_framework.authtoken",
    "drf_spectacular",
    "drf_spectacular_sidecar",  # Swagger UI's own files
    "wx_static_store",
    "documents",
]
if WX_STATIC_STORE["CALLBACK_TOKEN"]:
    INSTALLED_APPS.append("wx_static_store.callback")
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "example.csp.content_security_policy",
]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],  # before those of the apps: the admin's first page
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
DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": VAR / "db.sqlite3",
        # Workers write at the same time: each waits for the others.
        "OPTIONS": {"transaction_mode": "IMMEDIATE", "timeout": 30},
    }
}
# Site and workers share the platform's token, and who deploys where. Files do on a laptop, although
# two may take a lock at the same moment (W007). In production: Redis.
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.filebased.FileBasedCache",
        "LOCATION": VAR / "cache",
    }
}
SILENCED_SYSTEM_CHECKS = ["wx_static_store.W007", "wx_static_store.E009"]
REST_FRAMEWORK = {
    # The pages of this site have a session; whoever else calls brings a token.
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "rest_framework.authentication.TokenAuthentication",
        "rest_framework.authentication.SessionAuthentication",
    ],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Tea House",
    "DESCRIPTION": "Everything that is uploaded is **public**. Back to [the site](/).",
    "VERSION": "1",
    "SERVE_INCLUDE_SCHEMA": False,
    "SERVE_PERMISSIONS": ["rest_framework.permissions.IsAdminUser"],
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "SWAGGER_UI_SETTINGS": {"deepLinking": True, "defaultModelsExpandDepth": 0},
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
LANGUAGE_CODE = "en"
# As the browser asks, until somebody chooses at the foot of a page.
LANGUAGES = [("en", "English"), ("zh-hans", "简体中文")]
LOCALE_PATHS = [BASE_DIR / "locale"]
TIME_ZONE = "Asia/Shanghai"
USE_TZ = True
