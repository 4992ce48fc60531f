from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _

from ..apps import NeedsCore


class RolloutsConfig(NeedsCore, AppConfig):
    name = "wx_static_store.rollouts"
    label = "wx_static_store_rollouts"
    verbose_name = _("WeChat static hosting: rollouts")
    default_auto_field = "django.db.models.BigAutoField"
    wx_api = "wx_static_store.rollouts.api.urls"
    wx_panel = "admin/wx_static_store_rollouts/panel.html"

    def ready(self) -> None:
        from ..log import prune, retention
        from ..releases import runners
        from ..submit import queue
        from . import rows, runner, snapshot

        runners.run_by(runner)
        queue.stalled_by(snapshot.stalled)
        retention.keep_also(rows.releases_to_come)
        prune.prune_also("rollouts", _("rollouts"), rows.ended_before)
