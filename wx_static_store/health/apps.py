from collections.abc import Iterator
from typing import Any

from django.apps import AppConfig
from django.dispatch import Signal
from django.utils.translation import gettext_lazy as _

from ..apps import NeedsCore
from ..causes import Cause, offer
from ..signals import deployment_finished, rollout_finished


class HealthConfig(NeedsCore, AppConfig):
    name = "wx_static_store.health"
    label = "wx_static_store_health"
    verbose_name = _("WeChat static hosting: health")
    default_auto_field = "django.db.models.BigAutoField"
    wx_api = "wx_static_store.health.api.urls"
    wx_panel = "admin/wx_static_store_health/panel.html"

    def wx_takes_gzip(self, env: str) -> bool | None:
        """Return whether the newest probe saw that the site takes gzip, None if none looked."""
        from .models import Fact

        fact = Fact.objects.primary().filter(subject=env, name="gzip").first()
        return None if fact is None else fact.value == "yes"

    def ready(self) -> None:
        deployment_finished.connect(_alert)
        rollout_finished.connect(_alert)
        offer(_checks_of_the_doctor)


def _alert(signal: Signal, **facts: Any) -> None:
    # Imported with the first signal: each web worker would pay for it at its start.
    from .alerts.events import ALERTS

    ALERTS[signal](**facts)


def _checks_of_the_doctor() -> Iterator[Cause]:
    from .doctor.table import CHECKS

    for check in CHECKS:
        yield Cause(check.id, check.question, check.means, check.remedy, page="doctor")
