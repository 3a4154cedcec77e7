// Package url is the WHATWG URL classes: URL and URLSearchParams.
//
// The Go half knows no JavaScript: URL and Params, which other families use to
// work on addresses as scripts see them. Values are not safe for concurrent use;
// they belong to the isolate's goroutine or to whoever made them.
package url
