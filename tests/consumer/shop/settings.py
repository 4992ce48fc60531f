"""Settings: media and static files on WeChat's hosting, the token from a service of its own."""

from typing import Any

SECRET_KEY = "of a project that is only read"
USE_TZ = True
ROOT_URLCONF = "shop.urls"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}}
INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.messages",
    "django.contrib.sessions",
    "django.contrib.staticfiles",
    "wx_static_store",
    "wx_static_store.health",
    "shop",
]
MIDDLEWARE = [
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
]
TEMPLATES: list[dict[str, Any]] = [
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
STATIC_URL, STATIC_ROOT = "static/", "static"
STORAGES = {
    "default": {
        "BACKEND": "wx_static_store.storage.WxStorage",
        "OPTIONS": {"location": "media"},
    },
    "staticfiles": {"BACKEND": "wx_static_store.staticfiles.WxManifestStaticFilesStorage"},
}
WX_STATIC_STORE = {"ENV": "shop-1a2b3c", "TOKEN_PROVIDER": "shop.tokens.TokenService"}
