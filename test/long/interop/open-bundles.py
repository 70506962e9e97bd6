"""Opens every bundle below a folder with GLib's TLS. Arguments: the folder, the password. Prints what cannot be opened."""
import pathlib
import sys

from gi.repository import Gio

folder, password = sys.argv[1:]
for path in sorted(pathlib.Path(folder).iterdir()):
    try:
        certificate = Gio.TlsCertificate.new_from_file_with_password(str(path), password)
        if not certificate.props.private_key_pem:
            print(path.name, "has no key")
    except Exception as error:
        print(path.name, error)
