"""
The admin: three models, each with a list; and a folder for the pages behind each.

    uploads      the list of uploads, and the page of one upload
    deployments  the list of deployments, and the page of one deployment
    cloud        the page *Files in the cloud*
    log          actions on rows of the log, and their pages
    deployment   the pages of a deployment, and *Publish a site*
    upload       the upload page
    waiting      the list of waiting files, and the page of one
    base         the base of all lists: read only, without slow queries; downloads
    filters      the filters of the lists
    causes       uploads that failed, as cards: one for each cause
    columns      the columns of the uploads, and those of all lists
    places       the name, the alias and the public address of a row
"""

from .deployments import DeploymentAdmin
from .uploads import UploadLogAdmin
from .waiting import WaitingFileAdmin

__all__ = ["DeploymentAdmin", "UploadLogAdmin", "WaitingFileAdmin"]
