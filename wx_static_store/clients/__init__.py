"""
The wire: one exchange per call with WeChat, COS and the hosted site.

    component   The platform's own token: fetched by one, for all threads, processes and hosts
    wechat      The three static-store calls and `api_component_token`: one exchange each, judged by
    cos         `put_object` on a signed link: one PUT, its ETag compared, its XML error read
    site        GET of a public address: streamed, past the caches, its length checked
    tokens      Token providers: where a `component_access_token` comes from, if we do not fetch it
    shared      What all processes share through a cache: a token, and how the last fetch failed
    transport   The only door to the network: one exchange per call, and only our own exceptions com
    pools       The pools of connections: one for each host, over the proxy that the environment nam
    connection  How a connection sends and receives: head and first block at once, and against a clo
    links       May this address be used? Host, scheme and path, asked before a byte leaves
"""

from .tokens import TokenProvider

__all__ = ["TokenProvider"]
