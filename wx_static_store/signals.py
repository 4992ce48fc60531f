"""Signals for the project: how uploads, deployments and rollouts ended, and WeChat's pushes."""

from django.dispatch import Signal

__all__ = [
    "deployment_finished",
    "event_received",
    "rollout_finished",
    "upload_finished",
    "upload_waiting",
]

# A receiver of any of them that fails is logged by Django, and changes nothing: they are sent after
# the row is written, in the thread that wrote it.

# With `result` (an `UploadResult`) and `context` (an `UploadContext`): each upload, stored or not.
# Within a transaction of the caller it is sent before the commit.
upload_finished: Signal = Signal()

# With `using` (the alias of the store), `env`, `key` and `name`: each file whose save waits until
# the cloud is there. Within a transaction of the caller it is sent before the commit.
upload_waiting: Signal = Signal()

# Within the package, with `using`: a deletion waits, or a person wants a file to be sent now.
push_wanted: Signal = Signal()

# With `env`, `deployment_id` (None if it failed before it had a row) and `outcome`: ``done``,
# ``failed`` (also if it was interrupted) or ``incomplete`` (rows are missing).
deployment_finished: Signal = Signal()

# With `rollout_id`, `state` (``done`` or ``stopped``) and `failed`: the number of environments
# whose failures stopped it; 0 where it is done, or a person stopped it.
rollout_finished: Signal = Signal()

# Sent for each genuine push that brings no ticket, with `info_type` (as "authorized"), `appid` (of
# the platform) and `fields` (the texts of the push by name, without its credentials). WeChat waits
# five seconds for the answer: hand long work on. WeChat gets `success` whatever a receiver does. A
# push may come twice.
event_received: Signal = Signal()
