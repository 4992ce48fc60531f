"""Each exception of this app has an entry, and each entry an exception."""

from tests.tables import each, none_of
from wx_static_store import exceptions
from wx_static_store.causes import CAUSES, Cause
from wx_static_store.core.refusals import PolicyRejected
from wx_static_store.exceptions import WxStaticStoreError, error_of

CLASSES = {
    name: found
    for name, found in {**vars(exceptions), "PolicyRejected": PolicyRejected}.items()
    if isinstance(found, type) and issubclass(found, WxStaticStoreError)
}
RAISED = [entry for code, entry in CAUSES.items() if code == entry.id and entry.error in CLASSES]


def test_each_exception_has_an_entry_and_is_explained_by_it() -> None:
    lacking = {name for name, kind in CLASSES.items() if kind.cause != name}
    none_of(f"Add an entry {name} to wx_static_store/causes/own.py" for name in lacking)
    assert {name: CLASSES[name]("x").entry.error for name in CLASSES} == {n: n for n in CLASSES}


def test_each_entry_names_an_exception_that_exists() -> None:
    none_of(
        f"The entry {entry.id} names {entry.error!r}, which is no exception"
        for entry in CAUSES.values()
        if entry.error not in CLASSES
    )


@each("entry", [entry for entry in RAISED if entry.error != "PolicyRejected"])
def test_the_error_of_an_entry_has_its_values(entry: Cause) -> None:
    error = error_of(entry, "")
    assert (type(error), error.cause, error.entry) == (CLASSES[entry.error], entry.id, entry)
    assert (error.message, error.hint, error.advice()) == (
        entry.title,
        entry.operator,
        entry.editor,
    )
    for name in ("remedy", "once", "stops_batch", "pause"):
        assert getattr(error, name) == getattr(entry, name)


def test_an_exception_without_an_entry_is_explained_by_that_of_its_base_class() -> None:
    class Own(exceptions.TlsFailed):
        """Of a project."""

    assert (Own("x").cause, Own("x").hint) == ("TlsFailed", CAUSES["TlsFailed"].operator)
