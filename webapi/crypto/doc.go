// Package crypto is the global crypto object: random values and, in crypto.subtle,
// the Web Cryptography API (W3C) as workerd has it: with MD5, DigestStream,
// timingSafeEqual, NODE-ED25519 and RSA-RAW.
//
// Words: a Key is a CryptoKey, its material is the key itself with the operations of
// its algorithm; a family makes the keys of one or several algorithms; Params are
// what a script says of an algorithm.
//
// Randomness comes from the isolate's Host and from nowhere else. getRandomValues and
// new secret keys are refused in the global scope; everything else works there.
//
// What takes long (RSA keys, many iterations) runs beside the loop: see Long.
//
// Everything that takes a *bind.Call or a *isolate.JS belongs to the isolate's
// goroutine; Keys may be used from any.
package crypto
