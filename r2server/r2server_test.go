package r2server_test

import (
	"bytes"
	"crypto/md5"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"workerd.local/event"
	"workerd.local/r2server"
	"workerd.local/storage"
	"workerd.local/storage/fault"
	"workerd.local/storage/mem"
)

func tokens(shard uint32) storage.Token { return storage.Token{Shard: shard, Epoch: 1} }

type kit struct {
	*testing.T
	store storage.Store
	b     *r2server.Bucket
	now   time.Time
}

func newKit(t *testing.T, st storage.Store) *kit {
	k := &kit{T: t, store: st, now: time.UnixMilli(1_000_500)}
	k.reopen()
	return k
}

func (k *kit) reopen() {
	k.b = r2server.Open(k.store, tokens, "bucket", func() time.Time { return k.now })
}

func asking(text string) *event.Request {
	return &event.Request{Method: "GET", URL: "https://fake-host", Header: http.Header{"Cf-R2-Request": {text}}}
}

func putting(text string, value []byte) *event.Request {
	body := event.StreamBody(io.NopCloser(io.MultiReader(strings.NewReader(text), bytes.NewReader(value))), int64(len(text)+len(value)))
	return &event.Request{Method: "PUT", URL: "https://fake-host", Header: http.Header{"Cf-R2-Metadata-Size": {strconv.Itoa(len(text))}}, Body: body}
}

// answer is metadata, body and error code of an answer.
type answer struct {
	meta map[string]any
	body []byte
	code string
}

func (k *kit) read(resp *event.Response, whole bool) (a answer) {
	k.Helper()
	b, err := io.ReadAll(resp.Body.Reader())
	if err := errors.Join(err, resp.Body.Close()); err != nil {
		k.Fatal(err)
	}
	if text := resp.Header.Get("Cf-R2-Error"); text != "" {
		var e struct {
			V4Code int `json:"v4code"`
		}
		if err := json.Unmarshal([]byte(text), &e); err != nil {
			k.Fatal(err)
		}
		a.code = fmt.Sprintf("%d/%d", resp.Status, e.V4Code)
	}
	n := len(b)
	if !whole {
		n, _ = strconv.Atoi(resp.Header.Get("Cf-R2-Metadata-Size"))
	}
	if n > 0 {
		if err := json.Unmarshal(b[:n], &a.meta); err != nil {
			k.Fatalf("%q: %v", b, err)
		}
	}
	a.body = b[n:]
	return a
}

func (k *kit) ask(text string) answer {
	k.Helper()
	resp, err := k.b.Fetch(k.Context(), asking(text))
	if err != nil {
		k.Fatal(err)
	}
	return k.read(resp, false)
}

func (k *kit) put(text string, value []byte) answer {
	k.Helper()
	resp, err := k.b.Fetch(k.Context(), putting(text, value))
	if err != nil {
		k.Fatal(err)
	}
	return k.read(resp, true)
}

// entries is what the store has of the bucket, by the first letter of the keys.
func (k *kit) entries() string {
	k.Helper()
	n := map[byte]int{}
	for kv, err := range k.store.Scan(k.Context(), tokens(k.b.Actor().Shard()), k.b.Actor(), storage.Range{}) {
		if err != nil {
			k.Fatal(err)
		}
		n[kv.Key[0]]++
	}
	return fmt.Sprintf("objects=%d pieces=%d marks=%d uploads=%d parts=%d", n['o'], n['d'], n['w'], n['u'], n['q'])
}

func (k *kit) wantEntries(want string) {
	k.Helper()
	if got := k.entries(); got != want {
		k.Errorf("the store has %s, want %s", got, want)
	}
}

func pattern(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(i*7 + i>>10)
	}
	return b
}

