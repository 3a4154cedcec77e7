package limits

import (
	"math"
	"regexp"
	"strings"
	"testing"
	"time"
)

func TestKnobs(t *testing.T) {
	name := regexp.MustCompile(`^[a-z]+\.[a-z]+(-[a-z]+)*$`)
	seen := map[string]bool{}
	for _, k := range Knobs() {
		switch {
		case !name.MatchString(k.Name):
			t.Errorf("%q is no good name", k.Name)
		case seen[k.Name]:
			t.Errorf("two knobs are named %s", k.Name)
		case k.Min < 0 || k.Min > k.Default || k.Default > k.Max || k.Min == k.Max:
			t.Errorf("%s: %d is not in the range of %d to %d, or that is none", k.Name, k.Default, k.Min, k.Max)
		}
		seen[k.Name] = true
		// What help shows can be given.
		for _, n := range []int64{k.Min, k.Default, k.Max} {
			s, err := Parse(k.Name + "=" + k.Unit.Text(n))
			if err != nil || s.value(k) != n {
				t.Errorf("%s=%s: %v", k.Name, k.Unit.Text(n), err)
			}
		}
		if k.Max < math.MaxInt64 {
			if _, err := Parse(k.Name + "=" + k.Unit.Text(k.Max+1)); err == nil || !strings.Contains(err.Error(), k.Range()) {
				t.Errorf("%s beyond its range: %v", k.Name, err)
			}
		}
		if _, err := Parse(k.Name + "=" + k.Unit.Text(k.Min-1)); err == nil || !strings.Contains(err.Error(), k.Range()) {
			t.Errorf("%s below its range: %v", k.Name, err)
		}
	}
	if len(seen) < 50 {
		t.Errorf("only %d knobs", len(seen))
	}
}

func TestParse(t *testing.T) {
	s, err := Parse("console.rows=5000", "console.text=1MiB", "alarm.time=90s", "socket.rest=0")
	if err != nil {
		t.Fatal(err)
	}
	if n := ConsoleRows.In(s); n != 5000 {
		t.Errorf("rows: %d", n)
	}
	if n := ConsoleText.Bytes(s); n != 1<<20 {
		t.Errorf("text: %d", n)
	}
	if d := AlarmTime.In(s); d != 90*time.Second {
		t.Errorf("alarm: %v", d)
	}
	if n := SocketRest.In(s); n != 0 {
		t.Errorf("rest: %d", n)
	}
	if n := ConsoleColumns.In(s); n != 100 {
		t.Errorf("what was not set: %d", n)
	}
	if n := ConsoleRows.In(nil); n != 1000 {
		t.Errorf("the nil set: %d", n)
	}
	if got := strings.Join(s.Changed("console.", "socket."), " "); got != "socket.rest=0 console.text=1048576 console.rows=5000" {
		t.Errorf("changed: %s", got)
	}
	if s, err := Parse(); err != nil || ConsoleRows.In(s) != 1000 {
		t.Errorf("no settings: %v", err)
	}
}

func TestParseRefuses(t *testing.T) {
	tests := []struct{ settings, want string }{
		{"console.row=5", `there is no limit "console.row"; the nearest are console.rows, `},
		{"rows=5", `there is no limit "rows"; the nearest are console.rows, `},
		{"x=5", `there is no limit "x"; the nearest are `},
		{"console.rows", `limit "console.rows": expected <name>=<value>, such as console.rows=5000`},
		{"console.rows=", `expected <name>=<value>`},
		{"=5", `expected <name>=<value>`},
		{"console.rows=many", `limit console.rows=many: expected a whole number, such as 5000`},
		{"console.rows=1.5", `expected a whole number`},
		{"console.rows=5KiB", `expected a whole number`},
		{"console.text=5s", `expected a size in bytes, such as 65536, 64KiB or 16MiB`},
		{"console.text=KiB", `expected a size in bytes`},
		{"console.text=1.5MiB", `expected a size in bytes`},
		{"alarm.time=5", `expected a time, such as 500ms, 30s or 15m`},
		{"console.rows=0", `limit console.rows=0: expected 1 to 100,000`},
		{"console.rows=-7", `expected 1 to 100,000`},
		{"console.rows=99999999999999999999", `expected 1 to 100,000`},
		{"console.rows=-99999999999999999999", `expected 1 to 100,000`},
		{"console.text=9999999999GiB", `expected 256 bytes to 16 MiB`},
		{"console.text=-9999999999GiB", `expected 256 bytes to 16 MiB`},
		{"alarm.time=-5s", `expected 10 ms to 24 h`},
		{"console.rows=5 console.rows=6", `the limit console.rows is set twice`},
		{"console.row=5 console.rows=0", "the nearest are console.rows, console.text, console.groups\nlimit console.rows=0: expected"},
	}
	for _, tt := range tests {
		s, err := Parse(strings.Fields(tt.settings)...)
		if err == nil || s != nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v; want %q", tt.settings, err, tt.want)
		}
	}
}

func TestDistance(t *testing.T) {
	for _, tt := range []struct {
		a, b string
		want int
	}{{"", "", 0}, {"", "ab", 2}, {"ab", "", 2}, {"rows", "rows", 0}, {"row", "rows", 1}, {"rows", "cows", 1}, {"kitten", "sitting", 3}, {"abc", "cab", 2}} {
		if got := distance(tt.a, tt.b); got != tt.want {
			t.Errorf("%q, %q: %d, want %d", tt.a, tt.b, got, tt.want)
		}
	}
}

func TestFormat(t *testing.T) {
	tests := []struct {
		n          int64
		u          Unit
		want, text string
	}{
		{0, Count, "0", "0"},
		{999, Count, "999", "999"},
		{1_000_000, Count, "1,000,000", "1000000"},
		{-1000, Count, "-1,000", "-1000"},
		{100, Size, "100 bytes", "100"},
		{131072, Size, "128 KiB", "128KiB"},
		{3 << 30, Size, "3 GiB", "3GiB"},
		{15 * 60e9, Time, "15 min", "15m"},
		{120e9, Time, "120 s", "2m"},
		{20e6, Time, "20 ms", "20ms"},
		{36500 * 86400e9, Time, "36,500 days", "876000h"},
		{1500, Time, "1.5µs", "1.5µs"},
		{0, Time, "0s", "0s"},
		{10e9, Time, "10 s", "10s"},
	}
	for _, tt := range tests {
		if got := tt.u.Format(tt.n); got != tt.want {
			t.Errorf("%d: %q, want %q", tt.n, got, tt.want)
		}
		if got := tt.u.Text(tt.n); got != tt.text {
			t.Errorf("%d: text %q, want %q", tt.n, got, tt.text)
		}
	}
}
