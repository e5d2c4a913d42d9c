-- For mod_magnet, behind what signs people in. See jira-pat-self.conf.

-- Of the client's headers these are passed on to pat-httpd, and no others: so nobody
-- can claim to be another user, in whichever spelling.
local passed = {}
for name in ([[
	accept accept-language authorization
	content-length content-type transfer-encoding expect
	host origin sec-fetch-site
	if-none-match
]]):gmatch("%S+") do
	passed[name] = true
end

local r = lighty.r
local headers = r.req_header
local strange = {}
for name in pairs(headers) do
	if not passed[name:lower()] then
		strange[#strange + 1] = name
	end
end
for _, name in ipairs(strange) do
	headers[name] = nil
end

-- The page is for who is signed in, and pat-httpd believes this name. For the REST
-- interface it verifies the token itself.
if r.req_attr["uri.path"]:match("^/tokens") then
	local user = r.req_env["REMOTE_USER"] or ""
	headers["Authorization"] = nil
	if user ~= "" then
		headers["X-Remote-User"] = user
	end
end
