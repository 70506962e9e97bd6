-- Nobody logs in with a password.
xmppki_passwords = false
