"""
The REST API of health: its address stands among those of ``wx_static_store.api.urls``.

    urls   the address
    views  the view of the doctor's results, and the members of its answer
"""
