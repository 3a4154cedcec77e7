package config

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/pem"
	"fmt"
	"strings"
	"time"

	"workerd.local/cron"
)

// ValidateOptions says how the server will be run.
type ValidateOptions struct {
	Experimental bool   // --experimental: accept features workerd calls experimental
	CompatDate   string // --compat-date: the date of every worker, which then must not have its own; "" = none
}

// Validate checks the rules that need the whole configuration, after Override. The messages are workerd's.
// What only the code itself can tell, such as which entrypoints it exports, is left to the server.
func (c *Config) Validate(o ValidateOptions) []*Error {
	v := &validator{c: c, o: o, sink: &sink{}}
	seen := make(map[string]bool)
	for i := range c.Services {
		service := &c.Services[i]
		if seen[service.Name] {
			v.errorf(service.Pos, "Config defines multiple services named \"%s\".", service.Name)
		}
		seen[service.Name] = true
		v.service(service)
	}
	for i := range c.Sockets {
		socket := &c.Sockets[i]
		v.designator(socket.Service, socket.Pos, fmt.Sprintf("Socket \"%s\"", socket.Name))
		if socket.Address.Value == "" && socket.FD == nil {
			v.errorf(socket.Pos, "Socket \"%s\" has no address in the config, so must be specified on the "+
				"command line with `--socket-addr`.", socket.Name)
		}
	}
	return v.errors
}

type validator struct {
	c *Config
	o ValidateOptions
	*sink
}

func (v *validator) service(s *Service) {
	set := 0
	if s.Worker != nil {
		set++
		v.worker(s.Name, s.Worker)
	}
	if s.Network != nil {
		set++
	}
	if s.External != nil {
		set++
		if s.External.Address.Value == "" {
			v.errorf(s.Pos, "External service \"%s\" has no address in the config, so must be specified on the "+
				"command line with `--external-addr`.", s.Name)
		}
	}
	if s.Disk != nil {
		set++
		if s.Disk.Path.Value == "" {
			v.errorf(s.Pos, "Directory \"%s\" has no path in the config, so must be specified on the command line "+
				"with `--directory-path`.", s.Name)
		}
	}
	if s.Assets != nil {
		set++
	}
	switch {
	case set == 0:
		v.errorf(s.Pos, "Service named \"%s\" does not specify what to serve.", s.Name)
	case set > 1:
		v.errorf(s.Pos, "Service named \"%s\" specifies several things to serve.", s.Name)
	}
}

// at is the first of the places that is known.
func at(places ...Pos) Pos {
	for _, p := range places {
		if p.IsValid() {
			return p
		}
	}
	return Pos{}
}

// designator checks that d names a service that has what d asks of it.
func (v *validator) designator(d ServiceDesignator, owner Pos, context string) {
	pos := at(d.Pos, owner)
	target := v.c.Service(d.Name)
	if target == nil {
		if d.Name == DefaultInternet && d.Entrypoint == "" && d.Props == "" {
			return
		}
		if d.Name != DefaultInternet {
			v.errorf(pos, "%s refers to a service \"%s\", but no such service is defined.", context, d.Name)
			return
		}
	}
	if target != nil && target.Worker != nil {
		return
	}
	switch {
	case d.Entrypoint != "":
		v.errorf(pos, "%s refers to service \"%s\" with a named entrypoint \"%s\", but \"%s\" is not a Worker, "+
			"so does not have any named entrypoints.", context, d.Name, d.Entrypoint, d.Name)
	case d.Props != "":
		v.errorf(pos, "%s refers to service \"%s\" and provides a `props` value, but \"%s\" is not a Worker, "+
			"so cannot accept `props`.", context, d.Name, d.Name)
	}
}

func (v *validator) optionalDesignator(d ServiceDesignator, owner Pos, context string) {
	if d.IsSet() {
		v.designator(d, owner, context)
	}
}

// workerErrorf reports an error about the inside of a worker the way workerd prefixes them.
func (v *validator) workerErrorf(service string, pos Pos, format string, args ...any) {
	v.errorf(pos, "service %s: %s", service, fmt.Sprintf(format, args...))
}

func (v *validator) experimental(service string, pos Pos, what string) {
	if !v.o.Experimental && v.c.Service(service).Worker.Source == nil { // wrangler always asks for them
		v.workerErrorf(service, pos, "%s an experimental feature which may change or go away in the future. "+
			"You must run workerd with `--experimental` to use this feature.", what)
	}
}

