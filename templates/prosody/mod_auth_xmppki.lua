-- Logs users of Prosody 0.12 in by their TLS client certificates (SASL EXTERNAL, RFC 6120 and XEP-0178).
-- Part of xmppki, MIT licence. Put it into a folder of plugin_paths and set authentication = "xmppki".
--
-- A certificate counts when its chain leads to a CA of `cafile` in c2s_ssl, when it is valid now, is for clients, and is
-- not in a list of xmppki_crls. It decides who the user is: by its one id-on-xmppAddr, else by its one Common Name. Several
-- addresses are for the client to choose from. Nothing is taken from another domain.
--
-- Options: xmppki_crls, files with CRLs of those CAs, PEM; xmppki_check_interval, every how many seconds sessions are ended
-- whose certificate does not count any more (default: 60); xmppki_passwords, whether the accounts of auth_internal_hashed
-- may log in with their passwords as well (default: false).

local base64 = require "util.encodings".base64;
local nodeprep = require "util.encodings".stringprep.nodeprep;
local jid_split = require "util.jid".prepped_split;
local lfs = require "lfs";

local host = module.host;
local crl_files = module:get_option_array("xmppki_crls", {});
local check_interval = module:get_option_number("xmppki_check_interval", 60);
local with_passwords = module:get_option_boolean("xmppki_passwords", false);

-- Who has logged in with a certificate: there is no other list of accounts.
local accounts = module:open_store("xmppki_accounts");

local OID_COMMON_NAME = "2.5.4.3";
local OID_SUBJECT_ALT_NAME = "2.5.29.17";
local OID_XMPP_ADDR = "1.3.6.1.5.5.7.8.5";

--- DER

-- Where the contents of the element at this place begin and end, and its tag.
local function element(der, at)
	local tag, length = der:byte(at, at + 1);
	local first = at + 2;
	if length and length >= 0x80 then
		local size = length - 0x80;
		if size == 0 or size > 4 then error("a length that DER does not have"); end
		length = 0;
		for place = first, first + size - 1 do
			length = length * 256 + (der:byte(place) or error("it is cut off"));
		end
		first = first + size;
	end
	if not length or first + length - 1 > #der then error("it is cut off"); end
	return first, first + length - 1, tag;
end

local SEQUENCE, INTEGER, UTC_TIME, GENERALIZED_TIME = 0x30, 0x02, 0x17, 0x18;

-- Takes the elements of a SEQUENCE one after the other, whole.
local function elements(der)
	local at, last, tag = element(der, 1);
	if tag ~= SEQUENCE then error("it is not a sequence"); end
	return function ()
		if at > last then return nil; end
		local start = at;
		local _, finish, inner = element(der, at);
		at = finish + 1;
		return der:sub(start, finish), inner;
	end
end

local function contents(whole)
	local first, last = element(whole, 1);
	return whole:sub(first, last);
end

local function decode_pem(pem, label)
	local body = pem:match("%-%-%-%-%-BEGIN "..label.."%-%-%-%-%-(.-)%-%-%-%-%-END "..label.."%-%-%-%-%-");
	return body and base64.decode((body:gsub("%s", ""))) or error("it has no "..label);
end

--- Certificate revocation lists

-- Issuer and serial number in one string (RFC 5280 §4.1): the version comes before them.
local function identify(cert)
	local tbs = elements(decode_pem(cert:pem(), "CERTIFICATE"))();
	local fields = elements(tbs);
	local serial, tag = fields();
	if tag ~= INTEGER then serial = fields(); end
	fields(); -- signature
	return fields()..serial;
end

-- A time as os.date writes it below, in four digits of year (RFC 5280 §4.1.2.5).
local function time_of(whole, tag)
	local text = contents(whole);
	if tag == GENERALIZED_TIME then return text; end
	return (tonumber(text:sub(1, 2)) < 50 and "20" or "19")..text;
end

-- What a list says (RFC 5280 §5.1): which certificates it names, and until when it is good.
local function parse_crl(pem)
	local fields = elements(elements(decode_pem(pem, "X509 CRL"))());
	local field, tag = fields();
	if tag == INTEGER then fields(); end -- version, then signature
	local issuer = fields();
	fields(); -- thisUpdate
	local list = { revoked = {}, next_update = nil };
	field, tag = fields();
	if tag == UTC_TIME or tag == GENERALIZED_TIME then
		list.next_update = time_of(field, tag);
		field, tag = fields();
	end
	if tag == SEQUENCE then
		for entry in elements(field) do list.revoked[issuer..elements(entry)()] = true; end
	end
	return list;
