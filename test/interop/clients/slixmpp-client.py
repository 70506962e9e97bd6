"""An XMPP client that is told what to do on standard input and tells what happens on standard output.

Both are lines of JSON. In: {"to": JID, "body": TEXT}, or for XEP-0257 {"certs": "get"} and {"certs": "add", "disable" or
"revoke", "name": NAME, "cert": BASE64, "manage": BOOLEAN}; the end of input ends the session. Out: events "online",
"message", "certs", "closed" (by the server, with an error), "refused". Exit code 0 after an orderly end, 1 when the
server did not let it in. A password is in the environment, in SLIXMPP_PASSWORD.
"""
import argparse
import asyncio
import json
import os
import ssl
import sys

import slixmpp
from slixmpp.exceptions import IqError

# A client left behind ends by itself. Longer than a file of tests takes: some clients are there for all of them.
LIFETIME_SECONDS = 600


def tell(event, **facts):
    print(json.dumps({"event": event, **facts}), flush=True)


class Client(slixmpp.ClientXMPP):
    def __init__(self, options):
        super().__init__(options.jid, os.environ.get("SLIXMPP_PASSWORD", ""))
        self.certfile = options.cert
        self.keyfile = options.key
        self.ca_certs = options.ca
        # slixmpp checks the chain when it has ca_certs, but never the name by itself.
        self.ssl_context.verify_mode = ssl.CERT_REQUIRED
        self.ssl_context.check_hostname = True
        if options.tls12:
            self.ssl_context.maximum_version = ssl.TLSVersion.TLSv1_2
        self.exit_code = 1
        self.done = asyncio.Event()
        self.offered = []
        self.add_event_handler("session_start", self.on_session_start)
        self.add_event_handler("message", self.on_message)
        self.add_event_handler("ssl_invalid_chain", lambda error: self.give_up(f"server certificate: {error}"))
        self.add_event_handler("connection_failed", lambda error: self.give_up(f"no connection: {error}"))
        self.add_event_handler("failed_auth", lambda stanza: self.give_up(f"SASL: {stanza['condition']}"))
        self.add_event_handler("no_auth", lambda _: self.give_up("SASL: no acceptable mechanism"))
        self.add_event_handler("stream_error", lambda error: tell("closed", condition=error["condition"]))
        self.register_plugin("xep_0257")
        self.add_event_handler("disconnected", lambda _: self.done.set())

    def give_up(self, reason):
        if not self.done.is_set():
            tell("refused", reason=reason, offered=sorted(self["feature_mechanisms"].mech_list))
        self.done.set()

    async def on_session_start(self, _):
        self.exit_code = 0
        self.send_presence()
        await self.get_roster()
        mechanisms = self["feature_mechanisms"]
        tell(
            "online",
            jid=str(self.boundjid),
            mechanism=mechanisms.mech.name,
            offered=sorted(mechanisms.mech_list),
            tls=self.socket.version(),
            starttls="starttls" in self.features,
        )
        asyncio.get_running_loop().add_reader(sys.stdin, self.on_command)

    def on_message(self, stanza):
        tell("message", **{"from": str(stanza["from"]), "to": str(stanza["to"]), "body": stanza["body"]})

    async def manage(self, command):
        plugin = self["xep_0257"]
        verb, name = command["certs"], command.get("name")
        try:
            if verb == "get":
                items = (await plugin.get_certs())["sasl_certs"]["items"]
                certs = [{"name": i["name"], "cert": i["x509cert"], "users": sorted(i["users"])} for i in items]
                tell("certs", certs=certs)
            elif verb == "add":
                await plugin.add_cert(name, command["cert"], allow_management=command["manage"])
                tell("certs", done=verb)
            else:
                await (plugin.disable_cert if verb == "disable" else plugin.revoke_cert)(name)
                tell("certs", done=verb)
        except IqError as error:
            tell("certs", error=error.condition)

    def on_command(self):
        # Whole lines arrive at once from a test; input is unbuffered, so that none waits unseen.
        data = os.read(sys.stdin.fileno(), 65536)
        if not data:
            asyncio.get_running_loop().remove_reader(sys.stdin)
            self.disconnect()
            return
        for line in data.decode().splitlines():
            command = json.loads(line)
            if "certs" in command:
                asyncio.ensure_future(self.manage(command))
                continue
            self.send_message(mto=command["to"], mbody=command["body"], mtype="chat")


async def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--jid", required=True)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--ca", required=True)
    parser.add_argument("--cert")
    parser.add_argument("--key")
    parser.add_argument("--direct-tls", action="store_true")
    parser.add_argument("--tls12", action="store_true")
    options = parser.parse_args()
    client = Client(options)
    client.connect(("127.0.0.1", options.port), use_ssl=options.direct_tls)
    try:
        await asyncio.wait_for(client.done.wait(), LIFETIME_SECONDS)
    except asyncio.TimeoutError:
        tell("refused", reason=f"no end within {LIFETIME_SECONDS} s")
        return 1
    return client.exit_code


if __name__ == "__main__":
    code = asyncio.run(main())
    sys.stdout.flush()
    # slixmpp leaves tasks behind that would keep the interpreter busy with warnings.
    os._exit(code)
