"""Certificates of 127.0.0.1 that a server shows: a good one, and what is wrong with the others."""

from __future__ import annotations

import ssl
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

# From and until when each is valid, in days from now.
_LIVES = {"expired": (-10, -5), "early": (5, 10)}


def self_signed(folder: Path, fault: str = "") -> Path:
    """Make a certificate and its key: expired, early, of another name, for another purpose."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "wx-static-store test")])
    address = "192.0.2.1" if fault == "name" else "127.0.0.1"
    start, end = _LIVES.get(fault, (-1, 1))
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(datetime.now(UTC) + timedelta(days=start))
        .not_valid_after(datetime.now(UTC) + timedelta(days=end))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(IPv4Address(address))]), critical=False
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
    )
    if fault == "purpose":
        only = [x509.ExtendedKeyUsageOID.CODE_SIGNING]
        made = made.add_extension(x509.ExtendedKeyUsage(only), critical=True)
    path = folder / f"{fault or 'good'}.pem"
    pem = serialization.Encoding.PEM
    plain = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    path.write_bytes(
        made.sign(key, hashes.SHA256()).public_bytes(pem) + key.private_bytes(pem, *plain)
    )
    return path


def shown_by_server(path: Path) -> ssl.SSLContext:
    """Return the TLS of a server that shows a certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path)
    return context
