-- For mod_magnet, on every request, twice: before pat-httpd is asked, and again
-- after its yes. See README.md.

-- Of the client's headers these are passed on, and no others: so nobody can claim to
-- be another user, by whichever name Jira, an add-on or a script behind it may read,
-- in whichever spelling. If your clients need another one, add its name, in lower
-- case. Leave out whatever says who the user is, and Cookie.
local passed = {}
for name in ([[
	accept accept-charset accept-encoding accept-language
	access-control-request-headers access-control-request-method
	authorization
	cache-control pragma
	upgrade
	content-disposition content-encoding content-language content-length
	content-type
	expect
	host origin referer user-agent
	if-match if-modified-since if-none-match if-range if-unmodified-since
	prefer range
	sec-websocket-extensions sec-websocket-key sec-websocket-protocol
	sec-websocket-version
	traceparent tracestate x-correlation-id x-request-id
	transfer-encoding
	x-atlassian-token x-experimentalapi x-requested-with
]]):gmatch("%S+") do
	passed[name] = true
end

local r = lighty.r
local env, headers = r.req_env, r.req_header

if not env["JIRA_PAT"] then
	-- No other protocol than WebSocket; and a client could name a header in
	-- Connection to have it removed.
	local websocket = (headers["Upgrade"] or ""):lower() == "websocket"
	local strange = {}
	for name in pairs(headers) do
		if not passed[name:lower()] or
		    name:lower() == "upgrade" and not websocket then
			strange[#strange + 1] = name
		end
	end
	for _, name in ipairs(strange) do
		headers[name] = nil
	end
	if websocket then
		headers["Connection"] = "upgrade"
	end
	env["JIRA_PAT"] = "asked"
	return
end

-- pat-httpd said yes. Jira gets the name, and no token: only the user's own
-- credentials for Jira, where pat-httpd has any (`upstream = yes`).
local user = env["REMOTE_USER"] or ""
if user == "" and env["TOKEN_PREFLIGHT"] ~= "yes" then
	return 503
end
env["JIRA_PAT"] = "answered"
headers["Authorization"] = env["UPSTREAM_AUTHORIZATION"]
if user ~= "" then
	headers["X-Forwarded-User"] = user
end
