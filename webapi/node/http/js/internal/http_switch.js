
// Sockets made of connections that leave a server of node:http.
const { wrapped } = require("internal/net_machine");

// socketOf is the socket of a pipe, of node:tls where there is a session.
function socketOf(pipe, session, server) {
  let socket;
  if (session === undefined) {
    const { Socket } = require("node:net");
    socket = new Socket({ allowHalfOpen: true });
    socket._accepted(wrapped(pipe));
  } else {
    const { TLSSocket } = require("node:_tls_wrap");
    socket = new TLSSocket(undefined, { isServer: true, server });
    socket._secured(pipe, session);
    socket.secureConnecting = false;
    const problem = server.requestCert ? session.problem() : undefined;
    socket.authorized = Boolean(server.requestCert) && problem === undefined;
    if (problem !== undefined) socket.authorizationError = problem.code || problem.message;
  }
  socket.server = socket._server = server;
  return socket;
}
return { socketOf };
