# shellcheck shell=sh
# A part of doctor.sh: proxies that ask pat-httpd. Each trap once with it in the
# file and once without.

# Variables in quotes, and backslashes in front of them, are those of the proxies'
# configurations; $status and $found come from traps().
# shellcheck disable=SC2016,SC1003,SC2154

# --- nginx --------------------------------------------------------------------

NGINX=/etc/nginx/sites-enabled/jira
ASKS='location = /ask { internal; fastcgi_pass unix:/run/jira-pat/fcgi.sock;'
PARAM='fastcgi_param SCRIPT_NAME /auth/jira;'
ASKED='location / { auth_request /ask; proxy_pass http://jira;'
CLEAN='proxy_pass_request_headers off; proxy_set_header Host $http_host; }'

nginx 'set $jira_pat_service jira;' 'include jira-pat-authorizer.conf;'
put /etc/nginx/conf.d/http.conf <"$EXAMPLES/nginx/jira-pat-authorizer-http.conf"
for file in "$EXAMPLES"/nginx/*.conf; do
	put "/etc/nginx/${file##*/}" <"$file"
done
printf 'http {\n  include conf.d/*.conf;\n  include sites-enabled/*;\n}\n' |
	put /etc/nginx/nginx.conf
finds "examples/nginx with pat-httpd has no trap" 0 none
opens "nginx asks pat-httpd: a door" "nginx (pat-httpd)"
nginx "$ASKS" "$PARAM }" "$ASKED" "$CLEAN"
finds "auth_request in few words has no trap" 0 none
nginx "$ASKS" "$PARAM" 'fastcgi_cache tokens; }' "$ASKED" "$CLEAN"
finds "nginx-cache: where pat-httpd is asked" 1 "nginx-cache $NGINX:4"
nginx 'fastcgi_cache all;' "$ASKED" "$CLEAN" "$ASKS" "$PARAM }"
finds "nginx-cache: inherited from the server, and asked before" 1 \
	"nginx-cache $NGINX:2"
nginx 'fastcgi_cache all;' "$ASKS" "$PARAM" '# fastcgi_cache x;' \
	'fastcgi_cache off; }' "$ASKED" "$CLEAN"
finds "nginx-cache: off where it matters" 0 none
nginx "$ASKS" "$PARAM }" "$ASKED proxy_cache pages;" "$CLEAN"
finds "nginx-cache: pages of the backend are no answers of ours" 0 none
nginx 'location = /ask { proxy_pass http://unix:/run/http.sock:/auth/jira;' \
	'proxy_cache tokens; }' "$ASKED" "$CLEAN"
finds "nginx-cache: over HTTP" 1 "nginx-cache $NGINX:3"
nginx 'location = /ask { proxy_pass http://127.0.0.1/auth/jira;' \
	'fastcgi_cache tokens; }' "$ASKED" "$CLEAN"
finds "nginx-cache: of FastCGI, where HTTP asks" 0 none
nginx 'location /auth { proxy_cache c; proxy_pass http://sso/auth/x; }'
finds "nginx-cache: where nobody asks pat-httpd" 0 none
nginx "$ASKS" "$PARAM }" "$ASKED" 'proxy_set_header X-Forwarded-User $u; }'
finds "nginx-token: Authorization goes on, as other headers do" 0 \
	"nginx-headers $NGINX:4 nginx-token $NGINX:4"
nginx "$ASKS" "$PARAM }" "$ASKED" 'proxy_set_header authorization ""; }'
finds "nginx-token: it is replaced" 0 "nginx-headers $NGINX:4"
nginx 'proxy_set_header Authorization "";' "$ASKS" "$PARAM }" "$ASKED" \
	'proxy_set_header Host $http_host; }'
finds "nginx-token: a block with headers inherits none" 0 \
	"nginx-headers $NGINX:5 nginx-token $NGINX:5"
nginx 'auth_request /ask;' "$ASKS" "$PARAM }" 'location / {' \
	'proxy_pass http://jira; }' 'location /x { auth_request off;' \
	'proxy_pass http://jira; }'
finds "nginx-token: where auth_request is inherited, and not where it is off" 0 \
	"nginx-headers $NGINX:6 nginx-token $NGINX:6"
nginx 'location = /ask { fastcgi_pass 10.0.0.9:919;' "$PARAM }" "$ASKED" "$CLEAN"
finds "nginx-remote: another host" 1 "nginx-remote $NGINX:2"
nginx 'location = /ask { proxy_pass http://auth.example.org/auth/jira; }' \
	"$ASKED" "$CLEAN"
