"""The time of a request."""

from wx_static_store.core.budget import REQUEST


def test_a_request_is_over_before_many_web_servers_end_it() -> None:
    assert REQUEST < 30
