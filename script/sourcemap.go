package script

import (
	"encoding/json"
	"fmt"
	"strings"
)

// cleanMap makes the bundler's source map ready for the engine and returns the
// file names in it. It takes out the bundler's own names and moves all columns by
// one: the engine counts columns from 1, on both sides of the map, where the
// format counts from 0.
func cleanMap(data []byte) ([]byte, []string, error) {
	if len(data) == 0 {
		return nil, nil, nil
	}
	var m struct {
		Version  int      `json:"version"`
		Sources  []string `json:"sources"`
		Mappings string   `json:"mappings"`
		Names    []string `json:"names"`
	}
	if err := json.Unmarshal(data, &m); err != nil {
		return nil, nil, fmt.Errorf("read source map: %w", err)
	}
	for i, s := range m.Sources {
		if strings.HasPrefix(s, nsStub+":") || strings.HasPrefix(s, nsBuiltin+":") {
			m.Sources[i] = programName // nobody wrote it
			continue
		}
		m.Sources[i] = namespacePrefixes.Replace(s)
	}
	var err error
	if m.Mappings, err = shiftColumns(m.Mappings); err != nil {
		return nil, nil, fmt.Errorf("read source map: %w", err)
	}
	out, err := json.Marshal(m)
	if err != nil {
		return nil, nil, fmt.Errorf("write source map: %w", err)
	}
	return out, m.Sources, nil
}

// shiftColumns adds one to every generated and every original column. Both are
// differences: of the generated column to the one before on the same line, of
// the original column to the one before in the whole map. So the first of each
// line and the first of all carry the shift.
func shiftColumns(mappings string) (string, error) {
	var b strings.Builder
	b.Grow(len(mappings) + len(mappings)/8)
	firstOfLine, firstOriginal := true, true
	field := 0
	for i := 0; i < len(mappings); {
		switch c := mappings[i]; c {
		case ';', ',':
			firstOfLine = firstOfLine && c == ',' || c == ';'
			field = 0
			b.WriteByte(c)
			i++
			continue
		}
		start := i
		v, next, err := readVLQ(mappings, i)
		if err != nil {
			return "", err
		}
		i = next
		switch {
		case field == 0 && firstOfLine:
			firstOfLine = false
			writeVLQ(&b, v+1)
		case field == 3 && firstOriginal:
			firstOriginal = false
			writeVLQ(&b, v+1)
		default:
			b.WriteString(mappings[start:next])
		}
		field++
	}
	return b.String(), nil
}

const base64Digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"

func readVLQ(s string, at int) (value, next int, err error) {
	shift := 0
	for ; at < len(s); at++ {
		d := strings.IndexByte(base64Digits, s[at])
		if d < 0 || shift > 30 {
			return 0, 0, fmt.Errorf("bad mapping at %d", at)
		}
		value |= (d & 31) << shift
		shift += 5
		if d&32 == 0 {
			if value&1 != 0 {
				return -(value >> 1), at + 1, nil
			}
			return value >> 1, at + 1, nil
		}
	}
	return 0, 0, fmt.Errorf("bad mapping at %d", at)
}

func writeVLQ(b *strings.Builder, value int) {
	v := value << 1
	if value < 0 {
		v = -value<<1 | 1
	}
	for {
		d := v & 31
		if v >>= 5; v > 0 {
			d |= 32
		}
		b.WriteByte(base64Digits[d])
		if v == 0 {
			return
		}
	}
}
