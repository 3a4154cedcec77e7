package kvserver_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"workerd.local/event"
	"workerd.local/kvserver"
	"workerd.local/storage"
	"workerd.local/storage/fault"
	"workerd.local/storage/mem"
)

// kit is a namespace with a clock.
type kit struct {
	*testing.T
	ns *kvserver.Namespace

	mu  sync.Mutex // guards now
	now time.Time
}

func tokens(shard uint32) storage.Token { return storage.Token{Shard: shard, Epoch: 1} }

func newKit(t *testing.T, st storage.Store) *kit {
	k := &kit{T: t, now: time.Unix(1000, 0)}
	k.ns = kvserver.Open(st, tokens, "id", k.time)
	return k
}

func (k *kit) time() time.Time {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.now
}

func (k *kit) pass(d time.Duration) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.now = k.now.Add(d)
}

func request(method, path, body string, header ...string) *event.Request {
	h := http.Header{}
	for i := 0; i < len(header); i += 2 {
		h.Set(header[i], header[i+1])
	}
	req := &event.Request{Method: method, URL: "https://fake-host" + path, Header: h}
	if method == "PUT" || method == "POST" {
		req.Body = event.StreamBody(io.NopCloser(strings.NewReader(body)), -1)
	}
	return req
}

// do is the answer as a text: status, headers and body.
func (k *kit) do(method, path, body string, header ...string) string {
	k.Helper()
	resp, err := k.ns.Fetch(k.Context(), request(method, path, body, header...))
	if err != nil {
		k.Fatalf("%s %s: %v", method, path, err)
	}
	b, err := io.ReadAll(resp.Body.Reader())
	if err != nil {
		k.Fatal(err)
	}
	var headers []string
	for name, v := range resp.Header {
		if name != "Content-Type" {
			headers = append(headers, name+"="+strings.Join(v, ","))
		}
	}
	slices.Sort(headers)
	return strings.Join(strings.Fields(strings.Join([]string{fmt.Sprint(resp.Status), resp.StatusText, strings.Join(headers, " "), string(b)}, " ")), " ")
}

func (k *kit) want(want, method, path, body string, header ...string) {
	k.Helper()
	if got := k.do(method, path, body, header...); got != want {
		k.Errorf("%s %s: got %.300s\nwant %s", method, path, got, want)
	}
}

func TestKeysAndValues(t *testing.T) {
	k := newKit(t, mem.New())
	k.want("404 Not Found", "GET", "/a?urlencoded=true", "")
	k.want("200", "PUT", "/a?urlencoded=true", "one", "CF-KV-Metadata", `{"é":[1]}`)
	k.want(`200 Cf-Kv-Metadata={"é":[1]} one`, "GET", "/a?urlencoded=true&cache_ttl=60", "")
	k.want("200", "PUT", "/a", "")
	k.want("200", "GET", "/a", "")
	for _, key := range []string{"bulk%2Fget", "a%2Fb", "%3F%23%25+%C3%A9", "m", "v", strings.Repeat("x", 512)} {
		k.want("200", "PUT", "/"+key, key)
		k.want("200 "+key, "GET", "/"+key, "")
	}
	k.want("404 Not Found", "GET", "/%3F%23%25%20%C3%A9", "")
	k.want("200", "DELETE", "/a", "")
	k.want("200", "DELETE", "/a", "")
	k.want("404 Not Found", "GET", "/a", "")
}

func TestKeysExpire(t *testing.T) {
	k := newKit(t, mem.New())
	k.want("200", "PUT", "/ttl?expiration_ttl=60", "v")
	k.want("200", "PUT", "/at?expiration=1100", "v", "CF-KV-Metadata", "1")
	k.want("200", "PUT", "/stays", "v")
	k.want("200 Expiration=1060 v", "GET", "/ttl", "")
	k.pass(59 * time.Second)
	k.want("200 Expiration=1060 v", "GET", "/ttl", "")
	k.want(`200 {"keys":[{"name":"at","expiration":1100,"metadata":"1"},{"name":"stays"},{"name":"ttl","expiration":1060}],"list_complete":true}`, "GET", "", "")
	k.pass(time.Second)
	k.want("404 Not Found", "GET", "/ttl", "")
	k.pass(40 * time.Second)
	k.want(`200 {"keys":[{"name":"stays"}],"list_complete":true}`, "GET", "/", "")
	k.want("200", "PUT", "/ttl", "again")
	k.want("200 again", "GET", "/ttl", "")
}

