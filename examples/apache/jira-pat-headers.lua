-- The headers of a request that are passed on to Jira: these, and what Apache itself
-- adds. So no client can claim to be another user, by whichever name Jira, an
-- add-on or a script behind it may read: X-Forwarded-User, Remote-User,
-- X-WEBAUTH-USER ..., nor by X_Forwarded_User or X.Forwarded.User, which CGI and
-- PHP take for the same. A list of bad names would never be complete, and
-- mod_headers knows no patterns.
--
-- If your clients need another header, add its name, in lower case. Leave out
-- whatever says who the user is.

local passed = {}
for name in ([[
	accept accept-charset accept-encoding accept-language
	access-control-request-headers access-control-request-method
	authorization
	cache-control pragma
	content-disposition content-encoding content-language content-length
	content-type
	host origin referer user-agent
	if-match if-modified-since if-none-match if-range if-unmodified-since
	prefer range sec-fetch-site
	traceparent tracestate x-correlation-id x-request-id
	sec-websocket-extensions sec-websocket-key sec-websocket-protocol
	sec-websocket-version
	transfer-encoding
	x-atlassian-token x-experimentalapi x-requested-with
]]):gmatch("%S+") do
	passed[name] = true
end
-- authorization: jira-pat.conf removes it once the token has been verified.
-- sec-fetch-site is for jira-pat-self.conf, where it goes to pat-httpd.
-- cookie is not in the list: a token must not be combined with a session.

-- Of all protocols one could change to, only WebSocket: another one that Jira
-- accepted (h2c) would carry further requests past the check.
local function upgrade(value)
	return value:lower() == "websocket" and "websocket" or nil
end

-- A client could name a header in Connection to have the proxy remove it. What
-- is left says whether the connection is kept, or becomes a WebSocket.
local function connection(value)
	return value:lower():match("close") or value:lower():match("upgrade") or
		value:lower():match("keep%-alive")
end

local changed = { connection = connection, upgrade = upgrade }

function pass(r)
	for name, value in pairs(r:headers_in_table()) do
		local change = changed[name:lower()]
		if change then
			r.headers_in[name] = change(value)
		elseif not passed[name:lower()] then
			r.headers_in[name] = nil
		end
	end
	return apache2.DECLINED
end

-- For jira-pat.conf: the page for what PAM has refused says itself which answer asks
-- for another token.
function unchallenge(r)
	if r.uri == "/.jira-pat-refused" then
		r.err_headers_out["WWW-Authenticate"] = nil
	end
	return apache2.DECLINED
end
