-- Who logs in with a token: members of token_users. Each needs a role that has the
-- name of the token's user; an entry in /etc/passwd is not needed.
CREATE ROLE token_users NOLOGIN;
CREATE ROLE alice LOGIN IN ROLE token_users;
