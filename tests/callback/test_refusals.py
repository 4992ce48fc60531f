"""A refusal: a word for the log, a status for the answer, and nothing of the push."""

from tests.callback.conftest import LogLines
from tests.callback.pushes import push
from wx_static_store.callback.refusals import Refusal


def test_a_refusal_is_the_status_of_the_answer_and_the_reason_of_the_log(logged: LogLines) -> None:
    answer = push(msg_signature="0" * 40).send()
    assert (answer.status_code, answer.content) == (403, b"")
    assert logged.security == ["WARNING A call of the callback was refused: signature"]


def test_a_refusal_shows_its_reason_only() -> None:
    error = Refusal("xml", 400)
    assert (str(error), error.reason, error.status) == ("xml", "xml", 400)
