package serialize

import (
	"crypto/hmac"
	"encoding/base64"
	"encoding/hex"
	"hash"
	"math"
	"runtime"
	"strings"

	"github.com/dop251/goja"

	"workerd.local/exception"
	"workerd.local/internal/crypt"
	"workerd.local/isolate"
	"workerd.local/webapi/bind"
	"workerd.local/webapi/blob"
	"workerd.local/webapi/codec"
	"workerd.local/webapi/console"
	"workerd.local/webapi/encoding"
	"workerd.local/webapi/events"
	"workerd.local/webapi/fetch"
	"workerd.local/webapi/global"
	"workerd.local/webapi/node"
	"workerd.local/webapi/performance"
	"workerd.local/webapi/streams"
	"workerd.local/webapi/timers"
	"workerd.local/webapi/url"
)

// Version is aworker.version: that of the Aworker whose behaviour this package has.
const Version = "v0.25.0"

// modules are the globals of a worker. What Aworker leaves out is left out.
func (w *Worker) modules() []bind.Module {
	list := []bind.Module{
		url.Module,
		encoding.Module,
		events.Module.Without("ExtendableEvent", "MessageEvent", "CloseEvent"),
		timers.Module.Only("queueMicrotask"),
		console.Module,
		global.Module.Without("Navigator", "navigator", "Cloudflare", "structuredClone", "reportError"),
		blob.Module.Without("File"),
		streams.Module.Only("ReadableStream", "ReadableStreamDefaultReader", "WritableStream", "WritableStreamDefaultWriter"),
		fetch.Module,
		{Name: "aworker", Globals: append(w.timerGlobals(),
			extendableClass, fetchEventClass, locationClass, navigatorClass, aworkerClass, cacheClass, cacheStorageClass,
			bind.Own(bind.Var{Name: "caches", Make: func(js *isolate.JS) (goja.Value, error) { return cacheStorageClass.Wrap(js, &cacheStorage{w}), nil }}, true),
			bind.Own(bind.Var{Name: "location", Make: func(js *isolate.JS) (goja.Value, error) { return locationClass.Wrap(js, &location{w}), nil }}, true),
			bind.Own(bind.Var{Name: "navigator", Make: func(js *isolate.JS) (goja.Value, error) {
				return navigatorClass.Wrap(js, &navigator{}), nil
			}}, true),
			bind.Own(bind.Var{Name: "aworker", Make: w.namespace}, true),
		)},
	}
	return append(list, performance.Modules...)
}

// tidyGlobals takes away what is no global of Aworker and has its own place.
func (w *Worker) tidyGlobals(js *isolate.JS) error {
	return js.Runtime().GlobalObject().Delete("origin")
}

// navigator is the global of that name.
type navigator struct{}

var navigatorClass = &bind.Class[navigator]{
	Name: "Navigator",
	Getters: map[string]bind.Getter[navigator]{
		"appCodeName":         func(*navigator, *bind.Call) (any, error) { return "Mozilla", nil },
		"appName":             func(*navigator, *bind.Call) (any, error) { return "Netscape", nil },
		"appVersion":          func(*navigator, *bind.Call) (any, error) { return Version, nil },
		"platform":            func(*navigator, *bind.Call) (any, error) { return Platform(), nil },
		"product":             func(*navigator, *bind.Call) (any, error) { return "Gecko", nil },
		"onLine":              func(*navigator, *bind.Call) (any, error) { return true, nil },
		"userAgent":           func(*navigator, *bind.Call) (any, error) { return "aworker", nil },
		"hardwareConcurrency": func(*navigator, *bind.Call) (any, error) { return 1, nil },
		"language":            func(*navigator, *bind.Call) (any, error) { return "en-US", nil },
		"languages":           func(*navigator, *bind.Call) (any, error) { return []string{"en-US"}, nil },
	},
}

// location is the global of that name. It is read-only: there is nowhere to go.
type location struct{ w *Worker }

