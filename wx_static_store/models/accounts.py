"""The accounts that the platform may act for."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from django.db import models
from django.utils.translation import gettext_lazy as _, pgettext_lazy

from .columns import PrimaryQuerySet, fitting


class AccountQuerySet(PrimaryQuerySet["Account"]):
    def note(self, platform: str, appid: str, *, event: str, at: datetime) -> None:
        """Note a push about an account's authorization, unless a newer push was noted before."""
        rows = self.primary()
        withdrawn = event == "unauthorized"
        of = {"platform": platform, "appid": appid}
        news = fitting(Account, {"withdrawn": withdrawn, "changed": at})
        rows.get_or_create(**of, defaults=news)
        # Times of pushes are whole seconds: of two in the same second, the withdrawal wins.
        at = news["changed"]
        later = models.Q(changed__lt=at) | models.Q(changed=at, withdrawn=False)
        rows.filter(later, **of).update(**news)

    def share(self, platform: str, found: Mapping[str, Sequence[str]]) -> None:
        """Note which environments are shared with which accounts, by their appids."""
        rows = self.primary()
        for account in rows.filter(platform=platform):
            envs = " ".join(found.get(account.appid, ()))
            # WeChat no longer names those of a withdrawn account: it keeps what it had.
            if envs != account.envs and (envs or not account.withdrawn):
                rows.filter(pk=account.pk).update(envs=envs)

    def withdrawn(self, platform: str) -> set[str]:
        """Return the appids of the accounts that withdrew their authorization."""
        return set(self.filter(platform=platform, withdrawn=True).values_list("appid", flat=True))


class Account(models.Model):
    """An account that gave the platform its authorization, as WeChat's pushes said."""

    platform = models.CharField(_("appid of the platform"), max_length=64)
    appid = models.CharField(_("appid"), max_length=64)
    withdrawn = models.BooleanField(_("authorization withdrawn"), default=False)
    # The CreateTime of the newest push.
    changed = models.DateTimeField(pgettext_lazy("of an account", "changed"))
    envs = models.TextField(_("environments"), blank=True, default="")  # ids, with spaces between

    objects = AccountQuerySet.as_manager()

    class Meta:
        verbose_name = _("account")
        verbose_name_plural = _("accounts")
        default_permissions = ()
        ordering = ("appid",)
        constraints = (
            models.UniqueConstraint(fields=["platform", "appid"], name="wx_account_once"),
        )

    def __str__(self) -> str:
        return self.appid
