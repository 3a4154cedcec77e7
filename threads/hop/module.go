package hop

import (
	_ "embed"
	"mime"
	"os"
	"path/filepath"
	"runtime"
	"sync"

	"github.com/dop251/goja"

	"workerd.local/exception"
	"workerd.local/iocontext"
	"workerd.local/isolate"
	"workerd.local/isolate/natives"
	"workerd.local/script"
	"workerd.local/threads/face"
	"workerd.local/webapi/bind"
	"workerd.local/webapi/node/glue"
)

// Workers is the global Worker alone, for realms of no System.
func Workers() bind.Module {
	defineClasses()
	return bind.Module{Name: "hop-workers", Globals: []bind.Global{workerClass}}
}

//go:embed js/answers.js
var answersSource string

//go:embed js/hop.js
var hopSource string

// set is the part that is written in JavaScript.
var set = glue.NewSet([]glue.Module{
	{
		Name: "internal/hop_answers", Source: answersSource,
		Native: map[string]bind.Static{"readFile": readFile, "mimeType": mimeType},
	},
	{
		Name: "hop", Source: hopSource,
		Native: map[string]bind.Static{
			"isWorker": func(c *bind.Call) (any, error) { return face.PortOf(c.JS()) != nil, nil },
			"version":  func(c *bind.Call) (any, error) { return realms.Get(c.JS()).sys.o.Version, nil },
			"arch":     func(*bind.Call) (any, error) { return runtime.GOARCH, nil },
			"port":     func(c *bind.Call) (any, error) { return realms.Get(c.JS()).sys.Port(), nil },
			"hostname": func(c *bind.Call) (any, error) { return realms.Get(c.JS()).sys.o.Hostname, nil },
			"service":  func(c *bind.Call) (any, error) { return *services.Get(c.JS()), nil },
			"server":   func(c *bind.Call) (any, error) { return serverClass.Constructor(c.JS()), nil },
			"frame":    func(c *bind.Call) (any, error) { return frameClass.Constructor(c.JS()), nil },
			"webService": func(c *bind.Call) (any, error) {
				var url string
				if err := c.Unpack("url", &url); err != nil {
					return nil, err
				}
				return bind.NewFunction(c.JS(), "webService", 0, func(c *bind.Call) (any, error) {
					return frameClass.Wrap(c.JS(), &frame{url: url, args: append([]goja.Value(nil), c.Args()...)}), nil
				}), nil
			},
		},
	},
})

// defineClasses fills in the classes whose methods make instances of each other.
var defineClasses = sync.OnceFunc(func() {
	defineService()
	defineFrame()
	defineWorker()
})

// services is the constructor Service of a realm.
var services = isolate.NewSlot(func(js *isolate.JS) *goja.Value {
	v, err := constructor(js)
	if err != nil {
		js.Panic(err)
	}
	return &v
})

// defineServices gives the realm what the rewritten services of HopScript call.
func defineServices(js *isolate.JS) error {
	js.Library().HideGlobal(script.HopServices)
	return js.Library().DefineGlobals([]natives.Global{{Name: script.HopServices, Fixed: true, Build: func() goja.Value {
		make := func(c *bind.Call) (any, error) {
			var name string
			var named bool
			if err := c.Unpack("function", new(goja.Value), "name", &name, "named", &named); err != nil {
				return nil, err
			}
			return realms.Get(c.JS()).define(c.JS(), c.Arg(0), name, named)
		}
		return bind.Object{Name: "HopServices", Methods: map[string]bind.Static{
			"declare": make, "create": make,
			"use": func(c *bind.Call) (any, error) {
				var name string
				if err := c.Unpack("name", &name); err != nil {
					return nil, err
				}
				return realms.Get(c.JS()).use(c.JS(), pathOf(name)), nil
			},
		}}.New(js)
	}}})
}

// readFile gives a promise for the bytes of a file.
func readFile(c *bind.Call) (any, error) {
	var path string
	if err := c.Unpack("path", &path); err != nil {
		return nil, err
	}
	if !filepath.IsAbs(path) {
		return nil, exception.TypeErrorf("HTTPResponseFile takes the whole path of a file, and %q is not one: see service.resource.", path)
	}
	ioc, err := c.Context()
	if err != nil {
		return nil, err
	}
	limit := c.JS().Isolate().Limits().BodyBytes
	return bind.Promise(c, iocontext.Background(ioc, contextless(path, limit)), func(js *isolate.JS, b []byte) (goja.Value, error) {
		return bind.NewUint8Array(js, b), nil
	})
}

func mimeType(c *bind.Call) (any, error) {
	var path string
	if err := c.Unpack("path", &path); err != nil {
		return nil, err
	}
	if t := mime.TypeByExtension(filepath.Ext(path)); t != "" {
		return t, nil
	}
	return "application/octet-stream", nil
}

// fileText is the text of an error of the file system that a script may see.
func fileText(err error) error {
	if os.IsNotExist(err) {
		return exception.Errorf("There is no file %q.", pathIn(err))
	}
	return exception.Errorf("%v", err)
}
