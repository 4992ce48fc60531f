"""The drift: how each environment differed from what is live there, when it was last compared."""

from __future__ import annotations

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _


class Drift(models.Model):
    """How the cloud differed from what was live of a store in an environment, the last time."""

    env = models.CharField(_("environment"), max_length=64)
    using = models.CharField(_("store"), max_length=255)
    missing = models.PositiveIntegerField(_("missing"), default=0)
    differs = models.PositiveIntegerField(_("other bytes"), default=0)
    unlogged = models.PositiveIntegerField(_("unlogged"), default=0)
    objects_seen = models.PositiveIntegerField(_("objects"), default=0)
    bytes_seen = models.PositiveBigIntegerField(_("bytes"), default=0)
    message = models.CharField(_("message"), max_length=1000, blank=True)  # why it was not seen
    checked = models.DateTimeField(_("checked"), default=timezone.now)

    class Meta:
        verbose_name = _("drift")
        verbose_name_plural = _("drift")
        default_permissions = ()
        constraints = (models.UniqueConstraint(fields=["env", "using"], name="wx_drift_once"),)

    def __str__(self) -> str:
        return f"{self.env} {self.using}"

    @property
    def is_clean(self) -> bool:
        """Return whether all that is live was there, as it was deployed."""
        return not (self.missing or self.differs or self.message)
