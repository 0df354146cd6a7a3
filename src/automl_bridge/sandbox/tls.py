"""A certificate of a stand-in's own, for clients that insist on TLS.

It is made when the stand-in starts, lives as long, and is good for loopback names only. The bundle holds it
besides the authorities that are trusted anyway, so that a client which is pointed to it by a variable still
reaches everything else.
"""

from __future__ import annotations

import ipaddress
import shutil
import ssl
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["Certificate"]


class Certificate:
    """A self-signed certificate in a folder of its own; `close` removes it.

    Parameters
    ----------
    names
        Host names besides ``localhost`` and 127.0.0.1; all must be names of this machine.
    """

    def __init__(self, names: Sequence[str] = ()) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="automl-bridge-sandbox-"))
        self._key, self.certificate, self.bundle = (
            self.folder / name for name in ("key.pem", "certificate.pem", "bundle.pem")
        )
        key, certificate = _make([*names, "localhost"])
        self._key.touch(mode=0o600)
        self._key.write_bytes(key)
        self.certificate.write_bytes(certificate)
        self.bundle.write_bytes(_trusted() + certificate)

    def server_context(self) -> ssl.SSLContext:
        """Return what a server listens with; a client that says nothing holds up nobody but itself."""
        context = _LazyContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.certificate, self._key)
        return context

    def client_context(self) -> ssl.SSLContext:
        """Return what a client reaches this server with."""
        return ssl.create_default_context(cafile=str(self.certificate))

    def environment(self) -> Mapping[str, str]:
        """Return the variables by which Python's clients, requests and httpx among them, trust it."""
        return {"REQUESTS_CA_BUNDLE": str(self.bundle), "SSL_CERT_FILE": str(self.bundle)}

    def close(self) -> None:
        """Remove it."""
        shutil.rmtree(self.folder, ignore_errors=True)


class _LazyContext(ssl.SSLContext):
    """Shakes hands when the connection is first read: in its own thread, not in the one that accepts."""

    def wrap_socket(self, *args: Any, **options: Any) -> ssl.SSLSocket:
        return super().wrap_socket(*args, **{**options, "do_handshake_on_connect": False})


def _trusted() -> bytes:
    try:
        import certifi
    except ModuleNotFoundError:
        default = ssl.get_default_verify_paths().cafile
        return Path(default).read_bytes() if default else b""
    return Path(certifi.where()).read_bytes()


def _make(names: Sequence[str]) -> tuple[bytes, bytes]:
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "automl-bridge sandbox")])
    hosts = [x509.DNSName(host) for host in names]
    now = datetime.now(UTC)
    use = {"digital_signature": True, "key_cert_sign": True, "crl_sign": True, "content_commitment": False,
           "key_encipherment": False, "data_encipherment": False, "key_agreement": False, "encipher_only": False,
           "decipher_only": False}  # fmt: skip
    identifier = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=365))
        .add_extension(x509.SubjectAlternativeName([*hosts, x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), True)
        .add_extension(x509.KeyUsage(**use), True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), False)
        .add_extension(identifier, False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(identifier), False)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return private, certificate.public_bytes(serialization.Encoding.PEM)
