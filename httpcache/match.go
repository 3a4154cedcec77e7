package httpcache

import (
	"net/http"
	"strconv"
	"strings"

	"workerd.local/event"
)

const statusHeader = "Cf-Cache-Status"

// match answers a lookup, with a part or a 304 where the request asks for it.
func (s *Store) match(k key, request http.Header) *event.Response {
	e := s.get(k)
	if e == nil {
		miss := answer(http.StatusGatewayTimeout)
		miss.Header.Set(statusHeader, "MISS")
		return miss
	}
	h := e.header.Clone()
	h.Set(statusHeader, "HIT")
	resp := &event.Response{Status: e.status, StatusText: e.text, Header: h, Body: event.BytesBody(e.body), Encoded: h.Get("Content-Encoding") != ""}
	if e.status != http.StatusOK {
		return resp
	}
	if notModified(request, h) {
		resp.Status, resp.StatusText, resp.Body = http.StatusNotModified, "", event.NoBody
		h.Del("Content-Length")
		return resp
	}
	from, n, ok := parseRange(request.Get("Range"), len(e.body))
	switch {
	case !ok:
	case n == 0:
		h.Set("Content-Range", "bytes */"+strconv.Itoa(len(e.body)))
		h.Del("Content-Length")
		resp.Status, resp.StatusText, resp.Body = http.StatusRequestedRangeNotSatisfiable, "", event.BytesBody(nil)
	default:
		h.Set("Content-Range", "bytes "+strconv.Itoa(from)+"-"+strconv.Itoa(from+n-1)+"/"+strconv.Itoa(len(e.body)))
		h.Set("Content-Length", strconv.Itoa(n))
		resp.Status, resp.StatusText, resp.Body = http.StatusPartialContent, "", event.BytesBody(e.body[from:from+n])
	}
	return resp
}

// notModified evaluates the conditions of a request (RFC 9110, 13.2.2).
func notModified(request, stored http.Header) bool {
	if want := request.Values("If-None-Match"); len(want) > 0 {
		etag := strings.TrimPrefix(stored.Get("Etag"), "W/")
		if etag == "" {
			return false
		}
		for _, tag := range strings.Split(strings.Join(want, ","), ",") {
			if tag = strings.TrimSpace(tag); tag == "*" || strings.TrimPrefix(tag, "W/") == etag {
				return true
			}
		}
		return false
	}
	since, err := http.ParseTime(request.Get("If-Modified-Since"))
	if err != nil {
		return false
	}
	modified, err := http.ParseTime(stored.Get("Last-Modified"))
	return err == nil && !modified.After(since)
}

// parseRange reads a single range of bytes of a body with size bytes. ok is false
// where the whole body is the answer; a range outside of it is empty.
func parseRange(s string, size int) (from, n int, ok bool) {
	spec, found := strings.CutPrefix(s, "bytes=")
	if !found || strings.Contains(spec, ",") {
		return 0, 0, false
	}
	first, last, found := strings.Cut(strings.TrimSpace(spec), "-")
	if !found {
		return 0, 0, false
	}
	if first == "" {
		n, err := strconv.Atoi(last)
		if err != nil || n < 0 {
			return 0, 0, false
		}
		n = min(n, size)
		return size - n, n, true
	}
	from, err := strconv.Atoi(first)
	if err != nil || from < 0 {
		return 0, 0, false
	}
	end := size - 1
	if last != "" {
		if end, err = strconv.Atoi(last); err != nil || end < from {
			return 0, 0, false
		}
		end = min(end, size-1)
	}
	if from > end {
		return 0, 0, true
	}
	return from, end - from + 1, true
}
