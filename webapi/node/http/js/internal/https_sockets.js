
// What requests and answers of node:https say of their connections.

// describe gives a socket what it has of a session.
function describe(socket, session, asked, problem = asked ? session.problem() : undefined) {
  const { TLSSocket } = require("node:_tls_wrap");
  socket.encrypted = true;
  socket.authorized = asked && problem === undefined;
  socket.authorizationError = problem === undefined ? null : problem.code || problem.message;
  socket.alpnProtocol = session.alpn || false;
  socket.servername = session.servername || false;
  socket._session = session;
  socket._secureEstablished = true;
  socket._tlsOptions = {};
  for (const name of ["getPeerCertificate", "getCertificate", "getPeerX509Certificate", "getX509Certificate", "getCipher", "getProtocol", "getEphemeralKeyInfo", "exportKeyingMaterial", "isSessionReused"]) {
    socket[name] = TLSSocket.prototype[name];
  }
  return socket;
}
return { describe };
