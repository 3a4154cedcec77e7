package config

import (
	"fmt"
	"path/filepath"
	"strings"
)

// unsupported is what the configuration can ask for but the server cannot serve yet, by feature, with the
// words that finish "X uses …". A feature becomes served by deleting its row; nothing else here changes.
var unsupported = map[string]string{
	"binding.parameter": "a parameter binding",

	// Bindings of wrangler files, which name no service.
	"local.queue":           "a queue",
	"local.analyticsEngine": "an Analytics Engine dataset",
	"local.hyperdrive":      "a Hyperdrive database",

	"binding.workerdDebugPort": "a workerdDebugPort binding",

	"module.pythonModule":              "a Python module",
	"module.obsolete":                  "an obsolete module type",
	"module.obsoletePythonRequirement": "a Python requirement",

	"worker.inherit":              "inherit",
	"worker.uniqueKeyModifier":    "durableObjectUniqueKeyModifier",
	"worker.moduleFallback":       "moduleFallback",
	"worker.containerEngine":      "a container engine",
	"worker.container":            "a container",
	"worker.accessBlobHeader":     "accessBlobHeader",
	"worker.accessBindingService": "accessBindingService",

	"capnpConnectHost": "capnpConnectHost",
	"tls.ssl3":         "SSL 3",

	// Products that only wrangler files know, by their field.
	"platform.ai":                     "Workers AI",
	"platform.ai_search":              "AI Search",
	"platform.ai_search_namespaces":   "AI Search",
	"platform.artifacts":              "artifacts",
	"platform.browser":                "Browser Rendering",
	"platform.cloudchamber":           "containers",
	"platform.containers":             "containers",
	"platform.d1_databases":           "a D1 database",
	"platform.data_blobs":             "data_blobs",
	"platform.dispatch_namespaces":    "a dispatch namespace",
	"platform.flagship":               "a flagship app",
	"platform.images":                 "Images",
	"platform.media":                  "Media Transformations",
	"platform.mtls_certificates":      "an mTLS certificate",
	"platform.pages_build_output_dir": "Pages",
	"platform.pipelines":              "a pipeline",
	"platform.queues.consumers":       "a queue consumer",
	"platform.ratelimits":             "a rate limit",
	"platform.secrets_store_secrets":  "the secrets store",
	"platform.send_email":             "an email binding",
	"platform.site":                   "Workers Sites",
	"platform.stream":                 "Stream",
	"platform.text_blobs":             "text_blobs",
	"platform.unsafe":                 "unsafe bindings",
	"platform.unsafe_hello_world":     "unsafe bindings",
	"platform.vectorize":              "a Vectorize index",
	"platform.vpc_networks":           "a VPC network",
	"platform.vpc_services":           "a VPC service",
	"platform.wasm_modules":           "wasm_modules",
	"platform.workflows":              "a workflow",
}

// Unsupported lists what c asks for that the server cannot serve yet, so that it is said at start and not
// when the first request needs it.
func (c *Config) Unsupported() []*Error {
	s := &sink{}
	c.features(func(feature string, pos Pos, subject string) {
		if what, ok := unsupported[feature]; ok {
			s.errorf(pos, "%s uses %s, which this server cannot serve yet.", subject, what)
		}
	})
	return s.errors
}

// features calls use for every feature c asks for that a server might not have, whether or not this one has
// it.
func (c *Config) features(use func(feature string, pos Pos, subject string)) {
	for i := range c.Sockets {
		s := &c.Sockets[i]
		subject := fmt.Sprintf("Socket %q", s.Name)
		use("socket."+s.Kind.String(), s.Pos, subject)
		httpFeatures(&s.HTTP, s.Address, subject, use)
		tlsFeatures(s.TLS, subject, use)
	}
	for i := range c.Services {
		s := &c.Services[i]
		subject := fmt.Sprintf("Service %q", s.Name)
		switch {
		case s.Worker != nil:
			s.Worker.features(s.Name, use)
		case s.External != nil:
			use("external."+s.External.Kind.String(), s.Pos, subject)
			httpFeatures(&s.External.HTTP, s.External.Address, subject, use)
			tlsFeatures(s.External.TLS, subject, use)
		case s.Network != nil:
			tlsFeatures(s.Network.TLS, subject, use)
		}
	}
}

// httpFeatures asks for what HTTP options need. Calls within the process need no Cap'n Proto.
func httpFeatures(h *HTTPOptions, address Text, subject string, use func(string, Pos, string)) {
	if h.CapnpConnectHost.IsSet() && !strings.HasPrefix(address.Value, Loopback) {
		use("capnpConnectHost", h.CapnpConnectHost.Pos, subject)
	}
}

func tlsFeatures(t *TLSOptions, subject string, use func(string, Pos, string)) {
	if t == nil {
		return
	}
	if t.MinVersion == TLSSSL3 {
		use("tls.ssl3", t.Pos, subject)
	}
}

func (w *Worker) features(name string, use func(feature string, pos Pos, subject string)) {
	subject := fmt.Sprintf("Worker %q", name)
	useText := func(feature string, t Text) {
		if t.IsSet() {
			use(feature, t.Pos, subject)
		}
	}
	useService := func(feature string, d ServiceDesignator) {
		if d.IsSet() {
			use(feature, d.Pos, subject)
		}
	}
	for i := range w.Modules {
		m := &w.Modules[i]
		use("module."+m.Kind.String(), m.Pos, fmt.Sprintf("%s's module %q", subject, m.Name))
	}
	if w.Source != nil && strings.EqualFold(filepath.Ext(w.Source.Main), ".py") {
		use("module."+ModulePython.String(), w.Source.Pos, subject)
	}
	useText("worker.inherit", w.Inherit)
	bindingFeatures(w.Bindings, subject, use)
	useService("worker.cacheApiOutbound", w.CacheAPIOutbound)
	useText("worker.uniqueKeyModifier", w.UniqueKeyModifier)
	for _, ns := range w.Namespaces {
		if ns.Container != nil {
			use("worker.container", ns.Container.Pos, fmt.Sprintf("%s's class %q", subject, ns.ClassName))
		}
	}
	useText("worker.moduleFallback", w.ModuleFallback)
	for _, tail := range w.Tails {
		useService("worker.tails", tail)
	}
	for _, tail := range w.StreamingTails {
		useService("worker.streamingTails", tail)
	}
	if w.Containers != nil {
		use("worker.containerEngine", w.Containers.Pos, subject)
	}
	useText("worker.accessBlobHeader", w.AccessBlobHeader)
	useService("worker.accessBindingService", w.AccessBindingService)
	for _, p := range w.Platform {
		use("platform."+p.Product, p.Pos, subject)
	}
}

func bindingFeatures(bindings []Binding, subject string, use func(feature string, pos Pos, subject string)) {
	for i := range bindings {
		b := &bindings[i]
		of := fmt.Sprintf("%s's binding %q", subject, b.Name)
		if b.Kind == BindingPlatform {
			use("platform."+b.Product, b.Pos, of)
		} else {
			use(featureOf(b), b.Pos, of)
		}
		if b.Wrapped != nil {
			bindingFeatures(b.Wrapped.Inner, subject, use)
		}
	}
}

// featureOf is the feature that a binding needs: one of a product that names no service
// needs the product itself.
func featureOf(b *Binding) string {
	switch b.Kind {
	case BindingKVNamespace, BindingR2Bucket, BindingQueue, BindingAnalyticsEngine, BindingHyperdrive:
		if !b.Service.IsSet() {
			return "local." + b.Kind.String()
		}
	}
	return "binding." + b.Kind.String()
}
