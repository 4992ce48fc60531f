"""One model for each package that lends a field to the models of others."""

# ruff: noqa: DJ008 -- nobody prints them

from django.db import models
from django_cleanup import cleanup
from easy_thumbnails.fields import ThumbnailerImageField
from imagekit.models import ImageSpecField
from imagekit.processors import ResizeToFill
from sorl.thumbnail import ImageField


class Easy(models.Model):
    image = ThumbnailerImageField(upload_to="easy")


class Sorl(models.Model):
    image = ImageField(upload_to="sorl")


class Kit(models.Model):
    image = models.ImageField(upload_to="kit")
    small = ImageSpecField(source="image", processors=[ResizeToFill(8, 8)], format="PNG")


@cleanup.select
class Clean(models.Model):
    file = models.FileField(upload_to="clean")


class Attached(models.Model):
    file = models.FileField(upload_to="attached")
