/*
 * Who a request comes from, as the proxy in front says: the configuration, and
 * what is believed of a request. Knows nothing of Jira.
 *
 * For jakarta.servlet; `build` turns it into javax.servlet where Tomcat is older.
 */
package jirapat;

import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletRequestWrapper;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.security.Principal;
import java.util.Arrays;
import java.util.Collections;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;

final class TrustedProxy {
    /** What a request says of its user. */
    static final class Claim {
        /** Nobody is named. */
        static final Claim NONE = new Claim(null, null);

        final String user;    // null: none
        final String refusal; // null: it is not refused

        private Claim(String user, String refusal) {
            this.user = user;
            this.refusal = refusal;
        }

        static Claim of(String user) {
            return new Claim(user, null);
        }

        static Claim refused(String why) {
            return new Claim(null, why);
        }
    }

    /** Where Tomcat's RemoteIpValve and RemoteIpFilter leave their mark. */
    private static final String[] REWRITTEN = {
        "org.apache.tomcat.request.forwarded", "org.apache.tomcat.remoteAddr" };

    private static final Set<String> PARAMETERS = new TreeSet<>(Arrays.asList(
            "trusted-peers", "source", "header", "port", "other-requests"));

    private final Set<InetAddress> peers = new HashSet<>();
    private final boolean ajp;
    private final String header;
    private final int port; // 0: any
    private final boolean othersMaySignIn;

    /**
     * Reads the init-params of seraph-config.xml.
     *
     * @throws IllegalArgumentException what is wrong, for the log
     */
    TrustedProxy(Map<String, String> parameters) {
        Set<String> unknown = new TreeSet<>(parameters.keySet());
        unknown.removeAll(PARAMETERS);
        if (!unknown.isEmpty())
            throw new IllegalArgumentException(
                    "unknown init-params " + unknown + "; there are " + PARAMETERS);
        for (String peer : value(parameters, "trusted-peers", "").split("[,\\s]+"))
            if (!peer.isEmpty())
                peers.add(address(peer));
        if (peers.isEmpty())
            throw new IllegalArgumentException(
                    "trusted-peers is missing: the addresses of the proxy");
        ajp = isFirst(parameters, "source", "ajp", "header");
        header = value(parameters, "header", "X-Forwarded-User");
        if (!header.matches("[A-Za-z0-9-]+"))
            throw new IllegalArgumentException("header is no name of a header");
        port = portNumber(value(parameters, "port", "0"));
        if (ajp && (parameters.containsKey("header") || port != 0))
            throw new IllegalArgumentException(
                    "header and port are of source = header");
        othersMaySignIn = isFirst(parameters, "other-requests", "jira", "refuse");
    }

    private static String value(Map<String, String> parameters, String name, String none) {
        String value = parameters.get(name);
        return value == null ? none : value.trim();
    }

    /** One of two words; the second one is the default. */
    private static boolean isFirst(Map<String, String> parameters, String name,
            String first, String second) {
        String value = value(parameters, name, second);
        if (!value.equals(first) && !value.equals(second))
            throw new IllegalArgumentException(
                    name + " is neither \"" + first + "\" nor \"" + second + "\"");
        return value.equals(first);
    }

    /** Only a literal address: no answer of a name server says whom to trust. */
    private static InetAddress address(String text) {
        try {
            if (text.matches("[0-9]+(\\.[0-9]+){3}|[0-9A-Fa-f.]*:[0-9A-Fa-f:.]*")) {
                InetAddress address = InetAddress.getByName(text);
                if (!address.isAnyLocalAddress())
                    return address;
            }
        } catch (UnknownHostException e) {
            // no address, as below
        }
        throw new IllegalArgumentException(
                "trusted-peers: \"" + text + "\" is not the address of a host");
    }

    private static int portNumber(String text) {
        if (text.matches("[0-9]{1,5}") && Integer.parseInt(text) < 65536)
            return Integer.parseInt(text);
        throw new IllegalArgumentException("port is no port");
    }

    /** Whether requests that name nobody may sign in to Jira by its own means. */
    boolean othersMaySignIn() {
        return othersMaySignIn;
    }

    Claim claim(HttpServletRequest request) {
        HttpServletRequest received = asReceived(request);
        return ajp ? fromAjp(received) : fromHeader(received);
    }

    /**
     * The container's own request. Those around it, of Seraph and of add-ons, may
     * say something else, and Seraph's would ask the authenticator again.
     */
    private static HttpServletRequest asReceived(HttpServletRequest request) {
        while (request instanceof HttpServletRequestWrapper)
            request = (HttpServletRequest)
                    ((HttpServletRequestWrapper) request).getRequest();
        return request;
    }

    private Claim fromHeader(HttpServletRequest request) {
        List<String> values = Collections.list(request.getHeaders(header));
        if (values.isEmpty())
            return Claim.NONE;
        for (String mark : REWRITTEN)
            if (request.getAttribute(mark) != null)
                return Claim.refused("its address was taken from a header,"
                        + " by a RemoteIpValve or RemoteIpFilter");
        if (!isTrusted(request.getRemoteAddr())
                || port != 0 && port != request.getLocalPort())
            return Claim.refused("it names a user, and does not come from a trusted peer");
        if (values.size() != 1)
            return Claim.refused("it names a user more than once");
        return named(values.get(0));
    }

    /**
     * REMOTE_USER of the proxy, which Tomcat takes over AJP alone. Over AJP the local
     * port, too, is what the proxy says of it.
     */
    private Claim fromAjp(HttpServletRequest request) {
        Principal user = request.getUserPrincipal();
        if (user == null)
            return Claim.NONE;
        Object peer = request.getAttribute(PeerValve.PEER);
        if (peer == null)
            return Claim.refused("its peer is not known: server.xml lacks jirapat.PeerValve");
        if (!isTrusted(peer.toString()))
            return Claim.refused("it names a user, and does not come from a trusted peer");
        return named(user.getName());
    }

    private boolean isTrusted(String peer) {
        try {
            return peer != null && !peer.isEmpty() && peers.contains(InetAddress.getByName(peer));
        } catch (UnknownHostException e) {
            return false;
        }
    }

    /** Tomcat takes each byte for a character; names are UTF-8. */
    private static Claim named(String bytes) {
        try {
            String user = StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(
                    bytes.getBytes(StandardCharsets.ISO_8859_1))).toString();
            if (!user.isEmpty() && user.codePoints().noneMatch(Character::isISOControl))
                return Claim.of(user);
        } catch (CharacterCodingException e) {
            // as below
        }
        return Claim.refused("the name of its user is empty or no text");
    }
}
