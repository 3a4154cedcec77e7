package outbound

import (
	"workerd.local/event"
	"workerd.local/exception"
)

var (
	_ event.Named = (*Network)(nil)
	_ event.Named = (*External)(nil)
	_ event.Named = (*TCP)(nil)
)

// What leads out of the server is not handed on: a binding is for who has it (workerd).
var (
	errNetworkStays  = exception.DOM("DataCloneError", "NetworkService can't be passed over RPC.")
	errExternalStays = exception.DOM("DataCloneError", "ExternalService can't be passed over RPC.")
)

// Token is event.Named's.
func (*Network) Token() (*event.Token, error) { return nil, errNetworkStays }

// Token is event.Named's.
func (*External) Token() (*event.Token, error) { return nil, errExternalStays }

// Token is event.Named's.
func (*TCP) Token() (*event.Token, error) { return nil, errExternalStays }
