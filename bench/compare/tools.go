package main

import (
	"bytes"
	"context"
	"debug/buildinfo"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
)

// pinned is the version of workerd that README.md says to install; another one
// may be measured, and the report names the one that was.
const pinned = "1.20261117.1"

// tools are the programs of a run.
type tools struct {
	root     string // of this module
	ours     string // binary
	theirs   string // binary; "" where only ours is measured
	wrk      string
	node     string // "" where it is not needed
	versions []version
}

// version is a name and what the program says of itself.
type version struct{ name, text string }

// findTools looks for everything a run needs, so that what is missing is said
// before anything is measured, and builds this server into temp.
func findTools(ctx context.Context, o *options, temp string, log io.Writer) (*tools, error) {
	if runtime.GOOS != "linux" {
		return nil, fmt.Errorf("%w: this runs on Linux only: memory is read from /proc", errUsage)
	}
	t := &tools{}
	var problems []error
	var err error
	if t.root, err = moduleRoot(ctx); err != nil {
		problems = append(problems, err)
	}
	if o.servers() {
		if t.wrk, err = exec.LookPath("wrk"); err != nil {
			problems = append(problems, errors.New("wrk is not installed; install it with: apt-get install wrk"))
		}
	}
	if o.servers() && !o.oursOnly {
		if t.theirs, err = findWorkerd(os.Getenv("WORKERD_BIN")); err != nil {
			problems = append(problems, err)
		}
	}
	if o.section != nil && o.section.node && !o.oursOnly {
		if t.node, err = exec.LookPath("node"); err != nil {
			problems = append(problems, errors.New("node is not installed"))
		}
	}
	if len(problems) > 0 {
		return nil, fmt.Errorf("%w: %w", errUsage, errors.Join(problems...))
	}
	fmt.Fprintln(log, "building this server")
	if err := t.build(ctx, o, temp); err != nil {
		return nil, err
	}
	return t, t.readVersions(ctx, o)
}

// moduleRoot is the directory of this module, which the working directory must be
// in.
func moduleRoot(ctx context.Context) (string, error) {
	out, err := exec.CommandContext(ctx, "go", "list", "-m", "-f", "{{.Path}} {{.Dir}}").Output()
	if err != nil {
		return "", fmt.Errorf("go list -m: %w; run this inside the module, as in: go run ./bench/compare", explainExit(err))
	}
	path, dir, _ := strings.Cut(strings.TrimSpace(string(out)), " ")
	if path != "workerd.local" {
		return "", fmt.Errorf("this is module %s; run this inside workerd.local, as in: go run ./bench/compare", path)
	}
	return dir, nil
}

// npmDirectory is where README.md has workerd installed.
func npmDirectory() (string, error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", err
	}
	return filepath.Join(cache, "workerd-bench"), nil
}

// findWorkerd returns the path of npm's workerd: named if that is not empty, else
// the one under npmDirectory.
func findWorkerd(named string) (string, error) {
	dir, err := npmDirectory()
	if err != nil && named == "" {
		return "", fmt.Errorf("workerd: %w; set WORKERD_BIN", err)
	}
	arch := map[string]string{"amd64": "64", "arm64": "arm64"}[runtime.GOARCH]
	file := filepath.Join("node_modules", "@cloudflare", "workerd-linux-"+arch, "bin", "workerd")
	install := fmt.Sprintf("install it with: npm install --prefix %s workerd@%s", dir, pinned)
	path, what := named, "WORKERD_BIN="+named
	if named == "" {
		path = filepath.Join(dir, file)
		what = path
	}
	if err := checkELF(path); err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return "", fmt.Errorf("workerd: %s does not exist; %s", what, install)
		}
		return "", fmt.Errorf("workerd: %s: %w; the right file is %s", what, err, file)
	}
	return path, nil
}