finds "nginx-remote: by its name" 1 "nginx-remote $NGINX:2"
nginx 'location = /ask { fastcgi_pass asked;' "$PARAM }" "$ASKED" "$CLEAN"
printf '%s\n' 'http { upstream other { server 10.0.0.1; }' 'upstream asked {' \
	'server unix:/x; server 127.0.0.1:919; server [::1]:919;' \
	'server 192.0.2.7:919; }' 'include sites-enabled/*; }' |
	put /etc/nginx/nginx.conf
finds "nginx-remote: a server of an upstream" 1 \
	"nginx-remote /etc/nginx/nginx.conf:4"
nginx 'location = /ask { fastcgi_pass 127.0.0.1:919;' "$PARAM }" "$ASKED" \
	"$CLEAN"
finds "nginx-remote: on this host" 0 none

# --- Apache -------------------------------------------------------------------

PROVIDER='AuthnzFcgiDefineProvider authn jirapat fcgi://127.0.0.1:919/'
CHECK='AuthnzFcgiCheckAuthnProvider jirapat Authoritative On'
CHECK="$CHECK RequireBasicAuth Off UserExpr \"%{reqenv:REMOTE_USER}\""

# fcgi LINE...: a location that asks pat-httpd, with these lines.
fcgi() {
	apache "$PROVIDER" 'RequestHeader unset Authorization' \
		'ProxyPass / http://127.0.0.1:8080/' '<Location />' "$@" \
		'Require valid-user' '</Location>'
}
fcgi 'AuthType Token' 'CGIPassAuth On' "$CHECK"
finds "mod_authnz_fcgi as it should be has no trap" 0 none
opens "Apache asks pat-httpd: a door" "apache (pat-httpd)"
fcgi 'AuthType basic' 'CGIPassAuth On' "$CHECK"
finds "apache-fcgi-basic: AuthType Basic" 0 "apache-fcgi-basic $SITE:5"
fcgi 'AuthType Token' 'CGIPassAuth On' "$CHECK" '</Location>' \
	'<Location /other>' 'AuthType Basic'
finds "apache-fcgi-basic: in another location" 0 none
fcgi 'CGIPassAuth On' "AuthnzFcgiCheckAuthnProvider jirapat \\" \
	'authoritative off \' 'UserExpr "%{reqenv:REMOTE_USER}"'
finds "apache-fcgi-off: Authoritative Off" 1 "apache-fcgi-off $SITE:6"
fcgi "$CHECK"
finds "apache-fcgi-pass: no CGIPassAuth" 1 "apache-fcgi-pass $SITE:5"
fcgi "$CHECK" '# CGIPassAuth On' 'CGIPassAuth Off'
finds "apache-fcgi-pass: Off, and in a comment" 1 "apache-fcgi-pass $SITE:5"
fcgi 'CGIPassAuth On' 'AuthnzFcgiCheckAuthnProvider jirapat Authoritative On'
finds "apache-fcgi-user: no UserExpr" 1 "apache-fcgi-user $SITE:6"
PROVIDER='AuthnzFcgiDefineProvider authn jirapat fcgi://10.0.0.9:919/'
fcgi 'CGIPassAuth On' "$CHECK"
finds "apache-fcgi-remote: another host" 1 "apache-fcgi-remote $SITE:1"
PROVIDER='AuthnzFcgiDefineProvider authn jirapat fcgi://127.0.0.1:9190/'
fcgi 'CGIPassAuth On' "$CHECK"
finds "apache-fcgi-port: anybody can take it" 0 "apache-fcgi-port $SITE:1"
printf '[Socket]\n#ListenStream=127.0.0.1:9190\nListenStream=127.0.0.1:919\n' |
	put /etc/systemd/system/pat-httpd.socket
finds "apache-fcgi-port: systemd holds another one" 0 "apache-fcgi-port $SITE:1"
printf '[Socket]\nListenStream=127.0.0.1:9190\n' |
	put /usr/lib/systemd/system/pat-httpd.socket
finds "apache-fcgi-port: systemd holds it" 0 none
PROVIDER='AuthnzFcgiDefineProvider authn jirapat fcgi://[::1]:919/'
apache "$PROVIDER" 'CGIPassAuth On' "$CHECK" 'ProxyPass /s !' \
	'ProxyPass / http://jira/'
