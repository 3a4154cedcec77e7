package config

import (
	"slices"
	"strings"
	"sync"
)

// capnpStruct describes one struct or group of the configuration schema.
type capnpStruct struct {
	name   string // dotted, as a configuration file would write it after "Workerd."
	fields []capnpField
}

// capnpField is one field. All fields marked union share the struct's single unnamed union, whose first
// member is what an unset union means.
type capnpField struct {
	name  string
	typ   string // a scalar, a struct or enum name, or List(…) of one
	union bool
}

const inUnion = true

// capnpEnums are the enumerations of the schema.
var capnpEnums = map[string][]string{
	"HttpOptions.Style":              httpStyleNames,
	"TlsOptions.Version":             tlsVersionNames,
	"Worker.Binding.CryptoKey.Usage": cryptoKeyUsageNames,
}

// capnpStructs is workerd's configuration schema. Everything the text reader accepts, and with which type,
// is decided here; capnp_build.go turns the resulting values into this package's types. The first field of
// a struct is the one a bare value sets.
var capnpStructs = []capnpStruct{
	{"Config", []capnpField{
		{"services", "List(Service)", false},
		{"sockets", "List(Socket)", false},
		{"v8Flags", "List(Text)", false},
		{"extensions", "List(Extension)", false},
		{"autogates", "List(Text)", false},
		{"structuredLogging", "Bool", false},
		{"logging", "LoggingOptions", false},
	}},
	{"LoggingOptions", []capnpField{
		{"structuredLogging", "Bool", false},
		{"stdoutPrefix", "Text", false},
		{"stderrPrefix", "Text", false},
	}},
	{"Socket", []capnpField{
		{"name", "Text", false},
		{"address", "Text", false},
		{"http", "HttpOptions", inUnion},
		{"https", "Socket.https", inUnion},
		{"tcp", "Socket.tcp", inUnion},
		{"service", "ServiceDesignator", false},
	}},
	{"Socket.https", []capnpField{
		{"options", "HttpOptions", false},
		{"tlsOptions", "TlsOptions", false},
	}},
	{"Socket.tcp", []capnpField{
		{"tlsOptions", "TlsOptions", false},
	}},
	{"Service", []capnpField{
		{"name", "Text", false},
		{"unspecified", "Void", inUnion},
		{"worker", "Worker", inUnion},
		{"network", "Network", inUnion},
		{"external", "ExternalServer", inUnion},
		{"disk", "DiskDirectory", inUnion},
	}},
	{"ServiceDesignator", []capnpField{
		{"name", "Text", false},
		{"entrypoint", "Text", false},
		{"props", "ServiceDesignator.props", false},
	}},
	{"ServiceDesignator.props", []capnpField{
		{"empty", "Void", inUnion},
		{"json", "Text", inUnion},
	}},
	{"Worker", []capnpField{
		{"modules", "List(Worker.Module)", inUnion},
		{"serviceWorkerScript", "Text", inUnion},
		{"inherit", "Text", inUnion},
		{"compatibilityDate", "Text", false},
		{"compatibilityFlags", "List(Text)", false},
		{"bindings", "List(Worker.Binding)", false},
		{"globalOutbound", "ServiceDesignator", false},
		{"cacheApiOutbound", "ServiceDesignator", false},
		{"durableObjectNamespaces", "List(Worker.DurableObjectNamespace)", false},
		{"durableObjectUniqueKeyModifier", "Text", false},
		{"durableObjectStorage", "Worker.durableObjectStorage", false},
		{"moduleFallback", "Text", false},
		{"tails", "List(ServiceDesignator)", false},
		{"streamingTails", "List(ServiceDesignator)", false},
		{"containerEngine", "Worker.containerEngine", false},
		{"accessBlobHeader", "Text", false},
		{"accessBindingService", "ServiceDesignator", false},
	}},
	{"Worker.durableObjectStorage", []capnpField{
		{"none", "Void", inUnion},
		{"inMemory", "Void", inUnion},
		{"localDisk", "Text", inUnion},
	}},
	{"Worker.containerEngine", []capnpField{
		{"none", "Void", inUnion},
		{"localDocker", "Worker.DockerConfiguration", inUnion},
	}},
	{"Worker.DockerConfiguration", []capnpField{
		{"socketPath", "Text", false},
		{"containerEgressInterceptorImage", "Text", false},
	}},
	{"Worker.Module", []capnpField{
		{"name", "Text", false},
		{"esModule", "Text", inUnion},
		{"commonJsModule", "Text", inUnion},
		{"text", "Text", inUnion},
		{"data", "Data", inUnion},
		{"wasm", "Data", inUnion},
		{"json", "Text", inUnion},
		{"obsolete", "Text", inUnion},
		{"pythonModule", "Text", inUnion},
		{"obsoletePythonRequirement", "Text", inUnion},
		{"namedExports", "List(Text)", false},
	}},
	{"Worker.Binding", []capnpField{
		{"name", "Text", false},
		{"unspecified", "Void", inUnion},
		{"parameter", "Worker.Binding.parameter", inUnion},
		{"text", "Text", inUnion},
		{"data", "Data", inUnion},
		{"json", "Text", inUnion},
		{"wasmModule", "Data", inUnion},
		{"cryptoKey", "Worker.Binding.CryptoKey", inUnion},
		{"service", "ServiceDesignator", inUnion},
		{"durableObjectNamespace", "Worker.Binding.DurableObjectNamespaceDesignator", inUnion},
		{"kvNamespace", "ServiceDesignator", inUnion},
		{"r2Bucket", "ServiceDesignator", inUnion},
		{"obsolete0", "ServiceDesignator", inUnion},
		{"wrapped", "Worker.Binding.WrappedBinding", inUnion},
		{"queue", "ServiceDesignator", inUnion},
		{"fromEnvironment", "Text", inUnion},
		{"analyticsEngine", "ServiceDesignator", inUnion},
		{"hyperdrive", "Worker.Binding.hyperdrive", inUnion},
		{"unsafeEval", "Void", inUnion},
		{"memoryCache", "Worker.Binding.memoryCache", inUnion},
		{"durableObjectClass", "ServiceDesignator", inUnion},
		{"workerLoader", "Worker.Binding.workerLoader", inUnion},
		{"workerdDebugPort", "Void", inUnion},
	}},
	{"Worker.Binding.parameter", []capnpField{
		{"type", "Worker.Binding.Type", false},
		{"optional", "Bool", false},
	}},
	{"Worker.Binding.Type", []capnpField{
		{"unspecified", "Void", inUnion},
		{"text", "Void", inUnion},
		{"data", "Void", inUnion},
		{"json", "Void", inUnion},
		{"wasm", "Void", inUnion},
		{"cryptoKey", "List(Worker.Binding.CryptoKey.Usage)", inUnion},
		{"service", "Void", inUnion},
		{"durableObjectNamespace", "Void", inUnion},
		{"kvNamespace", "Void", inUnion},
		{"r2Bucket", "Void", inUnion},
		{"obsolete0", "Void", inUnion},
		{"queue", "Void", inUnion},
		{"analyticsEngine", "Void", inUnion},
		{"hyperdrive", "Void", inUnion},
		{"durableObjectClass", "Void", inUnion},
		{"workerdDebugPort", "Void", inUnion},
	}},
	{"Worker.Binding.DurableObjectNamespaceDesignator", []capnpField{
		{"className", "Text", false},
		{"serviceName", "Text", false},
	}},
	{"Worker.Binding.CryptoKey", []capnpField{
		{"raw", "Data", inUnion},
		{"hex", "Text", inUnion},
		{"base64", "Text", inUnion},
		{"pkcs8", "Text", inUnion},
		{"spki", "Text", inUnion},
		{"jwk", "Text", inUnion},
		{"algorithm", "Worker.Binding.CryptoKey.algorithm", false},
		{"extractable", "Bool", false},
		{"usages", "List(Worker.Binding.CryptoKey.Usage)", false},
	}},
	{"Worker.Binding.CryptoKey.algorithm", []capnpField{
		{"name", "Text", inUnion},
		{"json", "Text", inUnion},
	}},
	{"Worker.Binding.hyperdrive", []capnpField{
		{"designator", "ServiceDesignator", false},
		{"database", "Text", false},
		{"user", "Text", false},
		{"password", "Text", false},
		{"scheme", "Text", false},
	}},
	{"Worker.Binding.memoryCache", []capnpField{
		{"id", "Text", false},
		{"limits", "Worker.Binding.MemoryCacheLimits", false},
	}},
	{"Worker.Binding.MemoryCacheLimits", []capnpField{
		{"maxKeys", "UInt32", false},
		{"maxValueSize", "UInt32", false},
		{"maxTotalValueSize", "UInt64", false},
	}},
	{"Worker.Binding.WrappedBinding", []capnpField{
		{"moduleName", "Text", false},
		{"entrypoint", "Text", false},
		{"innerBindings", "List(Worker.Binding)", false},
	}},
	{"Worker.Binding.workerLoader", []capnpField{
		{"id", "Text", false},
	}},
	{"Worker.DurableObjectNamespace", []capnpField{
		{"className", "Text", false},
		{"uniqueKey", "Text", inUnion},
		{"ephemeralLocal", "Void", inUnion},
		{"preventEviction", "Bool", false},
		{"enableSql", "Bool", false},
		{"container", "Worker.DurableObjectNamespace.ContainerOptions", false},
	}},
	{"Worker.DurableObjectNamespace.ContainerOptions", []capnpField{
		{"imageName", "Text", false},
		{"privileges", "Worker.DurableObjectNamespace.ContainerOptions.ContainerPrivileges", false},
	}},
	{"Worker.DurableObjectNamespace.ContainerOptions.ContainerPrivileges", []capnpField{
		{"capabilities", "List(Text)", false},
		{"devices", "List(Worker.DurableObjectNamespace.ContainerOptions.ContainerPrivileges.Device)", false},
		{"securityOpt", "List(Text)", false},
	}},
	{"Worker.DurableObjectNamespace.ContainerOptions.ContainerPrivileges.Device", []capnpField{
		{"pathOnHost", "Text", false},
		{"pathInContainer", "Text", false},
		{"cgroupPermissions", "Text", false},
	}},
	{"ExternalServer", []capnpField{
		{"address", "Text", false},
		{"http", "HttpOptions", inUnion},
		{"https", "ExternalServer.https", inUnion},
		{"tcp", "ExternalServer.tcp", inUnion},
	}},
	{"ExternalServer.https", []capnpField{
		{"options", "HttpOptions", false},
		{"tlsOptions", "TlsOptions", false},
		{"certificateHost", "Text", false},
	}},
	{"ExternalServer.tcp", []capnpField{
		{"tlsOptions", "TlsOptions", false},
		{"certificateHost", "Text", false},
	}},
	{"Network", []capnpField{
		{"allow", "List(Text)", false},
		{"deny", "List(Text)", false},
		{"tlsOptions", "TlsOptions", false},
	}},
	{"DiskDirectory", []capnpField{
		{"path", "Text", false},
		{"writable", "Bool", false},
		{"allowDotfiles", "Bool", false},
	}},
	{"HttpOptions", []capnpField{
		{"style", "HttpOptions.Style", false},
		{"forwardedProtoHeader", "Text", false},
		{"cfBlobHeader", "Text", false},
		{"injectRequestHeaders", "List(HttpOptions.Header)", false},
		{"injectResponseHeaders", "List(HttpOptions.Header)", false},
		{"capnpConnectHost", "Text", false},
	}},
	{"HttpOptions.Header", []capnpField{
		{"name", "Text", false},
		{"value", "Text", false},
	}},
	{"TlsOptions", []capnpField{
		{"keypair", "TlsOptions.Keypair", false},
		{"requireClientCerts", "Bool", false},
		{"trustBrowserCas", "Bool", false},
		{"trustedCertificates", "List(Text)", false},
		{"minVersion", "TlsOptions.Version", false},
		{"cipherList", "Text", false},
	}},
	{"TlsOptions.Keypair", []capnpField{
		{"privateKey", "Text", false},
		{"certificateChain", "Text", false},
	}},
	{"Extension", []capnpField{
		{"modules", "List(Extension.Module)", false},
	}},
	{"Extension.Module", []capnpField{
		{"name", "Text", false},
		{"internal", "Bool", false},
		{"esModule", "Text", false},
	}},
}

