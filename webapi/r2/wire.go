package r2

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"

	"workerd.local/exception"
)

// The requests and answers as JSON, in which numbers of 64 bits are texts.

// request is what a bucket is asked; which of the fields a method has is said by wire.
type request struct {
	Version      int          `json:"version"`
	Method       string       `json:"method"`
	Object       *string      `json:"object,omitempty"`
	Objects      *[]string    `json:"objects,omitempty"`
	UploadID     *string      `json:"uploadId,omitempty"`
	PartNumber   int32        `json:"partNumber,omitempty"`
	Parts        *[]part      `json:"parts,omitempty"`
	Limit        *uint32      `json:"limit,omitempty"`
	Prefix       *string      `json:"prefix,omitempty"`
	Cursor       *string      `json:"cursor,omitempty"`
	Delimiter    *string      `json:"delimiter,omitempty"`
	StartAfter   *string      `json:"startAfter,omitempty"`
	Include      *[]int       `json:"include,omitempty"`
	NewRuntime   bool         `json:"newRuntime,omitempty"`
	CustomFields *each[field] `json:"customFields,omitempty"`
	HTTPFields   *httpFields  `json:"httpFields,omitempty"`
	Range        *byteRange   `json:"range,omitempty"`
	OnlyIf       *conditional `json:"onlyIf,omitempty"`
	RangeHeader  *string      `json:"rangeHeader,omitempty"`
	MD5          base64Bytes  `json:"md5,omitempty"`
	SHA1         hexBytes     `json:"sha1,omitempty"`
	SHA256       hexBytes     `json:"sha256,omitempty"`
	SHA384       hexBytes     `json:"sha384,omitempty"`
	SHA512       hexBytes     `json:"sha512,omitempty"`
	StorageClass *string      `json:"storageClass,omitempty"`
	SSEC         *ssecOptions `json:"ssec,omitempty"`
}

type part struct {
	ETag string `json:"etag"`
	Part int32  `json:"part"`
}

type field struct {
	K string `json:"k"`
	V string `json:"v"`
}

type ssecOptions struct {
	Key string `json:"key"`
}

type etag struct {
	Value *string `json:"value,omitempty"`
	Type  string  `json:"type"`
}

type conditional struct {
	Matches            *[]etag `json:"etagMatches,omitempty"`
	DoesNotMatch       *[]etag `json:"etagDoesNotMatch,omitempty"`
	UploadedBefore     *number `json:"uploadedBefore,omitempty"`
	UploadedAfter      *number `json:"uploadedAfter,omitempty"`
	SecondsGranularity bool    `json:"secondsGranularity,omitempty"`
}

type byteRange struct {
	Offset *number `json:"offset,omitempty"`
	Length *number `json:"length,omitempty"`
	Suffix *number `json:"suffix,omitempty"`
}

type httpFields struct {
	ContentType        *string `json:"contentType,omitempty"`
	ContentLanguage    *string `json:"contentLanguage,omitempty"`
	ContentDisposition *string `json:"contentDisposition,omitempty"`
	ContentEncoding    *string `json:"contentEncoding,omitempty"`
	CacheControl       *string `json:"cacheControl,omitempty"`
	CacheExpiry        *number `json:"cacheExpiry,omitempty"`
}

type checksums struct {
	MD5    hexBytes `json:"0"`
	SHA1   hexBytes `json:"1"`
	SHA256 hexBytes `json:"2"`
	SHA384 hexBytes `json:"3"`
	SHA512 hexBytes `json:"4"`
}

// head is what an answer says of an object.
type head struct {
	Name         string       `json:"name"`
	Version      string       `json:"version"`
	Size         number       `json:"size"`
	ETag         string       `json:"etag"`
	Uploaded     number       `json:"uploaded"`
	HTTPFields   *httpFields  `json:"httpFields"`
	CustomFields *each[field] `json:"customFields"`
	Range        *byteRange   `json:"range"`
	Checksums    *checksums   `json:"checksums"`
	StorageClass string       `json:"storageClass"`
	SSEC         *struct {
		KeyMD5 string `json:"keyMd5"`
	} `json:"ssec"`
}

