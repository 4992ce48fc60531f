from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _

from ..exceptions import ConfigurationError
from ..upload.platform import offer_tickets


class CallbackConfig(AppConfig):
    name = "wx_static_store.callback"
    label = "wx_static_store_callback"
    verbose_name = _("WeChat static hosting: callback")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        try:
            from . import checks, views  # noqa: F401 -- registers them; needs what urls.py needs
            from .tickets import newest
        except ModuleNotFoundError as error:
            raise ConfigurationError(
                f"wx_static_store.callback needs the package {error.name}",
                hint='Install them all: pip install "wx_static_store[callback]"',
            ) from None
        offer_tickets(newest)
