package powerloss

import (
	"bufio"
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"workerd.local/actorid"
	"workerd.local/conformance/process"
	"workerd.local/storage"
	"workerd.local/storage/bolt"
	"workerd.local/storage/storagetest"
)

// The test binary runs itself as the process whose disk fails, because a process must
// not map files that it serves.
const childVariable = "WORKERD_POWERLOSS_TEST_CHILD"

func TestMain(m *testing.M) {
	switch part := os.Getenv(childVariable); part {
	case "":
		process.Main(m)
	case "commit":
		commitForEver(os.Args[1], bolt.Options{})
	case "commit without sync":
		commitForEver(os.Args[1], bolt.Options{NoSync: true})
	case "obey":
		obey(os.Args[1])
	default:
		fmt.Fprintln(os.Stderr, "unknown part", part)
		os.Exit(2)
	}
}

const writers = 4

var background = context.Background()

// commitN is commit n of a writer: several entries, one of them of changing length, an
// alarm, sometimes everything anew.
func commitN(writer int, n uint64) storage.Write {
	w := storage.Write{Actor: storagetest.Actor("loss", writer), DelAll: n%9 == 0}
	value := binary.BigEndian.AppendUint64(nil, n)
	for _, k := range []string{"", "a", "z"} {
		w.Put = append(w.Put, storage.KV{Key: k, Value: value})
	}
	long := make([]byte, n*2711%20_000)
	for i := range long {
		long[i] = byte(n)
	}
	w.Put = append(w.Put, storage.KV{Key: "long", Value: long})
	if n%9 == 8 {
		for i := range 300 {
			w.Put = append(w.Put, storage.KV{Key: fmt.Sprintf("bulk%03d", i), Value: value})
		}
	}
	w.Alarm = storage.AlarmChange{Op: storage.AlarmSet, Time: time.UnixMilli(1_700_000_000_000 + int64(n))}
	return w
}

// lastCommit is the number of the last commit of a writer; an error where the store
// has a part of a commit.
func lastCommit(s *bolt.Store, writer int) (uint64, error) {
	a := storagetest.Actor("loss", writer)
	_, token, err := s.Placement().Owner(background, a.Shard())
	if err != nil {
		return 0, err
	}
	got := map[string]string{}
	for kv, err := range s.Scan(background, token, a, storage.Range{}) {
		if err != nil {
			return 0, err
		}
		got[kv.Key] = string(kv.Value)
	}
	due, err := s.Alarm(background, token, a)
	if err != nil || len(got) == 0 && due.Time.IsZero() {
		return 0, err
	}
	if len(got[""]) != 8 {
		return 0, fmt.Errorf("writer %d has %d keys, the first one with %d bytes", writer, len(got), len(got[""]))
	}
	n := binary.BigEndian.Uint64([]byte(got[""]))
	w := commitN(writer, n)
	for _, kv := range w.Put {
		if got[kv.Key] != string(kv.Value) {
			return 0, fmt.Errorf("writer %d: of commit %d the key %q has %.20q", writer, n, kv.Key, got[kv.Key])
		}
	}
	if len(got) != len(w.Put) || !due.Time.Equal(w.Alarm.Time) {
		return 0, fmt.Errorf("writer %d: commit %d with %d keys, want %d, and the alarm at %v", writer, n, len(got), len(w.Put), due.Time)
	}
	return n, nil
}

func commit(s *bolt.Store, writer int, n uint64) error {
	w := commitN(writer, n)
	_, token, err := s.Placement().Owner(background, w.Actor.Shard())
	if err == nil {
		_, err = s.Commit(background, map[storage.Token][]storage.Write{token: {w}})
	}
	return err
}

// commitForEver goes on with 1, 2, 3 ... for each writer and prints a line after each
// acknowledgement. An error ends it, with a line as well.
func commitForEver(dir string, o bolt.Options) {
	s, err := bolt.Open(filepath.Join(dir, bolt.FileName), o)
	if err != nil {
		fmt.Println("error", err)
		os.Exit(2)
	}
	for writer := range writers {
		go func() {
			for {
				n, err := lastCommit(s, writer)
				if err == nil {
					err = commit(s, writer, n+1)
				}
				if err != nil {
					fmt.Println("error", err)
					os.Exit(2)
				}
				fmt.Printf("%d %d\n", writer, n+1) // one write, so lines stay whole
			}
		}()
	}
	select {}
}

