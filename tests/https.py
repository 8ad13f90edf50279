"""What speaks https on this machine: a certificate to trust, and a front that hands plain HTTP on to a server."""

from __future__ import annotations

import datetime
import ipaddress
import socket
import socketserver
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID


def certificate(folder: Path) -> tuple[Path, Path]:
    """A self-signed certificate of 127.0.0.1 and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    chain, secret = folder / "certificate.pem", folder / "key.pem"
    chain.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    secret.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return chain, secret


@contextmanager
def served(server: socketserver.BaseServer, folder: Path) -> Iterator[tuple[str, Path]]:
    """Serve by https with a certificate of its own: the address, and the certificate to trust."""
    chain, secret = certificate(folder)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(chain, secret)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield f"https://127.0.0.1:{server.socket.getsockname()[1]}", chain
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@contextmanager
def front(port: int, folder: Path) -> Iterator[tuple[str, Path]]:
    """An https address for the plain server at that port, and the certificate to trust."""

    class Both(socketserver.BaseRequestHandler):
        """Hands on what comes, in both directions, until either side has ended."""

        def handle(self) -> None:
            with socket.create_connection(("127.0.0.1", port)) as behind:
                back = threading.Thread(target=_hand_on, args=(behind, self.request), daemon=True)
                back.start()
                _hand_on(self.request, behind)
                back.join()

    class Front(socketserver.ThreadingTCPServer):
        daemon_threads = True
        allow_reuse_address = True

    with served(Front(("127.0.0.1", 0), Both), folder) as found:
        yield found


def _hand_on(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while found := source.recv(65536):
            target.sendall(found)
    with suppress(OSError):
        target.shutdown(socket.SHUT_WR)
