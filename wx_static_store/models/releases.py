"""The releases: the list of files of each, and which bytes are kept."""

from collections.abc import Iterator

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from ..core.releases import ReleaseFile, unpack

SHOWN = 10  # characters of a digest


class Release(models.Model):
    """The list of files of a tree, once for all deploys of the same tree."""

    digest = models.CharField(_("digest"), max_length=64, unique=True, editable=False)
    files = models.BinaryField(_("files"))  # up to some megabytes: defer it where many are read
    count = models.PositiveIntegerField(_("number of files"))
    size = models.PositiveBigIntegerField(_("size"))
    used = models.DateTimeField(_("used"), default=timezone.now)  # by a deploy, the last time
    created = models.DateTimeField(_("created"), auto_now_add=True)

    class Meta:
        verbose_name = _("release")
        verbose_name_plural = _("releases")
        default_permissions = ()
        ordering = ("-id",)

    def __str__(self) -> str:
        return self.digest[:SHOWN]

    def contents(self) -> Iterator[ReleaseFile]:
        """Yield the files, by name."""
        # Where they were left out, Django would ask the router, and a replica may be behind.
        if self.get_deferred_fields():
            self.refresh_from_db(using=self._state.db, fields=["files"])
        return unpack(bytes(self.files))


class KeptFile(models.Model):
    """Bytes that the release storage has, whatever the number of releases that name them."""

    storage = models.CharField(max_length=255)  # an alias of STORAGES
    sha256 = models.CharField(max_length=64)
    size = models.PositiveBigIntegerField()
    used = models.DateTimeField()  # by a deploy, the last time
    # A run deletes the bytes, or was killed before; a run that needs them clears it.
    freed = models.BooleanField(default=False)

    class Meta:
        default_permissions = ()
        constraints = (models.UniqueConstraint(fields=["storage", "sha256"], name="wx_kept_once"),)

    def __str__(self) -> str:
        return self.sha256
