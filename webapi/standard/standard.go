// Package standard is the list of the web APIs that deployed workers and programs have in common.
package standard

import (
	"slices"

	"workerd.local/webapi/bind"
	"workerd.local/webapi/blob"
	"workerd.local/webapi/caches"
	"workerd.local/webapi/codec"
	"workerd.local/webapi/console"
	"workerd.local/webapi/crypto"
	"workerd.local/webapi/encoding"
	"workerd.local/webapi/events"
	"workerd.local/webapi/eventsource"
	"workerd.local/webapi/fetch"
	"workerd.local/webapi/global"
	"workerd.local/webapi/htmlrewriter"
	"workerd.local/webapi/sockets"
	"workerd.local/webapi/streams"
	"workerd.local/webapi/timers"
	"workerd.local/webapi/url"
	"workerd.local/webapi/urlpattern"
	"workerd.local/webapi/wasm"
	"workerd.local/webapi/websockets"
)

// Modules are the web APIs in the order of their floors: with the MessageChannel of channels, and with what only some
// have, which stands on fetch.
func Modules(channels bind.Module, more ...bind.Module) []bind.Module {
	return slices.Concat([]bind.Module{
		url.Module, encoding.Module, events.Module, timers.Module, console.Module, crypto.Module,
		global.Module, wasm.Module, blob.Module, streams.Module, sockets.Module, websockets.Module, codec.Module, fetch.Module,
	}, more, []bind.Module{htmlrewriter.Module, caches.Module, channels, eventsource.Module, urlpattern.Module})
}