// TestExpiredKeysGiveTheirRoomBack also holds that what was put meanwhile stays.
func TestExpiredKeysGiveTheirRoomBack(t *testing.T) {
	st := mem.New()
	k := newKit(t, st)
	for i := range 50 {
		k.want("200", "PUT", fmt.Sprintf("/k%d?expiration_ttl=60", i), "value")
	}
	k.pass(time.Minute)
	var wg sync.WaitGroup
	for i := range 50 {
		wg.Go(func() { _, _ = k.ns.Fetch(context.Background(), request("GET", fmt.Sprintf("/k%d", i), "")) })
		wg.Go(func() { _, _ = k.ns.Fetch(context.Background(), request("GET", "/", "")) })
		if i%2 == 0 {
			wg.Go(func() { _, _ = k.ns.Fetch(context.Background(), request("PUT", fmt.Sprintf("/k%d", i), "new")) })
		}
	}
	wg.Wait()
	k.do("GET", "/", "")
	for i := 0; i < 50; i += 2 {
		k.want("200 new", "GET", fmt.Sprintf("/k%d", i), "")
	}
	keys := 0
	for info, err := range st.Actors(t.Context(), "kv:id", k.ns.Actor()) {
		t.Error("another actor", info, err)
	}
	for range st.Scan(t.Context(), tokens(k.ns.Actor().Shard()), k.ns.Actor(), storage.Range{}) {
		keys++
	}
	if keys != 50 {
		t.Errorf("the store has %d entries for 25 keys", keys)
	}
}

func TestListsOfKeys(t *testing.T) {
	k := newKit(t, mem.New())
	k.want(`200 {"keys":[],"list_complete":true}`, "GET", "?prefix=x", "")
	for _, key := range []string{"b1", "a", "b2", "b", "c", "b3"} {
		k.want("200", "PUT", "/"+key, strings.Repeat("v", 100))
	}
	k.want(`200 {"keys":[{"name":"b"},{"name":"b1"}],"list_complete":false,"cursor":"YjE"}`, "GET", "?prefix=b&key_count_limit=2", "")
	k.want(`200 {"keys":[{"name":"b2"},{"name":"b3"}],"list_complete":true}`, "GET", "?prefix=b&key_count_limit=2&cursor=YjE", "")
	k.want(`200 {"keys":[{"name":"b2"},{"name":"b3"},{"name":"c"}],"list_complete":true}`, "GET", "?cursor=YjE", "")
	k.want(`200 {"keys":[{"name":"b"},{"name":"b1"},{"name":"b2"},{"name":"b3"}],"list_complete":true}`, "GET", "?prefix=b&cursor=YQ", "")
}

func TestSeveralKeys(t *testing.T) {
	k := newKit(t, mem.New())
	k.want("200", "PUT", "/a", `{"x":1}`, "CF-KV-Metadata", `"m"`)
	k.want("200", "PUT", "/b", `text`)
	k.want(`200 {"a":"{\"x\":1}","b":"text","c":null}`, "POST", "/bulk/get", `{"keys":["a","b","c","a"]}`)
	k.want(`200 {"a":{"metadata":"m","value":{"x":1}},"c":null}`, "POST", "/bulk/get", `{"keys":["a","c"],"type":"json","withMetadata":true,"cacheTtl":"30"}`)
	k.want(`200 {"b":{"metadata":null,"value":"text"}}`, "POST", "/bulk/get", `{"keys":["b"],"type":"text","withMetadata":true}`)
	for body, want := range map[string]string{
		`{"keys":["b"],"type":"json"}`:                      "400 At least one of the requested keys corresponds to a non-JSON value",
		`{"keys":["b"],"type":"blob"}`:                      `400 "blob" is not a valid type. Use "json" or "text"`,
		`{"keys":[]}`:                                       "400 You must request a minimum of 1 key",
		`{"keys":[""]}`:                                     "400 Bad key",
		`{"keys":[` + strings.Repeat(`"a",`, 100) + `"a"]}`: "400 You can request a maximum of 100 keys",
		`{"keys":["a"],"cacheTtl":"5"}`:                     "400 Invalid cache_ttl of 5. Cache TTL must be at least 30.",
		`nonsense`:                                          "400 Bad request",
	} {
		k.want(want, "POST", "/bulk/get", body)
	}
	large := strings.Repeat("x", 13<<20)
	k.want("200", "PUT", "/l1", large)
	k.want("200", "PUT", "/l2", large)
	k.want("413 Total size of request exceeds the limit of 25MB", "POST", "/bulk/get", `{"keys":["l1","l2"]}`)
}

