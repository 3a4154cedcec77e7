package core_test

import (
	"testing"

	"workerd.local/internal/compat"
	"workerd.local/internal/jstest"
	"workerd.local/webapi/bind"
	"workerd.local/webapi/blob"
	"workerd.local/webapi/console"
	"workerd.local/webapi/crypto"
	"workerd.local/webapi/encoding"
	"workerd.local/webapi/events"
	"workerd.local/webapi/fetch"
	"workerd.local/webapi/global"
	"workerd.local/webapi/node"
	"workerd.local/webapi/streams"
	"workerd.local/webapi/timers"
	"workerd.local/webapi/url"
)

func newEnv(t testing.TB, flags ...string) *jstest.Env {
	t.Helper()
	f, errs := compat.Parse("2026-06-01", append([]string{"nodejs_compat"}, flags...), compat.Options{})
	if len(errs) > 0 {
		t.Fatal(errs)
	}
	return jstest.NewWith(t, jstest.Options{Compat: f, Modules: append([]bind.Module{url.Module, encoding.Module, events.Module, timers.Module, console.Module, crypto.Module,
		global.Module, blob.Module, streams.Module, fetch.Module, node.Module}, node.Globals...)})
}
