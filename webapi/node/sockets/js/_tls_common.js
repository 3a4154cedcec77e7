
// node:_tls_common: contexts, which remember nothing: there is no TLS to set up.
const { validateInteger } = require("internal/validators");
const { translatePeerCertificate } = require("internal/tls_certificates");
function SecureContext(secureProtocol, secureOptions) {
  if (!(this instanceof SecureContext)) return new SecureContext(secureProtocol, secureOptions);
  if (secureOptions !== undefined) validateInteger(secureOptions, "secureOptions");
  this.context = undefined;
}
const createSecureContext = (options = {}) => new SecureContext(options.secureProtocol, options.secureOptions);

return { createSecureContext, SecureContext, translatePeerCertificate };
