// Package crypto is the global crypto object: random values and, in
// crypto.subtle, digests and a comparison in constant time (W3C Web Cryptography;
// timingSafeEqual and MD5 are workerd's).
//
// Randomness comes from the isolate's Host and from nowhere else, and is refused
// in the global scope. A further method of crypto.subtle is one more entry of
// subtleClass with a file of its own.
//
// Everything that takes a *bind.Call belongs to the isolate's goroutine.
package crypto
