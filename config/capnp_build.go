package config

import "workerd.local/internal/limits"

// capnpBuilder turns evaluated values into this package's types. The values fit the schema already, so
// nothing can be wrong here except that shared constants expand to too much.
type capnpBuilder struct {
	sink   *sink
	budget int // values that may still be visited
}

func (v *value) sub(field string) *value {
	if v == nil {
		return nil
	}
	return v.fields[field]
}

func (v *value) has(field string) bool { return v.sub(field) != nil }

func (v *value) str(field string) string {
	if f := v.sub(field); f != nil {
		return f.text
	}
	return ""
}

func (v *value) textAt(field string) Text {
	if f := v.sub(field); f != nil {
		return Text{Value: f.text, Pos: f.pos}
	}
	return Text{}
}

func (v *value) flag(field string) bool {
	f := v.sub(field)
	return f != nil && f.bool
}

func (v *value) number(field string) uint64 {
	if f := v.sub(field); f != nil {
		return f.num
	}
	return 0
}

// enumValue is the index of the field's value in its enumeration, 0 when unset.
func (v *value) enumValue(field string) uint8 {
	f := v.sub(field)
	if f == nil {
		return 0
	}
	i, _ := enumIndex(f.typ, f.text) // evaluation checked the name
	return uint8(i)
}

func (v *value) place() Pos {
	if v == nil {
		return Pos{}
	}
	return v.pos
}

// build makes one T of each element of a list field, and nil of an unset one.
func build[T any](b *capnpBuilder, v *value, field string, one func(*value) T) []T {
	list := v.sub(field)
	if list == nil {
		return nil
	}
	if b.budget < len(list.list) {
		if b.budget >= 0 {
			b.sink.errorf(list.pos, "The configuration has more than %d values once its constants are expanded.", limits.ConfigValues.In(b.sink.bounds))
		}
		b.budget = -1
		return nil
	}
	b.budget -= len(list.list)
	out := make([]T, 0, len(list.list))
	for _, element := range list.list {
		out = append(out, one(element))
	}
	return out
}

func textOf(v *value) Text     { return Text{Value: v.text, Pos: v.pos} }
func stringOf(v *value) string { return v.text }

func (b *capnpBuilder) texts(v *value, field string) []Text { return build(b, v, field, textOf) }

func (b *capnpBuilder) config(v *value) *Config {
	c := &Config{
		File:       v.place().File,
		Services:   build(b, v, "services", b.service),
		Sockets:    build(b, v, "sockets", b.socket),
		Extensions: build(b, v, "extensions", b.extension),
		V8Flags:    b.texts(v, "v8Flags"),
		Autogates:  b.texts(v, "autogates"),
		Logging:    DefaultLogging(),
	}
	logging := v.sub("logging")
	c.Logging.Structured = v.flag("structuredLogging") || logging.flag("structuredLogging")
	if logging.has("stdoutPrefix") {
		c.Logging.StdoutPrefix = logging.str("stdoutPrefix")
	}
	if logging.has("stderrPrefix") {
		c.Logging.StderrPrefix = logging.str("stderrPrefix")
	}
	return c
}

func (b *capnpBuilder) extension(v *value) Extension {
	return Extension{Pos: v.pos, Modules: build(b, v, "modules", func(m *value) ExtensionModule {
		source := m.sub("esModule")
		out := ExtensionModule{Pos: m.pos, Name: m.str("name"), Internal: m.flag("internal")}
		if source != nil {
			out.Content, out.Path = []byte(source.text), source.path
		}
		return out
	})}
}

func (b *capnpBuilder) socket(v *value) Socket {
	s := Socket{
		Pos: v.pos, Name: v.str("name"), Address: v.textAt("address"), Service: b.designator(v.sub("service")),
	}
	switch v.which {
	case "", "http":
		s.HTTP = b.httpOptions(v.sub("http"))
	case "https":
		s.Kind = SocketHTTPS
		s.HTTP = b.httpOptions(v.sub("https").sub("options"))
		s.TLS = b.tlsOrEmpty(v.sub("https"))
	case "tcp":
		s.Kind = SocketTCP
		s.TLS = b.tlsOptions(v.sub("tcp").sub("tlsOptions"))
	}
	return s
}

func (b *capnpBuilder) httpOptions(v *value) HTTPOptions {
	return HTTPOptions{
		Style:                 HTTPStyle(v.enumValue("style")),
		ForwardedProtoHeader:  v.str("forwardedProtoHeader"),
		CfBlobHeader:          v.str("cfBlobHeader"),
		InjectRequestHeaders:  build(b, v, "injectRequestHeaders", header),
		InjectResponseHeaders: build(b, v, "injectResponseHeaders", header),
		CapnpConnectHost:      v.textAt("capnpConnectHost"),
	}
}

func header(v *value) Header {
	return Header{Pos: v.pos, Name: v.str("name"), Value: v.str("value"), Remove: !v.has("value")}
}

