package bolt_test

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"workerd.local/actorid"
	"workerd.local/storage"
	"workerd.local/storage/bolt"
	"workerd.local/storage/storagetest"
)

// The test binary runs itself as a child process when this variable names the
// child's part; the arguments are the storage path and what the part needs.
const childVariable = "WORKERD_BOLT_TEST_CHILD"

// killRounds is the variable for more rounds of TestKilledProcessLosesNothing.
const killRounds = "WORKERD_BOLT_KILL_ROUNDS"

func TestMain(m *testing.M) {
	switch part := os.Getenv(childVariable); part {
	case "":
		os.Exit(m.Run())
	case "commit":
		commitUntilKilled(os.Args[1])
	case "fill":
		fillUntilRefused(os.Args[1])
	default:
		fmt.Fprintln(os.Stderr, "unknown part", part)
		os.Exit(2)
	}
}

func child(t *testing.T, part string, args ...string) *exec.Cmd {
	t.Helper()
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), program, args...)
	cmd.Env = append(os.Environ(), childVariable+"="+part)
	cmd.Stderr = os.Stderr
	return cmd
}

// background is the context of the child processes, which have no test.
var background = context.Background()

const killWriters = 6

// killWrite is commit number n of a writer: several entries, an alarm, sometimes
// everything anew, and sometimes so much that the next one leaves a lot to sweep.
func killWrite(writer int, n uint64) storage.Write {
	w := storage.Write{Actor: storagetest.Actor("kill", writer), DelAll: n%7 == 0}
	value := binary.BigEndian.AppendUint64(nil, n)
	for _, k := range []string{"", "a", "b", "z"} {
		w.Put = append(w.Put, storage.KV{Key: k, Value: value})
	}
	if n%7 == 6 {
		for i := range 600 {
			w.Put = append(w.Put, storage.KV{Key: fmt.Sprintf("bulk%04d", i), Value: value})
		}
	}
	if n%11 == 0 {
		w.Put = append(w.Put, storage.KV{Key: "long", Value: make([]byte, 50_000)})
	}
	w.Alarm = storage.AlarmChange{Op: storage.AlarmSet, Time: alarmTime.Add(time.Duration(n) * time.Millisecond)}
	return w
}

// commitUntilKilled commits 1, 2, 3 ... for each writer, going on where the file
// is, and prints a line after each acknowledgement. It never returns by itself.
func commitUntilKilled(path string) {
	s, err := bolt.Open(path, bolt.Options{})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
	for writer := range killWriters {
		go func() {
			for {
				n, err := killState(s, writer)
				if err == nil {
					w := killWrite(writer, n+1)
					_, token, _ := s.Placement().Owner(background, w.Actor.Shard())
					_, err = s.Commit(background, map[storage.Token][]storage.Write{token: {w}})
				}
				if err != nil {
					fmt.Fprintln(os.Stderr, err)
					os.Exit(2)
				}
				fmt.Printf("%d %d\n", writer, n+1) // one write, so lines stay whole
			}
		}()
	}
	select {}
}

// killState returns the number of a writer's last commit, or an error when the
// file holds a part of a commit.
func killState(s *bolt.Store, writer int) (uint64, error) {
	a := storagetest.Actor("kill", writer)
	_, token, err := s.Placement().Owner(background, a.Shard())
	if err != nil {
		return 0, err
	}
	got, err := s.Get(background, token, a, []string{"", "a", "b", "z"})
	if err != nil || len(got) == 0 {
		return 0, err
	}
	due, err := s.Alarm(background, token, a)
	if err != nil {
		return 0, err
	}
	n := binary.BigEndian.Uint64(got[0].Value)
	for _, kv := range got {
		if string(kv.Value) != string(got[0].Value) || len(got) != 4 || !due.Time.Equal(killWrite(writer, n).Alarm.Time) {
			return 0, fmt.Errorf("writer %d: commit %d is torn: entries %q, alarm %v", writer, n, got, due.Time)
		}
	}
	bulk := 0
	for kv, err := range s.Scan(background, token, a, storage.Range{Start: "bulk", End: "bull"}) {
		if err != nil {
			return 0, err
		}
		if kv.Value == nil {
			return 0, errors.New("nil value")
		}
		bulk++
	}
	if want := map[bool]int{true: 600, false: 0}[n%7 == 6]; bulk != want {
		return 0, fmt.Errorf("writer %d: commit %d is torn: %d bulk entries, want %d", writer, n, bulk, want)
	}
	return n, nil
}

