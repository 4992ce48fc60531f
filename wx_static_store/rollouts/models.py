"""The tables: rollouts, their environments, and the drift of each environment."""

from datetime import datetime
from itertools import accumulate

from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from ..core.releases import label_in_words
from ..exceptions import recorded
from ..models.columns import PrimaryQuerySet, link
from ..models.deployments import Deployment
from ..models.releases import Release
from .waves import AT_ONCE, wave_sizes

LONGEST = 200  # characters that a label holds, and the waves
LARGEST = 2**31 - 1  # that a number holds
# Said by name: where the app is not installed, Django would take the tables for the core's.
LABEL = "wx_static_store_rollouts"


class RolloutQuerySet(PrimaryQuerySet["Rollout"]):
    def open(self) -> "RolloutQuerySet":
        """Return the rollouts that may still begin an environment, or wait for one to end."""
        return self.exclude(state__in=Rollout.CLOSED)


class Rollout(models.Model):
    """One release to many environments of one store and folder."""

    class State(models.TextChoices):
        PLANNED = "planned", _("planned")
        RUNNING = "running", _("running")
        PAUSED = "paused", _("paused")
        STOPPED = "stopped", _("stopped")
        DONE = "done", _("done")

    CLOSED = (State.STOPPED, State.DONE)
    COUNTERS = ("waiting", "under_way", "done", "failed")

    using = models.CharField(_("store"), max_length=255)  # an alias of STORAGES
    folder = models.CharField(_("folder"), max_length=850, blank=True)  # where its keys begin
    # None in a roll back: each environment has a release of its own.
    release = link(Release, _("release"), related_name="rollouts")
    undoes = link("self", _("rolls back"), related_name="undone_by")
    state = models.CharField(
        _("state"), max_length=16, choices=State.choices, default=State.PLANNED
    )
    waves = models.CharField(_("waves"), max_length=LONGEST)  # as requested
    wave = models.PositiveIntegerField(_("wave"), default=0)  # the current one, from 1 on
    # So many environments may fail; the next failure stops the rollout.
    tolerate = models.PositiveIntegerField(_("tolerated failures"), default=0)
    max_parallel = models.PositiveIntegerField(_("most at once"), default=0)  # 0: see `room`
    verify = models.BooleanField(_("verify"), default=False)
    bake = models.PositiveIntegerField(_("seconds between waves"), default=0)
    deploy_at = models.DateTimeField(_("begins at"), null=True, blank=True)
    label = models.CharField(_("label"), max_length=LONGEST, blank=True)
    # A deleted user stays named: without a user, a rollout is that of a command.
    user = link(settings.AUTH_USER_MODEL, _("user"), related_name="+", on_delete=models.DO_NOTHING)
    created = models.DateTimeField(_("created"), auto_now_add=True)
    started = models.DateTimeField(_("started"), null=True, blank=True)
    wave_ended = models.DateTimeField(null=True)  # since when the current wave bakes
    ended = models.DateTimeField(_("ended"), null=True, blank=True)
    # Who writes it holds the rollout's lock, on every database.
    touched = models.DateTimeField(default=timezone.now)
    # How many environments are in which state: `rows.move` changes them with the environments.
    waiting = models.IntegerField(default=0)
    under_way = models.IntegerField(default=0)
    done = models.IntegerField(default=0)
    failed = models.IntegerField(default=0)

    objects = RolloutQuerySet.as_manager()
    now: datetime  # by the database's clock, under the lock

    class Meta:
        app_label = LABEL
        verbose_name = _("rollout")
        verbose_name_plural = _("rollouts")
        default_permissions = ()  # those of the deployments
        ordering = ("-id",)
        indexes = (models.Index(fields=["state", "id"], name="wx_rollout_state"),)

    def __str__(self) -> str:
        return self.shown_label or f"{self.release or self.pk}"

    @property
    def shown_label(self) -> str:
        """Return the label in the reader's language, if it was generated."""
        return label_in_words(self.label)

    @property
    def room(self) -> int:
        """Return how many more environments may begin now."""
        # If all that run at once fail, the limit is exceeded by one failure at most.
        allowed = self.tolerate + 1 - self.failed
        return max(0, min(self.max_parallel or AT_ONCE, allowed) - self.under_way)

    @property
    def wave_ends(self) -> list[int]:
        """Return how many environments have ended when each wave is over; 0 before the first."""
        count = sum(getattr(self, name) for name in Rollout.COUNTERS)
        return [0, *accumulate(wave_sizes(self.waves, count))]


