"""The admin: the log of uploads and its actions, the upload page, the deployments."""

from .deployments import DeploymentAdmin
from .uploads import UploadLogAdmin

__all__ = ["DeploymentAdmin", "UploadLogAdmin"]
