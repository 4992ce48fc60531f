"""
The admin: the log of uploads and its actions, the upload page, the deployments.

    uploads         The log of uploads: a list to search in, and a page that tells all of one upload
    actions         What the log's rows can be asked: to be sent again, compared with the cloud, exp
    deployments     The deployments: how each ended, and the uploads of it that failed
    upload          The upload page: what it sends is public for everybody
    base            What the two logs share: they are read, and nothing in them is added or changed
    columns         How the facts of a row are shown: short in a list, with what to do about it on a
    filters         Filters of the two lists, each a short list of choices that an index serves
    upload_preview  What would become of files, told before one of them is sent; nobody outside is a
    export          The log as CSV and JSON: streamed, however long it is
    paging          Pages of a table that nobody counts to its end
    places          Where a row belongs: its environment's name, the alias that writes there, the pu
    upload_outcome  How one uploaded file fared, as the page shows it
    upload_form     The form of the upload page, and the texts that its script says
    words           What the log keeps as a word or a number, as its reader is told it: in a word or
"""

from .deployments import DeploymentAdmin
from .uploads import UploadLogAdmin

__all__ = ["DeploymentAdmin", "UploadLogAdmin"]
