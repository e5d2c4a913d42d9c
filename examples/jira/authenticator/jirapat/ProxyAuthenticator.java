/*
 * Jira's users, as the proxy in front names them (doc/JIRA.md): an authenticator of
 * Seraph, Jira's login framework. Of the public API it uses what is documented of
 * com.atlassian.jira.security.login.JiraSeraphAuthenticator and its parents:
 * init, getUser, isAuthorised and login.
 *
 * It remembers nothing: neither a user nor anything else is stored in a session, and
 * a session in which somebody has signed in is not looked at where the proxy names
 * a user.
 */
package jirapat;

import com.atlassian.jira.security.login.JiraSeraphAuthenticator;
import com.atlassian.seraph.auth.AuthenticatorException;
import com.atlassian.seraph.config.SecurityConfig;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.security.Principal;
import java.util.Map;
import java.util.logging.Logger;

public class ProxyAuthenticator extends JiraSeraphAuthenticator {
    private static final long serialVersionUID = 1L;
    private static final Logger LOG = Logger.getLogger(ProxyAuthenticator.class.getName());

    private transient TrustedProxy proxy; // null: nobody is let in

    @Override
    public void init(Map<String, String> parameters, SecurityConfig config) {
        super.init(parameters, config);
        try {
            proxy = new TrustedProxy(parameters);
        } catch (IllegalArgumentException e) {
            proxy = null;
            LOG.severe("nobody is let in, because of seraph-config.xml: " + e.getMessage());
        }
    }

    @Override
    public Principal getUser(HttpServletRequest request, HttpServletResponse response) {
        if (proxy == null)
            return refused(request, "seraph-config.xml does not say whom to trust");
        TrustedProxy.Claim claim = proxy.claim(request);
        if (claim.refusal != null)
            return refused(request, claim.refusal);
        if (claim.user != null)
            return known(request, claim.user);
        return proxy.othersMaySignIn() ? super.getUser(request, response) : null;
    }

    /**
     * By Jira's own means: form, parameters of the URL, "remember me". Not where
     * the proxy has named a user already.
     */
    @Override
    public boolean login(HttpServletRequest request, HttpServletResponse response,
            String user, String password, boolean cookie) throws AuthenticatorException {
        return proxy != null && proxy.othersMaySignIn()
                && proxy.claim(request) == TrustedProxy.Claim.NONE
                && super.login(request, response, user, password, cookie);
    }

    /**
     * Jira finds names in any case, so that ALICE would be alice; a token is one of
     * exactly one of them.
     */
    private Principal known(HttpServletRequest request, String name) {
        Principal user = getUser(name);
        if (user == null)
            return refused(request, "there is no such user");
        if (!name.equals(user.getName()))
            return refused(request, "Jira spells the name of its user in another way");
        if (!isAuthorised(request, user))
            return refused(request, "its user is not active or may not log in");
        return user;
    }

    /** No text of a client reaches the log: the name may be a token by mistake. */
    private static Principal refused(HttpServletRequest request, String why) {
        LOG.warning("request of " + request.getRemoteAddr() + " refused: " + why);
        return null;
    }
}
