package fetch

import (
	"bytes"
	"errors"
	"math"
	"strconv"

	"github.com/dop251/goja"

	"workerd.local/event"
	"workerd.local/exception"
	"workerd.local/isolate"
)

// The cache option of a request says to caches on the way, in headers and in cf, whether
// they may answer; and cf.cacheTtl says so in two ways (workerd).

// readCacheMode is the option, where the worker's flags know it.
func readCacheMode(js *isolate.JS, mode string) (string, error) {
	has := func(flag string) bool { return js.Compat() == nil || js.Compat().Has(flag) }
	if !has("cache_option_enabled") {
		return "", exception.Errorf("The 'cache' field on 'RequestInitializerDict' is not implemented.")
	}
	if mode == "no-store" || mode == "no-cache" && has("cache_no_cache_enabled") || mode == "reload" && js.Compat() != nil && js.Compat().Has("cache_reload_enabled") {
		return mode, nil
	}
	return "", exception.TypeErrorf("Unsupported cache mode: %s", mode)
}

// askAnew sets the headers of the cache option.
func (r *Request) askAnew(req *event.Request) {
	if r.cache == "" {
		return
	}
	req.Header = cloneHeader(req.Header)
	for _, name := range []string{"Cache-Control", "Pragma"} {
		if len(req.Header[name]) == 0 {
			req.Header[name] = []string{"no-cache"}
		}
	}
}

// cfThatLeaves is cf as JSON for the receiver; nil for none.
func (r *Request) cfThatLeaves(js *isolate.JS) ([]byte, error) {
	text := r.cfJSON
	if r.cf != nil {
		var err error
		if text, err = cfText(js, r.cf); err != nil {
			return nil, err
		}
	}
	if r.cache == "" && !bytes.Contains(text, []byte(`"cacheTtl"`)) {
		return text, nil
	}
	if text == nil || bytes.Equal(text, []byte("null")) {
		text = []byte("{}")
	}
	v, err := toJSON(js, text)
	cf, ok := v.(*goja.Object)
	if err != nil || !ok {
		return text, err
	}
	if err := r.writeCacheMode(js, cf); err != nil {
		return nil, err
	}
	return cfText(js, cf)
}

// writeCacheMode changes a copy of cf.
func (r *Request) writeCacheMode(js *isolate.JS, cf *goja.Object) error {
	rt := js.Runtime()
	var errs []error
	set := func(name string, v any) {
		errs = append(errs, cf.DefineDataProperty(name, rt.ToValue(v), goja.FLAG_TRUE, goja.FLAG_TRUE, goja.FLAG_TRUE))
	}
	own := func(name string) goja.Value {
		for _, k := range cf.GetOwnPropertyNames() {
			if k == name {
				return cf.Get(name)
			}
		}
		return nil
	}
	const never = -1
	ttl, control := own("cacheTtl"), ""
	switch r.cache {
	case "no-store":
		if ttl != nil && !ttl.StrictEquals(rt.ToValue(never)) {
			return exception.TypeErrorf("CacheTtl: %s, is not compatible with cache: no-store header.", ttl)
		}
		set("cacheTtl", never)
		set("cacheLevel", "bypass")
		control = "no-store"
	case "reload":
		set("cacheLevel", "bypass")
	case "no-cache":
		set("cacheForceRevalidate", true)
		control = "no-cache"
	default:
		control = controlOf(ttl)
	}
	if control != "" && own("cacheControl") == nil {
		set("cacheControl", control)
	}
	return errors.Join(errs...)
}

// controlOf is the directive that a cacheTtl stands for; empty for none.
func controlOf(ttl goja.Value) string {
	switch n := ttl.Export().(type) {
	case int64:
		if n == -1 {
			return "no-store"
		}
		if n >= math.MinInt32 && n <= math.MaxInt32 {
			return "max-age=" + strconv.FormatInt(n, 10)
		}
	case float64:
		if n == math.Trunc(n) && math.Abs(n) <= math.MaxInt32 {
			return "max-age=" + strconv.FormatInt(int64(n), 10)
		}
	}
	return ""
}
