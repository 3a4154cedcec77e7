import { CompactEncrypt, SignJWT, compactDecrypt, errors, exportJWK, generateKeyPair, generateSecret, importJWK, jwtVerify } from "jose";

const bytes = (s: string) => new TextEncoder().encode(s);

/** A signed token that never differs. */
export async function issue(secret: string, name: string) {
  return new SignJWT({ name }).setProtectedHeader({ alg: "HS256" }).setIssuedAt(1_700_000_000).setIssuer("parts").sign(bytes(secret));
}

export async function verify(secret: string, token: string) {
  try {
    const { payload } = await jwtVerify(token, bytes(secret), { issuer: "parts" });
    return payload;
  } catch (e) {
    return { error: e instanceof errors.JOSEError ? e.code : String(e) };
  }
}

/** Signs with a new key pair, seals with a new key, and opens both again. */
export async function seal(text: string) {
  const { publicKey, privateKey } = await generateKeyPair("ES256", { extractable: true });
  const signed = await new SignJWT({ text }).setProtectedHeader({ alg: "ES256" }).sign(privateKey);
  const jwk = await exportJWK(publicKey);
  const opened = await jwtVerify(signed, await importJWK(jwk, "ES256"));
  const key = await generateSecret("A256GCM");
  const sealed = await new CompactEncrypt(bytes(text)).setProtectedHeader({ alg: "dir", enc: "A256GCM" }).encrypt(key);
  const { plaintext } = await compactDecrypt(sealed, key);
  return { text: opened.payload.text, curve: jwk.crv, plain: new TextDecoder().decode(plaintext), parts: sealed.split(".").length };
}
