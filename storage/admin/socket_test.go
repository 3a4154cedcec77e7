package admin_test

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"workerd.local/storage/admin"
)

func TestSocketIsForItsOwnerOnlyAndGoesWithTheServer(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("permissions are those of the directory")
	}
	dir := shortDir(t)
	s := openStore(t, dir)
	defer s.Close()
	name := filepath.Join(dir, admin.SocketName)
	// What killed servers left behind is replaced.
	stale, err := net.ListenUnix("unix", &net.UnixAddr{Name: name, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	stale.SetUnlinkOnClose(false)
	if err := errors.Join(stale.Close(), os.MkdirAll(filepath.Join(dir, ".control-1", "s"), 0o755)); err != nil {
		t.Fatal(err)
	}
	c, err := admin.Serve(s, admin.Commit(s), admin.ServeOptions{Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	info, err := os.Lstat(name)
	if err != nil || info.Mode() != fs.ModeSocket|0o600 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
	open(t, dir, true)
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	names, err := os.ReadDir(dir)
	if err != nil || len(names) != 1 || names[0].Name() != "actors.db" {
		t.Errorf("left: %v, %v", names, err)
	}
}

func TestStaleSocketIsNoServer(t *testing.T) {
	dir := shortDir(t)
	s := openStore(t, dir)
	fill(t, s)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	stale, err := net.ListenUnix("unix", &net.UnixAddr{Name: filepath.Join(dir, admin.SocketName), Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	stale.SetUnlinkOnClose(false)
	if err := stale.Close(); err != nil {
		t.Fatal(err)
	}
	if n := len(listed(t, open(t, dir, false), "")); n != 10 {
		t.Errorf("%d actors", n)
	}
}

func TestSocketOfALongPath(t *testing.T) {
	dir := filepath.Join(t.TempDir(), strings.Repeat("d", 120))
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	s := openStore(t, dir)
	defer s.Close()
	c, err := admin.Serve(s, admin.Commit(s), admin.ServeOptions{Log: slog.New(slog.DiscardHandler)})
	if runtime.GOOS != "linux" {
		if err == nil || !strings.Contains(err.Error(), "shorter path") {
			t.Errorf("%v", err)
		}
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	open(t, dir, true)
	if err := c.Close(); err != nil {
		t.Error(err)
	}
	if _, err := os.Lstat(filepath.Join(dir, admin.SocketName)); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("%v", err)
	}
}

func TestNoSocketWhereAnybodyMayWrite(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("permissions are those of the directory")
	}
	dir := shortDir(t)
	s := openStore(t, dir)
	defer s.Close()
	if err := os.Chmod(dir, 0o777); err != nil {
		t.Fatal(err)
	}
	if _, err := admin.Serve(s, admin.Commit(s), admin.ServeOptions{Log: slog.New(slog.DiscardHandler)}); err == nil || !strings.Contains(err.Error(), "everybody may write") {
		t.Errorf("%v", err)
	}
}

// other is a server on a directory's control socket that is not ours.
func other(t *testing.T, h http.HandlerFunc) (dir string) {
	t.Helper()
	dir = shortDir(t)
	s := openStore(t, dir)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("unix", filepath.Join(dir, admin.SocketName))
	if err != nil {
		t.Fatal(err)
	}
	srv := &http.Server{Handler: h}
	ended := make(chan struct{})
	go func() { defer close(ended); _ = srv.Serve(l) }() // it ends with Close
	t.Cleanup(func() {
		if err := srv.Close(); err != nil {
			t.Error(err)
		}
		<-ended
	})
	return dir
}

func TestServerOfAnotherVersion(t *testing.T) {
	dir := other(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Trailer", "Workerd-Done")
		_, _ = io.WriteString(w, `{"protocol":7}`)
		w.Header().Set("Workerd-Done", "1")
	})
	if _, err := admin.Open(t.Context(), dir); err == nil || !strings.Contains(err.Error(), "version 7 of the control protocol") {
		t.Errorf("%v", err)
	}
	dir = other(t, http.NotFound)
	if _, err := admin.Open(t.Context(), dir); err == nil || !strings.Contains(err.Error(), "404 page not found") {
		t.Errorf("%v", err)
	}
}

// An answer that ends early is an error, wherever it ends.
func TestAnswersThatAreCutOff(t *testing.T) {
	dir := other(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Trailer", "Workerd-Done, Workerd-Error")
		switch r.URL.Path {
		case "/v1":
			_, _ = io.WriteString(w, `{"protocol":1}`)
			w.Header().Set("Workerd-Done", "1")
		case "/v1/backup": // ends well, but nobody says that it is whole
			_, _ = io.WriteString(w, "half")
		case "/v1/export":
			_, _ = io.WriteString(w, "half")
			w.Header().Set("Workerd-Error", `"{\"text\":\"no luck\",\"kind\":\"damaged\"}"`)
		case "/v1/actors":
			_, _ = io.WriteString(w, `{"actor":{"namesp`)
			w.(http.Flusher).Flush()
			panic(http.ErrAbortHandler)
		}
	})
	st := open(t, dir, true)
	if err := st.Backup(t.Context(), io.Discard); err == nil || !strings.Contains(err.Error(), "cut off") {
		t.Errorf("%v", err)
	}
	if err := st.Export(t.Context(), io.Discard, ""); err == nil || err.Error() != "no luck" {
		t.Errorf("%v", err)
	}
	for _, err := range st.Actors(t.Context(), "") {
		if err == nil || !strings.Contains(err.Error(), "cut off") {
			t.Errorf("%v", err)
		}
	}
}

// Close waits for no command: it breaks off what it answers.
func TestCloseBreaksOffAnExport(t *testing.T) {
	dir := shortDir(t)
	s := openStore(t, dir)
	fill(t, s)
	big := make([]byte, 1<<20)
	for i := range 30 {
		if err := commitOne(s, t.Context(), i, big); err != nil {
			t.Fatal(err)
		}
	}
	c, err := admin.Serve(s, admin.Commit(s), admin.ServeOptions{Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	st := open(t, dir, true)
	r, w := io.Pipe()
	ended := make(chan error, 1)
	go func() {
		err := st.Export(context.Background(), w, "")
		w.CloseWithError(err)
		ended <- err
	}()
	if _, err := io.ReadFull(r, make([]byte, 100)); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(c.Close(), s.Close()); err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(io.Discard, r); err == nil {
		t.Error("the export ended well")
	}
	if err := <-ended; err == nil {
		t.Error("the export ended well")
	}
}