func (v *validator) worker(name string, w *Worker) {
	v.compatibility(name, w)
	if w.Script == nil && w.Source == nil && !w.Inherit.IsSet() && len(w.Modules) == 0 {
		v.workerErrorf(name, w.Pos, "Modules list cannot be empty.")
	}
	quoted := fmt.Sprintf("Worker \"%s\"", name)
	for i := range w.Bindings {
		v.binding(name, w, &w.Bindings[i])
	}
	v.optionalDesignator(w.GlobalOutbound, w.Pos, quoted+"'s globalOutbound")
	v.optionalDesignator(w.CacheAPIOutbound, w.Pos, quoted+"'s cacheApiOutbound")
	for _, tail := range w.Tails {
		v.designator(tail, w.Pos, quoted+"'s tails")
	}
	for _, tail := range w.StreamingTails {
		v.designator(tail, w.Pos, quoted+"'s streaming tails")
	}
	for _, c := range w.Crons {
		if _, err := cron.Parse(c.Value); err != nil {
			v.workerErrorf(name, c.Pos, "%q is not a cron expression: %s.", c.Value, err)
		}
	}
	v.access(name, w)
	v.namespaces(name, w)
}

func (v *validator) compatibility(name string, w *Worker) {
	date := w.CompatibilityDate
	switch {
	case w.Inherit.IsSet():
	case v.o.CompatDate != "":
		if date.IsSet() {
			v.workerErrorf(name, date.Pos, "Worker specifies compatibilityDate but --compat-date was provided. "+
				"When using --compat-date, workers must not specify compatibilityDate in the config. "+
				"Use compatibilityFlags to enable/disable specific flags if needed.")
		}
	case !date.IsSet():
		v.workerErrorf(name, w.Pos, "Worker must specify compatibilityDate.")
	case !ValidCompatDate(date.Value):
		v.workerErrorf(name, date.Pos, "Invalid compatibility date: %s", date.Value)
	}
	seen := make(map[string]bool)
	for _, flag := range w.CompatibilityFlags {
		if seen[flag.Value] {
			v.workerErrorf(name, flag.Pos, "Compatibility flag specified multiple times: %s", flag.Value)
		}
		seen[flag.Value] = true
	}
}

// ValidCompatDate reports whether date is a day of the calendar, written YYYY-MM-DD.
func ValidCompatDate(date string) bool {
	_, err := time.Parse(time.DateOnly, date)
	return err == nil
}

func (v *validator) access(name string, w *Worker) {
	if w.AccessBlobHeader.IsSet() && !v.o.Experimental {
		v.workerErrorf(name, w.AccessBlobHeader.Pos, "Worker \"%s\" has accessBlobHeader configured but this is an "+
			"experimental feature. You must run workerd with `--experimental` to use this feature.", name)
	}
	if d := w.AccessBindingService; d.IsSet() {
		switch target := v.c.Service(d.Name); {
		case target == nil:
			v.errorf(d.Pos, "Worker accessBindingService refers to a service \"%s\", but no such service is defined.", d.Name)
		case target.Worker == nil:
			v.errorf(d.Pos, "Worker accessBindingService refers to service \"%s\", but it is not a Worker.", d.Name)
		}
	}
}

// namespaces checks the durable object classes of a worker and where they keep their state.
func (v *validator) namespaces(name string, w *Worker) {
	seen := make(map[string]bool)
	keyed := false
	for _, ns := range w.Namespaces {
		if seen[ns.ClassName] {
			v.workerErrorf(name, ns.Pos, "The Durable Object class \"%s\" has several namespaces.", ns.ClassName)
		}
		seen[ns.ClassName] = true
		if ns.EphemeralLocal {
			v.experimental(name, ns.Pos, "Ephemeral objects (Durable Object namespaces with type 'ephemeralLocal') are")
		} else {
			keyed = true
		}
	}
	if keyed && w.Storage.Kind == StorageNone {
		v.errorf(at(w.Storage.Pos, w.Pos), "Worker service \"%s\" implements durable object classes but has "+
			"`durableObjectStorage` set to `none`.", name)
	}
	if w.Storage.Kind != StorageLocalDisk {
		return
	}
	pos := at(w.Storage.Pos, w.Pos)
	switch disk := v.c.Service(w.Storage.Service); {
	case disk == nil:
		v.workerErrorf(name, pos, "durableObjectStorage config refers to a service \"%s\", but no such service is defined.",
			w.Storage.Service)
	case disk.Disk == nil:
		v.workerErrorf(name, pos, "durableObjectStorage config refers to the service \"%s\", but that service is not a "+
			"local disk service.", w.Storage.Service)
	case !disk.Disk.Writable:
		v.workerErrorf(name, pos, "durableObjectStorage config refers to the disk service \"%s\", but that service is "+
			"defined read-only.", w.Storage.Service)
	}
}

