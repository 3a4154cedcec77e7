package isolate

import "testing"

// What grows to twice its size again and again is stopped before the step that would need more
// than there is; what is made at once, by many, or as much each time, is not.
func TestGrowthThatDoubles(t *testing.T) {
	const mb, limit = 1 << 20, 768 << 20 // of 1 GiB
	for name, c := range map[string]struct {
		made   []uint64 // in MiB, from look to look
		things uint64   // each time
		live   uint64
		at     int // the look at which it is stopped, -1 for never
	}{
		"doubled":              {[]uint64{48, 96, 0, 192, 0, 0, 384, 0}, 3, 10, 6},
		"one large thing":      {[]uint64{0, 500, 0}, 3, 10, -1},
		"of a size":            {[]uint64{0, 300, 300, 300}, 3, 10, -1},
		"room for the next":    {[]uint64{32, 64, 128, 0}, 3, 10, -1},
		"much that is small":   {[]uint64{48, 96, 192, 384}, 100_000, 10, -1},
		"slowly":               {[]uint64{10, 10, 10, 10, 600}, 3, 10, -1},
		"with much that lives": {[]uint64{64, 128, 0}, 3, 700, 1},
	} {
		g, at := growth{since: recentLooks}, -1
		var bytes, objects uint64
		for i, made := range c.made {
			bytes, objects = bytes+made*mb, objects+c.things
			if g.doubles(bytes, objects, c.live*mb, limit) && at < 0 {
				at = i
			}
		}
		if at != c.at {
			t.Errorf("%s: stopped at look %d, want %d", name, at, c.at)
		}
	}
}
