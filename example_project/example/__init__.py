"""The site's settings and addresses, and its Celery app where workers run."""

import os
from contextlib import suppress

celery_app = None
if "TENANTS" in os.environ:  # `make rollout` has workers; without any, the site does what is small
    with suppress(ImportError):  # without the extra `celery`, rollouts say what to install
        from .celery import app as celery_app

__all__ = ("celery_app",)
