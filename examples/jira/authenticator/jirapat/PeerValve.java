/*
 * A valve of Tomcat: notes who is at the other end of the connection. Over AJP
 * getRemoteAddr() is the client as the proxy tells it, and the servlet API knows
 * nothing of the proxy itself. Needed for source = ajp only.
 */
package jirapat;

import jakarta.servlet.ServletException;
import java.io.IOException;
import org.apache.catalina.connector.Request;
import org.apache.catalina.connector.Response;
import org.apache.catalina.valves.ValveBase;

public final class PeerValve extends ValveBase {
    static final String PEER = "jirapat.peer";

    public PeerValve() {
        super(true); // asynchronous requests, too
    }

    @Override
    public void invoke(Request request, Response response)
            throws IOException, ServletException {
        request.setAttribute(PEER, request.getPeerAddr());
        getNext().invoke(request, response);
    }
}