// obey opens a store and does what lines of its input say, with one line about each.
func obey(dir string) {
	s, err := bolt.Open(filepath.Join(dir, bolt.FileName), bolt.Options{OpenTimeout: 50 * time.Millisecond})
	answer := func(err error) {
		text := "ok"
		if err != nil {
			text = "error " + strings.ReplaceAll(err.Error(), "\n", " ")
		}
		fmt.Println(text)
	}
	if answer(err); err != nil {
		os.Exit(0)
	}
	in := bufio.NewScanner(os.Stdin)
	for in.Scan() {
		var n uint64
		switch word, _, _ := strings.Cut(in.Text(), " "); word {
		case "commit":
			if _, err = fmt.Sscanf(in.Text(), "commit %d", &n); err == nil {
				err = commit(s, 0, n)
			}
		case "last":
			if n, err = lastCommit(s, 0); err == nil {
				fmt.Println("ok", n)
				continue
			}
		case "check":
			err = s.Check(background)
		case "close":
			err = s.Close()
		default:
			err = fmt.Errorf("unknown: %s", in.Text())
		}
		answer(err)
	}
	os.Exit(0)
}

// child is a process of this binary.
type child struct {
	t   *testing.T
	cmd *exec.Cmd
	in  io.WriteCloser
	out *bufio.Reader
	end sync.Once
}

// startChild starts a process with a directory; release lets go whatever it may wait
// for when it is killed at the test's end.
func startChild(t *testing.T, part, dir string, release func()) *child {
	t.Helper()
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	c := &child{t: t, cmd: exec.Command(program, dir)}
	c.cmd.Env = append(os.Environ(), childVariable+"="+part)
	c.cmd.Stderr = os.Stderr
	out, err := c.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	c.out = bufio.NewReader(out)
	if c.in, err = c.cmd.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	if err := c.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.signal(); release(); c.kill() })
	return c
}

// line is the next line of its output, whole.
func (c *child) line() (string, bool) {
	line, err := c.out.ReadString('\n')
	return strings.TrimSuffix(line, "\n"), err == nil
}

// ask tells a child that obeys what to do, and returns its answer.
func (c *child) ask(what string) string {
	c.t.Helper()
	if _, err := io.WriteString(c.in, what+"\n"); err != nil {
		c.t.Fatalf("%s: %v", what, err)
	}
	answer, ok := c.line()
	if !ok {
		c.t.Fatalf("%s: the process has ended", what)
	}
	return answer
}

// signal kills the process; it is gone when what it waits for is released.
func (c *child) signal() { _ = c.cmd.Process.Kill() } // it may have ended

// kill ends the process without notice and waits for its end.
func (c *child) kill() {
	c.signal()
	c.end.Do(func() { _ = c.cmd.Wait() }) // killed is what it is
}

// stored is what a store has after a crash, opened from a copy of the disk.
func stored(t *testing.T, d *Disk) (last [writers]uint64, err error) {
	t.Helper()
	dir := t.TempDir()
	if err := d.Export(dir); err != nil {
		t.Fatal(err)
	}
	s, err := bolt.Open(filepath.Join(dir, bolt.FileName), bolt.Options{NoSync: true})
	if err != nil {
		return last, err
	}
	defer func() {
		if e := s.Close(); err == nil {
			err = e
		}
	}()
	if err := s.Check(background); err != nil {
		return last, err
	}
	for a, err := range s.Actors(background, "loss", actorid.ID{}) {
		if err != nil {
			return last, fmt.Errorf("actor %s: %w", a.Actor, err)
		}
	}
	for writer := range writers {
		if last[writer], err = lastCommit(s, writer); err != nil {
			return last, err
		}
	}
	return last, nil
}
