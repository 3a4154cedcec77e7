// Package encoding is text as bytes: TextEncoder, TextDecoder, atob and btoa
// (WHATWG Encoding; forgiving base64 of WHATWG Infra).
//
// The Go half knows no JavaScript: Decoder, DecodeUTF8, DecodeBase64. Values are
// plain and belong to whoever made them; nothing here blocks.
package encoding
