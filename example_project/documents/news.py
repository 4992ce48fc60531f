"""What just happened, in sentences: the greeting of the start page."""

from collections.abc import Iterator
from typing import Any

from django.contrib.humanize.templatetags.humanize import naturaltime
from django.urls import reverse
from django.utils.html import format_html
from django.utils.translation import gettext as _, ngettext

from wx_static_store.models import Deployment, UploadLog

from .models import Document


def news(user: Any) -> list[str]:
    """Return a sentence for each thing that the user may know of."""
    return [*_document(), *_upload(user), *_deployment(user)]


def _document() -> Iterator[str]:
    if document := Document.objects.first():
        yield _linked(
            _("{link} was published {ago}."),
            document.get_absolute_url(),
            document.title,
            document.created,
        )


def _upload(user: Any) -> Iterator[str]:
    """Tell how the newest upload ended that was no part of a deployment."""
    if not user.has_perm("wx_static_store.view_uploadlog"):
        return
    row = UploadLog.objects.filter(deployment=None).exclude(source="collectstatic").first()
    if row:
        stored = row.status == UploadLog.Status.STORED
        yield _linked(
            _("The newest upload, {link}, became public {ago}.")
            if stored
            else _("The newest upload, {link}, did not succeed {ago}."),
            reverse("admin:wx_static_store_uploadlog_change", args=[row.pk]),
            row.key,
            row.created,
        )


def _deployment(user: Any) -> Iterator[str]:
    if not user.has_perm("wx_static_store.view_deployment"):
        return
    row = Deployment.objects.exclude(source="collectstatic").first()
    if row:
        done = row.outcome == Deployment.Outcome.DONE
        count = row.stored if done else row.failed + row.not_attempted
        sentence = (
            ngettext(
                "The last deployment, {link}, sent {count} file {ago}.",
                "The last deployment, {link}, sent {count} files {ago}.",
                count,
            )
            if done
            else ngettext(
                "The last deployment, {link}, ended {ago} and lacks {count} file.",
                "The last deployment, {link}, ended {ago} and lacks {count} files.",
                count,
            )
        )
        yield _linked(
            sentence,
            reverse("admin:wx_static_store_deployment_change", args=[row.pk]),
            row.label or row.folder,
            row.created,
            count=count,
        )


def _linked(sentence: str, address: str, text: str, moment: Any, **parts: Any) -> str:
    """Fill in the sentence, with the text as a link and how long ago it was."""
    link = format_html('<a href="{}">{}</a>', address, text)
    return format_html(sentence, link=link, ago=naturaltime(moment), **parts)
