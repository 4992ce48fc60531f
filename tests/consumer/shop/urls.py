from django.contrib import admin
from django.urls import include, path

from . import views

urlpatterns = [
    path("admin/", admin.site.urls),
    path("", views.list_books, name="books"),
    path("add/", views.add_book),
    path("note/", views.save_note),
    path("report/", views.publish_report),
    path("wx/", include("wx_static_store.api.urls")),
]