finds "apache-fcgi-token: it goes on to the backend" 0 "apache-fcgi-token $SITE:5"
apache "$PROVIDER" 'CGIPassAuth On' "$CHECK" 'ProxyPass / http://jira/' \
	'RequestHeader set Authorization "expr=%{reqenv:UPSTREAM_AUTHORIZATION}"'
finds "apache-fcgi-token: it is replaced" 0 none
apache "$PROVIDER" 'RequestHeader unset Authorization' '<VirtualHost *:443>' \
	'CGIPassAuth On' "$CHECK" 'ProxyPass / http://jira/' '</VirtualHost>'
finds "apache-fcgi-token: it is removed for all virtual hosts" 0 none
apache "$PROVIDER" '<VirtualHost *:443>' 'RequestHeader unset Authorization' \
	'</VirtualHost>' '<VirtualHost *:444>' 'CGIPassAuth On' "$CHECK" \
	'ProxyPass / http://jira/' '</VirtualHost>'
finds "apache-fcgi-token: another virtual host removes it" 0 \
	"apache-fcgi-token $SITE:8"
fcgi 'CGIPassAuth On' "$CHECK" \
	'RequestHeader set X-Forwarded-User "expr=%{REMOTE_USER}"'
finds "apache-headers: behind pat-httpd, too" 0 "apache-headers $SITE:7"
fcgi 'CGIPassAuth On' "$CHECK"
echo 'LoadModule authn_socache_module /usr/lib/apache2/modules/x.so' |
	put /etc/apache2/mods-enabled/authn_socache.load
finds "apache-socache: behind pat-httpd, too" 1 \
	"apache-socache /etc/apache2/mods-enabled/authn_socache.load:1"

apache 'Define JIRA_PAT_BACKEND http://127.0.0.1:8080' \
	'Include /etc/apache2/provider.conf' 'Include /etc/apache2/jira-pat.conf'
put /etc/apache2/provider.conf \
	<"$EXAMPLES/apache/jira-pat-authorizer-provider.conf"
put /etc/apache2/jira-pat.conf <"$EXAMPLES/apache/jira-pat-authorizer.conf"
finds "examples/apache with pat-httpd has no trap" 0 none
opens "examples/apache asks pat-httpd" "apache (pat-httpd)"

# --- HAProxy --------------------------------------------------------------------

HA=/etc/haproxy/haproxy.cfg
LUA='    http-request lua.auth-request asked /auth/jira'
DENY='    http-request deny if !{ var(txn.auth_response_successful) -m bool }'
NO_TOKEN='    http-request del-header Authorization'
NO_ALIAS='    http-request del-header ^x[_.]forwarded -m reg'
BACKEND='backend asked'
SERVER='    server one /run/jira-pat/http.sock'

haproxy() {
	tree
	printf '%s\n' 'global' '    lua-load auth-request.lua' 'frontend web' "$@" |
		put $HA
}
haproxy "$LUA" "$DENY" "$NO_TOKEN" "$NO_ALIAS" "$BACKEND" "$SERVER"
finds "HAProxy as it should be has no trap" 0 none
opens "HAProxy asks pat-httpd: a door" "haproxy (pat-httpd)"
haproxy "$LUA" "$NO_TOKEN" "$NO_ALIAS" "$BACKEND" "$SERVER"
finds "haproxy-open: no deny" 1 "haproxy-open $HA:4"
haproxy "$LUA" "    # $DENY" "$NO_TOKEN" "$NO_ALIAS" "$BACKEND" "$SERVER"
finds "haproxy-open: the deny is a comment" 1 "haproxy-open $HA:4"
haproxy "$LUA" "$NO_TOKEN" "$NO_ALIAS" 'frontend other' "$DENY" "$BACKEND" \
	"$SERVER"
finds "haproxy-open: the deny is another frontend's" 1 "haproxy-open $HA:4"
haproxy "$LUA" '    acl ok var(txn.auth_response_successful) -m bool' \
	'    http-request deny unless ok' "$NO_TOKEN" "$NO_ALIAS" "$BACKEND" \
	"$SERVER"
finds "haproxy-open: a deny by the name of an acl" 0 none
haproxy '    http-request lua.auth-intercept asked /auth/jira HEAD x - -' \
	"$NO_TOKEN" "$NO_ALIAS" "$BACKEND" "$SERVER"
finds "haproxy-open: auth-intercept denies by itself" 0 none
haproxy "$LUA" "$DENY" "$NO_ALIAS" "$BACKEND" "$SERVER"
finds "haproxy-token: it goes on" 0 "haproxy-token $HA:4"
haproxy "$LUA" "$DENY" "$NO_ALIAS" \
	'    http-request set-header authorization %[var(txn.upstream)]' \
	"$BACKEND" "$SERVER"
