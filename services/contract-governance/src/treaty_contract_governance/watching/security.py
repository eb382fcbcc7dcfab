"""The chassis's settings of Kafka's security, as FastStream takes them."""

from __future__ import annotations

import ssl

from faststream.security import BaseSecurity, SASLPlaintext, SASLScram256, SASLScram512

from treaty_chassis.settings import KafkaSecurity

__all__ = ["faststream"]

_MECHANISMS = {"PLAIN": SASLPlaintext, "SCRAM-SHA-256": SASLScram256, "SCRAM-SHA-512": SASLScram512}


def faststream(security: KafkaSecurity) -> BaseSecurity | None:
    """None for plain text. Raises OSError, ssl.SSLError where a certificate cannot be read."""
    context = None
    if security.tls:
        context = ssl.create_default_context(cafile=security.ca_file)
        if security.certificate_file is not None:
            context.load_cert_chain(security.certificate_file, security.key_file)
    if security.username is not None and security.password is not None:
        return _MECHANISMS[security.mechanism](
            username=security.username,
            password=security.password.get_secret_value(),
            ssl_context=context,
            use_ssl=security.tls,
        )
    return None if context is None else BaseSecurity(ssl_context=context, use_ssl=True)