func (v *validator) binding(name string, w *Worker, b *Binding) {
	context := fmt.Sprintf("Worker \"%s\"'s binding \"%s\"", name, b.Name)
	switch b.Kind {
	case BindingUnspecified:
		v.workerErrorf(name, b.Pos, "%s does not specify any binding value.", context)
	case BindingObsolete:
		v.workerErrorf(name, b.Pos, "%s uses an obsolete binding type.", context)
	case BindingWasmModule:
		if w.Script == nil {
			v.workerErrorf(name, b.Pos, "%s is a Wasm binding, but Wasm bindings are not allowed in modules-based "+
				"scripts. Use Wasm modules instead.", context)
		}
	case BindingService, BindingKVNamespace, BindingR2Bucket, BindingQueue, BindingHyperdrive:
		if b.Service.IsSet() || b.ID == "" {
			v.designator(b.Service, b.Pos, context)
		}
	case BindingAnalyticsEngine:
		v.experimental(name, b.Pos, "AnalyticsEngine bindings are")
		if b.Service.IsSet() || b.ID == "" {
			v.designator(b.Service, b.Pos, context)
		}
	case BindingDurableObjectClass:
		v.experimental(name, b.Pos, "Durable Object class bindings are")
		v.actorClass(b, context)
	case BindingDurableObjectNamespace:
		v.namespaceBinding(name, w, b, context)
	case BindingUnsafeEval:
		if !v.o.Experimental {
			v.workerErrorf(name, b.Pos, "Unsafe eval is an experimental feature. You must run workerd with "+
				"`--experimental` to use this feature.")
		}
	case BindingMemoryCache:
		v.experimental(name, b.Pos, "MemoryCache bindings are")
		if b.MemoryCache == nil {
			v.workerErrorf(name, b.Pos, "MemoryCache bindings must specify limits. Please update the binding in the "+
				"worker configuration and try again.")
		}
	case BindingWorkerLoader:
		v.experimental(name, b.Pos, "Worker loader bindings are")
	case BindingWorkerdDebugPort:
		v.experimental(name, b.Pos, "workerdDebugPort bindings are")
	case BindingCryptoKey:
		v.cryptoKey(name, b)
	case BindingWrapped:
		for i := range b.Wrapped.Inner {
			v.binding(name, w, &b.Wrapped.Inner[i])
		}
	}
}

func (v *validator) actorClass(b *Binding, context string) {
	pos := at(b.Service.Pos, b.Pos)
	target := v.c.Service(b.Service.Name)
	switch {
	case target == nil && b.Service.Name != DefaultInternet:
		v.errorf(pos, "%s refers to a service \"%s\", but no such service is defined.", context, b.Service.Name)
	case target != nil && target.Worker != nil:
	case b.Service.Entrypoint != "":
		v.errorf(pos, "%s refers to service \"%s\" with a named Durable Object entrypoint \"%s\", but \"%s\" is not a "+
			"Worker, so does not have any named entrypoints.", context, b.Service.Name, b.Service.Entrypoint, b.Service.Name)
	default:
		v.errorf(pos, "%s refers to service \"%s\" as a Durable Object class, but \"%s\" is not a Worker, so cannot be "+
			"used as a class.", context, b.Service.Name, b.Service.Name)
	}
}

func (v *validator) namespaceBinding(name string, w *Worker, b *Binding, context string) {
	d := b.Namespace
	pos := at(d.Pos, b.Pos)
	if d.ServiceName == "" {
		if w.Namespace(d.ClassName) == nil {
			v.workerErrorf(name, pos, "%s refers to a Durable Object namespace named \"%s\", but no such Durable Object "+
				"namespace is defined by this Worker.", context, d.ClassName)
		}
		return
	}
	target := v.c.Service(d.ServiceName)
	switch {
	case target == nil:
		v.workerErrorf(name, pos, "%s refers to a service \"%s\", but no such service is defined.", context, d.ServiceName)
	case target.Worker == nil || target.Worker.Namespace(d.ClassName) == nil:
		v.workerErrorf(name, pos, "%s refers to a Durable Object namespace named \"%s\" in service \"%s\", but no such "+
			"Durable Object namespace is defined by that service.", context, d.ClassName, d.ServiceName)
	}
}

func (v *validator) cryptoKey(name string, b *Binding) {
	report := func(format string, args ...any) {
		v.workerErrorf(name, at(b.CryptoKey.Pos, b.Pos), "CryptoKey binding \"%s\" contained %s", b.Name,
			fmt.Sprintf(format, args...))
	}
	checkPEM := func(want string) {
		switch block, _ := pem.Decode(b.CryptoKey.Key); {
		case block == nil:
			report("invalid PEM format.")
		case block.Type != want:
			report("wrong PEM type, expected \"%s\" but got \"%s\".", want, block.Type)
		}
	}
	switch key := string(b.CryptoKey.Key); b.CryptoKey.Format {
	case KeyHex:
		if _, err := hex.DecodeString(key); err != nil {
			report("invalid hex.")
		}
	case KeyBase64:
		if _, err := base64.RawStdEncoding.DecodeString(strings.TrimRight(key, "=")); err != nil {
			report("invalid base64.")
		}
	case KeyPKCS8:
		checkPEM("PRIVATE KEY")
	case KeySPKI:
		checkPEM("PUBLIC KEY")
	}
}