func (b *capnpBuilder) tlsOptions(v *value) *TLSOptions {
	if v == nil {
		return nil
	}
	t := &TLSOptions{
		Pos:                 v.pos,
		RequireClientCerts:  v.flag("requireClientCerts"),
		TrustBrowserCAs:     v.flag("trustBrowserCas"),
		TrustedCertificates: b.texts(v, "trustedCertificates"),
		MinVersion:          TLSVersion(v.enumValue("minVersion")),
		CipherList:          v.str("cipherList"),
	}
	if k := v.sub("keypair"); k != nil {
		t.Keypair = &Keypair{Pos: k.pos, PrivateKey: k.str("privateKey"), CertificateChain: k.str("certificateChain")}
	}
	return t
}

// tlsOrEmpty is the tlsOptions of a group that is encrypted even when it says nothing about how.
func (b *capnpBuilder) tlsOrEmpty(group *value) *TLSOptions {
	if t := b.tlsOptions(group.sub("tlsOptions")); t != nil {
		return t
	}
	return &TLSOptions{Pos: group.place()}
}

func (b *capnpBuilder) service(v *value) Service {
	s := Service{Pos: v.pos, Name: v.str("name")}
	of := v.sub(v.which)
	switch v.which {
	case "worker":
		s.Worker = b.worker(of)
	case "network":
		s.Network = b.network(of)
	case "external":
		s.External = b.external(of)
	case "disk":
		s.Disk = &DiskDirectory{
			Path: of.textAt("path"), Writable: of.flag("writable"), AllowDotfiles: of.flag("allowDotfiles"),
		}
	}
	return s
}

func (b *capnpBuilder) network(v *value) *Network {
	n := &Network{Deny: b.texts(v, "deny"), TLS: b.tlsOptions(v.sub("tlsOptions"))}
	if v.has("allow") {
		n.Allow = b.texts(v, "allow")
	} else {
		n.Allow = []Text{{Value: "public"}}
	}
	return n
}

func (b *capnpBuilder) external(v *value) *ExternalServer {
	e := &ExternalServer{Address: v.textAt("address")}
	if v == nil {
		return e
	}
	group := v.sub(v.which)
	switch v.which {
	case "", "http":
		e.HTTP = b.httpOptions(group)
	case "https":
		e.Kind = SocketHTTPS
		e.HTTP = b.httpOptions(group.sub("options"))
		e.TLS = b.tlsOrEmpty(group)
		e.CertificateHost = group.str("certificateHost")
	case "tcp":
		e.Kind = SocketTCP
		e.TLS = b.tlsOptions(group.sub("tlsOptions"))
		e.CertificateHost = group.str("certificateHost")
	}
	return e
}

func (b *capnpBuilder) designator(v *value) ServiceDesignator {
	if v == nil {
		return ServiceDesignator{}
	}
	return ServiceDesignator{
		Pos: v.pos, Name: v.str("name"), Entrypoint: v.str("entrypoint"), Props: v.sub("props").str("json"),
	}
}

func (b *capnpBuilder) worker(v *value) *Worker {
	w := &Worker{
		Pos:                  v.place(),
		Modules:              build(b, v, "modules", b.module),
		Inherit:              v.textAt("inherit"),
		CompatibilityDate:    v.textAt("compatibilityDate"),
		CompatibilityFlags:   b.texts(v, "compatibilityFlags"),
		Bindings:             build(b, v, "bindings", b.binding),
		GlobalOutbound:       b.designator(v.sub("globalOutbound")),
		CacheAPIOutbound:     b.designator(v.sub("cacheApiOutbound")),
		Namespaces:           build(b, v, "durableObjectNamespaces", b.namespace),
		UniqueKeyModifier:    v.textAt("durableObjectUniqueKeyModifier"),
		ModuleFallback:       v.textAt("moduleFallback"),
		Tails:                build(b, v, "tails", b.designator),
		StreamingTails:       build(b, v, "streamingTails", b.designator),
		AccessBlobHeader:     v.textAt("accessBlobHeader"),
		AccessBindingService: b.designator(v.sub("accessBindingService")),
	}
	if !w.GlobalOutbound.IsSet() {
		w.GlobalOutbound.Name = DefaultInternet
	}
	if script := v.sub("serviceWorkerScript"); script != nil {
		w.Script = &Script{Pos: script.pos, Content: []byte(script.text), Path: script.path}
	}
	if storage := v.sub("durableObjectStorage"); storage != nil {
		w.Storage.Pos = storage.pos
		w.Storage.Kind, _ = kindOf[StorageKind](storageKindNames, storage.which) // unset is StorageNone
		w.Storage.Service = storage.str("localDisk")
	}
	if docker := v.sub("containerEngine").sub("localDocker"); docker != nil {
		w.Containers = &DockerConfiguration{
			Pos: docker.pos, SocketPath: docker.str("socketPath"),
			ContainerEgressInterceptorImage: docker.str("containerEgressInterceptorImage"),
		}
	}
	return w
}

