package r2server

import (
	"context"
	"crypto/md5"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"

	"workerd.local/storage"
)

// upload is what is kept of a multipart upload; part of one of its parts.
type upload struct {
	Object       string          `json:"object"`
	HTTPFields   json.RawMessage `json:"httpFields,omitempty"`
	CustomFields json.RawMessage `json:"customFields,omitempty"`
	StorageClass string          `json:"storageClass"`
}

type part struct {
	ETag string `json:"etag"`
	MD5  string `json:"md5"`
	Blob blob   `json:"blob"`
}

func (b *Bucket) createUpload(ctx context.Context, a *ask) (any, error) {
	id := newID()
	text, err := json.Marshal(upload{a.Object, a.HTTPFields, a.CustomFields, orStandard(a.StorageClass)})
	if err != nil {
		return nil, err
	}
	return map[string]string{"uploadId": id}, b.commit(ctx, storage.Write{Put: []storage.KV{{Key: uploadPrefix + id, Value: text}}})
}

// uploadOf returns the upload that a request is about.
func (b *Bucket) uploadOf(ctx context.Context, a *ask) (*upload, error) {
	u := &upload{}
	ok, err := b.load(ctx, uploadPrefix+a.UploadID, u)
	switch {
	case err != nil:
		return nil, err
	case !ok || u.Object != a.Object || len(a.UploadID) != 32:
		return nil, errNoUpload
	}
	return u, nil
}

func (b *Bucket) uploadPart(ctx context.Context, a *ask, v *value) (any, error) {
	if a.PartNumber < 1 || a.PartNumber > maxPartNumber {
		return nil, errAsk
	}
	if _, err := b.uploadOf(ctx, a); err != nil {
		return nil, err
	}
	x, sums, err := b.write(ctx, v, nil)
	if err != nil {
		return nil, err
	}
	// The ETag of a part is not its checksum, so that nobody takes it for one.
	p := part{ETag: newID(), MD5: hex.EncodeToString(sums["0"].Sum(nil)), Blob: x}
	if err := b.setPart(ctx, a, &p); err != nil {
		return nil, b.giveUp(ctx, x, err)
	}
	return map[string]string{"etag": p.ETag}, nil
}

// setPart makes p the part of its number.
func (b *Bucket) setPart(ctx context.Context, a *ask, p *part) error {
	b.changing.Lock()
	defer b.changing.Unlock()
	if _, err := b.uploadOf(ctx, a); err != nil {
		return err
	}
	text, err := json.Marshal(p)
	if err != nil {
		return err
	}
	w := storage.Write{Put: []storage.KV{{Key: partKey(a.UploadID, a.PartNumber), Value: text}}, Del: []string{markPrefix + p.Blob.ID}}
	var old part
	ok, err := b.load(ctx, partKey(a.UploadID, a.PartNumber), &old)
	if err != nil {
		return err
	}
	if ok {
		b.drop(&w, []blob{old.Blob})
	}
	return b.commit(ctx, w)
}

// parts are the parts of an upload that there are, by number.
func (b *Bucket) parts(ctx context.Context, id string) (map[int]*part, error) {
	prefix := partPrefix + id + ":"
	parts := map[int]*part{}
	for kv, err := range b.store.Scan(ctx, b.token, b.actor, storage.Range{Start: prefix, End: after(prefix)}) {
		if err != nil {
			return nil, err
		}
		var n int
		p := &part{}
		if _, err := fmt.Sscanf(strings.TrimPrefix(kv.Key, prefix), "%d", &n); err != nil {
			return nil, fmt.Errorf("a part of an upload to an R2 bucket: %w", storage.ErrDamaged)
		}
		if err := json.Unmarshal(kv.Value, p); err != nil {
			return nil, fmt.Errorf("a part of an upload to an R2 bucket: %w: %w", storage.ErrDamaged, err)
		}
		parts[n] = p
	}
	return parts, nil
}

// ended makes a write end an upload; of its parts, those of keep stay as blobs.
func (b *Bucket) ended(w *storage.Write, id string, parts map[int]*part, keep map[string]bool) {
	w.Del = append(w.Del, uploadPrefix+id)
	var drop []blob
	for n, p := range parts {
		w.Del = append(w.Del, partKey(id, n))
		if !keep[p.Blob.ID] {
			drop = append(drop, p.Blob)
		}
	}
	b.drop(w, drop)
}

func (b *Bucket) completeUpload(ctx context.Context, a *ask) (any, error) {
	b.changing.Lock()
	defer b.changing.Unlock()
	u, err := b.uploadOf(ctx, a)
	if err != nil {
		return nil, err
	}
	parts, err := b.parts(ctx, a.UploadID)
	if err != nil {
		return nil, err
	}
	r := &record{name: a.Object, Version: newID(), Uploaded: b.now().UnixMilli(), HTTPFields: u.HTTPFields, CustomFields: u.CustomFields, StorageClass: u.StorageClass}
	sum := md5.New()
	keep := map[string]bool{}
	last := 0
	for i, asked := range a.Parts {
		p := parts[asked.Part]
		if p == nil || p.ETag != asked.ETag || asked.Part <= last {
			return nil, fail(400, 10025, "One or more of the specified parts could not be found.")
		}
		last = asked.Part
		if i < len(a.Parts)-1 && p.Blob.Size < minPartBytes {
			return nil, fail(400, 10011, "Your proposed upload is smaller than the minimum allowed object size.")
		}
		if i > 0 && i < len(a.Parts)-1 && p.Blob.Size != parts[a.Parts[0].Part].Blob.Size {
			return nil, fail(400, 10048, "All non-trailing parts must have the same length.")
		}
		raw, err := hex.DecodeString(p.MD5)
		if err != nil {
			return nil, fmt.Errorf("a part of an upload to an R2 bucket: %w", storage.ErrDamaged)
		}
		_, _ = sum.Write(raw) // it does not fail
		keep[p.Blob.ID] = true
		r.Size += p.Blob.Size
		r.Blobs = append(r.Blobs, p.Blob)
	}
	if len(a.Parts) == 0 {
		return nil, fail(400, 10025, "One or more of the specified parts could not be found.")
	}
	r.ETag = fmt.Sprintf("%s-%d", hex.EncodeToString(sum.Sum(nil)), len(a.Parts))
	var w storage.Write
	b.ended(&w, a.UploadID, parts, keep)
	return r.head(nil), b.replace(ctx, nil, r, w)
}

func (b *Bucket) abortUpload(ctx context.Context, a *ask) error {
	b.changing.Lock()
	defer b.changing.Unlock()
	if _, err := b.uploadOf(ctx, a); err != nil {
		return err
	}
	parts, err := b.parts(ctx, a.UploadID)
	if err != nil {
		return err
	}
	var w storage.Write
	b.ended(&w, a.UploadID, parts, nil)
	return b.commit(ctx, w)
}
