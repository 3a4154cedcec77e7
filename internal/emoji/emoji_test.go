package emoji

import (
	"crypto/sha256"
	"fmt"
	"slices"
	"strings"
	"testing"
)

// The lists are those of Unicode 17, each sequence once.
func TestSequencesAreThoseOfUnicode(t *testing.T) {
	for _, c := range []struct {
		property string
		count    int
		hash     string // of the sequences in the order of their bytes, a line each
	}{
		{"Basic_Emoji", 1400, "5a66f7a20529ae7e"},
		{"Emoji_Keycap_Sequence", 12, "defc0fce01656a8b"},
		{"RGI_Emoji_Modifier_Sequence", 665, "c5301d56b0753510"},
		{"RGI_Emoji_Flag_Sequence", 259, "11ef68a2075eb039"},
		{"RGI_Emoji_Tag_Sequence", 3, "65b22ba0aaa68493"},
		{"RGI_Emoji_ZWJ_Sequence", 1614, "934fc66f03ad8f55"},
		{All, 3953, "e59a1ad6cad887d2"},
	} {
		list := Sequences(c.property)
		slices.Sort(list)
		if len(list) != c.count || len(slices.Compact(slices.Clone(list))) != len(list) {
			t.Errorf("%s has %d sequences, want %d, each once", c.property, len(list), c.count)
		}
		if got := fmt.Sprintf("%x", sha256.Sum256([]byte(strings.Join(list, "\n"))))[:16]; got != c.hash {
			t.Errorf("%s is %s, want %s", c.property, got, c.hash)
		}
	}
	for _, name := range []string{"", "Emoji", "RGI_Modifier_Sequence", "rgi_emoji"} {
		if list := Sequences(name); list != nil {
			t.Errorf("%q has %d sequences", name, len(list))
		}
	}
}

func TestUnfold(t *testing.T) {
	for text, want := range map[string]string{
		"":          "",
		"a-cx y":    "ax bx cx y",
		"0-1\ufe0f": "0\ufe0f 1\ufe0f",
		"at":        "a\U0001F3FB a\U0001F3FC a\U0001F3FD a\U0001F3FE a\U0001F3FF",
		"aT":        "a a\U0001F3FB a\U0001F3FC a\U0001F3FD a\U0001F3FE a\U0001F3FF",
	} {
		if got := strings.Join(unfold(nil, text), " "); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
	for text, want := range map[string]int{"atbt": 25, "atbu": 20, "atb-cu": 40} {
		if got := len(unfold(nil, text)); got != want {
			t.Errorf("%q: %d, want %d", text, got, want)
		}
	}
}
