"""Models with files and an image, as any project has them."""

from django.db import models


class Book(models.Model):
    title = models.CharField(max_length=100)
    file = models.FileField(upload_to="books", blank=True)
    cover = models.ImageField(upload_to="covers", blank=True)

    def __str__(self) -> str:
        return self.title


class Sample(models.Model):
    book = models.ForeignKey(Book, on_delete=models.CASCADE)
    file = models.FileField(upload_to="samples")

    def __str__(self) -> str:
        return str(self.file)


class Tea(models.Model):
    """The model of docs/tutorial.rst."""

    name = models.CharField(max_length=100)
    leaflet = models.FileField(upload_to="leaflets")

    def __str__(self) -> str:
        return self.name
