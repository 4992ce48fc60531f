"""The task of Celery for alerts, for the beat schedule."""

from celery import shared_task

from ..tasks import PATIENT
from .alerts.watch import watch as watch_now

__all__ = ["watch"]


@shared_task(**PATIENT)
def watch() -> None:
    """Send what needs attention to the functions of ``ALERTS``; call it every ten minutes."""
    for _alert, _sent in watch_now():
        pass
