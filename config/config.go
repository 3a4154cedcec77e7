package config

import (
	"encoding"
	"fmt"
	"strconv"
)

// DefaultInternet is the name of the service that exists without being defined: a network that allows
// public addresses only and trusts the system's certificate authorities.
const DefaultInternet = "internet"

// Config is a whole server: its services and the sockets they are reached through.
type Config struct {
	File       string   // the file it was read from, "" when a program made it
	Files      []string // every file that was read for it, File included, in order of reading
	Services   []Service
	Sockets    []Socket
	Extensions []Extension
	V8Flags    []Text
	Autogates  []Text // names of switched-on gates
	Logging    Logging
}

// Service returns the service called name, or nil. The implicit "internet" service is only found when the
// configuration defines it.
func (c *Config) Service(name string) *Service {
	for i := range c.Services {
		if c.Services[i].Name == name {
			return &c.Services[i]
		}
	}
	return nil
}

// Socket returns the socket called name, or nil.
func (c *Config) Socket(name string) *Socket {
	for i := range c.Sockets {
		if c.Sockets[i].Name == name {
			return &c.Sockets[i]
		}
	}
	return nil
}

// Logging says how logs and console output look.
type Logging struct {
	Structured   bool   // one JSON object per line
	StdoutPrefix string // before each line a worker writes to process.stdout
	StderrPrefix string // before each line a worker writes to process.stderr
}

// DefaultLogging is what applies when a configuration says nothing about logging.
func DefaultLogging() Logging {
	return Logging{StdoutPrefix: "stdout: ", StderrPrefix: "stderr: "}
}

// Service is a named service. At most one of the pointers is set; none means the configuration forgot to
// say what to serve, which Validate reports.
type Service struct {
	Pos      Pos
	Name     string
	Worker   *Worker
	Network  *Network
	External *ExternalServer
	Disk     *DiskDirectory
	Assets   *StaticAssets
}

// ServiceDesignator names a service, and optionally one entrypoint of it and the props it is called with.
type ServiceDesignator struct {
	Pos        Pos
	Name       string
	Entrypoint string // "" means the default entrypoint
	Props      string // JSON for ctx.props; "" means an empty object
}

// IsSet reports whether the designator was given at all.
func (d ServiceDesignator) IsSet() bool { return d.Name != "" || d.Pos.IsValid() }

// Extension adds importable modules to every worker.
type Extension struct {
	Pos     Pos
	Modules []ExtensionModule
}

// ExtensionModule is one ES module of an extension.
type ExtensionModule struct {
	Pos      Pos
	Name     string
	Internal bool // importable by other extension modules only
	Content  []byte
	Path     string // file the content came from, "" when written in the configuration
}

// kind is any of this package's enumerations.
type kind interface {
	~uint8
	encoding.TextMarshaler
}

// kindName is the schema's name of an enumeration value.
func kindName[K kind](names []string, k K) string {
	if int(k) < len(names) {
		return names[k]
	}
	return fmt.Sprintf("%T(%s)", k, strconv.Itoa(int(k)))
}

// kindOf is the enumeration value called name.
func kindOf[K kind](names []string, name string) (K, bool) {
	for i, n := range names {
		if n == name {
			return K(i), true
		}
	}
	return 0, false
}
