
// Certificates as the modules of TLS show them.
const { isArray } = primordials;
// translatePeerCertificate makes lists of the lines of infoAccess, here and in the issuers.
function translatePeerCertificate(certificate) {
  if (!certificate) return null;
  const seen = new Set();
  for (let c = certificate; c && !seen.has(c); c = c.issuerCertificate) {
    seen.add(c);
    if (typeof c.infoAccess !== "string") continue;
    const out = { __proto__: null };
    for (const line of c.infoAccess.split("\n")) {
      const at = line.indexOf(":");
      if (at < 0) continue;
      const key = line.slice(0, at);
      let value = line.slice(at + 1);
      if (value[0] === '"') value = JSON.parse(value);
      if (isArray(out[key])) out[key].push(value);
      else out[key] = [value];
    }
    c.infoAccess = out;
  }
  return certificate;
}
return { translatePeerCertificate };
