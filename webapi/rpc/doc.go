// Package rpc is calls between workers, actors and contexts, as scripts see them:
// methods of service bindings and stubs, RpcTarget, RpcStub, RpcPromise, RpcProperty.
//
// Words: a target is what can be called (event.Target); an export is an object of this
// context that others hold as a target; a stub is a target of others that a script holds;
// a session is one call through a service binding or an actor's stub with everything that
// comes of it; a group is the stubs that are disposed together, such as those of a result.
//
// A call reads its arguments in the caller's realm into bytes and capabilities
// (event.Payload), travels to the loop of the receiver, and its result comes back in the
// same form. Within one realm, too, nothing is shared.
//
// What is held is given back by Symbol.dispose, at the latest when the context ends that
// holds it: the collector decides nothing. What a context exports and holds is bounded.
//
// # Concurrency
//
// Everything belongs to the isolate's goroutine, except the methods of event.Target and
// event.Capability, and those of Session that say so.
package rpc
