"""
The REST API: ``path("wx/", include("wx_static_store.api.urls"))``.

    urls         the addresses
    views        the views, and the permission for each method
    base         the base of the views: no default of the project applies
    schema       the OpenAPI document (extra ``schema``)
    operations   the operations as data, for the OpenAPI document
    body         the body of a request, within its limits
    parameters   parameters of addresses, and fields of the form
    answers      the answer to an upload: the result, and its row in the log
    conditions   conditional requests (RFC 9110) and digests of the body
    idempotency  ``Idempotency-Key``: the first answer again, for a day
    serializers  the members of answers
    guard        permissions and throttles
    log          the rows that a caller may see, and queries
    paging       pages by a signed cursor
    problems     errors as RFC 9457 writes them, with a stable `code`
"""

__all__ = ()
