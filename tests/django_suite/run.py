"""
Django's own tests over our three storages: ``run.py FOLDER``, where FOLDER is Django's ``tests``.

Our storages take the places of Django's, so that its tests run as they stand, and write to an
emulator. Prints what is left out and why, then one line of JSON: what ran and what failed.
"""

import json
import os
import sys
import unittest
from collections import Counter
from importlib import import_module
from pathlib import Path
from typing import Any, ClassVar

import django
from django.conf import settings
from django.test import override_settings
from django.test.runner import DiscoverRunner

from wx_static_store.emulator import EmulatorServer
from wx_static_store.storage import WxStorage

ENV = "demo-1a2b3c4d5e6f7g8h"

# What is not here looks at the local file system (FileStorageTests, symlinks, races) or at no
# storage at all (finders, views, forms).
CLASSES = {
    "file_storage.test_base": ["StorageValidateFileNameTests"],
    "file_storage.test_generate_filename": [
        "FileSystemStorageGenerateFilenameTests",
        "GenerateFilenameStorageTests",
    ],
    "file_storage.tests": [
        "ContentFileStorageTestCase",
        "FieldCallableFileStorageTests",
        "FileFieldStorageTests",
        "FileLikeObjectTestCase",
        "StorageHandlerTests",
    ],
    "staticfiles_tests.test_management": [
        "TestCollection",
        "TestCollectionClear",
        "TestCollectionCustomIgnorePatterns",
        "TestCollectionDryRun",
        "TestCollectionDryRunManifestStaticFilesStorage",
        "TestCollectionFilesOverride",
        "TestCollectionLinks",
        "TestCollectionNeverCopyStorage",
        "TestCollectionNoDefaultIgnore",
        "TestCollectionNonLocalStorage",
        "TestCollectionOverwriteWarning",
        "TestCollectionPathLib",
        "TestCollectionVerbosity",
        "TestInteractiveMessages",
    ],
    "staticfiles_tests.test_storage": [
        "TestCollectionHashedFilesCache",
        "TestCollectionJSModuleImportAggregationManifestStorage",
        "TestCollectionManifestStorage",
        "TestCollectionManifestStorageStaticUrlSlash",
        "TestCollectionNoPostProcessReplacedPaths",
        "TestCollectionNoneHashStorage",
        "TestCollectionSimpleStorage",
        "TestCustomManifestStorage",
        "TestExtraPatternsStorage",
        "TestStaticFilePermissions",
    ],
    "staticfiles_tests.test_templatetags": ["TestTemplateTag"],
}

LEFT_OUT = {
    "FileFieldStorageTests": {
        "test_file_object": "asks for path(): the hosting's files do not lie on this machine",
        "test_filefield_write": "opens for writing: an object is replaced by save()",
    },
    "StorageHandlerTests": {
        "test_defaults": "compares Django's default STORAGES, which this run sets",
    },
    "TestCollectionNonLocalStorage": {
        "test_storage_properties": "asks Django's dummy for the date that the dummy gives",
    },
    "TestCustomManifestStorage": {
        "*": "passes manifest_storage: the manifest that the site reads stays in STATIC_ROOT",
    },
    "TestStaticFilePermissions": {
        "test_collect_static_files_subclass_of_static_storage": (
            "passes permissions as options: ours follow FILE_UPLOAD_PERMISSIONS"
        ),
    },
}


class Media(WxStorage):
    """Takes the arguments of Django's own; the folder becomes the location of the keys."""

    OS_OPEN_FLAGS = os.O_EXCL  # from which a class in Django 5.2's tests is made

    def __init__(self, location: Any = "static", *, allow_overwrite: bool = False) -> None:
        self.location = location  # which Django's tests compare
        super().__init__(location=str(location).strip("/"), file_overwrite=allow_overwrite)


class OnEmulator:
    """What Django's test cases must know: files lie at the other side, and addresses are whole."""

    cloud: ClassVar[EmulatorServer]
    puts: ClassVar[Counter[str]] = Counter()  # by test case

    def setUp(self) -> None:
        self.cloud.reset()
        location = settings.STATIC_URL.strip("/")
        own = override_settings(WX_STATIC_STORE=settings.WX_STATIC_STORE | {"LOCATION": location})
        own.enable()
        self.addCleanup(own.disable)
        super().setUp()

    def tearDown(self) -> None:
        self.puts[type(self).__name__] += len(self.cloud.calls("put_object"))
        self.assert_published()
        super().tearDown()

    def assert_published(self) -> None:
        """Check that what the manifest names is at the other side, byte for byte."""
        root = Path(settings.STATIC_ROOT or "nowhere")
        manifest = root / "staticfiles.json"
        if manifest.exists():
            for name in json.loads(manifest.read_text())["paths"].values():
                assert self.stored(name) == (root / name).read_bytes(), name

    def stored(self, name: str) -> bytes:
        location = settings.WX_STATIC_STORE["LOCATION"]
        try:
            return self.cloud.objects()[f"{location}/{name}".lstrip("/")].body
        except KeyError:
            raise FileNotFoundError(name) from None

    def _get_file(self, filepath: str) -> str:
        """By its name, what is published; by its path, what was collected."""
        if os.path.isabs(filepath):
            return super()._get_file(filepath)
        return self.stored(filepath).decode()

    def render_template(self, template: Any, **context: Any) -> str:
        return super().render_template(template, **context).replace(self.cloud.site_url(), "")


