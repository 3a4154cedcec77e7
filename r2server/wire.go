package r2server

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"io"
	"net/http"
	"strconv"
	"strings"

	"workerd.local/event"
)

// ask is a request, of which each method has some of the fields.
type ask struct {
	Method     string   `json:"method"`
	Object     string   `json:"object"`
	Objects    []string `json:"objects"`
	UploadID   string   `json:"uploadId"`
	PartNumber int      `json:"partNumber"`
	Parts      []struct {
		ETag string `json:"etag"`
		Part int    `json:"part"`
	} `json:"parts"`
	Limit        *int            `json:"limit"`
	Prefix       string          `json:"prefix"`
	Cursor       string          `json:"cursor"`
	Delimiter    string          `json:"delimiter"`
	StartAfter   string          `json:"startAfter"`
	Include      []int           `json:"include"`
	CustomFields json.RawMessage `json:"customFields"`
	HTTPFields   json.RawMessage `json:"httpFields"`
	Range        *struct {
		Offset *number `json:"offset"`
		Length *number `json:"length"`
		Suffix *number `json:"suffix"`
	} `json:"range"`
	RangeHeader  string          `json:"rangeHeader"`
	OnlyIf       *conditional    `json:"onlyIf"`
	MD5          string          `json:"md5"`
	SHA1         string          `json:"sha1"`
	SHA256       string          `json:"sha256"`
	SHA384       string          `json:"sha384"`
	SHA512       string          `json:"sha512"`
	StorageClass string          `json:"storageClass"`
	SSEC         json.RawMessage `json:"ssec"`
}

type etag struct {
	Value string `json:"value"`
	Type  string `json:"type"`
}

type conditional struct {
	Matches            *[]etag `json:"etagMatches"`
	DoesNotMatch       *[]etag `json:"etagDoesNotMatch"`
	UploadedBefore     *number `json:"uploadedBefore"`
	UploadedAfter      *number `json:"uploadedAfter"`
	SecondsGranularity bool    `json:"secondsGranularity"`
}

// number is one of 64 bits, as a text.
type number int64

// MarshalJSON is json.Marshaler's.
func (n number) MarshalJSON() ([]byte, error) {
	return []byte(`"` + strconv.FormatInt(int64(n), 10) + `"`), nil
}

// UnmarshalJSON is json.Unmarshaler's.
func (n *number) UnmarshalJSON(b []byte) error {
	v, err := strconv.ParseInt(strings.Trim(string(b), `"`), 10, 64)
	*n = number(v)
	return err
}

// value is what is to be kept. length is -1 where it is not known.
type value struct {
	io.Reader
	length int64
}

// readAsk reads a request, and returns the value behind it.
func readAsk(req *event.Request) (*ask, *value, error) {
	text := req.Header.Get("Cf-R2-Request")
	body := &value{req.Body.Reader(), req.Body.Size()}
	if req.Method != http.MethodGet {
		n, err := strconv.ParseInt(req.Header.Get("Cf-R2-Metadata-Size"), 10, 64)
		if req.Method != http.MethodPut || err != nil || n < 0 || n > maxAskBytes {
			return nil, nil, errAsk
		}
		b := make([]byte, n)
		if _, err := io.ReadFull(body, b); err != nil {
			return nil, nil, err
		}
		text = string(b)
		if body.length >= 0 {
			body.length -= n
		}
	}
	a := &ask{}
	if err := json.Unmarshal([]byte(text), a); err != nil {
		return nil, nil, errAsk
	}
	if len(a.CustomFields)+len(a.HTTPFields) > maxMetadataBytes {
		return nil, nil, fail(400, 10012, "Your metadata headers exceed the maximum allowed metadata size.")
	}
	return a, body, nil
}

// record is what is kept of an object.
type record struct {
	Version      string            `json:"version"`
	Size         int64             `json:"size"`
	ETag         string            `json:"etag"`
	Uploaded     int64             `json:"uploaded"` // milliseconds since 1970
	HTTPFields   json.RawMessage   `json:"httpFields,omitempty"`
	CustomFields json.RawMessage   `json:"customFields,omitempty"`
	Checksums    map[string]string `json:"checksums,omitempty"` // hex, by the number of the algorithm
	StorageClass string            `json:"storageClass"`
	Blobs        []blob            `json:"blobs,omitempty"`

	name string
}

