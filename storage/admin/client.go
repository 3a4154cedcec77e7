package admin

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"syscall"

	"workerd.local/storage"
)

// errNobody means that no server answers on a directory's control socket.
var errNobody = errors.New("no server answers")

// client is the operations through a server.
type client struct {
	dir  string
	http *http.Client
}

// dial asks who is at the control socket of a directory.
func dial(ctx context.Context, dir string) (*client, error) {
	name := filepath.Join(dir, SocketName)
	if _, err := os.Lstat(name); err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return nil, errNobody
		}
		return nil, err
	}
	if err := checkOwner(dir); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	tr := &http.Transport{DisableCompression: true, DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		path, release, err := socketPath(dir, SocketName)
		if err != nil {
			return nil, err
		}
		defer release()
		return new(net.Dialer).DialContext(ctx, "unix", path)
	}}
	c := &client{dir: dir, http: &http.Client{Transport: tr}}
	var h hello
	err := c.get(ctx, "", nil, func(r io.Reader) error { return json.NewDecoder(r).Decode(&h) })
	switch {
	case errors.Is(err, syscall.ECONNREFUSED), errors.Is(err, fs.ErrNotExist):
		return nil, errNobody // what a killed server left behind
	case errors.Is(err, fs.ErrPermission):
		return nil, fmt.Errorf("%s: a server is using the storage, and only its user may talk to it: %w", name, fs.ErrPermission)
	case err != nil:
		return nil, fmt.Errorf("%s: %w", name, err)
	case h.Protocol != protocol:
		return nil, fmt.Errorf("%s: the server speaks version %d of the control protocol, this program version %d: use the program that serves", name, h.Protocol, protocol)
	}
	return c, nil
}

func (c *client) Serving() bool { return true }

func (c *client) Close() error {
	c.http.CloseIdleConnections()
	return nil
}

// get asks and lets read take the answer, which is whole where it returns nil.
func (c *client) get(ctx context.Context, path string, q url.Values, read func(io.Reader) error) error {
	return c.do(ctx, http.MethodGet, path, q, nil, read)
}

func (c *client) do(ctx context.Context, method, path string, q url.Values, send io.Reader, read func(io.Reader) error) error {
	u := url.URL{Scheme: "http", Host: "storage", Path: "/v" + strconv.Itoa(protocol) + path, RawQuery: q.Encode()}
	req, err := http.NewRequestWithContext(ctx, method, u.String(), send)
	if err != nil {
		return err
	}
	resp, err := c.http.Do(req)
	if err != nil {
		var uerr *url.Error
		if errors.As(err, &uerr) {
			err = uerr.Err // the URL says nothing
		}
		return fmt.Errorf("ask the server: %w", err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		b, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
		if err != nil {
			return fmt.Errorf("ask the server: %w", err)
		}
		return told(b)
	}
	err = read(resp.Body)
	if errors.Is(err, errStop) {
		return err
	}
	// The trailers come after the last byte, and say more than a cut connection does.
	// Whoever could not take the answer has not read it all, and needs no trailers.
	if _, rest := io.CopyN(io.Discard, resp.Body, drainBytes); err == nil && rest != nil && !errors.Is(rest, io.EOF) {
		err = fmt.Errorf("the server's answer was cut off: %w", rest)
	}
	if text := resp.Trailer.Get(trailerError); text != "" {
		if s, uerr := strconv.Unquote(text); uerr == nil {
			text = s
		}
		return told([]byte(text))
	}
	if err == nil && resp.Trailer.Get(trailerDone) != "1" {
		err = errors.New("the server's answer was cut off")
	}
	return err
}

// drainBytes is how much of an answer is read only to learn how it ends.
const drainBytes = 1 << 20

// told is an error of the server.
func told(b []byte) error {
	var f failure
	if err := json.Unmarshal(b, &f); err != nil || f.Text == "" {
		return fmt.Errorf("the server answers %q", b)
	}
	return &toldError{text: f.Text, kind: kinds[f.Kind]}
}

// toldError has the text of the server's error, and is of its kind.
type toldError struct {
	text string
	kind error
}

func (e *toldError) Error() string { return e.text }

func (e *toldError) Unwrap() error { return e.kind }

// lines makes a sequence of an answer of JSON lines.
func lines[T any](ctx context.Context, c *client, path string, q url.Values, item func(l *line) (T, error)) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		err := c.get(ctx, path, q, func(r io.Reader) error {
			dec := json.NewDecoder(bufio.NewReaderSize(r, 64<<10))
			for {
				var l line
				if err := dec.Decode(&l); errors.Is(err, io.EOF) {
					return nil
				} else if err != nil {
					return fmt.Errorf("the server's answer was cut off: %w", err)
				}
				v, err := item(&l)
				if err != nil {
					return err
				}
				if !yield(v, nil) {
					return errStop
				}
			}
		})
		if err != nil && !errors.Is(err, errStop) {
			var none T
			yield(none, err)
		}
	}
}