// checkELF refuses what is not a program for the system itself: npm also installs
// a launcher, which starts node first and would be measured with it.
func checkELF(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	head := make([]byte, 64)
	n, err := io.ReadFull(f, head)
	if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) && !errors.Is(err, io.EOF) {
		return err
	}
	head = head[:n]
	switch {
	case bytes.HasPrefix(head, []byte("\x7fELF")):
		return nil
	case bytes.HasPrefix(head, []byte("#!")):
		line, _, _ := bytes.Cut(head, []byte("\n"))
		return fmt.Errorf("it is a script (%s), not workerd itself", line)
	}
	return errors.New("it is not an ELF file")
}

// build builds this server. The revision is stamped where there is one, also when
// GOFLAGS says otherwise.
func (t *tools) build(ctx context.Context, o *options, temp string) error {
	pkg := "./cmd/workerd"
	if o.cpuprofile != "" {
		pkg = "./bench/serveprofile"
	}
	t.ours = filepath.Join(temp, "ours")
	cmd := exec.CommandContext(ctx, "go", "build", "-buildvcs=auto", "-o", t.ours, pkg)
	cmd.Dir = t.root
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("go build %s: %w\n%s", pkg, err, out)
	}
	return nil
}

func (t *tools) readVersions(ctx context.Context, o *options) error {
	info, err := buildinfo.ReadFile(t.ours)
	if err != nil {
		return err
	}
	rev, dirty := "unknown revision", ""
	for _, s := range info.Settings {
		switch {
		case s.Key == "vcs.revision":
			rev = s.Value
		case s.Key == "vcs.modified" && s.Value == "true":
			dirty = " with changes that are not committed"
		}
	}
	t.versions = []version{{"this server", rev + dirty}, {"Go", info.GoVersion}}
	for _, d := range info.Deps {
		switch d.Path {
		case "github.com/dop251/goja":
			t.versions = append(t.versions, version{"goja", d.Version})
		case "go.etcd.io/bbolt":
			t.versions = append(t.versions, version{"bbolt", d.Version})
		}
	}
	if o.section != nil && o.section.beside != "" {
		out, err := exec.CommandContext(ctx, "go", "list", "-m", "-f", "{{.Version}}", o.section.beside).Output()
		if err != nil {
			return fmt.Errorf("go list -m: %w", explainExit(err))
		}
		t.versions = append(t.versions, version{strings.TrimPrefix(o.section.beside, "github.com/"), strings.TrimSpace(string(out))})
	}
	if t.theirs != "" {
		out, err := exec.CommandContext(ctx, t.theirs, "--version").Output()
		if err != nil {
			return fmt.Errorf("%s --version: %w", t.theirs, explainExit(err))
		}
		t.versions = append(t.versions, version{"workerd", strings.TrimPrefix(strings.TrimSpace(string(out)), "workerd ")})
	}
	if t.node != "" {
		out, err := exec.CommandContext(ctx, t.node, "--version").Output()
		if err != nil {
			return fmt.Errorf("%s --version: %w", t.node, explainExit(err))
		}
		t.versions = append(t.versions, version{"node", strings.TrimSpace(string(out))})
	}
	if t.wrk == "" {
		return nil
	}
	// wrk prints its version and ends with 1.
	out, _ := exec.CommandContext(ctx, t.wrk, "-v").CombinedOutput()
	line, _, _ := strings.Cut(string(out), "\n")
	line, _, _ = strings.Cut(strings.TrimPrefix(line, "wrk "), " ")
	if line == "" {
		return fmt.Errorf("%s -v printed nothing", t.wrk)
	}
	t.versions = append(t.versions, version{"wrk", line})
	return nil
}

// explainExit adds what a program said to how it ended.
func explainExit(err error) error {
	var e *exec.ExitError
	if errors.As(err, &e) && len(e.Stderr) > 0 {
		return fmt.Errorf("%w: %s", err, bytes.TrimSpace(e.Stderr))
	}
	return err
}
