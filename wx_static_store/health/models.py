"""The table of facts that probes have learned of the platform and its environments."""

from collections.abc import Collection
from typing import Any

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from ..models.columns import PrimaryQuerySet, fitting

# Said by name: where the app is not installed, Django would take the table for the core's.
LABEL = "wx_static_store_health"


class FactQuerySet(PrimaryQuerySet["Fact"]):
    def remember(self, subject: str, facts: dict[str, Any]) -> None:
        """Keep facts of a subject, learned now; forget their old values."""
        for name, value in facts.items():
            news = fitting(Fact, {"value": str(value)}) | {"learned": timezone.now()}
            self.primary().update_or_create(subject=subject, name=name, defaults=news)

    def forget(self, subject: str, names: Collection[str]) -> None:
        if names:
            self.primary().filter(subject=subject, name__in=names).delete()


class Fact(models.Model):
    """One fact about the platform or an environment."""

    # The id of an environment, or the appid of the platform; a platform may have none.
    subject = models.CharField(_("subject"), max_length=64, blank=True)
    name = models.CharField(_("fact"), max_length=64)
    value = models.CharField(_("value"), max_length=255)
    learned = models.DateTimeField(_("learned"))

    objects = FactQuerySet.as_manager()

    class Meta:
        app_label = LABEL
        verbose_name = _("fact")
        verbose_name_plural = _("facts")
        default_permissions = ()
        permissions = (("view_health", _("Can see the health of the platform")),)
        ordering = ("subject", "name")
        constraints = (models.UniqueConstraint(fields=["subject", "name"], name="wx_fact_once"),)

    def __str__(self) -> str:
        return f"{self.subject} {self.name} = {self.value}"


class Health(Fact):
    # The page *Health* has no table, but the admin lists only models.
    class Meta:
        app_label = LABEL
        proxy = True
        default_permissions = ()  # view_health is that of Fact
        verbose_name = _("health")
        verbose_name_plural = _("health")
