package clone_test

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/dop251/goja"

	"workerd.local/internal/clone"
)

// node returns the path of node 20 or newer, which writes version 15.
func node(t *testing.T) string {
	t.Helper()
	path, err := exec.LookPath("node")
	if err == nil {
		var out []byte
		if out, err = exec.Command(path, "-p", "process.versions.node.split('.')[0]").Output(); err == nil {
			if major, _ := strconv.Atoi(strings.TrimSpace(string(out))); major < 20 {
				err = fmt.Errorf("node %s writes an older format", bytes.TrimSpace(out))
			}
		}
	}
	if err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatalf("CI needs node 20 or newer: %v", err)
		}
		t.Skipf("compares with node 20 or newer: %v", err)
	}
	return path
}

type peerRecord struct {
	Source string `json:"source"`
	Hex    string `json:"hex"`
}

type peerAnswer struct {
	Read, Hex, Copy, Error string
}

// exchange compares both directions for every source: what node reads from our bytes, and what we read from node's.
func exchange(t *testing.T, rt *goja.Runtime, sources []string) {
	t.Helper()
	path := node(t)
	records := make([]peerRecord, len(sources))
	for i, source := range sources {
		data, err := clone.Serialize(rt, run(t, rt, source), clone.Options{})
		if err != nil {
			t.Fatalf("%s: %v", source, err)
		}
		records[i] = peerRecord{source, hex.EncodeToString(data)}
	}
	in, err := json.Marshal(records)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(path, "testdata/peer.js")
	cmd.Stdin = bytes.NewReader(in)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("node: %v\n%s", err, stderr.Bytes())
	}
	var answers []peerAnswer
	if err := json.Unmarshal(out, &answers); err != nil || len(answers) != len(sources) {
		t.Fatalf("node answered %d of %d: %v", len(answers), len(sources), err)
	}
	for i, a := range answers {
		if a.Error != "" {
			t.Errorf("%s: node: %s\nour bytes %s", sources[i], a.Error, records[i].Hex)
			continue
		}
		if a.Read != a.Copy {
			t.Errorf("%s: node reads our bytes differently:\n got %.2000s\nwant %.2000s", sources[i], a.Read, a.Copy)
		}
		data, err := hex.DecodeString(a.Hex)
		if err != nil {
			t.Fatal(err)
		}
		v, err := clone.Deserialize(rt, data, clone.Options{})
		if err != nil {
			t.Errorf("%s: node's bytes: %v\n%s", sources[i], err, a.Hex)
			continue
		}
		if got := canonical(t, rt, v); got != a.Copy {
			t.Errorf("%s: we read node's bytes differently:\n got %.2000s\nwant %.2000s", sources[i], got, a.Copy)
		}
		own, err := clone.StructuredClone(rt, run(t, rt, sources[i]), nil, clone.Options{})
		if err != nil {
			t.Errorf("%s: StructuredClone: %v", sources[i], err)
		} else if got := canonical(t, rt, own); got != a.Copy {
			t.Errorf("%s: StructuredClone:\n got %.2000s\nwant %.2000s", sources[i], got, a.Copy)
		}
	}
}

func TestNodeAgreesOnSamples(t *testing.T) {
	runtimes(t, func(t *testing.T, rt *goja.Runtime) {
		var sources []string
		for _, s := range samples(t) {
			sources = append(sources, s.source)
		}
		exchange(t, rt, sources)
	})
}

func TestNodeAgreesOnRandomValues(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	if s := os.Getenv("CLONE_SEED"); s != "" {
		var err error
		if seed, err = strconv.ParseUint(s, 10, 64); err != nil {
			t.Fatalf("CLONE_SEED: %v", err)
		}
	}
	t.Logf("CLONE_SEED=%d repeats this run", seed)
	runtimes(t, func(t *testing.T, rt *goja.Runtime) {
		g := &generator{Rand: rand.New(rand.NewPCG(seed, 1))}
		var sources []string
		for range 300 {
			sources = append(sources, g.program())
		}
		exchange(t, rt, sources)
	})
}

// generator makes random programs whose value can be cloned.
type generator struct {
	*rand.Rand
	vars int // objects that later parts may refer to again
}

