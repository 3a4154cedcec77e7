// Command embed is a web server of its own that has Workers inside. It shows what a Go
// program may bring along:
//
//   - its own http mux: Workers answer below /, Go answers /go (main.go);
//   - a JavaScript class written in Go (wordcount.go);
//   - a store of its own for Durable Objects (journal.go);
//   - and, without any configuration, the layers one by one (layers.go).
//
// Run it with
//
//	go run . -data /tmp/embed && curl -d 'to be or not to be' localhost:8080/hamlet
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"time"

	"workerd.local/config"
	"workerd.local/server"
	"workerd.local/storage"
	"workerd.local/webapi/bind"
)

func main() {
	addr := flag.String("addr", "localhost:8080", "listen on `host:port`")
	app := flag.String("app", "app/config.capnp", "serve the configuration in `file`")
	data := flag.String("data", "data", "keep state in `dir`")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, *addr, *app, *data, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// run serves until ctx ends.
func run(ctx context.Context, addr, app, data string, out io.Writer) error {
	if err := layers(ctx, out); err != nil {
		return err
	}
	workers, err := start(ctx, app, data)
	if err != nil {
		return err
	}
	mux, err := routes(workers)
	if err != nil {
		return errors.Join(err, workers.Close(context.Background()))
	}
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return errors.Join(err, workers.Close(context.Background()))
	}
	fmt.Fprintf(out, "listening on http://%s\n", l.Addr())
	srv := &http.Server{Handler: mux, ReadHeaderTimeout: 10 * time.Second}
	failed := make(chan error, 1)
	go func() { failed <- srv.Serve(l) }()
	select {
	case err = <-failed:
	case <-ctx.Done():
		drain, cancel := context.WithTimeout(context.Background(), 30*time.Second)
		defer cancel()
		err = srv.Shutdown(drain)
	}
	// Requests first, then what serves them.
	return errors.Join(err, workers.Close(context.Background()))
}

// start builds the server of a configuration; it listens nowhere.
func start(ctx context.Context, app, data string) (*server.Server, error) {
	cfg, _, err := config.Load(app, config.LoadOptions{})
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(data, 0o755); err != nil {
		return nil, err
	}
	errs := cfg.Override(config.Overrides{DirectoryPath: map[string]string{"state": data}})
	errs = append(errs, cfg.Validate(config.ValidateOptions{})...)
	errs = append(errs, cfg.Unsupported()...)
	if err := config.AsError(errs); err != nil {
		return nil, err
	}
	return server.New(ctx, cfg, server.Options{
		Modules:   []bind.Module{wordCountModule},
		OpenStore: func(dir string) (storage.Store, error) { return OpenJournal(filepath.Join(dir, "journal")) },
	})
}

// routes gives everything to the Workers but what Go answers itself.
func routes(workers *server.Server) (http.Handler, error) {
	handler, err := workers.Handler("")
	if err != nil {
		return nil, err
	}
	mux := http.NewServeMux()
	mux.Handle("/", handler)
	mux.HandleFunc("/go", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "answered by Go") })
	return mux, nil
}
