/*
 * One of the clients from npm, as its manual says: npm_client.js NAME
 *
 * Reads mode, method, URL, user and token, a line each; prints the status, and the
 * user as whom Jira answered.
 */
'use strict';

const { readFileSync } = require('fs');

const issue = { fields: { summary: 'test' } };

const clients = {
	'jira-client': (mode, url, user, token) => {
		const Client = require('jira-client');
		const at = new URL(url);
		const client = new Client({
			protocol: 'http', host: at.hostname, port: at.port,
			apiVersion: '2',
			...(mode === 'bearer' ? { bearer: token } :
				{ username: user, password: token }),
		});
		return {
			GET: () => client.getCurrentUser(),
			POST: () => client.addNewIssue(issue),
		};
	},
	'jira.js': (mode, url, user, token) => {
		const { Version2Client } = require('jira.js');
		const client = new Version2Client({
			host: url,
			authentication: mode === 'bearer' ?
				{ oauth2: { accessToken: token } } :
				{ basic: { email: user, apiToken: token } },
		});
		return {
			GET: () => client.myself.getCurrentUser(),
			POST: () => client.issues.createIssue(issue),
		};
	},
	'jira-connector': (mode, url, user, token) => {
		const Client = require('jira-connector');
		const at = new URL(url);
		const client = new Client({
			protocol: 'http', host: at.hostname, port: at.port,
			basic_auth: { username: user, password: token },
		});
		return {
			GET: () => client.myself.getMyself(),
			POST: () => client.issue.createIssue(issue),
		};
	},
};

/* Where these libraries put the status of an answer that is no success. */
function status(error) {
	const said = error.statusCode || error.status ||
		(error.response && error.response.status);
	if (said)
		return said;
	const found = /\b[45]\d\d\b/.exec(error.message || String(error));
	return found ? found[0] : 'none: ' + error;
}

const [mode, method, url, user, token] = readFileSync(0, 'utf8').split('\n');
clients[process.argv[2]](mode, url, user, token)[method]()
	.then((body) => console.log(200, ...body.x_forwarded_user))
	.catch((error) => console.log(String(status(error))));
