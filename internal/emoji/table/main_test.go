package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const sequences = `# comment
231A..231C    ; Basic_Emoji                  ; watch..    # E0.6
00A9 FE0F     ; Basic_Emoji                  ; copyright  # E0.6

0031 FE0F 20E3 ; Emoji_Keycap_Sequence       ; keycap: 1
0032 FE0F 20E3 ; Emoji_Keycap_Sequence       ; keycap: 2
`

// pairs are hands of two: all tones of the one, and others of the other.
func pairs() string {
	var b strings.Builder
	tones := []string{"1F3FB", "1F3FC", "1F3FD", "1F3FE", "1F3FF"}
	b.WriteString("1F468 200D 2695 FE0F ; RGI_Emoji_ZWJ_Sequence ; health\n1F469 200D 2695 FE0F ; RGI_Emoji_ZWJ_Sequence ; health\n")
	for _, t := range tones {
		b.WriteString("1F468 " + t + " 200D 2695 FE0F ; RGI_Emoji_ZWJ_Sequence ; health\n1F469 " + t + " 200D 2695 FE0F ; RGI_Emoji_ZWJ_Sequence ; health\n")
		for _, u := range tones {
			if t != u {
				b.WriteString("1F469 " + t + " 200D 1F469 " + u + " ; RGI_Emoji_ZWJ_Sequence ; hands\n")
			}
			b.WriteString("1F469 " + t + " 200D 1F468 " + u + " ; RGI_Emoji_ZWJ_Sequence ; hearts\n")
		}
	}
	return b.String()
}

func TestTableIsFolded(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{"emoji-sequences.txt": sequences, "emoji-zwj-sequences.txt": pairs()} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	out := filepath.Join(dir, "table.go")
	if err := run([]string{dir, out}); err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		`{"Basic_Emoji", "" +` + "\n\t\t" + `"\u00a9\ufe0f \u231a-\u231c"}`,
		`{"Emoji_Keycap_Sequence", "" +` + "\n\t\t" + `"1-2\ufe0f\u20e3"}`,
		`"\U0001f468-\U0001f469T\u200d\u2695\ufe0f \U0001f469t\u200d\U0001f468t \U0001f469t\u200d\U0001f469u"`,
	} {
		if !strings.Contains(string(got), want) {
			t.Errorf("%s\nlacks %s", got, want)
		}
	}
}

func TestFilesThatAreNotUnicodes(t *testing.T) {
	for _, text := range []string{"XY ; Basic_Emoji", "0031 FE0F..0032 ; Basic_Emoji", "0031..Z ; Basic_Emoji"} {
		if _, err := read(text, map[string][][]rune{}); err == nil || !strings.Contains(err.Error(), "line 1") {
			t.Errorf("%s: %v", text, err)
		}
	}
	if err := run(nil); err == nil {
		t.Error("no arguments are no error")
	}
	if err := run([]string{t.TempDir(), "x"}); err == nil {
		t.Error("an empty folder is no error")
	}
}
