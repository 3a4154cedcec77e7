package config

import "time"

// Worker is a service made of JavaScript. Its code is given in exactly one of four ways: Modules, Script,
// Inherit (Cap'n Proto) or Source (wrangler).
type Worker struct {
	Pos     Pos
	Modules []Module // the first is the main module
	Script  *Script  // service-worker syntax
	Inherit Text     // name of a worker service to clone
	Source  *Source  // a project on disk, still to be bundled

	CompatibilityDate  Text
	CompatibilityFlags []Text
	Bindings           []Binding
	GlobalOutbound     ServiceDesignator // what global fetch() talks to; readers fill in "internet"
	CacheAPIOutbound   ServiceDesignator // what the Cache API talks to; unset = none

	Namespaces           []DurableObjectNamespace
	UniqueKeyModifier    Text
	Storage              DurableObjectStorage
	ModuleFallback       Text // address of a server that is asked for modules not listed
	Tails                []ServiceDesignator
	StreamingTails       []ServiceDesignator
	Containers           *DockerConfiguration // nil = no container engine
	AccessBlobHeader     Text
	AccessBindingService ServiceDesignator

	CPULimit   time.Duration // CPU time per request; 0 = the server's default
	Snapshot   bool          // isolates start from a log of the first start
	Crons      []Text        // cron expressions that fire scheduled events
	Routes     []Route
	Assets     *AssetRouting // nil = the project has no static files
	Migrations []Migration   // the steps the project declares, oldest first
	Platform   []Platform    // what the project asks of products that are not bindings
}

// Namespace returns the namespace of class, or nil.
func (w *Worker) Namespace(class string) *DurableObjectNamespace {
	for i := range w.Namespaces {
		if w.Namespaces[i].ClassName == class {
			return &w.Namespaces[i]
		}
	}
	return nil
}

// ModuleKind says what importing a module gives.
type ModuleKind uint8

const (
	ModuleES ModuleKind = iota
	ModuleCommonJS
	ModuleText   // a string
	ModuleData   // an ArrayBuffer
	ModuleWasm   // a WebAssembly.Module
	ModuleJSON   // the parsed value
	ModulePython // a Python source
	ModuleObsolete
	ModuleObsoletePythonRequirement
)

var moduleKindNames = []string{
	"esModule", "commonJsModule", "text", "data", "wasm", "json", "pythonModule",
	"obsolete", "obsoletePythonRequirement",
}

func (k ModuleKind) String() string               { return kindName(moduleKindNames, k) }
func (k ModuleKind) MarshalText() ([]byte, error) { return []byte(k.String()), nil }

// Module is one file of a worker.
type Module struct {
	Pos          Pos
	Name         string // what it is imported by
	Kind         ModuleKind
	Content      []byte   // shared: do not write to it
	Path         string   // file it came from, for stack traces; "" when written in the configuration
	NamedExports []string // for ModuleCommonJS
}

// Script is the source of a worker in service-worker syntax.
type Script struct {
	Pos     Pos
	Content []byte
	Path    string // file it came from; "" when written in the configuration
}

// DurableObjectNamespace is a class of durable objects implemented by the worker.
type DurableObjectNamespace struct {
	Pos             Pos
	ClassName       string
	UniqueKey       string // ids and storage belong to this key, not to the class name
	EphemeralLocal  bool   // no key, no ids, no storage: objects are found by any string
	PreventEviction bool
	EnableSQL       bool
	Container       *ContainerOptions
}

// StorageKind is where durable objects keep their state.
type StorageKind uint8

const (
	StorageNone StorageKind = iota
	StorageInMemory
	StorageLocalDisk
)

var storageKindNames = []string{"none", "inMemory", "localDisk"}

func (k StorageKind) String() string               { return kindName(storageKindNames, k) }
func (k StorageKind) MarshalText() ([]byte, error) { return []byte(k.String()), nil }

// DurableObjectStorage is where all durable objects of a worker keep their state.
type DurableObjectStorage struct {
	Pos     Pos
	Kind    StorageKind
	Service string // for StorageLocalDisk: a writable disk service
}

// ContainerOptions describes the container that runs beside each durable object of a class.
type ContainerOptions struct {
	Pos          Pos
	ImageName    string
	Capabilities []string
	Devices      []ContainerDevice
	SecurityOpt  []string
}

// ContainerDevice is a host device handed to a container.
type ContainerDevice struct {
	PathOnHost        string
	PathInContainer   string
	CgroupPermissions string
}

// DockerConfiguration is how to reach a local Docker engine.
type DockerConfiguration struct {
	Pos                             Pos
	SocketPath                      string
	ContainerEgressInterceptorImage string
}

// Route is a URL pattern the project is deployed under. On one machine it only documents intent, since a
// socket sends everything it gets to its service.
type Route struct {
	Pos          Pos
	Pattern      string
	ZoneName     string
	ZoneID       string
	CustomDomain bool
}

// Platform is a product of the hosting platform that a wrangler file asks for outside of its bindings.
type Platform struct {
	Pos     Pos
	Product string // the field, such as "assets" or "queues.consumers"
}
