"""
One upload that a person or a client asks for.

    by_workers  Send uploads again in a worker, and note its refusals
    submission  Submit once: a second submission shows what became of the first
    send        Authorize, upload and record a file for the admin and the API
    progress    How far a submission, or a form's save, is on its way to the cloud
    download    Answers that are a file
    unpublish   Who may make which files unpublic, and the deletion itself
    policy      Whether a file may be uploaded: its name, its content, what it replaces
    access      Who may publish what where
    queue       Hand work to the project's Celery
    selection   Select environments by name and by tag
    rules       The rules on a file's name, folder, size and content
"""

__all__ = ()
