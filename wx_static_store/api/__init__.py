"""The REST API: ``path("wx/", include("wx_static_store.api.urls"))``."""
