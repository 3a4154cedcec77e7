package server

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/pem"
	"fmt"
	"slices"
	"strings"

	"github.com/dop251/goja"

	"workerd.local/config"
	"workerd.local/event"
	"workerd.local/isolate"
	"workerd.local/webapi/bind"
	"workerd.local/webapi/crypto"
	"workerd.local/webapi/durable"
	"workerd.local/webapi/fetch"
	"workerd.local/webapi/loader"
	"workerd.local/webapi/messaging"
	"workerd.local/webapi/node"
	"workerd.local/webapi/performance"
	"workerd.local/webapi/rpc"
	"workerd.local/webapi/standard"
	"workerd.local/webapi/wasm"
	"workerd.local/worker"
)

// Modules are the built-in web APIs, in the order of their floors.
func Modules() []bind.Module {
	return slices.Concat(standard.Modules(messaging.Module, durable.Module, rpc.Module), []bind.Module{node.Module}, performance.Modules, node.Globals)
}

func (s *Server) modules() []bind.Module { return append(Modules(), s.o.Modules...) }

// env makes the env object of a worker: one property per binding.
func (w *world) env(svc *service) func(js *isolate.JS, wk *worker.Worker) (*goja.Object, error) {
	return func(js *isolate.JS, wk *worker.Worker) (*goja.Object, error) {
		env := js.Runtime().NewObject()
		target := env
		if svc.cfg.Worker.Script != nil {
			// In service-worker syntax bindings are globals.
			target = js.Runtime().GlobalObject()
		}
		return env, w.bindings(js, wk, svc, target, svc.cfg.Worker.Bindings)
	}
}

// bindings puts the bindings of a list into target.
func (w *world) bindings(js *isolate.JS, wk *worker.Worker, svc *service, target *goja.Object, list []config.Binding) error {
	for i := range list {
		b := &list[i]
		if b.Kind == config.BindingWrapped {
			if err := w.wrap(js, wk, svc, target, b); err != nil {
				return err
			}
			continue
		}
		v, err := w.binding(js, wk, svc, b)
		if err != nil {
			return err
		}
		if err := target.DefineDataProperty(b.Name, v, goja.FLAG_TRUE, goja.FLAG_TRUE, goja.FLAG_TRUE); err != nil {
			return fmt.Errorf("binding %s: %w", b.Name, err)
		}
	}
	return nil
}

