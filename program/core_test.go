package program_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"workerd.local/internal/peer"
	"workerd.local/program"
	"workerd.local/threads/iojs"
	"workerd.local/webapi/bind"
)

// TestCoreModulesInWorkers runs a program for each of node's modules as the main one and as
// a worker of io.js: both print the same, and node prints it, too, where there is one.
// What has no place in a worker is in TestWhatIsOfTheProgramIsNotThereInWorkers.
func TestCoreModulesInWorkers(t *testing.T) {
	text, err := os.ReadFile("testdata/core.txt")
	if err != nil {
		t.Fatal(err)
	}
	dir := write(t, string(text)+`
-- main.js --
const Worker = require('worker');
const w = new Worker(process.argv[2], { keepAlive: false });
w.on('error', (e) => console.log('error event', e));
`)
	files, err := filepath.Glob(filepath.Join(dir, "*.js"))
	if err != nil || len(files) < 30 {
		t.Fatalf("%d programs: %v", len(files), err)
	}
	node := peer.NodeIfThere(t) // empty where there is none
	for _, file := range files {
		name := filepath.Base(file)
		if name == "main.js" || name == "helper.js" {
			continue
		}
		t.Run(strings.TrimSuffix(name, ".js"), func(t *testing.T) {
			here := runIOJS(t, dir, name)
			if here.code != 0 || here.err != "" && !warning.MatchString(here.err) {
				t.Errorf("code %d\n%s", here.code, here.err)
			}
			there := runIOJS(t, dir, "main.js", name)
			if there.out != here.out || there.code != 0 {
				t.Errorf("in a worker (code %d):\n%s%s\nas the program:\n%s", there.code, there.out, there.err, here.out)
			}
			if node == "" {
				return
			}
			var out, errs bytes.Buffer
			cmd := exec.Command(node, name)
			cmd.Dir, cmd.Stdout, cmd.Stderr = dir, &out, &errs
			if err := cmd.Run(); err != nil {
				t.Errorf("node: %v\n%s", err, errs.String())
			}
			if got := strings.ReplaceAll(out.String(), dir, "DIR"); got != here.out {
				t.Errorf("node prints:\n%s\nhere:\n%s", got, here.out)
			}
		})
	}
}

// TLS and datagrams are in workers what they are in the program, which node has checked.
func TestNetworksInWorkers(t *testing.T) {
	for _, name := range []string{"tls", "dgram"} {
		text, err := os.ReadFile("testdata/beside/" + name + ".txt")
		if err != nil {
			t.Fatal(err)
		}
		dir := write(t, string(text)+"-- start.js --\nconst Worker = require('worker');\nnew Worker('main.js', { keepAlive: false }).on('error', (e) => console.log('error event', e));\n")
		here, there := runIOJS(t, dir, "main.js"), runIOJS(t, dir, "start.js")
		if here.out != there.out || there.code != 0 || len(here.out) < 1000 {
			t.Errorf("%s in a worker (code %d):\n%s%s\nas the program:\n%s", name, there.code, there.out, there.err, here.out)
		}
	}
}

// runIOJS runs a program that has the module worker.
func runIOJS(t *testing.T, dir, entry string, args ...string) result {
	t.Helper()
	return runWith(t, program.Options{
		Entry: entry, Args: args, Dir: dir, Env: []string{"HOME=/nowhere", "PATH=" + os.Getenv("PATH")}, Modules: []bind.Module{iojs.Module},
	})
}

// warning is what node and this print of what they would rather not have used.
var warning = regexp.MustCompile(`(?s)^\(node:\d+\) .*Warning: `)

// Functions that change the whole process are for the program alone.
func TestWhatIsOfTheProgramIsNotThereInWorkers(t *testing.T) {
	wantWorkers(t, `
-- main.js --
const Worker = require('worker');
const names = ['chdir', 'abort', 'dlopen', 'openStdin', 'setuid', 'setgid', 'setgroups', 'initgroups', '_debugProcess', '_debugEnd', '_startProfilerIdleNotifier'];
console.log(typeof process.chdir, typeof process.abort, typeof process.umask);
const w = new Worker('job.js', { keepAlive: false });
w.postMessage(names);
w.on('message', (m) => console.log(m));
-- job.js --
const Worker = require('worker');
const fails = (f) => { try { f(); return 'nothing'; } catch (e) { return e.name; } };
Worker.on('message', (names) => {
  Worker.postMessage(names.filter((n) => process[n] !== undefined));
  const { title } = process;
  process.title = 'other';
  process.env.ADDED_IN_A_WORKER = '1';
  Worker.postMessage([typeof process.umask(), fails(() => process.umask(0)), process.title === title, process.env.ADDED_IN_A_WORKER === undefined]);
});
`, `
function function function
[]
[ 'number', 'RangeError', true, true ]`)
}