// answerHead is a record as an answer has it.
type answerHead struct {
	Name         string            `json:"name"`
	Version      string            `json:"version"`
	Size         number            `json:"size"`
	ETag         string            `json:"etag"`
	Uploaded     number            `json:"uploaded"`
	HTTPFields   json.RawMessage   `json:"httpFields,omitempty"`
	CustomFields json.RawMessage   `json:"customFields,omitempty"`
	Range        *answerRange      `json:"range,omitempty"`
	Checksums    map[string]string `json:"checksums,omitempty"`
	StorageClass string            `json:"storageClass"`
}

type answerRange struct {
	Offset number `json:"offset"`
	Length number `json:"length"`
}

func (r *record) head(ranged *answerRange) *answerHead {
	return &answerHead{r.name, r.Version, number(r.Size), r.ETag, number(r.Uploaded), r.HTTPFields, r.CustomFields, ranged, r.Checksums, r.StorageClass}
}

// allows reports whether a condition holds for an object; nil stands for none.
func (c *conditional) allows(r *record) bool {
	switch {
	case c == nil:
		return true
	case r == nil:
		return c.Matches == nil && c.UploadedAfter == nil
	}
	at := func(ms int64) int64 {
		if c.SecondsGranularity {
			ms -= ms % 1000
		}
		return ms
	}
	match := c.Matches == nil || includes(*c.Matches, r.ETag, false)
	noneMatch := c.DoesNotMatch == nil || !includes(*c.DoesNotMatch, r.ETag, true)
	after := c.UploadedAfter == nil || at(int64(*c.UploadedAfter)) < at(r.Uploaded) || c.DoesNotMatch != nil && noneMatch
	before := c.UploadedBefore == nil || at(r.Uploaded) < at(int64(*c.UploadedBefore)) || c.Matches != nil && match
	return match && noneMatch && after && before
}

// includes reports whether one of tags is that of an object; weak ones count where weak says.
func includes(tags []etag, is string, weak bool) bool {
	for _, t := range tags {
		if t.Type == "wildcard" || t.Value == is && (t.Type == "strong" || weak) {
			return true
		}
	}
	return false
}

// span is the part of an object that is asked for.
func (a *ask) span(size int64) (offset, length int64, ranged bool, err error) {
	clip := func(offset, length int64) (int64, int64, bool, error) {
		if offset >= size || length <= 0 {
			return 0, 0, false, errRange
		}
		return offset, min(length, size-offset), true, nil
	}
	suffix := func(n int64) (int64, int64, bool, error) {
		if n <= 0 || size == 0 {
			return 0, 0, false, errRange
		}
		n = min(n, size)
		return size - n, n, true, nil
	}
	switch r := a.Range; {
	case r != nil && r.Suffix != nil:
		return suffix(int64(*r.Suffix))
	case r != nil && (r.Offset != nil || r.Length != nil):
		from, n := int64(0), size
		if r.Offset != nil {
			from = int64(*r.Offset)
		}
		if r.Length != nil {
			n = int64(*r.Length)
		}
		return clip(from, n)
	}
	// What is no single range in bytes is not one, and the whole is the answer.
	text, ok := strings.CutPrefix(a.RangeHeader, "bytes=")
	first, last, two := strings.Cut(text, "-")
	if !ok || !two || strings.Contains(text, ",") {
		return 0, size, false, nil
	}
	from, errFrom := strconv.ParseInt(first, 10, 64)
	to, errTo := strconv.ParseInt(last, 10, 64)
	switch {
	case first == "" && errTo == nil:
		return suffix(to)
	case errFrom == nil && last == "":
		return clip(from, size)
	case errFrom == nil && errTo == nil && from <= to:
		return clip(from, to-from+1)
	}
	return 0, size, false, nil
}

// wantedSums are the checksums that a request names, as hex by the number of the algorithm.
func (a *ask) wantedSums() (map[string]string, error) {
	sums := map[string]string{}
	if a.MD5 != "" {
		b, err := base64.StdEncoding.DecodeString(a.MD5)
		if err != nil {
			return nil, errAsk
		}
		sums["0"] = hex.EncodeToString(b)
	}
	for i, s := range []string{a.SHA1, a.SHA256, a.SHA384, a.SHA512} {
		if s != "" {
			sums[strconv.Itoa(i+1)] = strings.ToLower(s)
		}
	}
	return sums, nil
}
