package hop

import (
	"math"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/dop251/goja"

	"workerd.local/exception"
	"workerd.local/internal/clone"
	"workerd.local/iocontext"
	"workerd.local/isolate"
	"workerd.local/threads/face"
	"workerd.local/webapi/bind"
	"workerd.local/webapi/global"
)

func itoa(n int) string { return strconv.Itoa(n) }

// service is what is behind a handle.
type service struct {
	// entry is set where the service is this realm's own; path is that of an imported one.
	entry *entry
	path  string
	fn    goja.Value
	file  string // of the code that defined it, for resource()
	obj   *goja.Object
}

// where is the service's path.
func (s *service) where(r *registry) (path string) {
	if s.entry == nil {
		return s.path
	}
	r.with(func() { path = s.entry.path })
	return path
}

// realm is what the package keeps of one realm.
type realm struct {
	sys *System
	own map[*entry]*service // services that the realm defined
}

var realms = isolate.NewSlot(func(*isolate.JS) *realm { return &realm{own: map[*entry]*service{}} })

// define makes a service of a function, and registers it. An empty name makes one up.
func (rm *realm) define(js *isolate.JS, fn goja.Value, name string, named bool) (*goja.Object, error) {
	ioc, err := iocontext.Current(js)
	if err != nil {
		return nil, err
	}
	s := &service{fn: fn, file: face.Caller(js)}
	e := &entry{service: s, owner: ioc, named: named, began: time.Now(), timeout: -1, ttl: -1}
	s.entry = e
	if name != "" {
		e.path = prefix + strings.TrimPrefix(name, prefix)
	}
	reg := rm.sys.reg
	if err := reg.add(e, js.Bounds()); err != nil {
		return nil, err
	}
	rm.own[e] = s
	done := ioc.AddPending() // a thread with services lives
	forget := ioc.OnEnd(func() { reg.remove(e) })
	e.release = func() {
		forget()
		delete(rm.own, e)
		done()
	}
	if err := rm.sys.listen(); err != nil {
		reg.remove(e)
		return nil, err
	}
	return rm.handle(js, s), nil
}

// use makes a handle of a service that may be defined elsewhere, or later.
func (rm *realm) use(js *isolate.JS, path string) *goja.Object {
	if e := rm.sys.reg.find(path); e != nil {
		if s := rm.own[e]; s != nil {
			return s.obj
		}
	}
	return rm.handle(js, &service{path: path})
}

func (rm *realm) handle(js *isolate.JS, s *service) *goja.Object {
	s.obj = serviceClass.Callable(js, s, func(c *bind.Call) (any, error) {
		f := &frame{service: s, args: append([]goja.Value(nil), c.Args()...)}
		if server, ok := serverClass.Unwrap(c.JS(), c.This()); ok {
			f.server = server
		}
		return frameClass.Wrap(c.JS(), f), nil
	})
	return s.obj
}

// name is a path without what all have in front.
func nameOf(path string) string { return strings.TrimPrefix(path, prefix) }

func pathOf(name string) string {
	if strings.HasPrefix(name, prefix) {
		return name
	}
	return prefix + name
}

var serviceClass = &bind.Class[service]{Name: "Service"}

// reg is the table of the call's program.
func reg(c *bind.Call) *registry { return realms.Get(c.JS()).sys.reg }

// owned is the service's entry, or an error that says that only its owner can do that.
func (s *service) owned(what string) (*entry, error) {
	if s.entry == nil {
		return nil, exception.Errorf("Only the thread that defined the service %q can %s.", s.path, what)
	}
	return s.entry, nil
}

func (s *service) jsSetPath(c *bind.Call) error {
	e, err := s.owned("change its path")
	if err != nil {
		return err
	}
	var path string
	if err := c.Unpack("path", &path); err != nil {
		return err
	}
	return reg(c).move(e, path)
}

// number reads a number of the service's entry; an imported service has none.
func number(read func(e *entry) float64) bind.Getter[service] {
	return func(s *service, c *bind.Call) (any, error) {
		if s.entry == nil {
			return -1, nil
		}
		var n float64
		reg(c).with(func() { n = read(s.entry) })
		return n, nil
	}
}

func setNumber(name string, write func(e *entry, n float64)) bind.Setter[service] {
	return func(s *service, c *bind.Call) error {
		e, err := s.owned("change its " + name)
		if err != nil {
			return err
		}
		n := c.Arg(0).ToFloat()
		if math.IsNaN(n) {
			return exception.TypeErrorf("The %s of a service is a number.", name)
		}
		reg(c).change(e, func(e *entry) { write(e, n) })
		return nil
	}
}

