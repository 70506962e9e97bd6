-- Prosody 0.12 with client certificates: for /etc/prosody/prosody.cfg.lua.
-- Made by: {{command}}
--
{{access}}
--
-- Prosody itself has no login by certificate. mod_auth_xmppki.lua brings it; it lies in this folder:
plugin_paths = { {{plugins}} }

modules_enabled = {
	"disco";
	"roster";
	"saslauth";
	"tls";
	"blocklist";
	"bookmarks";
	"carbons";
	"csi_simple";
	"limits";
	"pep";
	"ping";
	"posix";
	"private";
	"smacks";
	"time";
	"uptime";
	"vcard4";
	"vcard_legacy";
	"version";
}

pidfile = "/run/prosody/prosody.pid"
log = { info = "*syslog" }
limits = { c2s = { rate = "10kb/s" } }

c2s_require_encryption = true
c2s_ports = { 5222 }
-- TLS from the first byte (XEP-0368)
c2s_direct_tls_ports = { 5223 }

-- The server certificate with that of its CA behind it, and the key.
ssl = {
	certificate = {{chain}};
	key = {{key}};
}

local clients = {
	-- Clients are asked for a certificate, which must come from a CA in this file.
	verify = { "peer", "client_once" };
	cafile = {{ca}};
	-- By default the CAs of the operating system count as well: anybody could get a certificate of theirs.
	capath = false;
	-- By default clients may present certificates that are for servers.
	verifyext = { lsec_ignore_purpose = false };
}
c2s_ssl = clients
c2s_direct_tls_ssl = clients

authentication = "xmppki"
-- What the CAs have revoked; read again when a file changes. A list that is too old still counts, with a warning.
xmppki_crls = { {{crls}} }
-- Every so many seconds sessions end whose certificate has been revoked or has expired.
xmppki_check_interval = 60
{{passwords}}

VirtualHost {{domain}}