func locationPart(part func(u *url.URL) string) bind.Getter[location] {
	return func(l *location, _ *bind.Call) (any, error) {
		u, err := url.Parse(l.w.location, nil)
		if err != nil {
			return l.w.location, nil
		}
		return part(u), nil
	}
}

var locationClass = &bind.Class[location]{
	Name: "Location",
	Getters: map[string]bind.Getter[location]{
		"href":     locationPart((*url.URL).Href),
		"origin":   locationPart((*url.URL).Origin),
		"protocol": locationPart((*url.URL).Protocol),
		"host":     locationPart((*url.URL).Host),
		"hostname": locationPart((*url.URL).Hostname),
		"port":     locationPart((*url.URL).Port),
		"pathname": locationPart((*url.URL).Pathname),
		"search":   locationPart((*url.URL).Search),
		"hash":     locationPart((*url.URL).Hash),
	},
	Methods: map[string]bind.Method[location]{
		"toString": func(l *location, c *bind.Call) (any, error) { return locationPart((*url.URL).Href)(l, c) },
	},
}

type aworker struct{}

var aworkerClass = &bind.Class[aworker]{Name: "AworkerNamespace"}

// namespace is the global aworker.
func (w *Worker) namespace(js *isolate.JS) (goja.Value, error) {
	rt := js.Runtime()
	obj := aworkerClass.Wrap(js, &aworker{})
	versions := rt.NewObject()
	for name, v := range map[string]string{"aworker": Version, "go": runtime.Version()} {
		if err := versions.Set(name, v); err != nil {
			return nil, err
		}
	}
	for _, p := range []struct {
		name string
		v    goja.Value
	}{
		{"arch", rt.ToValue(Arch())},
		{"platform", rt.ToValue(Platform())},
		{"env", rt.NewDynamicObject(&liveEnv{js, w.env, w.tape})},
		{"version", rt.ToValue(Version)},
		{"versions", versions},
		{"exit", bind.NewFunction(js, "exit", 1, w.jsExit)},
		{"kvStorages", kvStoragesClass.Wrap(js, &kvAll{w})},
		{"sendBeacon", bind.NewFunction(js, "sendBeacon", 3, sendBeacon)},
	} {
		if err := obj.DefineDataProperty(p.name, p.v, goja.FLAG_FALSE, goja.FLAG_TRUE, goja.FLAG_TRUE); err != nil {
			return nil, err
		}
	}
	for name, make := range map[string]func(js *isolate.JS) (goja.Value, error){
		"argv":              w.argv,
		"Dapr":              w.daprNamespace,
		"AsyncLocalStorage": asyncLocalStorage,
		"crypto":            cryptoNamespace,
		"zlib":              zlibNamespace,
		"idna":              idnaNamespace,
		"inspector":         inspectorNamespace,
		"js":                contextsNamespace,
	} {
		var made goja.Value
		get := bind.NewFunction(js, "get "+name, 0, func(c *bind.Call) (any, error) {
			if made == nil || name == "argv" {
				v, err := make(c.JS())
				if err != nil {
					return nil, err
				}
				made = v
			}
			return made, nil
		})
		if err := obj.DefineAccessorProperty(name, get, nil, goja.FLAG_TRUE, goja.FLAG_TRUE); err != nil {
			return nil, err
		}
	}
	return obj, nil
}

// argv is what follows the script in the command line: ours, the original shows none.
func (w *Worker) argv(js *isolate.JS) (goja.Value, error) { return bind.Value(js, w.args), nil }

func (w *Worker) jsExit(c *bind.Call) (any, error) {
	code := 0.0
	if v := c.Arg(0); !goja.IsUndefined(v) {
		f, ok := v.Export().(float64)
		if i, isInt := v.Export().(int64); isInt {
			f, ok = float64(i), true
		}
		if !ok || f != math.Trunc(f) || f < math.MinInt32 || f > math.MaxInt32 {
			return nil, exception.TypeErrorf("exit: the code must be a 32-bit integer")
		}
		code = f
	}
	w.leave(c.JS(), Exit{Code: int(code)})
	return nil, nil
}

