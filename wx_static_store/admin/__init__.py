"""
The admin: the log of uploads and its actions, the upload page, the deployments, the rollouts, the
health.

    uploads         the list of uploads, and the page of one upload
    failing         the page *Still failing*
    files_chosen    what the page *Files in the cloud* does with chosen files
    files_zip       chosen files as one archive, streamed
    files           this page
    files_page      what it shows
    files_place     the store, the environment and the folder that it is about
    actions         upload again, compare with the cloud, export
    steps           the page of a long action, which does it in small steps
    step_results    what one step did, and all counts in sentences
    diagnosis       what WeChat received with the call of a refused upload
    overview        the page *Overview*, and the page of one environment
    publish         the page *Publish a site*
    deployments     the list of deployments, and the page of one deployment
    rollback        the page *Roll back to this* of a deployment
    compare         the page *Compare* of a deployment
    comparison      what this page shows
    release_pages   the base of both pages
    rollouts        the list of rollouts
    rollout_page    the page of one rollout, and what its buttons do
    rollout_progress  what this page shows
    rollout_columns   the columns of the rollouts
    overview_page   what the page of one environment shows
    overview_table  what the page *Overview* shows
    health          the page *Health*
    health_page     what this page shows
    upload          the upload page
    causes          uploads that failed, as cards: one for each cause
    charts          small charts as SVG
    base            the base of both lists: read only, without slow queries
    deployment_columns  the columns of the deployments
    columns         the columns of the uploads, and what both lists show
    filters         the filters of the lists
    upload_preview  what an upload would do, before a byte is sent
    upload_status   what became of the attempts of an upload page
    export          the log as CSV and JSON, streamed
    places          the name, the alias and the public address of a row
    upload_outcome  the result of one uploaded file, as the page shows it
    upload_form     the form of the upload page, and the texts of its script
    labels          labels for the words and numbers of the log
"""

from .deployments import DeploymentAdmin
from .health import HealthAdmin
from .overview import OverviewAdmin
from .rollouts import RolloutAdmin
from .uploads import UploadLogAdmin

__all__ = ["DeploymentAdmin", "HealthAdmin", "OverviewAdmin", "RolloutAdmin", "UploadLogAdmin"]
