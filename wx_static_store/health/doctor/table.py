"""All checks, in the order in which they are asked."""

from ...clients.component import CALL
from ...i18n import gettext_lazy as _
from . import (
    browser,
    cache,
    clock,
    database,
    environments,
    probe,
    pushes,
    quota,
    services,
    settings,
    token,
    waiting,
)
from .findings import Check

# An entry is read as one.
# fmt: off
CHECKS: tuple[Check, ...] = (
    Check("settings.checks", _("Are the settings right?"), settings.check_system,
        means=_("Django runs no command while there is an error. A warning is a setting that works "
                "with a drawback. Without DEBUG, the checks of check --deploy are included."),
        remedy=_("Correct the setting that the message names.")),
    # Before all that may ask the database: a function of the project's, too.
    Check("database.tables", _("Are the tables of the app there?"), database.check_tables,
        means=_("Without its table an app does not work: no upload is logged, or the callback "
                "keeps no ticket and no token is fetched."),
        remedy=_("Run manage.py migrate.")),
    Check("database.log", _("Can the log of uploads be written?"), database.check_log,
        means=_("Uploads go on without the log, but nobody sees them in the admin and the API."),
        remedy=_("Give the database user of this process the right to write the tables of the "
                 "app."), needs=("database.tables",)),
    Check("settings.stores", _("Which stores are there, and at which environments?"),
        settings.check_stores,
        means=_("The checks below look at these stores and environments."),
        remedy=_('Add a storage of wx_static_store to STORAGES: "default": {"BACKEND": '
                 '"wx_static_store.storage.WxStorage"}.')),
    Check("cache.works", _("Does the cache that all processes share work?"), cache.check_works,
        means=_("All processes share the platform's token and the locks of deploys in it. If it "
                "fails, each process fetches its own token, which ends the others."),
        remedy=_("Set TOKEN_CACHE to an alias of CACHES with Redis or Memcached."),
        needs=("settings.stores",)),
    Check("cache.eviction", _("May the cache drop the token before its time?"),
        cache.check_eviction,
        means=_("If the cache drops the token, a process fetches a new one. This ends the token "
                "that other processes still use."),
        remedy=_("Give the token a Redis of its own by TOKEN_CACHE, or set its maxmemory-policy to "
                 "noeviction."), needs=("cache.works",)),
    Check("storages.writable", _("Can the private storages be written?"), services.check_storages,
        means=_("Without the release storage no release is kept, so nothing can be rolled back or "
                "rolled out. Without the waiting storage no file waits while WeChat is away."),
        remedy=_("Check the folder or bucket, its credentials and its free space."),
        needs=("settings.stores",)),
    Check("workers.answer", _("Do the broker and a worker of Celery answer?"),
        services.check_workers,
        means=_("Without a broker no rollout begins; without a worker it waits in the queue."),
        remedy=_("Start one: celery -A PROJECT worker. A worker with the pool solo answers between "
                 "two tasks only."), needs=("settings.stores",)),
    Check("workers.waiting", _("Does a worker do what was handed to Celery?"),
        services.check_stalled,
        means=_("If a task waits for more than two minutes, the workers or beat of Celery do not "
                "run, or hang."),
        remedy=_("Start the workers and beat, or look at their logs."), needs=("database.tables",)),
    Check("waiting.nobody", _("Does wx_push run?"), waiting.check_pusher,
        means=_("A file that waits is not public until wx_push, or the task push_waiting, sends "
                "it."),
        remedy=_("Run manage.py wx_push each minute by cron, or wx_push --watch as a service, or "
                 "put wx_static_store.tasks.push_waiting into the beat schedule of Celery."),
        needs=("settings.stores", "database.tables")),
    Check("waiting.old", _("Are waiting files sent within a quarter of an hour?"),
        waiting.check_old,
        means=_("The addresses of these files show nothing yet, or the old bytes. After an outage, "
                "wx_push needs some minutes for many files."),
        remedy=_("Run manage.py wx_push and read its output. If it counts files as elsewhere, the "
                 "settings lack their store or environment."),
        needs=("settings.stores", "database.tables")),
    Check("waiting.parked", _("Can every waiting file be sent without a person?"),
        waiting.check_parked,
        means=_("WeChat or COS refused the file itself, or it failed too often. It is not tried "
                "again by itself, and its bytes are kept."),
        remedy=_("Open Waiting files in the admin: its row says why. Then send it now, or give it "
                 "up. Saving the file again under its name replaces it."),
        needs=("settings.stores", "database.tables")),
    Check("token.pushes", _("Do WeChat's pushes arrive, and are they accepted?"),
        pushes.check_pushes,
        means=_("WeChat pushes every ten minutes. An hour without a push is a fault."),
        remedy=_("Compare the authorization event URL at WeChat with the address of "
                 "wx_static_store.callback. Look for a firewall or a proxy on the way. The log "
                 "wx_static_store.security names each refused push, and CALLBACK_TOKEN, "
                 "CALLBACK_AES_KEY or the clock as the reason. If WeChat sends none, call "
                 "api_start_push_ticket."), needs=("settings.stores",)),
    Check("token.ticket", _("Is there a verify ticket, by which a token is fetched?"),
        pushes.check_ticket,
        means=_("A ticket lives 12 hours, and WeChat pushes one every ten minutes. If the newest "
                "is older than an hour, the pushes do not arrive."),
        remedy=_("The check token.pushes says whether pushes arrive. If WeChat sends none, call "
                 "api_start_push_ticket."), needs=("settings.stores",)),
    Check("token.source", _("Where does the token come from, and is there one?"),
        token.check_source,
        means=_("TOKEN_PROVIDER counts first, then ACCESS_TOKEN. Without both, the app fetches the "
                "token with COMPONENT_APPID, and shares it in the cache TOKEN_CACHE."),
        remedy=_("Correct what the line names: the setting, the provider, or the verify ticket."),
        needs=("settings.stores",), least=CALL),
    Check("token.accepted", _("Does WeChat accept the token?"), token.check_accepted,
        means=_("The errcode of a refusal says whether the token, the address or the platform is "
                "wrong."),
        remedy=_("Look up the errcode in the documentation."), needs=("token.source",)),
    Check("quota.calls", _("How many calls does WeChat still allow today?"), quota.check_calls,
        means=_("WeChat gives no figure for some calls, and its figures are not exact. They are "
                "kept for ten minutes, also for wx_deploy."),
        remedy=_("Send less urgent files tomorrow: each file costs a call."),
        needs=("token.accepted",)),
    Check("environments.listed", _("Which environments does the platform have?"),
        environments.check_listed,
        means=_("The list holds the environments that the platform created. An environment that a "
                "mini program opened itself cannot be used."),
        remedy=_("Check COMPONENT_APPID. If it is right, create an environment: in the console, or "
                 "by WeChat's call createenv, which costs money."), needs=("token.accepted",)),
    Check("environments.known",
        _("Does the platform have the environments of the settings?"), environments.check_known,
        means=_("An upload to an environment that is not in the list fails with -501000."),
        remedy=_("Correct ENV, the option env of the store, or what ENVIRONMENTS returns."),
        needs=("environments.listed",)),
    Check("environments.usable", _("Are the environments ready?"), environments.check_usable,
        means=_("Only an environment with the status NORMAL can be used."),
        remedy=_("Look at the environment in the CloudBase console."),
        needs=("environments.listed",)),
    Check("environments.hosting", _("Is the static hosting of each environment open?"),
        environments.check_hosting,
        means=_("Only a hosting with the status online takes files."),
        remedy=_("Look at the hosting in the CloudBase console."), needs=("environments.listed",),
        at_envs=True),
    Check("environments.files", _("Does WeChat list the files of an environment?"),
        environments.check_files,
        means=_("A save looks there whether its name is free, and a deploy which files have "
                "changed. The doctor asks the first environment only."),
        remedy=_("Look up the errcode in the documentation."), needs=("environments.listed",),
        at_envs=True),
    Check("browser.cors", _("May browsers upload by themselves?"), browser.check_cors,
        means=_("Without a CORS rule, browsers cannot PUT to the bucket. This is usual: uploads go "
                "through this server. But no upload works if the bucket is missing, or if a proxy "
                "answers with a page of its own."),
        remedy=_("Look at the static hosting of the environment in the CloudBase console."),
        needs=("environments.listed",), at_envs=True),
    Check("clock", _("Is our clock right?"), clock.check_clocks,
        means=_("If the clock is wrong by more than half a minute, the times in the log are wrong, "
                "and pushes may be refused for their age."),
        remedy=_("Set the clock of this machine by NTP."), needs=("settings.stores",)),
    *probe.CHECKS,  # with --probe only
)
# fmt: on
