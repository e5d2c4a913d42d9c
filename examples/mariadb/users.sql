-- An account without a name is preferred to name@'%' for clients on this host, so
-- that PAM would never be asked.
DELETE FROM mysql.global_priv WHERE User = '';
FLUSH PRIVILEGES;

-- Who logs in with a token. /etc/pam.d/mysql decides. For clients on other hosts
-- add REQUIRE SSL: the token crosses the network as it is.
CREATE USER 'alice'@'%' IDENTIFIED VIA pam;
