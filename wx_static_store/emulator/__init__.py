"""
WeChat's open platform, Tencent COS and the hosted site, emulated on loopback.

Written from the documents, not from the client beside it: a second opinion. Standard library only;
to push tickets, it needs cryptography.

    __main__       The emulator as a command: `python -m wx_static_store.emulator`
    server         The emulator as one object: start it, point a client at it, look into it
    open_platform  WeChat's open platform: who may call, and the four calls of static hosting
    control        The control plane under `/__emulator__/`: look inside and change things, with cur
    credentials    The calls that need no token but the platform's own secret
    object_store   Tencent COS, as far as a signed link leads: PUT Object, with everything that it c
    site           The public site: what a browser gets from the environment's address
    tickets        WeChat's ticket sender: an encrypted push to the platform's own address, every te
    manual         The manual: printed by `--help` and by `GET /__emulator__/`
    state          Everything the emulator remembers: environments, objects, tokens, faults and the
    faults         Faults by script: which request meets which fault
    kinds          The table of faults: what each kind is called, what it takes and what it does
    effects        What each kind of fault does: to the answer, to the body of a PUT, on the wire
    listeners      The sockets: one accepting thread for all listeners, one thread for each connecti
    bucket         The objects of one environment, in memory or in a folder that survives a restart
    limits         Who may call and how often: the IP allow-list, the call counters and their cleari
    wire           The client's end of a connection: how an answer leaves, well or badly
    answers        What is answered: one value for every listener, and the shapes of WeChat's and CO
    crc64          CRC-64/XZ, the checksum of `x-cos-hash-crc64ecma`: eight table look-ups for eight
    incoming       What is asked: the head of one request and a reader for its body
    quirks         The switches: where the documents are silent or differ, the emulator can do eithe
    signing        The request signature of Tencent COS: made for links, checked on every PUT
    tokens         What the platform hands out: access tokens, of which the newest counts, and verif
    variants       How a push may differ from a right one: forged, damaged or only late, for tests o
"""

from .server import EmulatorServer

__all__ = ["EmulatorServer"]
