"""The project of ``worker_processes.py``: the test's database, a broker, a cache."""

import json
import os
from typing import Any

from celery import Celery
from django.apps import AppConfig

from tests.settings import *  # noqa: F403
from tests.settings import DATABASES, INSTALLED_APPS

GIVEN: dict[str, Any] = json.loads(os.environ["WX_TEST_ROLLOUTS"])

INSTALLED_APPS = [*INSTALLED_APPS, "tests.rollouts.project.Hurried"]
DATABASES["default"] |= {"NAME": GIVEN["database"], "TEST": {}}
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": GIVEN["cache"],
    }
}
STORAGES = GIVEN["storages"]
WX_STATIC_STORE = GIVEN["options"]
CELERY_BROKER_URL = GIVEN["broker"]
CELERY_BROKER_TRANSPORT_OPTIONS = GIVEN["transport"]
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_TASK_DEFAULT_QUEUE = GIVEN["queue"]
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_BEAT_SCHEDULE = {
    "rollouts": {"task": "wx_static_store.rollouts.tasks.advance_rollout", "schedule": 2.0}
}
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "handlers": {"stderr": {"class": "logging.StreamHandler"}},
    "loggers": {"wx_static_store": {"handlers": ["stderr"], "level": "INFO", "propagate": False}},
}


class Hurried(AppConfig):
    """Wait for seconds where the package waits for minutes."""

    name = "tests.rollouts"

    def ready(self) -> None:
        from wx_static_store.deploy import locks
        from wx_static_store.rollouts import advance

        advance.AGAIN = 10.0
        locks.LAST_PUT = 1.0


class Twice(Celery):
    """Send each message twice, as a broker may deliver it."""

    def send_task(self, *args: Any, **kwargs: Any) -> Any:
        if GIVEN["twice"]:
            kwargs.pop("task_id", None)
            super().send_task(*args, **kwargs)
        return super().send_task(*args, **kwargs)


os.environ["DJANGO_SETTINGS_MODULE"] = "tests.rollouts.project"
app = Twice("rollouts")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