func TestObjects(t *testing.T) {
	k := newKit(t, mem.New())
	if got := k.ask(`{"method":"head","object":"k"}`).code; got != "404/10007" {
		t.Errorf("no object: %s", got)
	}
	value := pattern(2<<20 + 5)
	sum := md5.Sum(value)
	p := k.put(`{"version":1,"method":"put","object":"k","httpFields":{"contentType":"a/b"},"customFields":[{"k":"x","v":"y"}],"storageClass":"InfrequentAccess"}`, value)
	if p.meta["etag"] != hex.EncodeToString(sum[:]) || p.meta["size"] != strconv.Itoa(len(value)) || p.meta["uploaded"] != "1000500" || p.meta["name"] != "k" {
		t.Errorf("put: %v", p)
	}
	k.wantEntries("objects=1 pieces=3 marks=0 uploads=0 parts=0")
	k.reopen()
	g := k.ask(`{"method":"get","object":"k"}`)
	if !bytes.Equal(g.body, value) || fmt.Sprintf("%v %v %v %v", g.meta["httpFields"], g.meta["customFields"], g.meta["storageClass"], g.meta["checksums"]) != fmt.Sprintf("map[contentType:a/b] [map[k:x v:y]] InfrequentAccess map[0:%x]", sum) {
		t.Errorf("get: %d bytes, %v", len(g.body), g.meta)
	}
	k.put(`{"method":"put","object":"k"}`, nil)
	if g := k.ask(`{"method":"get","object":"k"}`); len(g.body) != 0 || g.meta["size"] != "0" || g.meta["httpFields"] != nil {
		t.Errorf("an empty one: %v", g)
	}
	k.wantEntries("objects=1 pieces=0 marks=0 uploads=0 parts=0")
	k.put(`{"method":"put","object":"l"}`, pattern(10))
	k.put(`{"method":"delete","objects":["k","l","l","nobody"]}`, nil)
	k.put(`{"method":"delete","object":"k"}`, nil)
	k.wantEntries("objects=0 pieces=0 marks=0 uploads=0 parts=0")
}

func TestRangesOfObjects(t *testing.T) {
	k := newKit(t, mem.New())
	value := pattern(2<<20 + 100)
	k.put(`{"method":"put","object":"k"}`, value)
	for ask, want := range map[string][2]int{
		`"range":{"offset":"0","length":"3"}`:        {0, 3},
		`"range":{"offset":"1048570","length":"20"}`: {1048570, 20},
		`"range":{"offset":"2097200"}`:               {2097200, 52},
		`"range":{"length":"5"}`:                     {0, 5},
		`"range":{"suffix":"7"}`:                     {len(value) - 7, 7},
		`"range":{"suffix":"99999999"}`:              {0, len(value)},
		`"rangeHeader":"bytes=1048575-1048576"`:      {1048575, 2},
		`"rangeHeader":"bytes=-3"`:                   {len(value) - 3, 3},
		`"rangeHeader":"bytes=2097150-"`:             {2097150, 102},
	} {
		g := k.ask(`{"method":"get","object":"k",` + ask + `}`)
		if !bytes.Equal(g.body, value[want[0]:want[0]+want[1]]) || fmt.Sprint(g.meta["range"]) != fmt.Sprintf("map[length:%d offset:%d]", want[1], want[0]) {
			t.Errorf("%s: %d bytes, range %v", ask, len(g.body), g.meta["range"])
		}
	}
	for _, ask := range []string{`"rangeHeader":"bytes=0-1,3-4"`, `"rangeHeader":"lines=1-2"`, `"rangeHeader":"bytes=5-1"`, `"range":{}`} {
		if g := k.ask(`{"method":"get","object":"k",` + ask + `}`); !bytes.Equal(g.body, value) || g.meta["range"] != nil {
			t.Errorf("%s: %d bytes, range %v", ask, len(g.body), g.meta["range"])
		}
	}
	for _, ask := range []string{`"range":{"offset":"2097252"}`, `"range":{"length":"0"}`, `"range":{"suffix":"0"}`, `"rangeHeader":"bytes=9999999-"`} {
		if got := k.ask(`{"method":"get","object":"k",` + ask + `}`).code; got != "416/10039" {
			t.Errorf("%s: %s", ask, got)
		}
	}
}

