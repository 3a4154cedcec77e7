package config

import "strconv"

// Pos is a place in a configuration file. Line and Col count from 1; Col counts characters, not bytes.
// The zero Pos means "no file": the value was made by a program or is a default.
type Pos struct {
	File string
	Line int
	Col  int
}

// IsValid reports whether p names a place in a file.
func (p Pos) IsValid() bool { return p.Line > 0 }

// String is "file:line:col", "file" when only the file is known, and "" for the zero Pos.
func (p Pos) String() string {
	if !p.IsValid() {
		return p.File
	}
	return p.File + ":" + strconv.Itoa(p.Line) + ":" + strconv.Itoa(p.Col)
}

// MarshalText writes the same text as String.
func (p Pos) MarshalText() ([]byte, error) { return []byte(p.String()), nil }

// Text is a string together with where it was written. The zero Text is an absent value.
type Text struct {
	Value string
	Pos   Pos
}

// IsSet reports whether the value was given, even if as an empty string in a file.
func (t Text) IsSet() bool { return t.Value != "" || t.Pos.IsValid() }

// String is the value.
func (t Text) String() string { return t.Value }

// Strings returns the values of list, in order.
func Strings(list []Text) []string {
	out := make([]string, len(list))
	for i, t := range list {
		out[i] = t.Value
	}
	return out
}

// posTable turns byte offsets of one file into places.
type posTable struct {
	file  string
	src   []byte
	lines []int // offset of the first byte of each line
}

func newPosTable(file string, src []byte) *posTable {
	t := &posTable{file: file, src: src, lines: []int{0}}
	for i, c := range src {
		if c == '\n' {
			t.lines = append(t.lines, i+1)
		}
	}
	return t
}

// pos is the place of the byte at offset; offsets outside the file are moved to its nearer end.
func (t *posTable) pos(offset int) Pos {
	offset = min(max(offset, 0), len(t.src))
	lo, hi := 0, len(t.lines)
	for hi-lo > 1 {
		mid := (lo + hi) / 2
		if t.lines[mid] <= offset {
			lo = mid
		} else {
			hi = mid
		}
	}
	col := 1
	for _, c := range t.src[t.lines[lo]:offset] {
		if c&0xC0 != 0x80 { // count the first byte of each UTF-8 sequence
			col++
		}
	}
	return Pos{File: t.file, Line: lo + 1, Col: col}
}

// at is the place of a line and a column that counts bytes from 1.
func (t *posTable) at(line, byteCol int) Pos {
	if line < 1 || line > len(t.lines) {
		return t.pos(len(t.src))
	}
	return t.pos(t.lines[line-1] + byteCol - 1)
}
