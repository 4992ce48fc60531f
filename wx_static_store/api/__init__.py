"""
The REST API: ``path("wx/", include("wx_static_store.api.urls"))``.

    urls         the addresses, with those of other apps
    views        the views of uploads, of stores, of what is in the cloud, and of what waits
    deployments  the views of deployments and releases
    base         the base of the views: no default of the project applies
    schema       the OpenAPI document (extra ``schema``)
    operations   what a method of a view needs, takes and answers
    body         the body of a request, within its limits
    parameters   parameters of addresses, and fields of forms and bodies
    conditions   conditional requests (RFC 9110) and digests of the body
    idempotency  ``Idempotency-Key``: the first answer again, for a day
    serializers  the members of answers
    addresses    an address, with and without its last slash; those of rows
    lists        the rows that a caller may see: filters, and pages by a signed cursor
    problems     errors as RFC 9457 writes them, with a stable `code`
"""
