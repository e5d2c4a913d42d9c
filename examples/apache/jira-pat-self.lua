-- The headers of a request that are passed on to the page and the REST interface of
-- pat-httpd: these, and what jira-pat-self.conf adds afterwards. So no client can
-- claim to be another user by X-Remote-User, nor by X_Remote_User or X.Remote.User.
-- The session of the single sign-on has been read by now, and stays here, too.

local passed = {}
for name in ([[
	accept accept-language authorization
	content-length content-type transfer-encoding expect
	host origin sec-fetch-site
	if-none-match
]]):gmatch("%S+") do
	passed[name] = true
end

function pass(r)
	-- For the REST interface; a note is seen by nobody else.
	r.notes["jira-pat-token"] = r.headers_in["Authorization"]
	for name, value in pairs(r:headers_in_table()) do
		if name:lower() == "connection" then
			-- A client could name a header in it to have it removed.
			r.headers_in[name] = value:lower():match("close")
		elseif not passed[name:lower()] then
			r.headers_in[name] = nil
		end
	end
	return apache2.DECLINED
end