func asyncLocalStorage(js *isolate.JS) (goja.Value, error) {
	v, err := node.Module.Builtins["node:async_hooks"](js)
	if err != nil {
		return nil, err
	}
	return v.(*goja.Object).Get("AsyncLocalStorage"), nil
}

func idnaNamespace(js *isolate.JS) (goja.Value, error) {
	obj := js.Runtime().NewObject()
	return obj, obj.Set("toASCII", bind.NewFunction(js, "toASCII", 1, func(c *bind.Call) (any, error) {
		var domain string
		if err := c.Unpack("domain", &domain); err != nil {
			return nil, err
		}
		u, err := url.Parse("http://"+domain, nil)
		if err != nil || strings.ContainsAny(domain, "/?#:@") {
			return "", nil
		}
		return u.Hostname(), nil
	}))
}

// hasher is a Hash or an Hmac.
type hasher struct {
	hash hash.Hash
	over bool
}

// digests are the algorithms that Aworker has.
var digests = []string{"md5", "sha1", "sha224", "sha256", "sha512"}

func newHasher(c *bind.Call) (func() hash.Hash, error) {
	var name string
	if err := c.Unpack("algorithm", &name); err != nil {
		return nil, err
	}
	for _, d := range digests {
		if strings.EqualFold(d, name) {
			return crypt.DigestNamed(d).New, nil
		}
	}
	return nil, exception.TypeErrorf("Unsupported algorithm %s.", name)
}

func (h *hasher) update(c *bind.Call) (any, error) {
	b, err := bytesOf(c, 0)
	if err != nil {
		return nil, err
	}
	if h.over {
		return nil, exception.DOM("InvalidStateError", "The digest has been made already.")
	}
	h.hash.Write(b)
	return nil, nil
}

func (h *hasher) final(c *bind.Call) (any, error) {
	if h.over {
		return nil, exception.DOM("InvalidStateError", "The digest has been made already.")
	}
	h.over = true
	sum := final(h.hash.Sum(nil))
	return finalClass.Wrap(c.JS(), &sum), nil
}

// final is what final() of a hasher gives.
type final []byte

var finalClass = &bind.Class[final]{
	Name: "FinalResult",
	Methods: map[string]bind.Method[final]{
		"digest": func(f *final, c *bind.Call) (any, error) {
			typ := "typedArray"
			if v := c.Arg(0); v.ToBoolean() {
				typ = v.String()
			}
			switch typ {
			case "utf8", "utf-8":
				return strings.ToValidUTF8(string(*f), "\uFFFD"), nil
			case "hex":
				return hex.EncodeToString(*f), nil
			case "base64":
				return base64.StdEncoding.EncodeToString(*f), nil
			case "typedArray", "binary":
				return bind.NewUint8Array(c.JS(), append([]byte(nil), *f...)), nil
			}
			return nil, exception.TypeErrorf("Unsupported digest type %s.", typ)
		},
	},
}

// hmacHasher is its own type, so that the two classes do not take each other's instances.
type hmacHasher struct{ hasher }

var hashClass = &bind.Class[hasher]{
	Name: "Hash", Length: 1,
	New: func(c *bind.Call) (*hasher, error) {
		d, err := newHasher(c)
		if err != nil {
			return nil, err
		}
		return &hasher{hash: d()}, nil
	},
	Methods: map[string]bind.Method[hasher]{"update": (*hasher).update, "final": (*hasher).final},
}

var hmacClass = &bind.Class[hmacHasher]{
	Name: "Hmac", Length: 2,
	New: func(c *bind.Call) (*hmacHasher, error) {
		d, err := newHasher(c)
		if err != nil {
			return nil, err
		}
		key, err := bytesOf(c, 1)
		if err != nil {
			return nil, err
		}
		return &hmacHasher{hasher{hash: hmac.New(d, key)}}, nil
	},
	Methods: map[string]bind.Method[hmacHasher]{
		"update": func(h *hmacHasher, c *bind.Call) (any, error) { return h.update(c) },
		"final":  func(h *hmacHasher, c *bind.Call) (any, error) { return h.final(c) },
	},
}

