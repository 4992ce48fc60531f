"""The files that wait until the cloud takes them, and the deletions that wait."""

from datetime import UTC

from django.conf import settings
from django.db import models
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from ..causes import Cause, advice, cause_of, hint
from ..core.types import RemoteFile, UploadStatus
from ..i18n import labelled
from .columns import link


class WaitingFile(models.Model):
    """The newest bytes of a key that are not public yet; the row goes when they are."""

    class Kind(models.TextChoices):
        SAVE = "save", _("save")
        DELETE = "delete", _("delete")

    class State(models.TextChoices):
        DUE = "due", _("waits")
        PARKED = "parked", _("needs a person")
        LEFT = "left", _("failed upload")  # no storage sees it, no push sends it

    env = models.CharField(_("environment"), max_length=64)
    key = models.CharField(_("key"), max_length=850)
    key_digest = models.CharField(max_length=40, editable=False)
    name = models.CharField(_("name"), max_length=1024)
    using = models.CharField(_("store"), max_length=64)
    kind = models.CharField(_("kind"), max_length=16, choices=Kind.choices)
    state = models.CharField(_("state"), max_length=16, choices=State.choices, default=State.DUE)
    # Of this content: it names the bytes, and each change of the row by a save gives a new one.
    token = models.CharField(max_length=32)
    size = models.PositiveBigIntegerField(_("size"), default=0)
    md5 = models.CharField(_("MD5"), max_length=32, blank=True)
    sha256 = models.CharField(max_length=64, blank=True)
    maybe_public = models.BooleanField(default=True)  # there may be an object at the key
    replaces = models.BooleanField(default=False)  # it may overwrite other bytes
    earlier_md5 = models.CharField(max_length=32, blank=True)  # of the content sent before
    attempts = models.PositiveSmallIntegerField(_("attempts"), default=0)  # since the last Send now
    leases = models.PositiveIntegerField(default=0)  # the number of the last; it only grows
    next_at = models.DateTimeField(_("next attempt"))
    leased_until = models.DateTimeField(null=True, blank=True)
    cause = models.CharField(_("cause"), max_length=64, blank=True)
    errcode = models.IntegerField(_("errcode"), null=True, blank=True)
    message = models.CharField(_("message"), max_length=1000, blank=True)
    source = models.CharField(_("source"), max_length=32)
    source_ref = models.CharField(_("source reference"), max_length=255, blank=True)
    user = link(settings.AUTH_USER_MODEL, _("user"), related_name="+")
    created = models.DateTimeField(_("created"))  # the content
    changed = models.DateTimeField(_("changed"))  # the state

    class Meta:
        verbose_name = _("waiting file")
        verbose_name_plural = _("waiting files")
        default_permissions = ()
        constraints = (
            models.UniqueConstraint(fields=["env", "key_digest"], name="wx_waiting_once"),
        )
        indexes = (models.Index(fields=["state", "next_at"], name="wx_waiting_next"),)

    def __str__(self) -> str:
        return labelled(self.key, self.get_state_display())

    @property
    def file(self) -> RemoteFile | None:
        """Return the object that will be there; None if it will be deleted."""
        if self.kind == self.Kind.DELETE:
            return None
        return RemoteFile(self.key, self.size, self.md5, self.created.astimezone(UTC))

    @property
    def why(self) -> Cause | None:
        """Return the entry of the table of causes; None where no try failed."""
        return cause_of(self.cause) if self.cause or self.message else None

    @property
    def advice(self) -> str | Promise:
        if self.why and self.state == self.State.DUE:
            return _("There is nothing to do: wx_push tries it again by itself.")
        return advice(self.cause, UploadStatus.FAILED) if self.why else ""

    @property
    def hint(self) -> str | Promise:
        return hint(self.cause, self.message, self.env) if self.why else ""
