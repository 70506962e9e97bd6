"""Opens a PKCS #12 bundle with a library and prints what is in it as JSON.

usage: read-pkcs12.py cryptography|gio FILE PASSWORD-FILE
"""
import json
import sys


def read_with_cryptography(file, password):
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.serialization import pkcs12

    encoding = serialization.Encoding.PEM
    with open(file, "rb") as stream:
        bundle = pkcs12.load_pkcs12(stream.read(), password.encode())
    certificates = [bundle.cert, *bundle.additional_certs]
    key = bundle.key.private_bytes(
        encoding, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return {
        "certificates": [item.certificate.public_bytes(encoding).decode() for item in certificates],
        "key": key.decode(),
        "friendlyName": bundle.cert.friendly_name.decode(),
    }


def read_with_gio(file, password):
    from gi.repository import Gio

    certificate = Gio.TlsCertificate.new_from_file_with_password(file, password)
    chain = []
    link = certificate
    while link is not None:
        chain.append(link.props.certificate_pem)
        link = link.get_issuer()
    return {"certificates": chain, "key": certificate.props.private_key_pem}


READERS = {"cryptography": read_with_cryptography, "gio": read_with_gio}

library, file, password_file = sys.argv[1:]
with open(password_file, encoding="ascii") as stream:
    secret = stream.read().strip()
try:
    print(json.dumps(READERS[library](file, secret)))
except Exception as error:
    sys.exit(f"{type(error).__name__}: {error}")
