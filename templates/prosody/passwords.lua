-- Passwords as well: accounts are made with prosodyctl adduser. For a database (Debian: lua-dbi-postgresql):
-- storage = "sql"
-- sql = { driver = "PostgreSQL", host = "localhost", database = "prosody", username = "prosody", password = "change me" }
xmppki_passwords = true
