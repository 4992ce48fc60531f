"""
One upload that a person or a client asks for.

    submission  Submit once: a second submission shows what became of the first
    send        Authorize, look, upload, record: the way of the admin and the API
    progress    How far a submission, or a form's save, is on its way to the cloud
    unpublish   Who may make which files unpublic, and how that is done
    policy      Who may upload what, where
    queue       Hand work to the project's Celery
    selection   Which environments are meant: those that are named, and those that have tags
    rules       What can be said against a file: its name, place, size and content
"""

__all__ = ()
