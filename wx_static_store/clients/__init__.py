"""
The wire: one exchange per call with WeChat, COS and the hosted site.

    component     The platform's own token, fetched once for all threads, processes and hosts
    platform      The calls about the platform itself: its environments, its quotas, refusals
    wechat        The calls about static hosting, and the fetch of a token; each judged by `errcode`
    cos           `put_object` on a signed link: one PUT, its ETag compared, its XML error read
    site          GET of a public address, past the caches
    tokens        Token providers: other sources of a `component_access_token`
    shared        State that all processes share by a cache: a token, and how the last fetch failed
    transport     One exchange with any host; only our own exceptions come out
    connections   A pool for each host; send and receive by a deadline, with the secrets
    links         Check whether an address may be used
"""

from .tokens import TokenProvider

__all__ = ["TokenProvider"]
