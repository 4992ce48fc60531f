from pathlib import PurePosixPath

from django.db import models
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

PUBLIC = _("Public at once: everybody who has the address can read it.")


class Document(models.Model):
    """Something to read, with a picture. Both files go through the default storage."""

    title = models.CharField(_("title"), max_length=120)
    description = models.TextField(_("description"), blank=True)
    file = models.FileField(_("file"), upload_to="documents", max_length=255, help_text=PUBLIC)
    image = models.ImageField(_("image"), upload_to="images", max_length=255, help_text=PUBLIC)
    created = models.DateTimeField(_("published"), auto_now_add=True)

    class Meta:
        ordering = ("-created", "-id")
        verbose_name = _("document")
        verbose_name_plural = _("documents")

    def __str__(self) -> str:
        return self.title

    def get_absolute_url(self) -> str:
        return reverse("documents:detail", args=[self.pk])

    @property
    def file_name(self) -> str:
        return PurePosixPath(self.file.name).name
