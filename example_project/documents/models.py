from pathlib import PurePosixPath

from django.db import models
from django.urls import reverse

PUBLIC = "Public at once: everybody who has the address can read it."


class Document(models.Model):
    """Something to read, with a picture. Both files go through the default storage."""

    title = models.CharField(max_length=120)
    description = models.TextField(blank=True)
    file = models.FileField(upload_to="documents", max_length=255, help_text=PUBLIC)
    image = models.ImageField(upload_to="images", max_length=255, help_text=PUBLIC)
    created = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ("-created", "-id")

    def __str__(self) -> str:
        return self.title

    def get_absolute_url(self) -> str:
        return reverse("documents:detail", args=[self.pk])

    @property
    def file_name(self) -> str:
        return PurePosixPath(self.file.name).name
