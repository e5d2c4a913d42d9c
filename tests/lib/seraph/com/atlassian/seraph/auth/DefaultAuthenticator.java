/*
 * Stands in for the class of that name in Atlassian's Seraph: written from the public
 * documentation of its API, with what the authenticator uses; only to compile and
 * test it. No code of Atlassian is in it.
 */
package com.atlassian.seraph.auth;

import com.atlassian.seraph.config.SecurityConfig;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import jakarta.servlet.http.HttpSession;
import java.io.Serializable;
import java.security.Principal;
import java.util.Map;

public abstract class DefaultAuthenticator implements Serializable {
    public static final String LOGGED_IN_KEY = "seraph_defaultauthenticator_user";
    private static final long serialVersionUID = 1L;

    public void init(Map<String, String> params, SecurityConfig config) {
    }

    protected abstract Principal getUser(String username);

    protected abstract boolean authenticate(Principal user, String password)
            throws AuthenticatorException;

    protected boolean isAuthorised(HttpServletRequest request, Principal user) {
        return !user.getName().equals("inactive");
    }

    /** The user of the session. */
    public Principal getUser(HttpServletRequest request, HttpServletResponse response) {
        HttpSession session = request.getSession(false);
        Object name = session == null ? null : session.getAttribute(LOGGED_IN_KEY);
        return name == null ? null : getUser(name.toString());
    }

    public boolean login(HttpServletRequest request, HttpServletResponse response,
            String username, String password, boolean setRememberMeCookie)
            throws AuthenticatorException {
        Principal user = getUser(username);
        if (user == null || !authenticate(user, password))
            return false;
        request.getSession().setAttribute(LOGGED_IN_KEY, user.getName());
        return true;
    }
}