func TestKilledProcessLosesNothing(t *testing.T) {
	rounds := 5
	if v := os.Getenv(killRounds); v != "" {
		n, err := strconv.Atoi(v)
		if err != nil {
			t.Fatalf("%s=%s: %v", killRounds, v, err)
		}
		rounds = n
	}
	path := newPath(t)
	acked := map[int]uint64{}
	for round := range rounds {
		lines := 1 + rand.IntN(400)
		killAfter(t, path, lines, acked)
		s := mustOpen(t, path, noSync)
		for writer := range killWriters {
			n, err := killState(s, writer)
			if err != nil {
				t.Fatalf("round %d, killed after %d commits: %v", round, lines, err)
			}
			// One more may have become durable without its acknowledgement.
			if n < acked[writer] || n > acked[writer]+1 {
				t.Fatalf("round %d: writer %d: the file has commit %d, acknowledged was %d", round, writer, n, acked[writer])
			}
			acked[writer] = n
		}
		for info, err := range s.Actors(t.Context(), "kill", actorid.ID{}) {
			if err != nil || info.Keys < 4 {
				t.Fatalf("round %d: %+v, %v", round, info, err)
			}
		}
		if err := s.Check(t.Context()); err != nil {
			t.Fatalf("round %d: %v", round, err)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("%d rounds, last commits %v", rounds, acked)
}

// killAfter runs the child, kills it after so many acknowledged commits and notes
// all that it acknowledged.
func killAfter(t *testing.T, path string, lines int, acked map[int]uint64) {
	t.Helper()
	cmd := child(t, "commit", path)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	in := bufio.NewReader(out)
	for n := 1; ; n++ {
		line, err := in.ReadString('\n')
		if err == io.EOF {
			break // a last line without its end was not finished
		}
		if err != nil {
			t.Fatal(err)
		}
		var writer int
		var commit uint64
		if _, err := fmt.Sscanf(line, "%d %d\n", &writer, &commit); err != nil {
			t.Fatalf("line %q: %v", line, err)
		}
		acked[writer] = max(acked[writer], commit)
		if n == lines {
			// A moment of its own, so that the kill is not tied to the line.
			time.Sleep(time.Duration(rand.IntN(3000)) * time.Microsecond)
			if err := cmd.Process.Kill(); err != nil {
				t.Fatal(err)
			}
		}
	}
	var exit *exec.ExitError
	if err := cmd.Wait(); !errors.As(err, &exit) || exit.ExitCode() == 2 {
		t.Fatalf("the child ended by itself: %v", err)
	}
}

// fillUntilRefused commits until the system refuses to let the file grow, prints
// the number of the last acknowledged commit, and checks that the store stays down.
func fillUntilRefused(path string) {
	fail := func(format string, args ...any) {
		fmt.Fprintf(os.Stderr, format+"\n", args...)
		os.Exit(2)
	}
	s, err := bolt.Open(path, bolt.Options{})
	if err != nil {
		fail("open: %v", err)
	}
	if err := limitFileSize(6 << 20); err != nil {
		fail("limit: %v", err)
	}
	a := storagetest.Actor("fill", 1)
	_, token, err := s.Placement().Owner(background, a.Shard())
	if err != nil {
		fail("owner: %v", err)
	}
	for n := 1; ; n++ {
		w := storage.Write{Actor: a, Put: []storage.KV{{Key: "n", Value: []byte(strconv.Itoa(n))}, {Key: fmt.Sprint(n), Value: make([]byte, 100_000)}}}
		_, err := s.Commit(background, map[storage.Token][]storage.Write{token: {w}})
		if err == nil {
			continue
		}
		if !errors.Is(err, storage.ErrFailed) || !strings.Contains(err.Error(), path) {
			fail("commit: %v", err)
		}
		if _, again := s.Commit(background, map[storage.Token][]storage.Write{token: {{Actor: a, DelAll: true}}}); again == nil || !strings.Contains(again.Error(), err.Error()) {
			fail("a later commit: %v; the first error was %v", again, err)
		}
		if err := s.Close(); err != nil {
			fail("close: %v", err)
		}
		fmt.Println(n - 1)
		return
	}
}

func TestAFileThatCannotGrow(t *testing.T) {
	if err := limitFileSize(0); errors.Is(err, errors.ErrUnsupported) {
		t.Skip("this system has no limit on the size of files")
	}
	path := newPath(t)
	out, err := child(t, "fill", path).Output()
	if err != nil {
		t.Fatalf("child: %v", err)
	}
	s := mustOpen(t, path, bolt.Options{})
	defer s.Close()
	if err := s.Check(t.Context()); err != nil {
		t.Fatal(err)
	}
	a := storagetest.Actor("fill", 1)
	got, err := s.Get(t.Context(), tokenOf(t, s, a.Shard()), a, []string{"n"})
	if err != nil || len(got) != 1 || string(got[0].Value) != strings.TrimSpace(string(out)) {
		t.Fatalf("the file has commit %q, %v; acknowledged was %s", got, err, out)
	}
	commit(t, s, storage.Write{Actor: a, DelAll: true})
}
