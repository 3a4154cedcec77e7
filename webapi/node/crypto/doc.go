// Package crypto is node:crypto.
//
// The files in js are the module: classes that programs subclass and pipe, and the
// checks of arguments with node's errors. What is computed is done by the functions
// in Go that they get as native; those expect what the files pass and nothing else.
// Keys are WebCrypto's CryptoKeys (webapi/crypto), so that both worlds can use each
// other's; what takes long runs beside the loop as there.
//
// Errors are node's where the module itself checks, and workerd's texts where its
// cryptography would refuse.
//
// Everything belongs to the isolate's goroutine.
package crypto
