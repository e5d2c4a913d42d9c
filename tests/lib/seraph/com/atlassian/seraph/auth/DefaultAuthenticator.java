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
import java.nio.charset.StandardCharsets;
import java.security.Principal;
import java.util.Base64;
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

    /** The user of the session, or of Basic authentication. */
    public Principal getUser(HttpServletRequest request, HttpServletResponse response) {
        HttpSession session = request.getSession(false);
        Object name = session == null ? null : session.getAttribute(LOGGED_IN_KEY);
        return name != null ? getUser(name.toString()) : fromBasic(request);
    }

    private Principal fromBasic(HttpServletRequest request) {
        String header = request.getHeader("Authorization");
        if (header == null || !header.startsWith("Basic "))
            return null;
        String[] pair = new String(Base64.getDecoder().decode(header.substring(6)),
                StandardCharsets.UTF_8).split(":", 2);
        Principal user = getUser(pair[0]);
        try {
            return user != null && authenticate(user, pair[1]) ? user : null;
        } catch (AuthenticatorException e) {
            return null;
        }
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