class RolloutEnvironment(models.Model):
    """One environment of a rollout: its release, its state, and its deployment."""

    # It is not a waiting `Deployment`: those are in the order in which they began.

    class State(models.TextChoices):
        WAITING = "waiting", _("waiting")
        QUEUED = "queued", _("queued")  # a worker was asked
        RUNNING = "running", _("running")
        DONE = "done", _("done")
        FAILED = "failed", _("failed")

    UNDER_WAY = (State.QUEUED, State.RUNNING)

    rollout = models.ForeignKey(
        Rollout, models.CASCADE, related_name="environments", db_constraint=False, db_index=False
    )
    env = models.CharField(_("environment"), max_length=64)
    position = models.PositiveIntegerField()  # in the order in which they are begun
    wave = models.PositiveIntegerField(_("wave"))
    release = link(Release, _("release"), related_name="+")
    state = models.CharField(
        _("state"), max_length=16, choices=State.choices, default=State.WAITING
    )
    # Times are the database's: workers are on machines whose clocks differ.
    since = models.DateTimeField(_("since"), default=timezone.now)  # it has the state, for people
    asked = models.DateTimeField(null=True)  # when the last message was sent
    heard = models.DateTimeField(null=True)  # a worker's last sign of life
    not_before = models.DateTimeField(_("next try"), null=True, blank=True)
    # How often it was begun, or its message was discarded.
    tries = models.PositiveIntegerField(_("tries"), default=0)
    begun = models.DateTimeField(_("begun"), null=True, blank=True)  # by a worker, the first time
    before = link(Release, _("before"), related_name="+")  # what was live then
    deployment = link(Deployment, _("deployment"), related_name="+")
    cause = models.CharField(_("cause"), max_length=64, blank=True)
    errcode = models.IntegerField(_("errcode"), null=True, blank=True)
    message = models.CharField(_("message"), max_length=1000, blank=True)

    class Meta:
        app_label = LABEL
        verbose_name = _("environment of a rollout")
        verbose_name_plural = _("environments of a rollout")
        default_permissions = ()
        ordering = ("position",)
        constraints = (
            models.UniqueConstraint(fields=["rollout", "env"], name="wx_rollout_env_once"),
        )
        indexes = (
            models.Index(fields=["env", "id"], name="wx_rollout_env"),
            models.Index(fields=["rollout", "state", "position"], name="wx_rollout_next"),
        )

    now: datetime  # by the database's clock, where a query asks for it

    def __str__(self) -> str:
        return f"{self.env} {self.get_state_display()}"

    @property
    def text(self) -> str:
        """Return the message in the reader's language."""
        return recorded(self.message, self.cause, self.errcode, self.env)


class Drift(models.Model):
    """The last comparison of an environment with its live release of a store."""

    env = models.CharField(_("environment"), max_length=64)
    using = models.CharField(_("store"), max_length=255)
    missing = models.PositiveIntegerField(_("missing"), default=0)
    differs = models.PositiveIntegerField(_("other bytes"), default=0)
    unlogged = models.PositiveIntegerField(_("unlogged"), default=0)
    objects_seen = models.PositiveIntegerField(_("objects"), default=0)
    bytes_seen = models.PositiveBigIntegerField(_("bytes"), default=0)
    message = models.CharField(_("message"), max_length=1000, blank=True)  # why it was not seen
    checked = models.DateTimeField(_("checked"), default=timezone.now)

    class Meta:
        app_label = LABEL
        verbose_name = _("drift")
        verbose_name_plural = _("drift")
        default_permissions = ()
        constraints = (models.UniqueConstraint(fields=["env", "using"], name="wx_drift_once"),)

    def __str__(self) -> str:
        return f"{self.env} {self.using}"

    @property
    def is_clean(self) -> bool:
        """Return whether every file of the live release was there, unchanged."""
        return not (self.missing or self.differs or self.message)


class Overview(Deployment):
    # The page *Overview* has no table, but the admin lists only models.
    class Meta:
        app_label = LABEL
        proxy = True
        default_permissions = ()  # whoever sees deployments or uploads sees those of them
        verbose_name = _("overview")
        verbose_name_plural = _("overview")
