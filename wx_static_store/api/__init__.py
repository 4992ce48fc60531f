"""
The REST API: ``path("wx/", include("wx_static_store.api.urls"))``.

    urls         ?
    views        The views: each method needs a permission that `needs` names, and is shut without o
    base         What all views have in common: nothing of the project's defaults decides in them
    schema       Our part of the OpenAPI document that drf-spectacular makes of a project (extra ``s
    operations   What each operation does, takes and answers, in data: the OpenAPI document is made
    body         The body of a request: never more of it than allowed, never less than was declared
    parameters   What comes in: the parameters of each address, and the fields of the form
    answers      The answer to an upload: how it ended, and where its row in the log is
    conditions   What a client wants of the file that is there (RFC 9110), and of the bytes that it
    idempotency  ``Idempotency-Key``: the first answer again, for a day
    serializers  What goes out
    guard        Who may call what, and how often
    log          The rows of the log that a caller may see, and those that are asked for
    paging       Pages by a cursor that nobody can make or change
    problems     What went wrong, as RFC 9457 writes it: a stable `code`, a status, a text, the id o
"""

__all__ = ()
