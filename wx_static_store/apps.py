from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class WxStaticStoreConfig(AppConfig):
    name = "wx_static_store"
    verbose_name = _("WeChat static hosting")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from . import checks, i18n  # noqa: F401 -- registers the checks
        from .alerts import events  # noqa: F401 -- registers the receivers
        from .conf.settings import docs_url, hide_secrets

        hide_secrets()
        i18n.docs_url = docs_url
