"""Where `WxStorage.waiting_url()` leads: ``path("waiting/", include("wx_static_store.urls"))``."""

from django.urls import path

from .submit.download import show_waiting

app_name = "wx_static_store_waiting"
urlpatterns = [path("<str:signed>", show_waiting, name="file")]
