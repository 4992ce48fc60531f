"""Receivers of the signals."""

import logging
from typing import Any

from django.dispatch import receiver

from wx_static_store.signals import deployment_finished, upload_finished
from wx_static_store.upload import UploadContext, UploadResult, UploadStatus

logger = logging.getLogger(__name__)


@receiver(upload_finished)
def note_upload(result: UploadResult, context: UploadContext, **more: Any) -> None:
    if result.status is UploadStatus.FAILED and result.error:
        logger.error("%s of %s: %s", result.key, context.source, result.error.full_hint)


@receiver(deployment_finished)
def note_deployment(env: str, outcome: str, deployment_id: int | None, **more: Any) -> None:
    logger.info("%s: %s (%s)", env, outcome, deployment_id)
