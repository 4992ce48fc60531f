"""
The wire: one exchange per call with WeChat, COS and the hosted site.

    component     The platform's own token, fetched once for all threads, processes and hosts
    token_errors  The errors of a token that cannot be fetched now
    wechat        The calls about static hosting, and the fetch of a token
    platform      The calls about the platform itself: its environments, its quotas, refusals
    calls         One call of the open platform, judged by its `errcode`
    cos           `put_object` on a signed link: one PUT, its ETag compared, its XML error read
    site          GET of a public address, past the caches
    tokens        Token providers: other sources of a `component_access_token`
    shared        State that all processes share by a cache: a token, and how the last fetch failed
    transport     One exchange with any host; only our own exceptions come out
    pools         The pools of connections: one for each host, over the proxy of the environment
    connection    Send and receive over one connection, by a deadline
    links         Check whether an address may be used
"""

from .tokens import TokenProvider

__all__ = ["TokenProvider"]
