"""What keeps the log true and small: cloud against log, old rows, lines of a build."""

from django.db import router

from ..models import UploadLog, UploadLogQuerySet


def log() -> UploadLogQuerySet:
    """The log where its rows are written: a copy to read from may be behind."""
    return UploadLogQuerySet(UploadLog, using=router.db_for_write(UploadLog))
