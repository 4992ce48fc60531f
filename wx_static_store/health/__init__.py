"""
Health, a separate app: what is wrong, what to do about it, and who gets an alert.

    apps          Register the receivers that send alerts
    templatetags  ``{% wx_health %}``
    admin         The page *Health*
    api           ``GET health/``
    management    The commands ``wx_doctor`` and ``wx_alert``
    tasks         The task of Celery
    check         A check for django-health-check
    alerts        Send an alert when something fails
    doctor        The doctor's checks and their findings
    models        The table of facts
"""
