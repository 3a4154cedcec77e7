package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"workerd.local/server"
)

// drainTime is how long requests that have begun may go on after SIGTERM.
const drainTime = 30 * time.Second

func serve(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	o := newOptions("serve", "<config> [<const>]", stdout, stderr)
	o.serveFlags()
	rest, code := o.parse(args, 1, 2)
	if code >= 0 {
		return code
	}
	constName := ""
	if len(rest) > 1 {
		constName = rest[1]
	}
	r, code := o.underSupervision(ctx, args, stdout, stderr)
	if code >= 0 {
		return code
	}
	defer r.close()
	ctx = r.ctx
	cfg, err := o.config(rest[0], constName, stderr, false)
	if err != nil {
		return fail(stderr, err)
	}
	s, err := server.New(ctx, cfg, r.options(o.serverOptions(stderr)))
	if err != nil {
		return fail(stderr, err)
	}
	list, err := s.Start()
	if err != nil {
		return fail(stderr, errors.Join(err, s.Close(context.WithoutCancel(ctx))))
	}
	o.settle(stderr)
	for _, l := range list {
		if r.announced {
			break
		}
		fmt.Fprintf(stdout, "listening on %s\n", l.URL)
	}
	var following sync.WaitGroup
	if o.watch {
		following.Go(func() { o.follow(ctx, s, rest[0], constName, stderr) })
	}
	<-ctx.Done()
	following.Wait()
	drain, cancel := context.WithTimeout(context.Background(), o.drain)
	defer cancel()
	if err := s.Drain(drain); err != nil {
		return fail(stderr, err)
	}
	return exitOK
}

// settle ends the start.
func (o *options) settle(stderr io.Writer) {
	if err := releaseStartCode(); err != nil {
		o.logger(stderr).Debug("code of the start stays in memory", "err", err)
	}
}
