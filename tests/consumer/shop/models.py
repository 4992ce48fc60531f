"""A model with a file: of the project's storage, and of another environment."""

from django.db import models

from wx_static_store.storage import WxStorage


def archive() -> WxStorage:
    return WxStorage(env="archive-1a2b3c", location="covers")


class Book(models.Model):
    title: "models.CharField[str, str]" = models.CharField(max_length=100)
    file = models.FileField(upload_to="books")
    cover = models.FileField(upload_to="covers", storage=archive)

    def __str__(self) -> str:
        return self.title
