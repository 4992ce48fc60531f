"""The newest verify ticket of each platform."""

from django.db import models
from django.utils.translation import gettext_lazy as _


class VerifyTicket(models.Model):
    """One row per platform; the ticket is encrypted, with a key that derives from SECRET_KEY."""

    appid = models.CharField(_("appid of the platform"), max_length=64, unique=True)
    sealed = models.TextField(_("ticket, encrypted"))
    created = models.BigIntegerField(_("CreateTime of the push, Unix seconds"))
    received = models.DateTimeField(_("received"))

    class Meta:
        app_label = "wx_static_store_callback"  # also where the app is not installed
        verbose_name = _("verify ticket")
        verbose_name_plural = _("verify tickets")
        default_permissions = ()

    def __str__(self) -> str:
        return f"{self.appid}: {self.received:%Y-%m-%d %H:%M}"
