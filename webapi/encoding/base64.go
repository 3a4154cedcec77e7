package encoding

import (
	"encoding/base64"
	"encoding/binary"
	"math/bits"
	"strings"

	"workerd.local/exception"
)

var (
	errAtob = exception.DOM("InvalidCharacterError", "atob() called with invalid base64-encoded data. (Only whitespace, '+', '/', alphanumeric ASCII, and up to two terminal '=' signs when the input data length is divisible by 4 are allowed.)")
	errBtoa = exception.DOM("InvalidCharacterError", "btoa() can only operate on characters in the Latin1 (ISO/IEC 8859-1) range.")
)

// DecodeBase64 is forgiving-base64 decode (WHATWG Infra): ASCII whitespace counts
// for nothing, padding may be missing, left-over bits are dropped.
func DecodeBase64(s string) ([]byte, error) {
	b, err := decodeUnspaced(s)
	if err == nil {
		return b, nil
	}
	// Most have no whitespace, so that looking for it first is a waste.
	if !strings.ContainsAny(s, "\t\n\f\r ") {
		return nil, errAtob
	}
	s = strings.Map(func(r rune) rune {
		switch r {
		case '\t', '\n', '\f', '\r', ' ':
			return -1
		}
		return r
	}, s)
	if b, err = decodeUnspaced(s); err != nil {
		return nil, errAtob
	}
	return b, nil
}

func decodeUnspaced(s string) ([]byte, error) {
	if len(s)%4 == 0 {
		s = strings.TrimSuffix(s, "=")
		if len(s)%4 == 3 {
			s = strings.TrimSuffix(s, "=")
		}
	}
	b, err := base64.RawStdEncoding.DecodeString(s)
	if err == nil && len(b) != base64.RawStdEncoding.DecodedLen(len(s)) {
		return nil, errAtob // the library leaves out line ends, which count for the padding
	}
	return b, err
}

// FromBinary turns text whose characters stand for bytes into those bytes.
func FromBinary(s string) ([]byte, error) {
	if b := []byte(s); highBits(b) == 0 {
		return b, nil
	}
	out := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c < 0x80:
			out = append(out, c)
		case (c == 0xC2 || c == 0xC3) && i+1 < len(s):
			i++
			out = append(out, c<<6|s[i]&0x3F)
		default:
			return nil, errBtoa
		}
	}
	return out, nil
}

// highBits counts the bytes from 0x80 on.
func highBits(b []byte) (n int) {
	i := 0
	for ; i+8 <= len(b); i += 8 {
		n += bits.OnesCount64(binary.LittleEndian.Uint64(b[i:]) & 0x8080808080808080)
	}
	for ; i < len(b); i++ {
		n += int(b[i] >> 7)
	}
	return n
}

// ToBinary is the reverse of FromBinary.
func ToBinary(b []byte) string {
	high := highBits(b)
	if high == 0 {
		return string(b)
	}
	out := make([]byte, 0, len(b)+high)
	for _, c := range b {
		if c < 0x80 {
			out = append(out, c)
		} else {
			out = append(out, 0xC0|c>>6, 0x80|c&0x3F)
		}
	}
	return string(out)
}

// EncodeBase64 encodes text whose characters stand for bytes.
func EncodeBase64(s string) (string, error) {
	b, err := FromBinary(s)
	if err != nil {
		return "", err
	}
	return base64.StdEncoding.EncodeToString(b), nil
}
