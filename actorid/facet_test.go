package actorid

import (
	"strings"
	"testing"
)

func TestFacetsFollowTheirActorInItsShard(t *testing.T) {
	root := factory("k").FromName("n")
	a := root.Facet("a")
	ab, long := a.Facet("b/ü %"), root.Facet("aa")
	for _, id := range []ID{a, ab, long, root.Facet("")} {
		if id.Root() != root || id.Shard() != root.Shard() {
			t.Errorf("%s: root %s, shard %d", id, id.Root(), id.Shard())
		}
		if !root.Contains(id) || id.Contains(root) || id.Key <= root.Key {
			t.Errorf("%s is not among the facets of %s", id, root)
		}
		if back, ok := ParseKey("k", id.String()); !ok || back != id {
			t.Errorf("ParseKey(%s) = %s, %v", id, back, ok)
		}
	}
	if !a.Contains(ab) || a.Contains(long) || a.Contains(a) || root.Root() != root {
		t.Error("a facet is taken for that of another")
	}
	if want := root.String() + "/a/b%2F%C3%BC%20%25"; ab.String() != want {
		t.Errorf("%s, want %s", ab, want)
	}
}

func TestParseKeyRefusesWhatIsNoID(t *testing.T) {
	root := factory("k").FromName("n").String()
	for _, text := range []string{"", "x", root[1:], root + "/%", root + "/" + strings.Repeat("x", MaxFacetName+1), "/" + root} {
		if id, ok := ParseKey("k", text); ok {
			t.Errorf("ParseKey(%q) = %s", text, id)
		}
	}
	// Keys of other programs that merely look like those of facets.
	for _, rest := range []string{"\x00", "\x00\x05abc"} {
		id := ID{Namespace: "k", Key: strings.Repeat("k", Size) + rest}
		if id.Root() != id || id.String() != id.Key {
			t.Errorf("%q is taken for a facet", id.Key)
		}
	}
}