func (w *world) binding(js *isolate.JS, wk *worker.Worker, svc *service, b *config.Binding) (goja.Value, error) {
	rt := js.Runtime()
	where := fmt.Sprintf("service %s: binding %q", svc.cfg.Name, b.Name)
	switch b.Kind {
	case config.BindingText:
		return rt.ToValue(b.Text), nil
	case config.BindingData:
		return rt.ToValue(rt.NewArrayBuffer(append([]byte(nil), b.Data...))), nil
	case config.BindingWasmModule:
		v, err := wasm.FromBytes(js, b.Data)
		if err != nil {
			return nil, at(b.Pos, "%s is not a WebAssembly module: %s", where, js.Exception(err))
		}
		return v, nil
	case config.BindingJSON:
		json := rt.GlobalObject().Get("JSON").(*goja.Object)
		v, err := js.Call(json.Get("parse"), json, rt.ToValue(b.Text))
		if err != nil {
			return nil, at(b.Pos, "%s is not valid JSON: %s", where, js.Exception(err))
		}
		return v, nil
	case config.BindingVersionMetadata:
		o := rt.NewObject()
		for _, f := range [][2]string{{"id", w.version.id()}, {"tag", ""}, {"timestamp", w.version.made.UTC().Format("2006-01-02T15:04:05.000Z")}} {
			if err := o.Set(f[0], f[1]); err != nil {
				return nil, err
			}
		}
		return o, nil
	case config.BindingFromEnvironment:
		if v, ok := js.Host().Getenv(b.Text); ok {
			return rt.ToValue(v), nil
		}
		return goja.Null(), nil
	case config.BindingCryptoKey:
		v, err := cryptoKey(b.CryptoKey).Object(js)
		if err != nil {
			return nil, at(b.Pos, "%s is not a key that can be imported: %s", where, err)
		}
		return v, nil
	case config.BindingUnsafeEval:
		return newUnsafeEval(js)
	case config.BindingService:
		s, err := w.service(b.Service, where)
		if err != nil {
			return nil, err
		}
		return fetch.Fetcher.Wrap(js, &fetch.FetcherObject{Service: s}), nil
	case config.BindingDurableObjectClass:
		c, err := w.class(b.Service, where)
		if err != nil {
			return nil, err
		}
		return durable.ClassClass.Wrap(js, &durable.Class{Class: c}), nil
	case config.BindingWorkerLoader:
		return loader.Class.Wrap(js, &loader.Binding{Loader: w.loaderOf(svc, b)}), nil
	case config.BindingKVNamespace, config.BindingAnalyticsEngine, config.BindingMemoryCache, config.BindingHyperdrive, config.BindingQueue, config.BindingR2Bucket:
		return w.product(js, wk, b, where)
	case config.BindingDurableObjectNamespace:
		owner := svc
		if name := b.Namespace.ServiceName; name != "" {
			if owner = w.services[name]; owner == nil {
				return nil, at(b.Pos, "%s refers to a service %q, but no such service is defined.", where, name)
			}
		}
		ns := owner.namespaces[b.Namespace.ClassName]
		if ns == nil {
			return nil, at(b.Pos, "%s refers to a Durable Object namespace named %q, but no such Durable Object namespace is defined by service %q.", where, b.Namespace.ClassName, owner.cfg.Name)
		}
		return durable.NamespaceClass.Wrap(js, &durable.Namespace{Actors: ns}), nil
	}
	return nil, at(b.Pos, "%s: bindings of the kind %s are not supported yet", where, b.Kind)
}

// cryptoKey is the key as crypto.subtle.importKey takes it; validation has seen that
// the text can be decoded.
func cryptoKey(k *config.CryptoKey) *crypto.Binding {
	b := &crypto.Binding{Format: k.Format.String(), Data: k.Key, Algorithm: k.AlgorithmName, Extractable: k.Extractable}
	if k.AlgorithmJSON != "" {
		b.Algorithm, b.JSON = k.AlgorithmJSON, true
	}
	for _, u := range k.Usages {
		b.Usages = append(b.Usages, u.String())
	}
	switch k.Format {
	case config.KeyHex:
		b.Format = "raw"
		b.Data, _ = hex.DecodeString(string(k.Key))
	case config.KeyBase64:
		b.Format = "raw"
		b.Data, _ = base64.RawStdEncoding.DecodeString(strings.TrimRight(string(k.Key), "="))
	case config.KeyPKCS8, config.KeySPKI:
		if block, _ := pem.Decode(k.Key); block != nil {
			b.Data = block.Bytes
		}
	}
	return b
}

// loopback makes ctx.exports of a worker: service bindings to its own entrypoints, its
// classes of actors and their namespaces.
func (w *world) loopback(svc *service) func(js *isolate.JS, name string, kind worker.ExportKind) (goja.Value, error) {
	return func(js *isolate.JS, name string, kind worker.ExportKind) (goja.Value, error) {
		if kind == worker.ExportActor {
			var actors durable.Actors
			if ns := svc.namespaces[name]; ns != nil {
				actors = ns
			}
			lasting := js.Compat().Has("allow_irrevocable_stub_storage")
			return rpc.NewLoopbackActors(js, actors, lasting, func(props *event.Props) event.ActorClass {
				return svc.class(name, props, lasting)
			}), nil
		}
		lasting := js.Compat().Has("allow_irrevocable_stub_storage") && svc.pool != nil && svc.cfg.Worker != nil
		return rpc.NewLoopback(js, func(props *event.Props) event.Service {
			return &lazyService{svc: svc, entrypoint: name, props: props, lasting: lasting}
		}), nil
	}
}
