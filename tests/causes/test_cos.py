"""Each code of COS says what an editor does; `clients/test_cos.py` has the errors made of them."""

from tests.causes.test_own import CLASSES
from tests.tables import each
from wx_static_store.causes import CAUSES, Cause
from wx_static_store.causes.cos import TABLE
from wx_static_store.exceptions import CosError


@each("entry", TABLE)
def test_each_entry_is_of_an_error_of_cos(entry: Cause) -> None:
    assert issubclass(CLASSES[entry.error], CosError)


@each(
    ("code", "text"),
    [
        ("AccessDenied", "to repair the cause"),
        ("EntityTooLarge", "smaller"),
        ("InvalidURI", "another name"),
        ("SlowDown", "in some minutes"),
        ("IncompleteBody", "in some minutes"),
        ("BadDigest", "at once"),
    ],
)
def test_an_editor_is_told_what_helps(code: str, text: str) -> None:
    assert text in str(CAUSES[code].editor)
