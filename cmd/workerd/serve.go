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
	hup := listenForHangups()
	defer hup.close()
	r, code := o.underSupervision(ctx, args, hup, stdout, stderr)
	if code >= 0 {
		return code
	}
	defer r.close()
	ctx = r.ctx
	settled := putOffCollections(o.memory)
	defer settled()
	began := time.Now()
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
	settled()
	for _, l := range list {
		if r.announced {
			break
		}
		fmt.Fprintf(stdout, "listening on %s\n", l.URL)
	}
	var following sync.WaitGroup
	if o.watch {
		following.Go(func() { o.follow(ctx, began, s, rest[0], constName, stderr) })
	}
	following.Go(func() { quiet(ctx, releaseHeap) })
	following.Go(func() { hup.follow(ctx, r.cancel) })
	following.Go(func() { o.reloadWhenAsked(ctx, hup.reloads, s, rest[0], constName, stderr) })
	<-ctx.Done()
	following.Wait()
	drain, cancel := context.WithTimeout(context.Background(), o.drain)
	defer cancel()
	if err := s.Drain(drain); err != nil {
		return fail(stderr, err)
	}
	return exitOK
}

// reload reads the configuration again and has the server use it.
func (o *options) reload(ctx context.Context, s reloadable, path, constName string, stderr io.Writer) error {
	o.reloading.Lock()
	defer o.reloading.Unlock()
	cfg, err := o.config(path, constName, stderr, false)
	if err != nil {
		return err
	}
	return s.Reload(ctx, cfg)
}

// reloadWhenAsked reloads once for each value of asked, until ctx ends.
func (o *options) reloadWhenAsked(ctx context.Context, asked <-chan struct{}, s reloadable, path, constName string, stderr io.Writer) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-asked:
			err := o.reload(ctx, s, path, constName, stderr)
			if ctx.Err() != nil {
				return
			}
			sayReloaded(stderr, err)
		}
	}
}

// sayReloaded tells what became of a reload.
func sayReloaded(stderr io.Writer, err error) {
	if err != nil {
		fmt.Fprintf(stderr, "%s\nnot reloaded\n", err)
	} else {
		fmt.Fprintln(stderr, "reloaded")
	}
}

// settle ends the start.
func (o *options) settle(stderr io.Writer) {
	if err := releaseStartCode(); err != nil {
		o.logger(stderr).Debug("code of the start stays in memory", "err", err)
	}
}
