package actorid

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"strings"
	"testing"
)

func factory(key string) *Factory {
	return NewFactory(key, func(b []byte) { rand.Read(b) })
}

func TestNamesAreStableAndNamespaced(t *testing.T) {
	a, b := factory("ns-a"), factory("ns-b")
	if again := a.FromName("x"); again != a.FromName("x") {
		t.Fatal("the same name gave two ids")
	}
	if a.FromName("x").Key == b.FromName("x").Key {
		t.Fatal("two namespaces share an id")
	}
	if a.FromName("x") == a.FromName("y") {
		t.Fatal("two names share an id")
	}
}

func TestFromNameKnownShape(t *testing.T) {
	s := factory("k").FromName("n").String()
	if len(s) != 64 || strings.ToLower(s) != s {
		t.Fatalf("text form %q is not 64 lower-case hex digits", s)
	}
}

func TestParse(t *testing.T) {
	f := factory("k")
	id := f.Unique()
	if got, err := f.Parse(strings.ToUpper(id.String())); err != nil || got != id {
		t.Fatalf("Parse(own id) = %v, %v", got, err)
	}
	for _, c := range []struct{ in, want string }{
		{"", "TypeError: Invalid Durable Object ID: must be 64 hex digits"},
		{strings.Repeat("z", 64), "TypeError: Invalid Durable Object ID: must be 64 hex digits"},
		{strings.Repeat("0", 62), "TypeError: Invalid Durable Object ID: must be 64 hex digits"},
		{strings.Repeat("0", 64), "TypeError: Durable Object ID is not valid for this namespace."},
		{factory("other").Unique().String(), "TypeError: Durable Object ID is not valid for this namespace."},
	} {
		if _, err := f.Parse(c.in); err == nil || err.Error() != c.want {
			t.Errorf("Parse(%q): %v, want %s", c.in, err, c.want)
		}
	}
}

func TestShardIsInRangeAndSpread(t *testing.T) {
	f := factory("k")
	seen := map[uint32]bool{}
	for range 4096 {
		s := f.Unique().Shard()
		if s >= Shards {
			t.Fatalf("shard %d", s)
		}
		seen[s] = true
	}
	if len(seen) < Shards/2 {
		t.Fatalf("4096 actors fell into %d shards only", len(seen))
	}
}

// The text form is that of workerd: base and MAC under the SHA-256 of the key.
func TestFromNameIsHMACUnderTheHashedKey(t *testing.T) {
	key := sha256.Sum256([]byte("k"))
	sum := func(b []byte) []byte {
		m := hmac.New(sha256.New, key[:])
		m.Write(b)
		return m.Sum(nil)[:16]
	}
	base := sum([]byte("n"))
	want := hex.EncodeToString(append(base, sum(base)...))
	f := factory("k")
	for range 3 {
		if got := f.FromName("n").String(); got != want {
			t.Fatalf("%s, want %s", got, want)
		}
	}
}

func BenchmarkFromName(b *testing.B) {
	f := factory("k")
	b.ReportAllocs()
	for b.Loop() {
		f.FromName("some room")
	}
}