func TestConditionsOfObjects(t *testing.T) {
	k := newKit(t, mem.New())
	tag, _ := k.put(`{"method":"put","object":"k"}`, []byte("v")).meta["etag"].(string)
	strong, weak, other, any := `[{"type":"strong","value":"`+tag+`"}]`, `[{"type":"weak","value":"`+tag+`"}]`, `[{"type":"strong","value":"no"}]`, `[{"type":"wildcard"}]`
	for cond, want := range map[string]bool{
		`{}`:                             true,
		`{"etagMatches":` + strong + `}`: true, `{"etagMatches":` + weak + `}`: false, `{"etagMatches":` + other + `}`: false, `{"etagMatches":` + any + `}`: true,
		`{"etagDoesNotMatch":` + strong + `}`: false, `{"etagDoesNotMatch":` + weak + `}`: false, `{"etagDoesNotMatch":` + other + `}`: true, `{"etagDoesNotMatch":` + any + `}`: false,
		`{"uploadedBefore":"1000501"}`: true, `{"uploadedBefore":"1000500"}`: false, `{"uploadedAfter":"1000499"}`: true, `{"uploadedAfter":"1000500"}`: false,
		`{"uploadedAfter":"1000499","secondsGranularity":true}`: false, `{"uploadedBefore":"1001000","secondsGranularity":true}`: true,
		`{"uploadedBefore":"1","etagMatches":` + strong + `}`: true, `{"uploadedAfter":"9000000","etagDoesNotMatch":` + other + `}`: true,
	} {
		g := k.ask(`{"method":"get","object":"k","onlyIf":` + cond + `}`)
		if got := g.code == ""; got != want || !want && (g.code != "412/10031" || g.meta["etag"] != tag) {
			t.Errorf("get if %s: %v", cond, g)
		}
		p := k.put(`{"method":"put","object":"k","onlyIf":`+cond+`}`, []byte("v"))
		if got := p.code == ""; got != want || !want && p.code != "412/10031" {
			t.Errorf("put if %s: %v", cond, p)
		}
	}
	if p := k.put(`{"method":"put","object":"new","onlyIf":{"etagMatches":`+any+`}}`, nil); p.code != "412/10031" {
		t.Errorf("a new one if there is one: %v", p)
	}
	if p := k.put(`{"method":"put","object":"new","onlyIf":{"etagDoesNotMatch":`+any+`}}`, nil); p.code != "" {
		t.Errorf("a new one if there is none: %v", p)
	}
	k.wantEntries("objects=2 pieces=1 marks=0 uploads=0 parts=0")
}

func TestListsOfObjects(t *testing.T) {
	k := newKit(t, mem.New())
	for _, key := range []string{"a/1", "a/2", "b", "a", "c/x/1", "c/x/2", "c/y"} {
		k.put(`{"method":"put","object":"`+key+`","httpFields":{"contentType":"t"}}`, nil)
	}
	list := func(more string) (string, string) {
		a := k.ask(`{"method":"list"` + more + `}`)
		var names []string
		objects, _ := a.meta["objects"].([]any)
		for _, o := range objects {
			m, _ := o.(map[string]any)
			names = append(names, fmt.Sprint(m["name"]))
		}
		cursor, _ := a.meta["cursor"].(string)
		return fmt.Sprint(strings.Join(names, " "), " ", a.meta["delimitedPrefixes"], " ", a.meta["truncated"], a.code), cursor
	}
	for more, want := range map[string]string{
		``:                                   "a a/1 a/2 b c/x/1 c/x/2 c/y [] false",
		`,"prefix":"a/"`:                     "a/1 a/2 [] false",
		`,"startAfter":"a/1"`:                "a/2 b c/x/1 c/x/2 c/y [] false",
		`,"delimiter":"/"`:                   "a b [a/ c/] false",
		`,"delimiter":"/","prefix":"c/"`:     "c/y [c/x/] false",
		`,"delimiter":"/","startAfter":"a/"`: "b [a/ c/] false",
		`,"prefix":"zz"`:                     " [] false",
		`,"limit":0`:                         " <nil> <nil>400/10022",
		`,"cursor":"?"`:                      " <nil> <nil>400/10004",
	} {
		if got, _ := list(more); got != want {
			t.Errorf("%s: %s, want %s", more, got, want)
		}
	}
	var pages []string
	cursor := ""
	for range 9 {
		var page string
		page, cursor = list(`,"limit":2,"delimiter":"/","cursor":"` + cursor + `"`)
		if pages = append(pages, page); cursor == "" {
			break
		}
	}
	if got := strings.Join(pages, "|"); got != "a [a/] true|b [c/] false" {
		t.Errorf("pages are %s", got)
	}
	a := k.ask(`{"method":"list","prefix":"b","include":[0]}`)
	if !strings.Contains(fmt.Sprint(a.meta), "contentType:t") || strings.Contains(fmt.Sprint(k.ask(`{"method":"list","prefix":"b"}`).meta), "contentType") {
		t.Error("include is not looked at")
	}
}

