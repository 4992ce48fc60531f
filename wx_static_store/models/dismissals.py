"""Failed uploads that nobody needs to repair any more."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from .columns import link


class Dismissal(models.Model):
    """Who removed a failed upload from the page *Still failing*; its own row is unchanged."""

    upload = models.OneToOneField(
        "UploadLog", on_delete=models.CASCADE, db_constraint=False, related_name="dismissal"
    )
    user = link(settings.AUTH_USER_MODEL, _("user"), related_name="+")
    created = models.DateTimeField(_("created"), auto_now_add=True)

    class Meta:
        verbose_name = _("dismissal")
        verbose_name_plural = _("dismissals")
        default_permissions = ()

    def __str__(self) -> str:
        return str(self.upload_id)
