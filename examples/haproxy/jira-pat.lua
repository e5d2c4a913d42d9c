-- Asks pat-httpd about a request: http-request lua.jira-pat SERVICE ADDRESS
--
-- On a yes it sets txn.jira_pat to "yes", and txn.jira_pat_user and
-- txn.jira_pat_upstream to what pat-httpd names. Whatever else pat-httpd answers is
-- the answer to the client. Where it does not answer nothing is set: the line
-- `http-request deny` behind this one is what refuses the request then, and must
-- never be missing.
--
-- Each question has a connection of its own. core.httpclient would keep them, but
-- does not tell one Unix socket from another: a token could go to another program
-- that another script asks.

local TIMEOUT = 4 -- seconds; pat-httpd takes three at most
local HEADERS_MAX = 32

-- What pat-httpd may know of the client's headers.
local TOLD = {
	"accept", "access-control-request-method", "authorization", "origin",
}

-- The method, the URI and the address are those of the request, whatever headers
-- of these names the client has sent. All values of a header are handed on: that
-- there are two of one is for pat-httpd to judge.
local function question(txn, service)
	local lines = {
		"GET /auth/" .. service .. " HTTP/1.1",
		"Host: localhost",
		"Connection: close",
		"X-Forwarded-Method: " .. txn.sf:method(),
		"X-Forwarded-Uri: " .. txn.sf:pathq(),
		"X-Forwarded-For: " .. txn.sf:src(),
	}
	local headers = txn.http:req_get_headers()
	for _, name in ipairs(TOLD) do
		local values = headers[name] or {}
		for i = 0, #values do -- HAProxy counts from 0
			if values[i] then
				lines[#lines + 1] = name .. ": " .. values[i]
			end
		end
	end
	return table.concat(lines, "\r\n") .. "\r\n\r\n"
end

-- A list of { NAME, VALUE }, or nothing if there is no end of it.
local function read_headers(socket)
	local headers = {}
	while #headers < HEADERS_MAX do
		local line = socket:receive("*l")
		if line == "" then
			return headers
		end
		local name, value = (line or ""):match("^([^:%s]+):%s*(.-)%s*$")
		if not name then
			return nil
		end
		headers[#headers + 1] = { name:lower(), value }
	end
end

-- one(ANSWER, NAME): its value if the header came exactly once, else "".
local function one(answer, name)
	local found, count = "", 0
	for _, header in ipairs(answer.headers) do
		if header[1] == name then
			found, count = header[2], count + 1
		end
	end
	return count == 1 and found or ""
end

local function read_answer(socket)
	local answer = {}
	local line = socket:receive("*l") or ""
	answer.status = tonumber(line:match("^HTTP/1%.[01] (%d%d%d)"))
	answer.headers = answer.status and read_headers(socket)
	if not answer.headers then
		return nil
	end
	local length = tonumber(one(answer, "content-length")) or 0
	answer.body = length > 0 and socket:receive(length) or ""
	return answer
end

local function ask(txn, service, address)
	local socket, answer = core.tcp(), nil
	socket:settimeout(TIMEOUT)
	if socket:connect(address) and socket:send(question(txn, service)) then
		answer = read_answer(socket)
	end
	socket:close()
	return answer
end

local function accept(txn, answer)
	local user = one(answer, "x-forwarded-user")
	if user == "" and one(answer, "x-token-preflight") ~= "yes" then
		return
	end
	txn:set_var("txn.jira_pat_user", user)
	txn:set_var("txn.jira_pat_upstream",
		one(answer, "x-upstream-authorization"))
	txn:set_var("txn.jira_pat", "yes")
end

local function refuse(txn, answer)
	local reply = txn:reply{ status = answer.status, body = answer.body }
	for _, header in ipairs(answer.headers) do
		if header[1] ~= "content-length" and header[1] ~= "connection" then
			reply:add_header(header[1], header[2])
		end
	end
	txn:done(reply)
end

core.register_action("jira-pat", { "http-req" }, function(txn, service, address)
	txn:set_var("txn.jira_pat", "no")
	local answer = ask(txn, service, address)
	if not answer then
		return
	elseif answer.status == 200 then
		accept(txn, answer)
	elseif answer.status >= 400 and answer.status <= 599 then
		refuse(txn, answer)
	end
end, 2)