func (g *generator) program() string {
	g.vars = 0
	return "(() => { const v = []; const keep = o => (v.push(o), o); return " + g.value(4) + " })()"
}

func (g *generator) pick(options ...string) string { return options[g.IntN(len(options))] }

func (g *generator) text() string {
	var b strings.Builder
	alphabet := g.pick("abc", "abcé", "aé日", "a\ufffd", `\ud83d|\ude00|\udc00|a`)
	for range g.IntN(g.IntN(40) + 1) {
		if strings.Contains(alphabet, "|") {
			b.WriteString(g.pick(strings.Split(alphabet, "|")...))
		} else {
			r := []rune(alphabet)
			b.WriteRune(r[g.IntN(len(r))])
		}
	}
	return `"` + b.String() + `"`
}

func (g *generator) key() string {
	switch g.IntN(6) {
	case 0:
		return strconv.Itoa(g.IntN(20))
	case 1:
		return `["__proto__"]`
	case 2:
		return "[" + g.text() + "]"
	case 3:
		return "[" + g.pick("2**31", "4294967294", "4294967295", "-1", "1.5", "1e21") + "]"
	}
	return g.pick("a", "b", "c", "length", "constructor", "then", "x1")
}

func (g *generator) primitive() string {
	switch g.IntN(8) {
	case 0:
		return g.pick("undefined", "null", "true", "false", "NaN", "-0", "Infinity")
	case 1:
		return strconv.Itoa(int(g.Int32()) - 1<<30)
	case 2:
		return strconv.FormatFloat(g.NormFloat64()*1e10, 'g', -1, 64)
	case 3:
		return fmt.Sprintf("%s%dn ** %dn", g.pick("", "-1n * "), g.IntN(1000), g.IntN(40))
	case 4:
		return strconv.Itoa(g.IntN(200) - 100)
	}
	return g.text()
}

func (g *generator) list(depth int, item func(int) string) string {
	var items []string
	for range g.IntN(5) {
		items = append(items, item(depth))
	}
	return strings.Join(items, ",")
}

func (g *generator) value(depth int) string {
	if depth == 0 || g.IntN(4) == 0 {
		return g.primitive()
	}
	if g.vars > 0 && g.IntN(6) == 0 {
		return fmt.Sprintf("v[%d %% v.length]", g.IntN(100))
	}
	depth--
	var s string
	switch g.IntN(12) {
	case 0, 1, 2:
		s = "{" + g.list(depth, func(d int) string {
			if g.IntN(8) == 0 {
				return "get " + g.key() + "() { return " + g.primitive() + " }"
			}
			return g.key() + ": " + g.value(d)
		}) + "}"
	case 3, 4:
		s = "[" + g.list(depth, g.value) + "]"
	case 5:
		s = "[" + g.list(depth, func(d int) string { return g.pick("", "1,") + g.value(d) + "," + g.pick("", ",") + g.value(d) }) + "]"
	case 6:
		s = "new Map([" + g.list(depth, func(d int) string { return "[" + g.value(d) + "," + g.value(d) + "]" }) + "])"
	case 7:
		s = "new Set([" + g.list(depth, g.value) + "])"
	case 8:
		s = g.pick("new Date(5)", "new Date(NaN)", "/a+/g", "/[x]/iu", "Object(1)", "Object('é')", "Object(true)", "Object(7n)")
	case 9:
		s = "new " + g.pick("Uint8Array", "Int16Array", "Float32Array", "Uint8ClampedArray", "Uint32Array", "DataView") +
			"(" + fmt.Sprintf("new ArrayBuffer(%d), %d", 8*(1+g.IntN(4)), 4*g.IntN(3)) + ")"
	case 10:
		s = "Object.assign(new " + g.pick("Error", "TypeError", "RangeError") + "(" + g.text() + ", {cause: " + g.primitive() + "}), {stack: 's'})"
	default:
		s = "Object.assign([" + g.list(depth, g.value) + "], {x: " + g.value(depth) + "})"
	}
	g.vars++
	return "keep(" + strings.TrimSpace("("+s+")") + ")"
}
