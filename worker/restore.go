package worker

import (
	"context"

	"github.com/dop251/goja"

	"workerd.local/event"
	"workerd.local/exception"
	"workerd.local/iocontext"
	"workerd.local/webapi/rpc"
)

// storableStubs is the compatibility flag of stubs that can be stored, and of ctx.restore().
const storableStubs = "allow_irrevocable_stub_storage"

// checkStored refuses an event of a stored stub where the script does not allow these any
// more.
func (w *Worker) checkStored(ctx context.Context) error {
	if !w.o.Compat.Has(storableStubs) && event.Stored(ctx) {
		return errNotStorable
	}
	return nil
}

// CheckStored is why no stored stub may lead to the pool's script, or nil. Any goroutine.
func (p *Pool) CheckStored() error {
	if !p.workers[0].o.Compat.Has(storableStubs) {
		return errNotStorable
	}
	return nil
}

var errNotStorable = exception.Errorf("Invoked a Worker from a stored stub, but the target worker no longer has the " + storableStubs + " compatibility flag enabled.")

// entered makes ctx.restore() of a context call a method of obj, the receiver of an event at
// an entrypoint, that came with ctx and props.
func (w *Worker) entered(ctx context.Context, ioc *iocontext.Context, entrypoint string, props *event.Props, obj *goja.Object) {
	if !w.o.Compat.Has(storableStubs) {
		return
	}
	rpc.SetEntrypoint(ioc, obj, func() (*event.Token, error) {
		if w.o.Dynamic {
			// Only who made it knows how to make it again.
			return event.Self(ctx), nil
		}
		return &event.Token{Kind: event.Entrypoint, Lasting: true, Service: w.o.Name, Entrypoint: entrypoint, Props: props}, nil
	})
}
