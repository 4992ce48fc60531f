from django.urls import path

from .views import receive

app_name = "wx_static_store_callback"
urlpatterns = [path("", receive, name="receive")]
