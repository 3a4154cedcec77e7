package kvserver

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"workerd.local/event"
	"workerd.local/storage"
)

// listed is one key of a list. Metadata is JSON within a text, as Cloudflare's service
// has it.
type listed struct {
	Name       string  `json:"name"`
	Expiration int64   `json:"expiration,omitempty"`
	Metadata   *string `json:"metadata,omitempty"`
}

func (n *Namespace) list(ctx context.Context, q url.Values) (*event.Response, error) {
	limit := maxListKeys
	if text := q.Get("key_count_limit"); text != "" {
		v, err := strconv.Atoi(text)
		switch {
		case err != nil || v < 1:
			return nil, refuse(http.StatusBadRequest, "Invalid key_count_limit of %s. Please specify an integer greater than 0.", text)
		case v > maxListKeys:
			return nil, refuse(http.StatusBadRequest, "Invalid key_count_limit of %s. Please specify an integer less than %d.", text, maxListKeys)
		}
		limit = v
	}
	prefix := q.Get("prefix")
	r := storage.Range{Start: aboutPrefix + prefix, End: aboutEnd}
	if text := q.Get("cursor"); text != "" {
		last, err := base64.RawURLEncoding.DecodeString(text)
		if err != nil {
			return nil, refuse(http.StatusBadRequest, "Invalid cursor")
		}
		r.Start = max(r.Start, aboutPrefix+string(last)+"\x00")
	}
	out := struct {
		Keys         []listed `json:"keys"`
		ListComplete bool     `json:"list_complete"`
		Cursor       string   `json:"cursor,omitempty"`
	}{Keys: []listed{}, ListComplete: true}
	var expired []string
	now := n.now()
	for kv, err := range n.store.Scan(ctx, n.token, n.actor, r) {
		if err != nil {
			return nil, err
		}
		name := kv.Key[len(aboutPrefix):]
		if !strings.HasPrefix(name, prefix) {
			break
		}
		a, err := decodeAbout(kv.Value)
		if err != nil {
			return nil, err
		}
		if a.expired(now) {
			if len(expired) < maxListKeys {
				expired = append(expired, name)
			}
			continue
		}
		if len(out.Keys) == limit {
			out.ListComplete = false
			out.Cursor = base64.RawURLEncoding.EncodeToString([]byte(out.Keys[limit-1].Name))
			break
		}
		l := listed{Name: name, Expiration: a.expiration}
		if len(a.metadata) > 0 {
			text := string(a.metadata)
			l.Metadata = &text
		}
		out.Keys = append(out.Keys, l)
	}
	if err := n.sweep(ctx, expired); err != nil {
		return nil, err
	}
	return answer(out)
}

func answer(v any) (*event.Response, error) {
	b, err := json.Marshal(v)
	if err != nil {
		return nil, err
	}
	return &event.Response{Status: http.StatusOK, Header: http.Header{"Content-Type": {"application/json"}}, Body: event.BytesBody(b)}, nil
}

// bulk answers a request for several keys.
func (n *Namespace) bulk(ctx context.Context, body event.Body) (*event.Response, error) {
	text, err := io.ReadAll(io.LimitReader(body.Reader(), maxAsk+1))
	if err != nil {
		return nil, err
	}
	var ask struct {
		Keys         []string `json:"keys"`
		Type         string   `json:"type"`
		WithMetadata bool     `json:"withMetadata"`
		CacheTTL     string   `json:"cacheTtl"`
	}
	switch err := json.Unmarshal(text, &ask); {
	case len(text) > maxAsk || len(ask.Keys) > maxBulkKeys:
		return nil, refuse(http.StatusBadRequest, "You can request a maximum of %d keys", maxBulkKeys)
	case err != nil:
		return nil, refuse(http.StatusBadRequest, "Bad request")
	case len(ask.Keys) == 0:
		return nil, refuse(http.StatusBadRequest, "You must request a minimum of 1 key")
	case ask.Type != "" && ask.Type != "text" && ask.Type != "json":
		return nil, refuse(http.StatusBadRequest, "%q is not a valid type. Use \"json\" or \"text\"", ask.Type)
	}
	if err := checkCacheTTL(ask.CacheTTL); err != nil {
		return nil, err
	}
	out := map[string]any{}
	total := 0
	for _, key := range ask.Keys {
		if key == "" || len(key) > maxKeyBytes {
			return nil, refuse(http.StatusBadRequest, "Bad key")
		}
		a, value, ok, err := n.read(ctx, key)
		if err != nil {
			return nil, err
		}
		if !ok {
			out[key] = nil
			continue
		}
		if total += len(value); total > maxBulkBytes {
			return nil, refuse(http.StatusRequestEntityTooLarge, "Total size of request exceeds the limit of 25MB")
		}
		var v any = string(value)
		if ask.Type == "json" {
			if !json.Valid(value) {
				return nil, refuse(http.StatusBadRequest, "At least one of the requested keys corresponds to a non-JSON value")
			}
			v = json.RawMessage(value)
		}
		if ask.WithMetadata {
			var metadata any
			if len(a.metadata) > 0 {
				metadata = json.RawMessage(a.metadata)
			}
			v = map[string]any{"value": v, "metadata": metadata}
		}
		out[key] = v
	}
	return answer(out)
}
