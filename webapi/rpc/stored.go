package rpc

import (
	"errors"
	"strings"

	"github.com/dop251/goja"

	"workerd.local/event"
	"workerd.local/exception"
	"workerd.local/internal/clone"
	"workerd.local/isolate"
	"workerd.local/webapi/bind"
	"workerd.local/webapi/durable"
	"workerd.local/webapi/fetch"
	"workerd.local/webapi/global"
)

// Stubs and classes in the storage of actors are their tokens (docs/FORMAT.md). What a token
// leads to is looked up when it is used.

// storageFlag is what lets a worker store stubs, and lets its own be stored.
const storageFlag = "allow_irrevocable_stub_storage"

var resolverOf = isolate.NewSlot(func(*isolate.JS) *event.Resolver {
	return &event.Resolver{
		Service: func(*event.Token) event.Service { return unusable{errNowhere} },
		Class:   func(*event.Token) event.ActorClass { return event.NoClass{Err: errNowhere} },
	}
})

var errNowhere = exception.Errorf("Stored stubs lead nowhere here.")

// SetResolver says what finds the services and classes of tokens. What a token of the kind
// Restored is made by is asked for, too.
func SetResolver(js *isolate.JS, r event.Resolver) { *resolverOf.Get(js) = r }

// storedHost is clone.HostObjects for values in storage.
type storedHost struct{ js *isolate.JS }

// WriteHost is clone.HostObjects's.
func (h storedHost) WriteHost(w *clone.Writer, obj *goja.Object) (bool, error) {
	js := h.js
	value, class, ok := bind.ValueOf(js, obj)
	if !ok {
		return global.HostObjects(js).WriteHost(w, obj)
	}
	switch v := value.(type) {
	case *stub:
		if !js.Compat().Has(storageFlag) {
			return false, errAlone
		}
		if v.channel == nil {
			return false, errNotPersistent
		}
		return true, h.write(w, tagStub, v.channel)
	case *durable.Class:
		if err := v.Class.CheckTransfer(); err != nil {
			return false, err
		}
		if !js.Compat().Has(storageFlag) {
			return false, &clone.DataCloneError{Message: class + " cannot be serialized in this context."}
		}
		t, err := v.Class.Token()
		if err != nil {
			return false, err
		}
		return true, h.write(w, tagClass, t)
	case *LoopbackActors:
		return false, notSerializable(class) // it says nothing of props yet
	case *promise, *property:
		return false, notSerializable(strings.TrimPrefix(class, "Js"))
	}
	if _, ok := loopbackClass.Unwrap(js, obj); ok {
		return false, notSerializable(class)
	}
	if f, ok := fetch.Fetcher.Unwrap(js, obj); ok {
		if err := checkTransfer(f.Service); err != nil {
			return false, err
		}
		if !js.Compat().Has(storageFlag) {
			return false, errServiceAlone
		}
		t, err := event.TokenOf(f.Service)
		if errors.Is(err, event.ErrNoName) {
			err = errServiceAlone
		}
		if err != nil {
			return false, err
		}
		return true, h.write(w, tagService, t)
	}
	if _, ok := TargetClass.Unwrap(js, obj); ok {
		return false, &clone.DataCloneError{Message: "Remote RPC references can only be serialized for RPC."}
	}
	return global.HostObjects(js).WriteHost(w, obj)
}

var (
	errServiceAlone  = &clone.DataCloneError{Message: "ServiceStub cannot be serialized in this context."}
	errNotPersistent = &clone.DataCloneError{Message: "RpcStub cannot be serialized in this context because it is not a persistent stub."}
)

func (h storedHost) write(w *clone.Writer, tag uint32, t *event.Token) error {
	b, err := t.Bytes()
	switch {
	case errors.Is(err, event.ErrNotLasting):
		return &clone.DataCloneError{Message: "Cannot store this stub because the target worker does not have the " + storageFlag + " compatibility flag enabled."}
	case errors.Is(err, event.ErrTokenDepth):
		return &clone.DataCloneError{Message: "Cannot store this stub because " + err.Error() + "."}
	case errors.Is(err, event.ErrNoName):
		return errServiceAlone
	case err != nil:
		return err
	}
	w.Uint32(tag)
	w.Bytes(b)
	return nil
}

// ReadHost is clone.HostObjects's.
func (h storedHost) ReadHost(r *clone.Reader) (*goja.Object, error) {
	tag, err := r.Uint32()
	if err != nil {
		return nil, err
	}
	kind, ok := storedKinds[tag]
	if !ok {
		if tag == global.ErrorTag {
			return global.ReadError(h.js, r, false)
		}
		return global.ReadHost(h.js, tag, r)
	}
	if !h.js.Compat().Has(storageFlag) {
		return nil, exception.DOM("DataCloneError", kind+" cannot be deserialized in this context.")
	}
	b, err := r.Bytes()
	if err != nil {
		return nil, err
	}
	t, err := event.ParseToken(b)
	if tag == tagClass {
		return classOfToken(h.js, t, err), nil
	}
	return stubOfToken(h.js, t, tag == tagStub, err)
}

// storedKinds are the names of what is stored as tokens.
var storedKinds = map[uint32]string{tagStub: "RpcStub", tagService: "ServiceStub", tagClass: "DurableObjectClass"}

// classOfToken is the class that a token stands for; failed is why it could not be read.
func classOfToken(js *isolate.JS, t *event.Token, failed error) *goja.Object {
	if failed == nil && t.Kind != event.ClassOfActors {
		failed = event.ErrDamagedToken
	}
	var c event.ActorClass
	if failed != nil {
		c = event.NoClass{Err: unreadable("class", failed)}
	} else {
		c = resolverOf.Get(js).Class(t)
	}
	return durable.ClassClass.Wrap(js, &durable.Class{Class: c})
}

// unreadable is what uses of a token are told that could not be read.
func unreadable(what string, failed error) error {
	switch {
	case errors.Is(failed, event.ErrTokenVersion):
		return exception.Errorf("The stored %s was written by a later version of this server, and cannot be used.", what)
	case errors.Is(failed, event.ErrForeignToken):
		return exception.Errorf("The stored %s was written by workerd, whose form of stubs this server cannot read.", what)
	}
	return exception.Errorf("The stored %s is damaged.", what)
}

// stubOfToken is the stub that a token stands for; failed is why it could not be read.
func stubOfToken(js *isolate.JS, t *event.Token, isStub bool, failed error) (*goja.Object, error) {
	var svc event.Service
	if failed == nil && (t.RPC != isStub || t.Kind == event.ClassOfActors) {
		failed = event.ErrDamagedToken
	}
	switch {
	case failed != nil:
		svc = unusable{unreadable("stub", failed)}
		t = &event.Token{Kind: event.Restored, RPC: isStub}
	case isStub:
		svc = resolverOf.Get(js).Service(t.Vendor)
	default:
		svc = resolverOf.Get(js).Service(t)
	}
	if !isStub {
		return fetch.Fetcher.Wrap(js, &fetch.FetcherObject{Service: svc}), nil
	}
	s := &stub{channel: t, vendor: svc}
	return s.object(js), nil
}

// checkTransfer refuses services that stay with who has them.
func checkTransfer(svc event.Service) error {
	if k, ok := svc.(event.Kept); ok {
		return k.CheckTransfer()
	}
	return nil
}