class Runner(DiscoverRunner):
    """Run the chosen classes, and print the result as one line of JSON."""

    cloud: EmulatorServer

    def build_suite(self, *args: Any, **kwargs: Any) -> unittest.TestSuite:
        return unittest.TestSuite(
            test
            for module, names in CLASSES.items()
            for name in names
            for test in chosen(module, name, self.cloud)
        )

    def suite_result(self, suite: Any, result: Any, **kwargs: Any) -> int:
        unsuccessful = result.failures + result.errors
        report = {
            "ran": result.testsRun,
            "failed": [str(test) for test, _traceback in unsuccessful],
            "skipped": [str(test) for test, _reason in result.skipped],
            "puts": OnEmulator.puts,
        }
        sys.stdout.write(json.dumps(report) + "\n")
        return len(unsuccessful)


def chosen(module: str, name: str, cloud: EmulatorServer) -> list[unittest.TestCase]:
    """Return the tests of one of Django's classes as a class of ours, without those left out."""
    bases = (OnEmulator, getattr(import_module(module), name))
    ours = type(name, bases, {"cloud": cloud, "__module__": module})
    tests = {test: ours(test) for test in unittest.defaultTestLoader.getTestCaseNames(ours)}
    for left_out, reason in LEFT_OUT.get(name, {}).items():
        sys.stdout.write(f"left out: {name}.{left_out}: it {reason}\n")
        if left_out == "*":
            return []
        del tests[left_out]  # a KeyError: Django has it no more
    return list(tests.values())


def configure(cloud: EmulatorServer) -> None:
    settings.configure(
        SECRET_KEY="only-for-tests",
        USE_TZ=False,  # as Django's own suite
        INSTALLED_APPS=[
            "django.contrib.auth",
            "django.contrib.contenttypes",
            "django.contrib.staticfiles",
            "wx_static_store",
            "file_storage",
            "staticfiles_tests",
        ],
        DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}},
        DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
        TEMPLATES=[{"BACKEND": "django.template.backends.django.DjangoTemplates"}],
        STATIC_URL="static/",
        STATIC_ROOT=str(Path(sys.argv[1], "static_root")),
        STORAGES={
            # DefaultStorageFinder lists the folder of this one
            "default": {"BACKEND": "django.core.files.storage.filesystem.FileSystemStorage"},
            "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
        },
        WX_STATIC_STORE={
            "ENV": ENV,
            "ACCESS_TOKEN": cloud.access_token,
            "API_BASE_URL": cloud.api_url,
            "BASE_URL": cloud.site_url(),
            "LOCATION": "static",
            "MAX_WORKERS": 4,  # client and emulator share one process
        },
        # a SimpleTestCase has no database: 150 warnings of the missing log are too many
        LOGGING={
            "version": 1,
            "handlers": {"null": {"class": "logging.NullHandler"}},
            "loggers": {"wx_static_store": {"handlers": ["null"], "propagate": False}},
        },
    )


def take_their_places() -> None:
    """From here on, whoever imports one of Django's storages gets ours."""
    # These two go on to use Django's own, for local folders.
    import django.contrib.staticfiles.finders
    import django.contrib.staticfiles.management.commands.collectstatic  # noqa: F401
    import django.contrib.staticfiles.storage as static
    import django.core.files.storage as files

    from wx_static_store.staticfiles import WxManifestStaticFilesStorage, WxStaticFilesStorage

    files.FileSystemStorage = Media
    static.StaticFilesStorage = WxStaticFilesStorage
    static.ManifestStaticFilesStorage = WxManifestStaticFilesStorage
    import file_storage.test_base
    import staticfiles_tests.storage as remote

    file_storage.test_base.CustomStorage = Media
    remote.DummyStorage = remote.PathNotImplementedStorage = remote.NeverCopyRemoteStorage = Media


def main() -> int:
    sys.path.append(sys.argv[1])
    with EmulatorServer(envs=(ENV,)) as cloud:
        configure(cloud)
        take_their_places()
        django.setup()
        runner = Runner(interactive=False)
        runner.cloud = cloud
        return runner.run_tests([])


if __name__ == "__main__":
    sys.exit(1 if main() else 0)
