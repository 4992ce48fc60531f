"""One project for every contender: ``BENCH``, JSON in the environment, says which and where."""

import json
import os
from importlib.util import find_spec
from typing import Any

BENCH: dict[str, Any] = {
    "storage": "disk",
    "workers": 32,
    "calls": None,
    "apps": [],
    "source": "",
    "bucket": "bucket",
    "root": "/nonexistent",
    "database": ":memory:",
    "api": "http://127.0.0.1:9",
    "cos": "http://127.0.0.1:9",
    "s3": "http://127.0.0.1:9",
    "env": "env-0",
    "overwrite": True,
    "releases": False,
    # The database of `site.py`, and its number of environments.
    "server": "",
    "name": "",
    "tenants": 0,
} | json.loads(os.environ.get("BENCH", "{}"))
WORKERS = BENCH["workers"]

SECRET_KEY = "only-for-benchmarks"  # noqa: S105
USE_TZ = True
DEBUG = False
INSTALLED_APPS = [
    # collectfasta overrides the command of the app below it.
    *(["collectfasta"] if BENCH["storage"] == "collectfasta" else []),
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.staticfiles",
    *(["wx_static_store"] if BENCH["storage"] == "wx" else []),
    *[app for app in BENCH["apps"] if find_spec(app.partition(".")[0])],
]
DATABASES = {
    "default": {  # as a site in production sets SQLite up
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": BENCH["database"],
        "OPTIONS": {"init_command": "PRAGMA journal_mode=wal; PRAGMA synchronous=normal"},
    }
}
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.locmem.LocMemCache",
        "OPTIONS": {"MAX_ENTRIES": 1_000_000},
    }
}
STATIC_URL = BENCH["cos"] + "/"
STATIC_ROOT = BENCH["root"]
STATICFILES_DIRS = [BENCH["source"]] if BENCH["source"] else []
_finder = "FileSystemFinder" if BENCH["source"] else "AppDirectoriesFinder"
STATICFILES_FINDERS = [f"django.contrib.staticfiles.finders.{_finder}"]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
SILENCED_SYSTEM_CHECKS = ["admin", "wx_static_store.W007"]

WX_STATIC_STORE = {
    "ENV": BENCH["env"],
    "ACCESS_TOKEN": "token",
    "API_BASE_URL": BENCH["api"],
    "BASE_URL": BENCH["cos"],
    "MAX_WORKERS": WORKERS,
    "API_CONCURRENCY": BENCH["calls"],
}
if BENCH["releases"]:
    WX_STATIC_STORE["RELEASE_STORAGE"] = "releases"
if BENCH["storage"] != "wx":
    del WX_STATIC_STORE


def _s3() -> dict[str, Any]:
    """Return a client with as many connections as workers: the default, ten, is unfair."""
    from botocore.config import Config

    return {
        "bucket_name": BENCH["bucket"],
        "endpoint_url": BENCH["s3"],
        "access_key": "key",
        "secret_key": "secret",
        "region_name": "us-east-1",
        "querystring_auth": False,
        "client_config": Config(
            max_pool_connections=WORKERS,
            s3={"addressing_style": "path"},
            retries={"max_attempts": 1},
        ),
    }


_STATIC = {
    "disk": ("django.contrib.staticfiles.storage.StaticFilesStorage", dict),
    "wx": ("wx_static_store.staticfiles.WxStaticFilesStorage", dict),
    "naive": ("benchmarks.naive.NaiveStorage", dict),
    "s3": ("storages.backends.s3.S3StaticStorage", _s3),
    "collectfasta": ("storages.backends.s3.S3StaticStorage", _s3),
}
_MEDIA = {"wx": "wx_static_store.storage.WxStorage", "naive": "benchmarks.naive.NaiveStorage"}
_backend, _options = _STATIC[BENCH["storage"]]
_media = _MEDIA.get(BENCH["storage"], "django.core.files.storage.FileSystemStorage")
STORAGES = {
    "default": {
        "BACKEND": _media,
        "OPTIONS": {"file_overwrite": BENCH["overwrite"]} if BENCH["storage"] == "wx" else {},
    },
    "staticfiles": {"BACKEND": _backend, "OPTIONS": _options()},
    "releases": {
        "BACKEND": "django.core.files.storage.FileSystemStorage",
        "OPTIONS": {"location": f"{BENCH['root']}-releases"},
    },
}
COLLECTFASTA_STRATEGY = "collectfasta.strategies.boto3.Boto3Strategy"
COLLECTFASTA_THREADS = WORKERS
