"""Why no call gets through to a TCP server: gRPC says little and for some causes nothing, so ask its port again."""

import socket
import ssl

from tunesmith.services._address import TcpAddress
from tunesmith.services._tls import ClientTls

PATIENCE = 2.0
"""Seconds that the server gets for each step."""
_OTHER_NAME = (62, 64)  # X509_V_ERR_HOSTNAME_MISMATCH, X509_V_ERR_IP_ADDRESS_MISMATCH


def tls_trouble(address: TcpAddress, tls: ClientTls | None) -> str | None:
    """A sentence on what both ends do not agree on; None: TLS is not the trouble, or nobody is there."""
    try:
        return _without_tls(address) if tls is None else _with_tls(address, tls)
    except OSError:  # nobody is there; ssl's own errors are told apart below
        return None


def _without_tls(address: TcpAddress) -> str | None:
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with _connected(address) as plain:
        try:
            context.wrap_socket(plain).close()
        except ssl.SSLError:
            return None
    return f"{address} speaks TLS: write https://{address}"


def _with_tls(address: TcpAddress, tls: ClientTls) -> str | None:
    context = tls.context()
    context.set_alpn_protocols(["h2"])
    with _connected(address) as plain:
        try:
            secure = context.wrap_socket(plain, server_hostname=address.host)
        except ssl.SSLCertVerificationError as error:
            return _distrusted(address, tls, error)
        except ssl.SSLError as error:
            if error.reason in ("WRONG_VERSION_NUMBER", "HTTP_REQUEST"):
                return f"{address} does not speak TLS: write the address without https://"
            return _refused(address, tls)
        with secure:
            return _after_handshake(secure, address, tls)


def _after_handshake(secure: ssl.SSLSocket, address: TcpAddress, tls: ClientTls) -> str | None:
    """With TLS 1.3 a server looks at the client's certificate only now: it begins to talk, or hangs up."""
    try:
        return None if secure.recv(1) else _refused(address, tls)
    except ssl.SSLError:
        return _refused(address, tls)


def _distrusted(address: TcpAddress, tls: ClientTls, error: ssl.SSLCertVerificationError) -> str:
    why = error.verify_message.rstrip(".")
    if error.verify_code in _OTHER_NAME:
        return f"the certificate of {address} is for another name ({why}): use the name that it was made for"
    known = "" if tls.ca is None else f" by {tls.ca}"
    return (
        f"the certificate of {address} is not trusted{known} ({why}): set TUNESMITH_CA or --ca to the PEM file of the"
        " authority that signed it"
    )


def _refused(address: TcpAddress, tls: ClientTls) -> str:
    if tls.cert is not None:
        return (
            f"{address} hung up in the TLS handshake: most likely it does not accept the client certificate {tls.cert}"
        )
    return (
        f"{address} hung up in the TLS handshake: most likely it wants a client certificate; set TUNESMITH_CERT and"
        " TUNESMITH_KEY, or --cert and --key"
    )


def _connected(address: TcpAddress) -> socket.socket:
    return socket.create_connection((address.host, address.port), timeout=PATIENCE)