finds "haproxy-token: it is replaced" 0 none
haproxy "$LUA" "$DENY" "$NO_TOKEN" \
	'    http-request del-header X-Forwarded-User' "$BACKEND" "$SERVER"
finds "haproxy-headers: X-Forwarded-User alone is removed" 0 \
	"haproxy-headers $HA:4"
haproxy "$LUA" "$DENY" "$NO_TOKEN" "$NO_ALIAS" "$BACKEND" "$SERVER" \
	'    server two 10.0.0.9:9019 check' 'backend jira' '    server j 10.0.0.1'
finds "haproxy-remote: a server of the backend that is asked" 1 \
	"haproxy-remote $HA:10"

haproxy '    http-request lua.jira-pat jira 10.0.0.9:9019' \
	'    http-request deny unless { var(txn.jira_pat) -m str yes }' \
	"$NO_TOKEN" "$NO_ALIAS"
finds "haproxy-remote: by the Lua of examples/haproxy" 1 "haproxy-remote $HA:4"
tree
put $HA <"$EXAMPLES/haproxy/jira-pat.cfg"
finds "examples/haproxy has no trap" 0 none
opens "examples/haproxy asks pat-httpd" "haproxy (pat-httpd)"
grep -v '^	http-request deny' "$EXAMPLES/haproxy/jira-pat.cfg" | put $HA
traps
like "haproxy-open: examples/haproxy without its deny" "$status $found" \
	"1 haproxy-open $HA:[0-9]*"

# --- Envoy ----------------------------------------------------------------------

EN=/etc/envoy/envoy.yaml
envoy() {
	tree
	printf '%s\n' 'http_filters:' '- name: envoy.filters.http.ext_authz' \
		'  http_service:' "    path_prefix: /auth/jira" "$@" | put $EN
}
URI='    server_uri: { uri: "http://127.0.0.1:9019", cluster: pat, timeout: 5s }'
REMOVE='request_headers_to_remove: [ "Authorization" ]'
ALIAS='headers_with_underscores_action: REJECT_REQUEST'
envoy "$URI" '  failure_mode_allow: false' "$REMOVE" "$ALIAS"
finds "Envoy as it should be has no trap" 0 none
opens "Envoy asks pat-httpd: a door" "envoy (pat-httpd)"
envoy "$URI" '  failure_mode_allow: true' "$REMOVE" "$ALIAS"
finds "envoy-open: failure_mode_allow" 1 "envoy-open $EN:6"
envoy "$URI" '  # failure_mode_allow: true' \
	'  failure_mode_allow_header_add: true' "$REMOVE" "$ALIAS"
finds "envoy-open: in a comment, and another key" 0 none
tree
echo '{"name":"ext_authz","failure_mode_allow" : true}' | put /etc/envoy/e.json
finds "envoy-open: in JSON, and whoever is asked" 1 "envoy-open /etc/envoy/e.json:1"
envoy "$URI" "$ALIAS"
finds "envoy-token: it goes on" 0 "envoy-token $EN:2"
envoy "$URI" 'request_headers_to_remove:' '- x-one' '- authorization' "$ALIAS"
finds "envoy-token: it is in a list" 0 none
envoy "$URI" "$REMOVE"
finds "envoy-headers: underscores pass" 0 "envoy-headers $EN:2"
envoy '    server_uri:' '      uri: http://pat.example.org:9019' "$REMOVE" "$ALIAS"
finds "envoy-remote: another host" 1 "envoy-remote $EN:6"

# --- APISIX ---------------------------------------------------------------------

AP=/usr/local/apisix/conf/apisix.yaml
apisix() {
	tree
	printf '%s\n' 'routes:' '- plugins:' '    forward-auth:' "$@" | put $AP
}
URI='      uri: "http://127.0.0.1:9019/auth/jira"'
REMOVE='    proxy-rewrite: { headers: { remove: [ Authorization ] } }'
apisix "$URI" '      request_headers: [ Authorization ]' "$REMOVE"
finds "APISIX as it should be has no trap" 0 none
opens "APISIX asks pat-httpd: a door" "apisix (pat-httpd)"
apisix "$URI" "      'allow_degradation': true" "$REMOVE"
finds "apisix-open: allow_degradation" 1 "apisix-open $AP:5"
apisix "$URI" '      allow_degradation: false # true' "$REMOVE"
finds "apisix-open: it is off" 0 none
apisix "$URI" '      request_headers: [ Authorization ]'
finds "apisix-token: it goes on" 0 "apisix-token $AP:3"
apisix '      uri: http://10.0.0.9:9019/auth/jira' "$REMOVE"
finds "apisix-remote: another host" 1 "apisix-remote $AP:4"

