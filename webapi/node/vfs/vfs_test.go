package vfs

import (
	"errors"
	"slices"
	"strings"
	"testing"
)

func newTree(l Limits) *Tree {
	root := NewDir()
	root.Put("bundle/worker.js", NewFile([]byte("code")))
	return New(root, "tmp", l)
}

func wantCode(t *testing.T, err error, code string) {
	t.Helper()
	var e *Error
	if !errors.As(err, &e) || e.Code != code {
		t.Errorf("got %v, want %s", err, code)
	}
}

func TestBundleCannotBeChanged(t *testing.T) {
	tree := newTree(Limits{1000, 100, 10})
	if b, err := tree.ReadAll("/bundle/worker.js"); err != nil || string(b) != "code" {
		t.Error(string(b), err)
	}
	_, err := tree.WriteAll("/bundle/worker.js", []byte("x"), false, false)
	wantCode(t, err, "EPERM")
	_, err = tree.WriteAll("/bundle/new", nil, false, false)
	wantCode(t, err, "EPERM")
	_, err = tree.WriteAll("/new", nil, false, false)
	wantCode(t, err, "EPERM")
	wantCode(t, tree.Unlink("/bundle/worker.js"), "EPERM")
	wantCode(t, tree.Rename("/bundle/worker.js", "/tmp/w"), "EPERM")
	wantCode(t, tree.Remove("/bundle", true, false), "EPERM")
	if err := tree.Copy("/bundle/worker.js", "/tmp/copy"); err != nil {
		t.Fatal(err)
	}
	if n, err := tree.WriteAll("/tmp/copy", []byte("!"), true, false); n != 1 || err != nil {
		t.Error(n, err)
	}
	if b, _ := tree.ReadAll("/bundle/worker.js"); string(b) != "code" {
		t.Errorf("the copy shares its bytes: %s", b)
	}
}

// What is removed makes room; what is not there to be found does not count.
func TestLimitsCountWhatIsThere(t *testing.T) {
	tree := newTree(Limits{Bytes: 10, Nodes: 4, Open: 2})
	write := func(name string, n int) error {
		_, err := tree.WriteAll("/tmp/"+name, make([]byte, n), false, false)
		return err
	}
	if err := write("a", 6); err != nil {
		t.Fatal(err)
	}
	wantCode(t, write("b", 5), "EPERM")
	if err := write("a", 10); err != nil {
		t.Fatal(err)
	}
	wantCode(t, tree.Truncate("/tmp/a", 11), "EPERM")
	if err := tree.Unlink("/tmp/a"); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"c", "d", "e"} {
		if err := write(name, 3); err != nil {
			t.Fatal(err)
		}
	}
	wantCode(t, write("f", 0), "ENOSPC")
	if _, err := tree.Open("/tmp/c", OpenOptions{Read: true}); err != nil {
		t.Fatal(err)
	}
	fd, err := tree.Open("/tmp/d", OpenOptions{Read: true})
	if err != nil {
		t.Fatal(err)
	}
	_, err = tree.Open("/tmp/e", OpenOptions{Read: true})
	wantCode(t, err, "EMFILE")
	tree.Close(fd)
	if err := tree.Remove("/tmp/c", false, false); err != nil {
		t.Fatal(err)
	}
	if tree.bytes != 6 || tree.nodes != 3 {
		t.Errorf("%d bytes, %d nodes", tree.bytes, tree.nodes)
	}
}

func TestLinksThatLeadInACircle(t *testing.T) {
	tree := newTree(Limits{1000, 100, 10})
	for from, to := range map[string]string{"/tmp/a": "/tmp/b", "/tmp/b": "/tmp/a"} {
		if _, err := tree.find(from, false, "x"); err != nil {
			t.Fatal(err)
		}
		dir, name, _ := tree.parent(from, "x")
		if err := tree.add(dir, name, &Node{kind: Link, target: to}, "x"); err != nil {
			t.Fatal(err)
		}
	}
	_, err := tree.ReadAll("/tmp/a")
	wantCode(t, err, "ELOOP")
	if _, err := tree.Mkdir("/tmp/d", false); err != nil {
		t.Fatal(err)
	}
	if err := tree.Link("/tmp/d/up", "/tmp/d", true); err != nil {
		t.Fatal(err)
	}
	_, err = tree.ReadDir("/tmp/d", true)
	wantCode(t, err, "ELOOP")
	wantCode(t, tree.CopyTree("/tmp/d", "/tmp/d/x", CopyOptions{Recursive: true}), "ERR_FS_CP_EINVAL")
}

func TestPathsAreBounded(t *testing.T) {
	for _, p := range []string{"/" + strings.Repeat("a/", 60), "/" + strings.Repeat("a", 5000)} {
		if CheckPath(p) == nil {
			t.Errorf("%.20s... is taken", p)
		}
	}
	if got := split("/../a/./b/../c//"); !slices.Equal(got, []string{"a", "c"}) {
		t.Error(got)
	}
}

func TestReadAndWriteAtPlaces(t *testing.T) {
	tree := newTree(Limits{1000, 100, 10})
	fd, err := tree.Open("/tmp/f", OpenOptions{Read: true, Write: true})
	if err != nil {
		t.Fatal(err)
	}
	for _, w := range []struct {
		text string
		pos  int
	}{{"hello", -1}, {" world", -1}, {"J", 0}, {"!", 12}} {
		if _, err := tree.Write(fd, [][]byte{[]byte(w.text)}, w.pos); err != nil {
			t.Fatal(err)
		}
	}
	a, b := make([]byte, 5), make([]byte, 20)
	n, err := tree.Read(fd, [][]byte{a, b}, 0)
	if got := string(a) + string(b[:n-5]); err != nil || got != "Jello world\x00!" {
		t.Errorf("%q, %v", got, err)
	}
	_, err = tree.Read(99, nil, 0)
	wantCode(t, err, "EBADF")
}
