-- For mod_magnet, on every answer: where pat-httpd gave none it is 503, whatever
-- lighttpd makes of it, and clients try again.
local unanswered = { [500] = true, [502] = true, [503] = true, [504] = true }
local r = lighty.r
if r.req_env["JIRA_PAT"] ~= "answered" and unanswered[r.req_item.http_status] then
	r.resp_header["Retry-After"] = "2"
	r.resp_body.set("")
	return 503
end