func TestRefusals(t *testing.T) {
	k := newKit(t, mem.New())
	for _, c := range [][]string{
		{"400 Invalid expiration_ttl of 59. Expiration TTL must be at least 60.", "PUT", "/a?expiration_ttl=59", ""},
		{"400 Invalid expiration_ttl of -1. Please specify integer greater than 0.", "PUT", "/a?expiration_ttl=-1", ""},
		{"400 Invalid expiration of 1000. Please specify integer greater than the current number of seconds since the UNIX epoch.", "PUT", "/a?expiration=1000", ""},
		{"400 Invalid expiration of 1059. Expiration times must be at least 60 seconds in the future.", "PUT", "/a?expiration=1059", ""},
		{"413 Value length of 26214401 exceeds limit of 26214400.", "PUT", "/a", strings.Repeat("x", 25<<20+1)},
		{"413 Metadata length of 1026 exceeds limit of 1024.", "PUT", "/a", "", "CF-KV-Metadata", `"` + strings.Repeat("x", 1024) + `"`},
		{"400 Metadata is not valid JSON", "PUT", "/a", "", "CF-KV-Metadata", "x"},
		{"414 UTF-8 encoded length of 513 exceeds key length limit of 512.", "PUT", "/" + strings.Repeat("x", 513), ""},
		{"400 Invalid cache_ttl of 29. Cache TTL must be at least 30.", "GET", "/a?cache_ttl=29", ""},
		{"400 Invalid key_count_limit of 1001. Please specify an integer less than 1000.", "GET", "?key_count_limit=1001", ""},
		{"400 Invalid key_count_limit of x. Please specify an integer greater than 0.", "GET", "?key_count_limit=x", ""},
		{"400 Invalid cursor", "GET", "?cursor=%25", ""},
		{"405 Method Not Allowed", "PATCH", "/a", ""},
		{"400 Bad key", "PUT", "/", ""},
	} {
		k.want(c[0], c[1], c[2], c[3], c[4:]...)
	}
	k.want(`200 {"keys":[],"list_complete":true}`, "GET", "", "")
	if _, err := k.ns.Fetch(t.Context(), &event.Request{Method: "PUT", URL: "https://fake-host/a", Header: http.Header{}, Body: event.StreamBody(io.NopCloser(io.MultiReader(strings.NewReader("half"), failing{})), 9)}); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("a body that breaks off: %v", err)
	}
	k.want("404 Not Found", "GET", "/a", "")
}

type failing struct{}

func (failing) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

// TestStoreThatFails fails each operation of the store in turn: the request fails, and what
// was answered is there.
func TestStoreThatFails(t *testing.T) {
	script := []*event.Request{}
	for _, r := range [][3]string{{"PUT", "/a", "1"}, {"GET", "/a"}, {"PUT", "/a", "2"}, {"GET", "/"}, {"POST", "/bulk/get", `{"keys":["a"]}`}, {"DELETE", "/a"}} {
		script = append(script, request(r[0], r[1], r[2]))
	}
	for n := 1; ; n++ {
		inner := mem.New()
		k := newKit(t, fault.New(inner, fault.Plan{N: n, Once: true}))
		failures := 0
		for i := range script {
			r := *script[i]
			r.Body = event.BytesBody([]byte([]string{"1", "", "2", "", `{"keys":["a"]}`, ""}[i]))
			if _, err := k.ns.Fetch(t.Context(), &r); err != nil {
				failures++
				if !errors.Is(err, fault.ErrInjected) {
					t.Errorf("operation %d: %v", n, err)
				}
			}
		}
		if failures == 0 {
			if n < 6 {
				t.Errorf("only %d operations were seen", n)
			}
			return
		}
		if failures != 1 {
			t.Errorf("operation %d failed %d requests", n, failures)
		}
	}
}

// TestFailingDisk fails each operation in every way that stores do: the request gets that error, and after a
// new start a key is what was answered last, or what was asked for then.
func TestFailingDisk(t *testing.T) {
	steps := []struct{ method, value, then string }{{"PUT", "one", "200 one"}, {"GET", "", "200 one"}, {"PUT", "two", "200 two"}, {"DELETE", "", "404 Not Found"}, {"PUT", "three", "200 three"}}
	for _, kind := range fault.Kinds() {
		t.Run(kind.Name, func(t *testing.T) {
			for n := 1; ; n++ {
				inner := mem.New()
				plan := kind.Plan
				plan.N = n
				k := newKit(t, fault.New(inner, plan))
				state, asked := "404 Not Found", ""
				for _, s := range steps {
					r := request(s.method, "/k", s.value)
					if _, err := k.ns.Fetch(t.Context(), r); err != nil {
						if !errors.Is(err, plan.Err) {
							t.Errorf("operation %d: %v", n, err)
						}
						asked = s.then
						break
					}
					state = s.then
				}
				if asked == "" {
					if n < len(steps) {
						t.Errorf("only %d operations were seen", n)
					}
					return
				}
				if got := newKit(t, inner).do("GET", "/k", ""); got != state && got != asked {
					t.Errorf("operation %d: %s, want %s or %s", n, got, state, asked)
				}
			}
		})
	}
}
