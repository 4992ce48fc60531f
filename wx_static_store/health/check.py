"""A check for django-health-check (extra ``health-check``): the doctor's verdict."""

from dataclasses import dataclass
from datetime import timedelta

from health_check import HealthCheck
from health_check.exceptions import ServiceUnavailable

from .doctor.latest import WITHIN, examined

__all__ = ["DoctorCheck"]


@dataclass
class DoctorCheck(HealthCheck):  # type: ignore[misc]
    """Fail while something is wrong; results of at most `max_age` seconds are used again."""

    max_age: float = 10.0
    timeout = timedelta(seconds=WITHIN + 5)  # no field, as in the base

    def run(self) -> None:
        if (found := examined(self.max_age))["status"] == "wrong":
            raise ServiceUnavailable(found["verdict"])

    check_status = run  # its name before 4.0
