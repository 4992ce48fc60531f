"""How fast it is, against a raw client and against its peers: ``make bench``."""
