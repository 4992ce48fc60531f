"""The suite's project with the packages of the extra ``compat``, all over `WxStorage`."""

from django.conf import global_settings

from tests.settings import *  # noqa: F403

INSTALLED_APPS = [
    *INSTALLED_APPS,  # noqa: F405
    "easy_thumbnails",
    "sorl.thumbnail",
    "imagekit",
    "avatar",
    "django_cleanup.apps.CleanupSelectedConfig",  # looks after the models that ask for it
    "compressor",
    "django_file_form",
    # django-filer
    "filer",
    # Wagtail
    "wagtail.users",
    "wagtail.documents",
    "wagtail.images",
    "wagtail.admin",
    "wagtail",
    "modelsearch",
    "modelcluster",
    "taggit",
    "tests.compat",
]
MEDIA = {"location": "media"}
STORAGES = {
    "default": {"BACKEND": "wx_static_store.storage.WxStorage", "OPTIONS": MEDIA},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
# django-compressor asks for its own
STATICFILES_FINDERS = [*global_settings.STATICFILES_FINDERS, "compressor.finders.CompressorFinder"]
# django-filer takes the class of the default storage, but not its options
FILER_STORAGES = {
    "public": {
        "main": {"ENGINE": "wx_static_store.storage.WxStorage", "OPTIONS": MEDIA},
        "thumbnails": {"ENGINE": "wx_static_store.storage.WxStorage", "OPTIONS": MEDIA},
    }
}
ROOT_URLCONF = "tests.compat.urls"
WAGTAIL_SITE_NAME = "compat"
WAGTAILADMIN_BASE_URL = "http://testserver"