func TestMultipartUploads(t *testing.T) {
	k := newKit(t, mem.New())
	create := func() string {
		id, _ := k.put(`{"method":"createMultipartUpload","object":"k","httpFields":{"contentType":"a/b"}}`, nil).meta["uploadId"].(string)
		return id
	}
	upload := func(id string, n int, value []byte) string {
		tag, _ := k.put(fmt.Sprintf(`{"method":"uploadPart","object":"k","uploadId":%q,"partNumber":%d}`, id, n), value).meta["etag"].(string)
		return tag
	}
	complete := func(id string, parts ...any) answer {
		var list []string
		for i := 0; i < len(parts); i += 2 {
			list = append(list, fmt.Sprintf(`{"part":%d,"etag":%q}`, parts[i], parts[i+1]))
		}
		return k.put(fmt.Sprintf(`{"method":"completeMultipartUpload","object":"k","uploadId":%q,"parts":[%s]}`, id, strings.Join(list, ",")), nil)
	}
	big := pattern(5 << 20)
	id := create()
	upload(id, 1, []byte("replaced"))
	one, two, three := upload(id, 1, big), upload(id, 2, []byte("tail")), upload(id, 7, []byte("left out"))
	k.wantEntries("objects=0 pieces=7 marks=0 uploads=1 parts=3")
	for _, c := range []struct {
		got  answer
		want string
	}{
		{complete(id), "400/10025"},
		{complete(id, 1, "wrong"), "400/10025"},
		{complete(id, 1, one, 1, one), "400/10025"},
		{complete(id, 1, one, 3, three), "400/10025"},
		{complete(id, 2, two, 7, three), "400/10011"},
		{complete(strings.Repeat("0", 32), 1, one), "404/10024"},
		{k.put(fmt.Sprintf(`{"method":"uploadPart","object":"other","uploadId":%q,"partNumber":1}`, id), nil), "404/10024"},
		{k.put(fmt.Sprintf(`{"method":"uploadPart","object":"k","uploadId":%q,"partNumber":10001}`, id), nil), "400/10001"},
	} {
		if c.got.code != c.want {
			t.Errorf("%v, want %s", c.got, c.want)
		}
	}
	done := complete(id, 1, one, 2, two)
	if done.meta["size"] != strconv.Itoa(len(big)+4) || !strings.HasSuffix(fmt.Sprint(done.meta["etag"]), "-2") {
		t.Errorf("complete: %v", done)
	}
	k.wantEntries("objects=1 pieces=6 marks=0 uploads=0 parts=0")
	g := k.ask(`{"method":"get","object":"k","range":{"offset":"5242878","length":"4"}}`)
	if string(g.body[2:]) != "ta" || !bytes.Equal(g.body[:2], big[len(big)-2:]) || fmt.Sprint(g.meta["httpFields"]) != "map[contentType:a/b]" {
		t.Errorf("across parts: %q %v", g.body, g.meta)
	}
	if got := complete(id, 1, one).code; got != "404/10024" {
		t.Errorf("a second time: %s", got)
	}
	id = create()
	upload(id, 1, big)
	if a := k.put(fmt.Sprintf(`{"method":"abortMultipartUpload","object":"k","uploadId":%q}`, id), nil); a.code != "" {
		t.Errorf("abort: %v", a)
	}
	k.wantEntries("objects=1 pieces=6 marks=0 uploads=0 parts=0")
}

// TestReadersKeepWhatTheyRead also holds that it goes when they end.
func TestReadersKeepWhatTheyRead(t *testing.T) {
	k := newKit(t, mem.New())
	value := pattern(3 << 20)
	k.put(`{"method":"put","object":"k"}`, value)
	first, err := k.b.Fetch(t.Context(), asking(`{"method":"get","object":"k"}`))
	if err != nil {
		t.Fatal(err)
	}
	second, err := k.b.Fetch(t.Context(), asking(`{"method":"get","object":"k"}`))
	if err != nil {
		t.Fatal(err)
	}
	k.put(`{"method":"put","object":"k"}`, []byte("new"))
	k.wantEntries("objects=1 pieces=4 marks=1 uploads=0 parts=0")
	if got := k.read(first, false); !bytes.Equal(got.body, value) {
		t.Errorf("a reader got %d bytes", len(got.body))
	}
	k.wantEntries("objects=1 pieces=4 marks=1 uploads=0 parts=0")
	if err := errors.Join(second.Body.Close(), second.Body.Close()); err != nil {
		t.Error(err)
	}
	k.wantEntries("objects=1 pieces=1 marks=0 uploads=0 parts=0")
}

