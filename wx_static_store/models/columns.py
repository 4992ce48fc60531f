"""Texts that every database keeps, digests, and foreign keys without a constraint."""

from __future__ import annotations

import hashlib
from functools import cache
from typing import Any

from django.db import models


def fitting(model: type[models.Model], columns: dict[str, Any]) -> dict[str, Any]:
    """Make texts that every database keeps: one refused text would fail its whole batch."""
    longest = _longest(model)
    return {
        name: _printable(value)[: longest.get(name)] if isinstance(value, str) else value
        for name, value in columns.items()
    }


@cache
def _longest(model: type[models.Model]) -> dict[str, int | None]:
    return {field.name: getattr(field, "max_length", None) for field in model._meta.fields}


def _printable(text: str) -> str:
    """Remove what no database keeps: NUL, and the lone surrogates of undecodable names."""
    return text.replace("\0", "\\x00").encode("utf-8", "backslashreplace").decode()


def key_digest(key: str) -> str:
    """Make a text of fixed width: MariaDB indexes 3072 bytes at most, a key may have 850."""
    return hashlib.sha256(key.encode()).hexdigest()[:40]


def link(to: Any, verbose_name: Any, *, related_name: str, **options: Any) -> Any:
    """Make a foreign key without a constraint, which outlives its target."""
    return models.ForeignKey(
        to,
        verbose_name=verbose_name,
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        db_constraint=False,
        related_name=related_name,
        **options,
    )