func defineService() {
	serviceClass.Getters = map[string]bind.Getter[service]{
		"name":    func(s *service, c *bind.Call) (any, error) { return nameOf(s.where(reg(c))), nil },
		"path":    func(s *service, c *bind.Call) (any, error) { return s.where(reg(c)), nil },
		"timeout": number(func(e *entry) float64 { return e.timeout }),
		"ttl":     number(func(e *entry) float64 { return float64(e.ttl) }),
	}
	serviceClass.Setters = map[string]bind.Setter[service]{
		"path":    (*service).jsSetPath,
		"timeout": setNumber("timeout", func(e *entry, n float64) { e.timeout = n }),
		"ttl":     setNumber("ttl", func(e *entry, n float64) { e.ttl = int64(n) }),
	}
	serviceClass.Methods = map[string]bind.Method[service]{
		"resource": func(s *service, c *bind.Call) (any, error) {
			var file string
			if err := c.Unpack("file", &file); err != nil {
				return nil, err
			}
			return filepath.Join(filepath.Dir(s.file), filepath.FromSlash(file)), nil
		},
		"unregister": func(s *service, c *bind.Call) (any, error) {
			e, err := s.owned("unregister it")
			if err == nil {
				reg(c).remove(e)
			}
			return nil, err
		},
		"addURL": func(s *service, c *bind.Call) (any, error) {
			var url string
			if err := c.Unpack("url", &url); err != nil {
				return nil, err
			}
			e, err := s.owned("give it a URL")
			if err != nil {
				return nil, err
			}
			return nil, reg(c).alias(e, url)
		},
		"removeURL": func(s *service, c *bind.Call) (any, error) {
			var url string
			if err := c.Unpack("url", &url); err != nil {
				return nil, err
			}
			e, err := s.owned("take a URL from it")
			if err == nil {
				reg(c).unalias(e, url)
			}
			return nil, err
		},
		"getURLs": func(s *service, c *bind.Call) (any, error) {
			if s.entry == nil {
				return []string{}, nil
			}
			var urls []string
			reg(c).with(func() { urls = append(urls, s.entry.aliases...) })
			return urls, nil
		},
		"toString": func(s *service, c *bind.Call) (any, error) { return "[object Service]", nil },
	}
	serviceClass.Init = func(js *isolate.JS, _, proto *goja.Object) error {
		// A handle is a function.
		return proto.SetPrototype(js.Library().Pristine("Function.prototype").(*goja.Object))
	}
}

// makeService is Service(fn[, name]), Service(name, fn), and Service(name), which imports.
func makeService(js *isolate.JS, args []goja.Value) (*goja.Object, error) {
	arg := func(n int) goja.Value {
		if n < len(args) {
			return args[n]
		}
		return goja.Undefined()
	}
	fn, name := arg(0), arg(1)
	if _, ok := goja.AssertFunction(fn); !ok {
		fn, name = name, fn
	}
	rm := realms.Get(js)
	text := ""
	if !goja.IsUndefined(name) {
		s, ok := name.(goja.String)
		if !ok {
			return nil, exception.TypeErrorf("The name of a service is a string.")
		}
		text = s.String()
	}
	if _, ok := goja.AssertFunction(fn); ok {
		return rm.define(js, fn, text, false)
	}
	if !goja.IsUndefined(fn) || text == "" {
		return nil, exception.TypeErrorf("A service is made of a function, or of the name of one that is to be imported.")
	}
	return rm.use(js, pathOf(text)), nil
}

// constructor is Service as scripts know it: it can be called with and without new.
func constructor(js *isolate.JS) (goja.Value, error) {
	rt := js.Runtime()
	ctor := rt.ToValue(func(cc goja.ConstructorCall) *goja.Object {
		obj, err := makeService(js, cc.Arguments)
		if err != nil {
			js.Panic(err)
		}
		return obj
	}).(*goja.Object)
	proto := serviceClass.Prototype(js)
	static := func(name string, fn func(c *bind.Call, r *registry, arg string) (any, error)) error {
		return ctor.DefineDataProperty(name, bind.NewFunction(js, name, 1, func(c *bind.Call) (any, error) {
			var arg string
			if err := c.Unpack("name", &arg); err != nil {
				return nil, err
			}
			return fn(c, reg(c), arg)
		}), goja.FLAG_TRUE, goja.FLAG_TRUE, goja.FLAG_FALSE)
	}
	get := func(c *bind.Call, r *registry, path string) (any, error) {
		if r.find(path) == nil {
			return nil, exception.Errorf("There is no service %q.", path)
		}
		return realms.Get(c.JS()).use(c.JS(), path), nil
	}
	for _, err := range []error{
		ctor.DefineDataProperty("name", rt.ToValue("Service"), goja.FLAG_FALSE, goja.FLAG_TRUE, goja.FLAG_FALSE),
		ctor.DefineDataProperty("prototype", proto, goja.FLAG_FALSE, goja.FLAG_FALSE, goja.FLAG_FALSE),
		proto.DefineDataProperty("constructor", ctor, goja.FLAG_TRUE, goja.FLAG_TRUE, goja.FLAG_FALSE),
		static("exists", func(_ *bind.Call, r *registry, name string) (any, error) { return r.find(pathOf(name)) != nil, nil }),
		static("getService", func(c *bind.Call, r *registry, name string) (any, error) { return get(c, r, pathOf(name)) }),
		static("getServiceFromPath", get),
		static("allowURL", func(_ *bind.Call, r *registry, url string) (any, error) {
			if !strings.HasPrefix(url, "/") {
				return nil, exception.TypeErrorf("A URL of a service begins with \"/\", and %q does not.", url)
			}
			r.with(func() { r.allowed[url] = true })
			return nil, nil
		}),
	} {
		if err != nil {
			return nil, err
		}
	}
	return ctor, nil
}

// handleTag is what a handle is known by in a message.
const handleTag = 0x686f70

// cloneable lets handles travel: what arrives is imported, with the properties that the
// script gave to the handle.
var cloneable = global.Cloneable{
	Class: "Service",
	Tag:   handleTag,
	WriteObject: func(js *isolate.JS, w *clone.Writer, obj *goja.Object, value any) error {
		s := value.(*service)
		w.String(s.where(realms.Get(js).sys.reg))
		props, err := face.Given(js, obj)
		if err != nil {
			return err
		}
		return w.Value(props)
	},
	Read: func(js *isolate.JS, r *clone.Reader) (*goja.Object, error) {
		path, err := r.String()
		if err != nil {
			return nil, err
		}
		v, err := r.Value()
		if err != nil {
			return nil, err
		}
		rm := realms.Get(js)
		obj := rm.use(js, path)
		if props, ok := v.(*goja.Object); ok {
			for _, key := range props.Keys() {
				if err := obj.Set(key, props.Get(key)); err != nil {
					return nil, err
				}
			}
		}
		return obj, nil
	},
}
