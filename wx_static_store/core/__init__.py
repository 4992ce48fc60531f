"""
Values and functions that know no Django project.

    match         Compare known bytes with an object in a list
    naming        Name → object key, key → public URL, content headers; refuses what cannot be a key
    pushes        The settings that pushes need; why they are refused, and the newest refusal
    notes         What all processes remember together, in a Django cache that may fail
    releases      A release: the list of its files, packed into few bytes, and how two differ
    frames        The wrapped errors and the secret local variables of an exception
    hashed_names  Find out whether a file name carries a digest of its content, as bundlers write it
    interrupts    Ctrl-C and SIGTERM in a command: at once while it waits, else as soon as it waits
    qr            A public address as a QR code: these sites are opened in WeChat, on a phone
    redaction     Show a call and its answer without secrets, by an allow-list
    refusals      Each refusal: its text, and the permission that lifts it
    retry         The only retry loop: it follows the remedy of an exception, for every call
    types         Frozen values that travel between the layers, and the columns of the log
    secrets       Values that must never be printed, and their removal from the texts of others
"""