// capnpScalars are the built-in types.
var capnpScalars = []string{
	"Void", "Bool", "Int8", "Int16", "Int32", "Int64", "UInt8", "UInt16", "UInt32", "UInt64",
	"Float32", "Float64", "Text", "Data",
}

// typeKind is the shape of a type's values.
type typeKind uint8

const (
	typeVoid typeKind = iota
	typeBool
	typeInt
	typeFloat
	typeText
	typeData
	typeList
	typeStruct
	typeEnum
)

// capnpType is a resolved type; equal types are the same pointer.
type capnpType struct {
	kind   typeKind
	name   string // as written in a file, without "Workerd."
	elem   *capnpType
	enum   []string
	bits   int // of an integer
	signed bool

	fields map[string]*capnpMember
	order  []string // field names in schema order
}

type capnpMember struct {
	name  string
	typ   *capnpType
	union bool
}

// first is the member a bare value sets, nil for a struct without fields.
func (t *capnpType) first() *capnpMember {
	if len(t.order) == 0 {
		return nil
	}
	return t.fields[t.order[0]]
}

// schema returns all named types of the schema and the built-in ones, by name.
var schema = sync.OnceValue(func() map[string]*capnpType {
	types := make(map[string]*capnpType)
	for _, name := range capnpScalars {
		t := &capnpType{name: name}
		switch {
		case name == "Void":
			t.kind = typeVoid
		case name == "Bool":
			t.kind = typeBool
		case name == "Text":
			t.kind = typeText
		case name == "Data":
			t.kind = typeData
		case strings.HasPrefix(name, "Float"):
			t.kind = typeFloat
		default:
			t.kind = typeInt
			t.signed = strings.HasPrefix(name, "Int")
			t.bits = map[byte]int{'8': 8, '6': 16, '2': 32, '4': 64}[name[len(name)-1]]
		}
		types[name] = t
	}
	for name, values := range capnpEnums {
		types[name] = &capnpType{kind: typeEnum, name: name, enum: values}
	}
	for _, s := range capnpStructs {
		types[s.name] = &capnpType{kind: typeStruct, name: s.name, fields: make(map[string]*capnpMember)}
	}
	for _, s := range capnpStructs {
		t := types[s.name]
		for _, f := range s.fields {
			t.fields[f.name] = &capnpMember{name: f.name, typ: namedType(types, f.typ), union: f.union}
			t.order = append(t.order, f.name)
		}
	}
	return types
})

// namedType finds a type of the table, making list types as they are first mentioned.
func namedType(types map[string]*capnpType, name string) *capnpType {
	if t, ok := types[name]; ok {
		return t
	}
	elem, ok := strings.CutPrefix(name, "List(")
	if !ok {
		panic("config: the schema table mentions an unknown type " + name)
	}
	t := &capnpType{kind: typeList, name: name, elem: namedType(types, strings.TrimSuffix(elem, ")"))}
	types[name] = t
	return t
}

// schemaChildren are the names of the types declared directly inside the struct called parent ("" for the
// schema file itself), for error hints.
func schemaChildren(parent string) []string {
	var out []string
	for name, t := range schema() {
		if t.kind != typeStruct && t.kind != typeEnum {
			continue
		}
		scope, leaf := "", name
		if i := strings.LastIndexByte(name, '.'); i >= 0 {
			scope, leaf = name[:i], name[i+1:]
		}
		if scope == parent {
			out = append(out, leaf)
		}
	}
	slices.Sort(out)
	return out
}
