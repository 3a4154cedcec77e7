// Package htmlrewriter is HTMLRewriter: a document is changed while it streams by.
//
// The Go half knows no JavaScript. A lexer cuts the input into tokens and never
// holds more than one unfinished one; a machine keeps the stack of open elements,
// matches selectors against it, and says step by step which handler has to be
// called and what goes out. What no handler changed goes out as the bytes that came
// in.
//
// As in lol-html, which workerd uses, there is no tree: an end tag closes all that
// was opened inside its element, and optional end tags are not supplied, so that
// "<p>a<p>b" is a paragraph inside a paragraph. Content inside something that was
// removed is still shown to handlers, and goes nowhere.
//
// Words: a token is a tag, a comment, a doctype or a piece of text; a unit is what a
// handler is given, one object per call; mutations are what handlers asked to put
// before, after and in the place of a token.
//
// # Concurrency
//
// Everything belongs to the isolate's goroutine; nothing here blocks. A machine
// belongs to one transform.
package htmlrewriter
