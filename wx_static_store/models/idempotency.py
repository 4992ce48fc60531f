"""The answers to requests that may come twice."""

from django.db import models


class IdempotencyKey(models.Model):
    """The answer to the first request with an ``Idempotency-Key``, kept for a day."""

    digest = models.CharField(max_length=64, unique=True)  # of the key, and of whose it is
    fingerprint = models.CharField(max_length=64)  # of the request
    about = models.TextField(blank=True)  # JSON: what is sent, to look it up after a kill
    running_until = models.DateTimeField()  # a lease that the request prolongs: it was killed
    answer = models.TextField(blank=True)  # JSON; empty while it is not known
    expires = models.DateTimeField(db_index=True)

    class Meta:
        verbose_name = "Idempotency-Key"
        verbose_name_plural = "Idempotency-Keys"
        default_permissions = ()

    def __str__(self) -> str:
        return self.digest
