package config

import (
	"maps"
	"slices"
)

// Overrides is what the command line says in place of the configuration, by name of the socket or service.
type Overrides struct {
	SocketAddr    map[string]string
	SocketFD      map[string]int // inherited listening descriptors; win over SocketAddr
	ExternalAddr  map[string]string
	DirectoryPath map[string]string

	// AllowUnmatched names directory overrides that may match nothing: `test` hands the same TEST_TMPDIR to
	// every configuration.
	AllowUnmatched []string
}

// Override applies o to c and reports each override that matches nothing.
func (c *Config) Override(o Overrides) []*Error {
	s := &sink{}
	unmatched := func(kind, name string) {
		s.errorf(Pos{}, "Config did not define any %s named \"%s\" to match the override provided on the command line.",
			kind, name)
	}
	for _, name := range slices.Sorted(maps.Keys(o.SocketAddr)) {
		if socket := c.Socket(name); socket != nil {
			socket.Address = Text{Value: o.SocketAddr[name]}
		} else {
			unmatched("socket", name)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(o.SocketFD)) {
		if socket := c.Socket(name); socket != nil {
			fd := o.SocketFD[name]
			socket.FD = &fd
		} else {
			unmatched("socket", name)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(o.ExternalAddr)) {
		if service := c.Service(name); service != nil && service.External != nil {
			service.External.Address = Text{Value: o.ExternalAddr[name]}
		} else {
			unmatched("external service", name)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(o.DirectoryPath)) {
		if service := c.Service(name); service != nil && service.Disk != nil {
			service.Disk.Path = Text{Value: o.DirectoryPath[name]}
		} else if !slices.Contains(o.AllowUnmatched, name) {
			unmatched("disk service", name)
		}
	}
	return s.errors
}
