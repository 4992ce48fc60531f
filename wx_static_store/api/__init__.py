"""
The REST API: ``path("wx/", include("wx_static_store.api.urls"))``.

    urls                    the addresses
    views                   the views, and the permission for each method
    deployments             the views of deployments and releases
    rollouts                the views of rollouts
    base                    the base of the views: no default of the project applies
    schema                  the OpenAPI document (extra ``schema``)
    operations              the operations as data, for the OpenAPI document
    examples                examples of answers
    rollout_bodies          the bodies of requests about rollouts
    body                    the body of a request, within its limits
    parameters              parameters of addresses, and fields of the form
    answers                 the answer to an upload: the result, and its row in the log
    conditions              conditional requests (RFC 9110) and digests of the body
    idempotency             ``Idempotency-Key``: the first answer again, for a day
    rollout_serializers     the members of the answers about rollouts
    deployment_serializers  the members of the answers about deployments and releases
    serializers             the members of answers
    links                   the addresses of rows
    guard                   permissions and throttles
    log                     the rows that a caller may see, and queries
    paging                  pages by a signed cursor
    problems                errors as RFC 9457 writes them, with a stable `code`
"""

__all__ = ()
