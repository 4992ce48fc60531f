"""Signals for the project: what WeChat pushes to `callback` that is not a ticket."""

from django.dispatch import Signal

__all__ = ["event_received"]

# Sent for each genuine push that brings no ticket, with `info_type` (as "authorized"), `appid` (of
# the platform) and `fields` (the texts of the push by name, without its credentials). WeChat waits
# five seconds for the answer: hand long work on. A receiver that fails is logged by Django, WeChat
# gets `success`. A push may come twice.
event_received = Signal()