func (c *client) Actors(ctx context.Context, namespace string) iter.Seq2[Actor, error] {
	return lines(ctx, c, "/actors", url.Values{"namespace": {namespace}}, func(l *line) (Actor, error) {
		if l.Actor == nil {
			return Actor{}, errors.New("the server answers with what is no actor")
		}
		return l.Actor.actor()
	})
}

func (c *client) Entries(ctx context.Context, q Query) iter.Seq2[storage.KV, error] {
	v := url.Values{"ref": {q.Ref}, "prefix": {q.Prefix}, "start": {q.Range.Start}, "end": {q.Range.End}, "limit": {strconv.Itoa(q.Range.Limit)}}
	if q.HasKey {
		v.Set("key", q.Key)
	}
	if q.Range.Reverse {
		v.Set("reverse", "")
	}
	return lines(ctx, c, "/entries", v, func(l *line) (storage.KV, error) {
		if l.Raw == nil {
			return storage.KV{}, errors.New("the server answers with what is no entry")
		}
		return storage.KV{Key: l.key(), Value: *l.Raw}, nil
	})
}

func (c *client) Export(ctx context.Context, w io.Writer, ref string) error {
	return c.get(ctx, "/export", url.Values{"ref": {ref}}, copyTo(w))
}

func (c *client) Backup(ctx context.Context, w io.Writer) error {
	return c.get(ctx, "/backup", nil, copyTo(w))
}

func copyTo(w io.Writer) func(io.Reader) error {
	return func(r io.Reader) error {
		_, err := io.Copy(w, r)
		return err
	}
}

func (c *client) Check(ctx context.Context) (findings []string, err error) {
	err = c.get(ctx, "/check", nil, func(r io.Reader) error {
		dec := json.NewDecoder(r)
		for {
			var f string
			if err := dec.Decode(&f); errors.Is(err, io.EOF) {
				return nil
			} else if err != nil {
				return err
			}
			findings = append(findings, f)
		}
	})
	return findings, err
}

func (c *client) Import(ctx context.Context, r io.Reader, o ImportOptions) (done Imported, err error) {
	v := url.Values{}
	if o.Replace {
		v.Set("replace", "")
	}
	if o.DryRun {
		v.Set("dry", "")
	}
	err = c.do(ctx, http.MethodPost, "/import", v, io.NopCloser(r), func(r io.Reader) error {
		b, err := io.ReadAll(io.LimitReader(r, 1<<20))
		if err != nil || len(bytes.TrimSpace(b)) == 0 {
			return err
		}
		return json.Unmarshal(b, &done)
	})
	return done, err
}

func (c *client) Compact(context.Context) (before, after int64, err error) {
	return 0, 0, fmt.Errorf("%s: %w: compacting needs the file for itself; stop the server first", c.dir, ErrServing)
}