func TestRefusals(t *testing.T) {
	k := newKit(t, mem.New())
	for text, want := range map[string]string{
		`{"method":"put","object":""}`:                                                                               "400/10020",
		`{"method":"put","object":"` + strings.Repeat("x", 1025) + `"}`:                                              "400/10020",
		`{"method":"put","object":"k","ssec":{"key":"00"}}`:                                                          "501/10058",
		`{"method":"put","object":"k","sha256":"00"}`:                                                                "400/10037",
		`{"method":"put","object":"k","md5":"?"}`:                                                                    "400/10001",
		`{"method":"put","object":"k","customFields":[` + strings.Repeat(`{"k":"aaaaaaaaaa","v":""},`, 400) + `{}]}`: "400/10012",
		`{"method":"createBucket"}`:                                                                                  "400/10020",
		`{"method":"nothing","object":"k"}`:                                                                          "400/10001",
		`nonsense`:                                                                                                   "400/10001",
	} {
		if got := k.put(text, []byte("v")).code; got != want {
			t.Errorf("%.80s: %s, want %s", text, got, want)
		}
	}
	if p := k.put(`{"method":"put","object":"k","sha1":"7a38d8cbd20d9932ba948efaa364bb62651d5ad4"}`, []byte("v")); p.code != "" || fmt.Sprint(p.meta["checksums"]) == "" {
		t.Errorf("the right checksum: %v", p)
	}
	broken := putting(`{"method":"put","object":"broken"}`, pattern(3<<20))
	broken.Body.Length += 5
	if _, err := k.b.Fetch(t.Context(), broken); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("a value that is too short: %v", err)
	}
	broken = putting(`{"method":"put","object":"broken"}`, nil)
	broken.Body.Stream, broken.Body.Length = io.NopCloser(io.MultiReader(broken.Body.Stream, bytes.NewReader(pattern(2<<20)), failing{})), -1
	if _, err := k.b.Fetch(t.Context(), broken); !errors.Is(err, errFailing) {
		t.Errorf("a value that breaks off: %v", err)
	}
	k.wantEntries("objects=1 pieces=1 marks=0 uploads=0 parts=0")
}

var errFailing = errors.New("failing")

type failing struct{}

func (failing) Read([]byte) (int, error) { return 0, errFailing }

// TestStoreThatFails fails each operation in turn, for good: after a new start what was
// answered is there, what was not is there whole or not at all, and nothing is left over.
func TestStoreThatFails(t *testing.T) {
	old, fresh := pattern(2<<20+1), pattern(3<<20)
	for n := 1; ; n++ {
		inner := mem.New()
		st := fault.New(inner, fault.Plan{N: n})
		k := newKit(t, st)
		state := []byte(nil)
		failed := false
		for _, v := range [][]byte{old, fresh} {
			resp, err := k.b.Fetch(t.Context(), putting(`{"method":"put","object":"k"}`, v))
			if err != nil {
				failed = true
				break
			}
			k.read(resp, true)
			state = v
		}
		if !failed {
			if n < 10 {
				t.Errorf("only %d operations were seen", n)
			}
			return
		}
		k.store = inner
		k.reopen()
		g := k.ask(`{"method":"get","object":"k"}`)
		if next := map[bool][]byte{true: old, false: fresh}[state == nil]; !bytes.Equal(g.body, state) && !bytes.Equal(g.body, next) {
			t.Errorf("operation %d: %d bytes", n, len(g.body))
		}
		want := fmt.Sprintf("objects=1 pieces=%d marks=0 uploads=0 parts=0", (len(g.body)+1<<20-1)>>20)
		if g.code != "" {
			want = "objects=0 pieces=0 marks=0 uploads=0 parts=0"
		}
		if got := k.entries(); got != want {
			t.Errorf("operation %d: the store has %s, want %s", n, got, want)
		}
	}
}