# --- Traefik --------------------------------------------------------------------

TR=/etc/traefik/conf.d/jira.yml
traefik() {
	tree
	printf '%s\n' 'http:' '  middlewares:' '    jira-pat:' '      forwardAuth:' \
		"$@" | put $TR
}
ADDRESS='        address: "http://127.0.0.1:9019/auth/jira"'
LIST='        authResponseHeaders: [ X-Forwarded-User, Authorization ]'
ALIAS='    alias: { headers: { customRequestHeaders: { X_Forwarded_User: "" } } }'
traefik "$ADDRESS" "$LIST" "$ALIAS"
finds "Traefik as it should be has no trap" 0 none
opens "Traefik asks pat-httpd: a door" "traefik (pat-httpd)"
traefik "$ADDRESS" "$LIST" "$ALIAS" '        trustForwardHeader: true'
finds "traefik-trust: the client says what is asked" 1 "traefik-trust $TR:8"
traefik "$ADDRESS" '        authResponseHeaders:' '          - X-Forwarded-User' \
	'          - X-Upstream-Authorization' "$ALIAS"
finds "traefik-token: it goes on" 0 "traefik-token $TR:4"
traefik "$ADDRESS" '        authResponseHeaders:' '          - X-Forwarded-User' \
	'          - Authorization' "$ALIAS"
finds "traefik-token: it is in a list" 0 none
traefik "$ADDRESS" "$LIST" '        # X_Forwarded_User'
finds "traefik-headers: another spelling passes" 0 "traefik-headers $TR:4"
traefik '        address: http://pat-httpd:9019/auth/jira' "$LIST" "$ALIAS"
finds "traefik-remote: another host" 1 "traefik-remote $TR:5"
tree
L=traefik.http.middlewares.jira
printf '      - "%s"\n' "$L.forwardauth.address=http://10.0.0.9/auth/jira" \
	"$L.forwardauth.trustForwardHeader=true" \
	"$L.headers.customrequestheaders.X_Forwarded_User=" \
	"$L.forwardauth.authResponseHeaders=X-Forwarded-User,Authorization" |
	put /opt/jira/docker-compose.yml
finds "traefik-remote: in labels" 1 \
	"traefik-trust /opt/jira/docker-compose.yml:2 traefik-remote \
/opt/jira/docker-compose.yml:1"

# --- Caddy ----------------------------------------------------------------------

CA=/etc/caddy/Caddyfile
caddy() {
	tree
	printf '%s\n' 'jira.example.org {' 'route {' "$@" \
		'reverse_proxy 127.0.0.1:8080' '}' '}' | put $CA
}
ASK='forward_auth unix//run/jira-pat/http.sock {'
END='uri /auth/jira'
COPY='copy_headers X-Forwarded-User }'
DROP='request_header -Authorization'
ALIAS='request_header -X_Forwarded_*'
caddy "$ALIAS" "$ASK" "$END" "$COPY" "$DROP"
finds "Caddy as it should be has no trap" 0 none
opens "Caddy asks pat-httpd: a door" "caddy (pat-httpd)"
caddy "$ALIAS" "$ASK" "$END" "$COPY" "# $DROP"
finds "caddy-token: it goes on" 0 "caddy-token $CA:4"
caddy 'request_header -X-Forwarded-User' "$ASK" "$END" "$COPY" "$DROP"
finds "caddy-headers: another spelling passes" 0 "caddy-headers $CA:4"
caddy "$ALIAS" 'forward_auth /rest/* 10.0.0.9:9019 {' "$END" "$COPY" "$DROP"
finds "caddy-remote: another host, behind a matcher" 1 "caddy-remote $CA:4"
caddy "$ALIAS" 'forward_auth https://bob:hunter2@10.0.0.9 {' "$END" "$COPY" "$DROP"
traps
like "a user and a password in front of the host are not shown" "$out" \
	'*"https://\*\*\*@10.0.0.9: *'
tree
for file in Caddyfile jira-pat.caddy; do
	put "/etc/caddy/$file" <"$EXAMPLES/caddy/$file"
done
finds "examples/caddy has no trap" 0 none
opens "examples/caddy asks pat-httpd" "caddy (pat-httpd)"