// mostRandom is what one randomBytes() gives.
const mostRandom = 1 << 20

func cryptoNamespace(js *isolate.JS) (goja.Value, error) {
	obj := js.Runtime().NewObject()
	random := bind.NewFunction(js, "randomBytes", 1, func(c *bind.Call) (any, error) {
		n, ok := c.Arg(0).Export().(int64)
		switch f, isFloat := c.Arg(0).Export().(float64); {
		case isFloat && f == math.Trunc(f) && math.Abs(f) < 1<<53:
			n = int64(f)
		case !ok:
			return nil, exception.TypeErrorf("size should be a number")
		}
		if n < 0 || n > mostRandom {
			return nil, exception.RangeErrorf("size should be a positive number, at most %d", mostRandom)
		}
		b := make([]byte, n)
		c.JS().Host().Random(b)
		return bind.NewUint8Array(c.JS(), b), nil
	})
	for _, p := range []struct {
		name string
		v    goja.Value
	}{{"Hash", hashClass.Constructor(js)}, {"Hmac", hmacClass.Constructor(js)}, {"randomBytes", random}} {
		if err := obj.Set(p.name, p.v); err != nil {
			return nil, err
		}
	}
	return obj, nil
}

// zlibProgram is JavaScript because the classes extend those of the platform. Level, window
// and strategy are checked and do not change what comes out but its size.
var zlibProgram = goja.MustCompile("aworker:zlib", `((Compression, Decompression) => {
	const COMPRESS_TYPE = { GZIP: 0, DEFLATE: 1 };
	const UNCOMPRESS_TYPE = { GUNZIP: 0, INFLATE: 1, UNZIP: 2 };
	const FLUSH_MODE = { Z_NO_FLUSH: 0, Z_PARTIAL_FLUSH: 1, Z_SYNC_FLUSH: 2, Z_FULL_FLUSH: 3, Z_FINISH: 4, Z_BLOCK: 5 };
	const STRATEGY = { Z_DEFAULT_STRATEGY: 0, Z_FILTERED: 1, Z_HUFFMAN_ONLY: 2, Z_RLE: 3, Z_FIXED: 4 };
	const check = (name, value, min, max) => {
		if (typeof value !== 'number') throw new RangeError(name + ' should be a number.');
		if (value !== value) throw new RangeError(name + ' cannot be a NaN.');
		if (value < min || value > max) throw new Error(name + ' (' + value + ') is not within ' + min + ' and ' + max + '.');
	};
	const read = (options, name, otherwise) => options === undefined || options === null || options[name] === undefined ? otherwise : options[name];
	class Zip extends Compression {
		constructor(type, options) {
			check('type', type, 0, 1);
			check('options.windowBits', read(options, 'windowBits', 15), type === 0 ? 9 : 8, 15);
			check('options.level', read(options, 'level', -1), -1, 9);
			check('options.memLevel', read(options, 'memLevel', 8), 1, 9);
			check('options.strategy', read(options, 'strategy', 0), 0, 4);
			super(type === 0 ? 'gzip' : 'deflate');
		}
	}
	class Unzip extends Decompression {
		constructor(type, options) {
			check('type', type, 0, 2);
			const bits = read(options, 'windowBits', 0);
			if (bits !== 0 && bits !== null) check('options.windowBits', bits, 8, 15);
			check('options.flush', read(options, 'flush', 0), 0, 5);
			super(type === 1 ? 'deflate' : 'gzip');
		}
	}
	return { Zip, Unzip, COMPRESS_TYPE, UNCOMPRESS_TYPE, FLUSH_MODE, STRATEGY };
})`, true)

func zlibNamespace(js *isolate.JS) (goja.Value, error) {
	f, err := js.Runtime().RunProgram(zlibProgram)
	if err != nil {
		return nil, err
	}
	in, out := codec.Constructors(js)
	return js.Call(f, nil, in, out)
}