func (b *capnpBuilder) module(v *value) Module {
	m := Module{Pos: v.pos, Name: v.str("name"), NamedExports: build(b, v, "namedExports", stringOf)}
	if content := v.sub(v.which); content != nil {
		m.Kind, _ = kindOf[ModuleKind](moduleKindNames, v.which) // the schema and the table agree
		m.Content, m.Path = []byte(content.text), content.path
	}
	return m
}

func (b *capnpBuilder) namespace(v *value) DurableObjectNamespace {
	ns := DurableObjectNamespace{
		Pos:             v.pos,
		ClassName:       v.str("className"),
		UniqueKey:       v.str("uniqueKey"),
		EphemeralLocal:  v.which == "ephemeralLocal",
		PreventEviction: v.flag("preventEviction"),
		EnableSQL:       v.flag("enableSql"),
	}
	if c := v.sub("container"); c != nil {
		privileges := c.sub("privileges")
		ns.Container = &ContainerOptions{
			Pos:          c.pos,
			ImageName:    c.str("imageName"),
			Capabilities: build(b, privileges, "capabilities", stringOf),
			SecurityOpt:  build(b, privileges, "securityOpt", stringOf),
			Devices: build(b, privileges, "devices", func(d *value) ContainerDevice {
				return ContainerDevice{
					PathOnHost: d.str("pathOnHost"), PathInContainer: d.str("pathInContainer"),
					CgroupPermissions: d.str("cgroupPermissions"),
				}
			}),
		}
	}
	return ns
}

func (b *capnpBuilder) binding(v *value) Binding {
	out := Binding{Pos: v.pos, Name: v.str("name")}
	of := v.sub(v.which)
	if of == nil {
		return out
	}
	out.Kind, _ = kindOf[BindingKind](bindingKindNames, v.which) // the schema and the table agree
	switch out.Kind {
	case BindingText, BindingJSON, BindingFromEnvironment:
		out.Text = of.text
	case BindingData, BindingWasmModule:
		out.Data = []byte(of.text)
	case BindingService, BindingDurableObjectClass, BindingKVNamespace, BindingR2Bucket, BindingQueue,
		BindingAnalyticsEngine, BindingObsolete:
		out.Service = b.designator(of)
	case BindingDurableObjectNamespace:
		out.Namespace = &DurableObjectNamespaceDesignator{
			Pos: of.pos, ClassName: of.str("className"), ServiceName: of.str("serviceName"),
		}
	case BindingCryptoKey:
		out.CryptoKey = b.cryptoKey(of)
	case BindingWrapped:
		out.Wrapped = &WrappedBinding{
			Pos: of.pos, ModuleName: of.str("moduleName"), Entrypoint: "default",
			Inner: build(b, of, "innerBindings", b.binding),
		}
		if of.has("entrypoint") {
			out.Wrapped.Entrypoint = of.str("entrypoint")
		}
	case BindingHyperdrive:
		out.Service = b.designator(of.sub("designator"))
		out.Hyperdrive = &Hyperdrive{
			Database: of.str("database"), User: of.str("user"), Password: of.str("password"), Scheme: of.str("scheme"),
		}
	case BindingMemoryCache:
		out.ID = of.str("id")
		if limits := of.sub("limits"); limits != nil {
			out.MemoryCache = &MemoryCacheLimits{
				Pos:               limits.pos,
				MaxKeys:           uint32(limits.number("maxKeys")),
				MaxValueSize:      uint32(limits.number("maxValueSize")),
				MaxTotalValueSize: limits.number("maxTotalValueSize"),
			}
		}
	case BindingWorkerLoader:
		out.ID = of.str("id")
	case BindingParameter:
		out.Parameter = &Parameter{Pos: of.pos, Type: "unspecified", Optional: of.flag("optional")}
		if t := of.sub("type"); t != nil && t.which != "" {
			out.Parameter.Type = t.which
			out.Parameter.Usages = build(b, t, "cryptoKey", usage)
		}
	}
	return out
}

func usage(v *value) CryptoKeyUsage {
	u, _ := kindOf[CryptoKeyUsage](cryptoKeyUsageNames, v.text) // evaluation checked the name
	return u
}

func (b *capnpBuilder) cryptoKey(v *value) *CryptoKey {
	key := &CryptoKey{
		Pos:           v.pos,
		AlgorithmName: v.sub("algorithm").str("name"),
		AlgorithmJSON: v.sub("algorithm").str("json"),
		Extractable:   v.flag("extractable"),
		Usages:        build(b, v, "usages", usage),
	}
	if of := v.sub(v.which); of != nil {
		key.Format, _ = kindOf[CryptoKeyFormat](cryptoKeyFormatNames, v.which) // the schema and the table agree
		key.Key = []byte(of.text)
	}
	return key
}