end

local function read_crl(path)
	local file, reason = io.open(path, "rb");
	if not file then error(reason); end
	local pem = file:read("*a");
	file:close();
	return parse_crl(pem);
end

local lists = {}; -- by path

-- The list in a file, read anew when the file is another one. One that cannot be read leaves the last good one in force.
local function current_list(path)
	local about = lfs.attributes(path) or {};
	local version = table.concat({ about.ino or 0, about.size or 0, about.modification or 0 }, " ");
	local known = lists[path];
	if known and known.version == version then return known; end
	local ok, list = pcall(read_crl, path);
	if not ok then
		module:log("error", "cannot read the CRL %s: %s", path, list);
		list = { revoked = known and known.revoked or {} };
	end
	list.version = version;
	lists[path] = list;
	return list;
end

local function is_revoked(cert)
	local id = identify(cert);
	for _, path in ipairs(crl_files) do
		local list = current_list(path);
		if list.next_update and list.next_update < os.date("!%Y%m%d%H%M%SZ") and not list.told then
			list.told = true;
			module:log("warn", "the CRL %s is out of date since %s; it still counts", path, list.next_update);
		end
		if list.revoked[id] then return true; end
	end
	return false;
end

--- Certificates

local function describe(name)
	local parts = {};
	for _, part in ipairs(name) do parts[#parts + 1] = (part.name or part.oid).."="..part.value; end
	return (table.concat(parts, ","):gsub("%c", "?"));
end

-- Every problem of the chain in one line; depth 0 is the certificate itself.
local function describe_errors(errors)
	local texts = {};
	for depth, list in pairs(type(errors) == "table" and errors or {}) do
		for _, text in ipairs(type(list) == "table" and list or { list }) do
			texts[#texts + 1] = text..(depth == 1 and "" or " (above it)");
		end
	end
	return #texts > 0 and table.concat(texts, ", ") or "its chain leads to no CA of cafile";
end

-- What can change after the handshake.
local function refusal_now(cert)
	if not cert:validat(os.time()) then return "it is not valid now"; end
	local ok, revoked = pcall(is_revoked, cert);
	if not ok then return "it cannot be read: "..tostring(revoked); end
	return revoked and "it is revoked" or nil;
end

local function refusal_of(cert, socket)
	if not cert then return "there is none"; end
	local is_trusted, errors = socket:getpeerverification();
	if not is_trusted then return describe_errors(errors); end
	return refusal_now(cert);
end

-- The certificate of a client if it counts, else nothing and why it does not.
local function accepted_certificate(session)
	-- A BOSH session has no connection of its own.
	local conn = session.secure and session.conn;
	local socket = conn and conn.socket and conn:socket();
	local cert = socket and socket.getpeercertificate and socket:getpeercertificate();
	local refusal = refusal_of(cert, socket);
	if not refusal then return cert; end
	if cert then
		session.log("info", "EXTERNAL not offered: %s (subject %s, issuer %s, serial %s)", refusal,
			describe(cert:subject()), describe(cert:issuer()), cert:serial());
	end
	return nil, "the client certificate does not count: "..refusal;
end

--- Names

-- The username in a bare JID at this host.
local function local_user(address)
	if address:find("%c") then return nil; end
	local username, domain, resource = jid_split(address);
	if domain == host and not resource then return username; end
end

local function common_name(cert)
	local found;
	for _, part in ipairs(cert:subject()) do
		if part.oid == OID_COMMON_NAME then
			if found then return nil; end
			found = part.value;
		end
	end
	return found;
end

-- The users that a certificate names, of which the client must choose one when there are several.
local function names_in(cert)
	cert:setencode("utf8");
	local extensions = cert:extensions();
	local alternatives = extensions and extensions[OID_SUBJECT_ALT_NAME];
	local addresses = alternatives and alternatives[OID_XMPP_ADDR];
	if addresses and addresses[1] then
		local users = {};
		for _, address in ipairs(addresses) do
			local username = local_user(address);
			if username then users[username] = true; end
		end
		return users, #addresses;
	end
	local name = common_name(cert);
	if not name or name:find("[/%c]") then return {}, 1; end
	local username;
	if name:find("@", 1, true) then username = local_user(name); else username = nodeprep(name); end
	return username and username ~= "" and { [username] = true } or {}, 1;
end

-- The user who logs in, else nothing and the condition of the failure (RFC 6120 §6.5).
local function user_for(cert, authzid)
	local users, count = names_in(cert);
	if authzid ~= "" then
		local username = local_user(authzid);
		if username and users[username] then return username; end
		return nil, "invalid-authzid";
	end
	if count > 1 then return nil, "invalid-authzid"; end
	local username = next(users);
	return username, not username and "not-authorized" or nil;
end

--- Accounts

local passwords;
if with_passwords then
	module:depends("auth_internal_hashed");
	for _, provider in ipairs(module:get_host_items("auth-provider")) do
		if provider.name == "internal_hashed" then passwords = provider; end
	end
	assert(passwords, "auth_internal_hashed provides no accounts");
end

local function remember(username)
	if not accounts:get(username) then accounts:set(username, { first_login = os.time() }); end
end

--- SASL

local handler = {};
handler.__index = handler;

local function new_handler(session)
	local inner = passwords and passwords.get_sasl_handler(session) or nil;
	local self = setmetatable({ session = session, inner = inner }, handler);
	if inner and inner.add_cb_handler then
		function self.add_cb_handler(_, name, callback) inner:add_cb_handler(name, callback); end
	end
	return self;
end

function handler:clean_clone()
	return new_handler(self.session);
end

function handler:mechanisms()
	local mechanisms = self.inner and self.inner:mechanisms() or {};
	if accepted_certificate(self.session) then mechanisms.EXTERNAL = true; end
	return mechanisms;
end

function handler:select(mechanism)
	if self.selected then return false; end
	-- Also where it was not offered: then there is an answer that says why.
	local is_known = mechanism == "EXTERNAL" or (self.inner and self.inner:select(mechanism));
	if is_known then self.selected = mechanism; end
	return is_known;
end

-- An authzid, which is empty or missing when the client asks for no particular account.
function handler:process(message)
	if self.selected ~= "EXTERNAL" then
		self.inner.userdata = self.userdata;
		local status, reply, text = self.inner:process(message);
		self.username = self.inner.username;
		return status, reply, text;
	end
	local cert, refusal = accepted_certificate(self.session);
	if not cert then return "failure", "not-authorized", refusal; end
	local username, condition = user_for(cert, message or "");
	if not username then return "failure", condition; end
	self.username = username;
	self.session.xmppki_certificate = cert;
	remember(username);
	return "success";
end

-- Where there is nothing else to log in with, the client is told why, and mod_saslauth need not complain.
module:hook("stream-features", function (event)
	local session = event.origin;
	if passwords or session.username or not session.secure then return; end
	local cert, refusal = accepted_certificate(session);
	if cert then return; end
	session:close({ condition = "not-authorized", text = refusal });
	return true;
end, 10);

-- Sessions that have logged in with a certificate which does not count any more, and why.
local function overdue_sessions()
	local overdue = {};
	for _, user in pairs(prosody.hosts[host].sessions) do
		for _, session in pairs(user.sessions) do
			local cert = session.xmppki_certificate;
			local refusal = cert and refusal_now(cert);
			if refusal then overdue[session] = refusal; end
		end
	end
	return overdue;
end

module:add_timer(check_interval, function ()
	for session, refusal in pairs(overdue_sessions()) do
		session.log("info", "ending the session: the client certificate does not count any more: %s", refusal);
		session:close({ condition = "not-authorized", text = "the client certificate does not count any more: "..refusal });
	end
	return check_interval;
end);

local provider = {};

function provider.get_sasl_handler(session)
	return new_handler(session);
end

function provider.user_exists(username)
	if accounts:get(username) then return true; end
	if passwords then return passwords.user_exists(username); end
	return nil, "nobody has logged in with this name";
end

function provider.users()
	local names = {};
	for username in accounts:users() do names[username] = true; end
	if passwords then
		for username in passwords.users() do names[username] = true; end
	end
	local username;
	return function ()
		username = next(names, username);
		return username;
	end
end

function provider.delete_user(username)
	local ok, reason = accounts:set(username, nil);
	if ok and passwords and passwords.user_exists(username) then return passwords.delete_user(username); end
	return ok, reason;
end

for _, name in ipairs({ "test_password", "set_password", "create_user" }) do
	provider[name] = function (...)
		if passwords then return passwords[name](...); end
		return nil, "there are no passwords: certificates log in";
	end
end

module:provides("auth", provider);
