/*
 * Stands in for the class of that name in Atlassian's Confluence: written from the public
 * documentation of its API, with what the authenticator uses; only to compile and
 * test it. No code of Atlassian is in it.
 */
package com.atlassian.confluence.user;

import com.atlassian.seraph.auth.AuthenticatorException;
import com.atlassian.seraph.auth.DefaultAuthenticator;
import java.security.Principal;

public class ConfluenceAuthenticator extends DefaultAuthenticator {
    private static final long serialVersionUID = 1L;

    @Override
    protected Principal getUser(String uid) {
        return uid.equals("alice") ? () -> uid : null;
    }

    @Override
    protected boolean authenticate(Principal user, String password)
            throws AuthenticatorException {
        return false;
    }
}
