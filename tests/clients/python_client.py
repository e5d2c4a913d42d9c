"""python3-jira, as its manual says: basic_auth, or token_auth.

Reads mode, method, URL, user and token, a line each; prints the status, and the user
as whom Jira answered.
"""

import sys

import jira


def ask(mode, method, url, user, token):
    how = ({"token_auth": token} if mode == "bearer"
           else {"basic_auth": (user, token)})
    client = jira.JIRA(server=url, get_server_info=False, max_retries=0, **how)
    if method == "GET":
        return client.myself()["x_forwarded_user"]
    # The name of a made-up key: the answer is no issue, but its raw text.
    answer = client._session.post(f"{url}/rest/api/2/issue", data="{}")
    return answer.json()["x_forwarded_user"]


def main():
    try:
        print(200, *ask(*sys.stdin.read().split("\n")[:5]))
    except jira.JIRAError as error:
        print(error.status_code)


main()
