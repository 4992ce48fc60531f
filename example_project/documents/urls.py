from django.urls import path

from . import views

app_name = "documents"
urlpatterns = [
    path("", views.DocumentList.as_view(), name="list"),
    path("<int:pk>/", views.DocumentDetail.as_view(), name="detail"),
    path("upload/", views.upload, name="upload"),
    path("api/documents/", views.DocumentApi.as_view(), name="api"),
    path("favicon.ico", views.favicon),
]
