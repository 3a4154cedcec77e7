package admin_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"workerd.local/storage"
	"workerd.local/storage/admin"
	"workerd.local/storage/bolt"
)

// killEnv makes the test binary a process that changes the storage of a directory
// until it is killed.
const killEnv = "WORKERD_ADMIN_KILL_DIR"

func TestMain(m *testing.M) {
	if dir := os.Getenv(killEnv); dir != "" {
		fmt.Println(changeForEver(dir))
		os.Exit(1)
	}
	os.Exit(m.Run())
}

// changeForEver imports two states in turn and compacts in between.
func changeForEver(dir string) error {
	ctx := context.Background()
	for {
		for _, name := range []string{"a.jsonl", "b.jsonl"} {
			text, err := os.ReadFile(filepath.Join(dir, name))
			if err != nil {
				return err
			}
			st, err := admin.Open(ctx, dir)
			if err != nil {
				return err
			}
			if _, err := st.Import(ctx, bytes.NewReader(text), admin.ImportOptions{Replace: true}); err != nil {
				return err
			}
			fmt.Println("imported")
			if _, _, err := st.Compact(ctx); err != nil {
				return err
			}
		}
	}
}

// A process that is killed during an import or a compaction leaves each actor as it
// was before or as it is after.
func TestKilledImportsAndCompactionsLeaveOneStateOrTheOther(t *testing.T) {
	dir := t.TempDir()
	actors := []string{"n0", "n1", "n2"}
	var states [2]map[string]string
	for i, name := range []string{"a.jsonl", "b.jsonl"} {
		if err := os.Remove(filepath.Join(dir, bolt.FileName)); err != nil && !errors.Is(err, os.ErrNotExist) {
			t.Fatal(err)
		}
		s := openStore(t, dir)
		for j, actor := range actors {
			w := storage.Write{Actor: ids("room").FromName(actor)}
			for k := range 300 * (1 + (i+j)%2) {
				w.Put = append(w.Put, storage.KV{Key: fmt.Sprintf("%d-%03d", i, k), Value: encode(t, strings.Repeat("v", 100))})
			}
			if err := admin.Commit(s)(t.Context(), []storage.Write{w}); err != nil {
				t.Fatal(err)
			}
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		st := open(t, dir, false)
		if err := os.WriteFile(filepath.Join(dir, name), []byte(export(t, st, "")), 0o600); err != nil {
			t.Fatal(err)
		}
		states[i] = map[string]string{}
		for _, actor := range actors {
			states[i][actor] = export(t, st, "room/"+actor)
		}
	}
	for round := range 8 {
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), killEnv+"="+dir)
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		line, err := bufio.NewReader(out).ReadString('\n')
		time.Sleep(time.Duration(rand.IntN(60)) * time.Millisecond)
		killed := cmd.Process.Kill()
		_ = cmd.Wait() // it was killed
		if err != nil || line != "imported\n" || killed != nil {
			t.Fatalf("the process did not run: %q, %v, %v", line, err, killed)
		}
		st := open(t, dir, false)
		for _, actor := range actors {
			if got := export(t, st, "room/"+actor); got != states[0][actor] && got != states[1][actor] {
				t.Fatalf("round %d: %s is neither the one nor the other:\n%.2000s", round, actor, got)
			}
		}
		if findings, err := st.Check(t.Context()); err != nil || len(findings) > 0 {
			t.Fatalf("round %d: %q, %v", round, findings, err)
		}
	}
}
