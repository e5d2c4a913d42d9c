/*
 * Does in a small application what Seraph does in Jira: the class and parameters of
 * seraph-config.xml, a sign-in by os_username and os_password, and a request around
 * the container's that asks the authenticator for its user. Answers as text:
 *
 *     user=NAME session=no|empty|NAME
 *
 * where session is what a session of this request holds; /session begins one, as
 * pages of Jira do.
 */
import com.atlassian.seraph.auth.DefaultAuthenticator;
import jakarta.servlet.Filter;
import jakarta.servlet.FilterChain;
import jakarta.servlet.FilterConfig;
import jakarta.servlet.ServletException;
import jakarta.servlet.ServletRequest;
import jakarta.servlet.ServletResponse;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletRequestWrapper;
import jakarta.servlet.http.HttpServletResponse;
import jakarta.servlet.http.HttpSession;
import java.io.IOException;
import java.security.Principal;
import java.util.HashMap;
import java.util.Map;
import javax.xml.parsers.DocumentBuilderFactory;
import org.w3c.dom.Element;
import org.w3c.dom.NodeList;

public final class SeraphFilter implements Filter {
    private DefaultAuthenticator authenticator;

    @Override
    public void init(FilterConfig config) throws ServletException {
        try {
            Element element = DocumentBuilderFactory.newInstance().newDocumentBuilder()
                    .parse(SeraphFilter.class.getResourceAsStream("/seraph-config.xml"))
                    .getDocumentElement();
            authenticator = (DefaultAuthenticator) Class.forName(
                    element.getAttribute("class")).getDeclaredConstructor().newInstance();
            authenticator.init(parameters(element), null);
        } catch (Exception e) {
            throw new ServletException(e);
        }
    }

    private static Map<String, String> parameters(Element element) {
        Map<String, String> parameters = new HashMap<>();
        NodeList names = element.getElementsByTagName("param-name");
        NodeList values = element.getElementsByTagName("param-value");
        for (int i = 0; i < names.getLength(); i++)
            parameters.put(names.item(i).getTextContent(), values.item(i).getTextContent());
        return parameters;
    }

    /** Seraph's: the application asks it, and it the authenticator. */
    private final class Wrapped extends HttpServletRequestWrapper {
        Wrapped(HttpServletRequest request) {
            super(request);
        }

        @Override
        public Principal getUserPrincipal() {
            return authenticator.getUser((HttpServletRequest) getRequest(), null);
        }
    }

    @Override
    public void doFilter(ServletRequest from, ServletResponse to, FilterChain chain)
            throws IOException, ServletException {
        HttpServletRequest request = (HttpServletRequest) from;
        HttpServletResponse response = (HttpServletResponse) to;
        signIn(request, response);
        Principal user = authenticator.getUser(request, response);
        Principal again = authenticator.getUser(new Wrapped(new Wrapped(request)), null);
        if (!name(user).equals(name(again)))
            throw new ServletException("not the same user");
        if (request.getRequestURI().equals("/session"))
            request.getSession();
        response.setContentType("text/plain");
        response.setCharacterEncoding("UTF-8");
        response.getWriter().println(
                "user=" + name(user) + " session=" + session(request.getSession(false)));
    }

    private void signIn(HttpServletRequest request, HttpServletResponse response)
            throws ServletException {
        String name = request.getParameter("os_username");
        try {
            if (name != null)
                authenticator.login(request, response, name,
                        request.getParameter("os_password"), false);
        } catch (com.atlassian.seraph.auth.AuthenticatorException e) {
            throw new ServletException(e);
        }
    }

    private static String name(Principal user) {
        return user == null ? "" : user.getName();
    }

    private static String session(HttpSession session) {
        if (session == null)
            return "no";
        Object user = session.getAttribute(DefaultAuthenticator.LOGGED_IN_KEY);
        return user == null ? "empty" : user.toString();
    }
}
