-- /etc/prosody/conf.d/jira-pat.cfg.lua: the users of this host log in with tokens.
-- Debian's packages prosody-modules and lua-cyrussasl bring mod_auth_cyrus.

VirtualHost "xmpp.example.org"
	authentication = "cyrus"

	-- No token goes over the network in the clear.
	c2s_require_encryption = true
