"""Writes what Gajim keeps of one account, with Gajim's own code: its dialogs would want a mouse.

Arguments: the folder to write to, the bare JID, the port at 127.0.0.1. The password is in GAJIM_PASSWORD.
"""
import os
import sys

from gajim.common import app, configpaths
from gajim.common.settings import Settings

folder, jid, port = sys.argv[1:]
name, hostname = jid.split("@")
configpaths.set_separation(True)
configpaths.set_config_root(folder)
configpaths.init()
configpaths.create_paths()
app.settings = Settings(in_memory=False)
app.settings.init()
# There is no keyring here.
app.settings.set("use_keyring", False)
app.settings.add_account(name)
account = {
    "name": name,
    "hostname": hostname,
    "account_label": name,
    "password": os.environ["GAJIM_PASSWORD"],
    "savepass": True,
    "use_custom_host": True,
    "custom_host": "127.0.0.1",
    "custom_port": int(port),
    "custom_type": "START TLS",
    "active": True,
}
for key, value in account.items():
    app.settings.set_account_setting(name, key, value)
app.settings.save()
