/*
 * Stands in for the class of that name in Atlassian's Jira: written from the public
 * documentation of its API, with what the authenticator uses; only to compile and
 * test it. No code of Atlassian is in it.
 */
package com.atlassian.jira.security.login;

import com.atlassian.seraph.auth.AuthenticatorException;
import com.atlassian.seraph.auth.DefaultAuthenticator;
import java.security.Principal;
import java.util.Arrays;
import java.util.List;

public class JiraSeraphAuthenticator extends DefaultAuthenticator {
    private static final long serialVersionUID = 1L;
    private static final List<String> USERS = Arrays.asList("alice", "bob", "Carol",
            "jane@example.org", "j\u00fcrgen", "inactive");

    /** In any case, as Jira does. */
    @Override
    protected Principal getUser(String username) {
        for (String user : USERS)
            if (user.equalsIgnoreCase(username))
                return () -> user;
        return null;
    }

    @Override
    protected boolean authenticate(Principal user, String password)
            throws AuthenticatorException {
        return password.equals("password of " + user.getName());
    }
}