type listing struct {
	Objects           each[head] `json:"objects"`
	Truncated         bool       `json:"truncated"`
	Cursor            *string    `json:"cursor"`
	DelimitedPrefixes []string   `json:"delimitedPrefixes"`
}

// failure is an error of the service.
type failure struct {
	Version code   `json:"version"`
	V4Code  code   `json:"v4code"`
	Message string `json:"message"`
}

func (f *failure) error(action string) error {
	return exception.Errorf("%s: %s (%d)", action, f.Message, f.V4Code)
}

// wire is a value as JSON.
func wire(v any) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	err := enc.Encode(v)
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), err
}

// read is an answer's JSON. What is wrong with it is nothing that a script may see.
func read(data []byte, to any) error {
	err := json.Unmarshal(data, to)
	if err == nil && isNull(data) {
		err = errNull
	}
	if err != nil {
		return fmt.Errorf("answer of an R2 service: %w", err)
	}
	return nil
}

// errNull says that null is where it does not stand for what is left out.
var errNull = errors.New("null is no value")

func isNull(data []byte) bool { return string(bytes.TrimSpace(data)) == "null" }

// each is a list of which no element is null.
type each[T any] []T

// UnmarshalJSON is json.Unmarshaler's.
func (e *each[T]) UnmarshalJSON(b []byte) error {
	var raw []json.RawMessage
	if err := json.Unmarshal(b, &raw); err != nil {
		return err
	}
	for _, r := range raw {
		if isNull(r) {
			return errNull
		}
	}
	return json.Unmarshal(b, (*[]T)(e))
}

// code is a number of 32 bits: a number, however it is written, or a text.
type code uint32

// UnmarshalJSON is json.Unmarshaler's.
func (c *code) UnmarshalJSON(b []byte) error {
	if text, ok := strings.CutPrefix(string(b), `"`); ok {
		v, err := strconv.ParseUint(strings.TrimSuffix(text, `"`), 10, 32)
		*c = code(v)
		return err
	}
	v, err := strconv.ParseFloat(string(b), 64)
	if err == nil && (v < 0 || v > math.MaxUint32 || v != math.Trunc(v)) {
		err = fmt.Errorf("%s is no number of 32 bits", b)
	}
	if err == nil {
		*c = code(v)
	}
	return err
}

// number is one of 64 bits: a text, or when it is read also a number.
type number uint64

// MarshalJSON is json.Marshaler's.
func (n number) MarshalJSON() ([]byte, error) {
	return []byte(`"` + strconv.FormatUint(uint64(n), 10) + `"`), nil
}

// UnmarshalJSON is json.Unmarshaler's.
func (n *number) UnmarshalJSON(b []byte) error {
	v, err := strconv.ParseUint(strings.Trim(string(b), `"`), 10, 64)
	*n = number(v)
	return err
}

// hexBytes and base64Bytes are bytes as texts; nil is left out.
type (
	hexBytes    []byte
	base64Bytes []byte
)

// MarshalJSON is json.Marshaler's.
func (b hexBytes) MarshalJSON() ([]byte, error) {
	return []byte(`"` + hex.EncodeToString(b) + `"`), nil
}

// MarshalJSON is json.Marshaler's.
func (b base64Bytes) MarshalJSON() ([]byte, error) {
	return []byte(`"` + base64.StdEncoding.EncodeToString(b) + `"`), nil
}

// UnmarshalJSON is json.Unmarshaler's.
func (b *hexBytes) UnmarshalJSON(text []byte) error {
	if isNull(text) {
		return errNull
	}
	var s string
	if err := json.Unmarshal(text, &s); err != nil {
		return err
	}
	// What is no digit counts as 0, and half a byte is dropped, as in workerd: sums are told as
	// they were stored.
	*b = make([]byte, len(s)/2)
	for i := range *b {
		(*b)[i] = nibble(s[2*i])<<4 | nibble(s[2*i+1])
	}
	return nil
}

func nibble(c byte) byte {
	switch {
	case c >= '0' && c <= '9':
		return c - '0'
	case c >= 'a' && c <= 'f':
		return c - 'a' + 10
	case c >= 'A' && c <= 'F':
		return c - 'A' + 10
	}
	return 0
}