// TestFailingDisk fails each operation in every way that stores do: the request gets that error, and after a
// new start an object is what was answered last, or what was asked for then, and whole.
func TestFailingDisk(t *testing.T) {
	for _, kind := range fault.Kinds() {
		t.Run(kind.Name, func(t *testing.T) {
			for n := 1; failingAt(t, kind, n); n++ {
			}
		})
	}
}

// failingAt runs some requests with operation n failing; it is false when all pass.
func failingAt(t *testing.T, kind fault.Kind, n int) bool {
	t.Helper()
	inner := mem.New()
	plan := kind.Plan
	plan.N = n
	k := newKit(t, fault.New(inner, plan))
	one, two, three := pattern(1<<20+1), pattern(2<<20), pattern(5)
	var state []byte // of the last answer
	var id, etag string
	steps := []struct {
		ask  func() *event.Request
		then []byte
	}{
		{func() *event.Request { return putting(`{"method":"put","object":"k"}`, one) }, one},
		{func() *event.Request { return putting(`{"method":"put","object":"k"}`, two) }, two},
		{func() *event.Request { return putting(`{"method":"createMultipartUpload","object":"k"}`, nil) }, two},
		{func() *event.Request {
			return putting(fmt.Sprintf(`{"method":"uploadPart","object":"k","uploadId":%q,"partNumber":1}`, id), one)
		}, two},
		{func() *event.Request {
			return putting(fmt.Sprintf(`{"method":"uploadPart","object":"k","uploadId":%q,"partNumber":1}`, id), three)
		}, two},
		{func() *event.Request {
			return putting(fmt.Sprintf(`{"method":"completeMultipartUpload","object":"k","uploadId":%q,"parts":[{"part":1,"etag":%q}]}`, id, etag), nil)
		}, three},
		{func() *event.Request { return putting(`{"method":"delete","object":"k"}`, nil) }, nil},
	}
	for i, s := range steps {
		resp, err := k.b.Fetch(t.Context(), s.ask())
		if err != nil {
			if !errors.Is(err, plan.Err) {
				t.Errorf("operation %d: step %d: %v", n, i, err)
			}
			k.store = inner
			k.reopen()
			whole(t, k, fmt.Sprintf("operation %d: step %d", n, i), state, s.then)
			return true
		}
		a := k.read(resp, true)
		if a.code != "" {
			t.Fatalf("operation %d: step %d: %s", n, i, a.code)
		}
		if v, ok := a.meta["uploadId"].(string); ok {
			id = v
		}
		if v, ok := a.meta["etag"].(string); ok {
			etag = v
		}
		state = s.then
	}
	return false
}

// whole checks that the object is one of two values, nil for none, and that nothing else is there but what an
// upload has.
func whole(t *testing.T, k *kit, where string, values ...[]byte) {
	t.Helper()
	g := k.ask(`{"method":"get","object":"k"}`)
	got := g.body
	if g.code != "" {
		got = nil
	}
	if !slices.ContainsFunc(values, func(v []byte) bool { return (v == nil) == (got == nil) && bytes.Equal(v, got) }) {
		t.Errorf("%s: %s, %d bytes", where, g.code, len(got))
	}
	if got := k.entries(); !strings.Contains(got, "marks=0") {
		t.Errorf("%s: the store has %s", where, got)
	}
}

func TestManyAtATime(t *testing.T) {
	k := newKit(t, mem.New())
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			for j := range 20 {
				value := bytes.Repeat([]byte{byte(i*20 + j)}, 1<<20+j)
				if resp, err := k.b.Fetch(k.Context(), putting(`{"method":"put","object":"k"}`, value)); err != nil || resp.Status != 200 {
					t.Error(resp, err)
				}
				resp, err := k.b.Fetch(k.Context(), asking(`{"method":"get","object":"k"}`))
				if err != nil {
					t.Error(err)
					continue
				}
				b, err := io.ReadAll(resp.Body.Reader())
				if err := errors.Join(err, resp.Body.Close()); err != nil {
					t.Error(err)
				}
				if m, _ := strconv.Atoi(resp.Header.Get("Cf-R2-Metadata-Size")); len(b) > m && bytes.Count(b[m:], b[m:m+1]) != len(b)-m {
					t.Error("a mixture of two values")
				}
			}
		})
	}
	wg.Wait()
	k.wantEntries("objects=1 pieces=2 marks=0 uploads=0 parts=0")
}
