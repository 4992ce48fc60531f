"""
The admin: five models, each with a list; and a folder for the pages behind each.

    uploads      the list of uploads, and the page of one upload
    deployments  the list of deployments, and the page of one deployment
    rollouts     the list of rollouts, and the page of one rollout
    overview     the page *Overview*, and the page of one environment
    health       the page *Health*
    cloud        the page *Files in the cloud*
    log          what is done with rows of the log
    environment  what the overview shows of environments, and *Publish a site*
    deployment   the page of a deployment, and what is done from it
    rollout      the page of a rollout
    upload       the upload page
    health_page  what the page *Health* shows
    base         the base of all lists: read only, without slow queries; what is downloaded
    filters      the filters of the lists
    causes       uploads that failed, as cards: one for each cause
    columns      the columns of the uploads, and what all lists show
    places       the name, the alias and the public address of a row
    labels       labels for the words and numbers of the log
"""

from .deployments import DeploymentAdmin
from .health import HealthAdmin
from .overview import OverviewAdmin
from .rollouts import RolloutAdmin
from .uploads import UploadLogAdmin

__all__ = ["DeploymentAdmin", "HealthAdmin", "OverviewAdmin", "RolloutAdmin", "UploadLogAdmin"]
