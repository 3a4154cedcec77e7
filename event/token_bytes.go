package event

import (
	"encoding/binary"
	"errors"
	"fmt"

	"workerd.local/internal/parts"
)

// A token as bytes, version 1. Numbers are varints, a string is its length and its bytes.
//
//	"stub" version flags kind ...
//	kind 1: service, entrypoint, props      kind 4: the same of a class
//	kind 2: namespace, key, has a name (0 or 1), name
//	kind 3: vendor, payload         a vendor is a token, behind its length
//	props:   0, or 1 and JSON, or 2 and a payload
//	payload: data, number of caps, and these, each a token behind its length

// tokenMagic begins a token; the byte behind it is the version.
const (
	tokenMagic   = "stub"
	tokenVersion = 1
)

// Flags of a token.
const (
	flagRPC     = 1
	flagLasting = 2
)

// MaxTokenDepth is how many tokens may stand within each other.
const MaxTokenDepth = 32

// Errors of Bytes and ParseToken.
var (
	// ErrNotLasting: the stub, or one within it, may not be stored.
	ErrNotLasting = errors.New("what the stub leads to does not allow that it is stored")
	// ErrTokenDepth: too many tokens stand within each other.
	ErrTokenDepth = fmt.Errorf("more than %d stubs are within each other", MaxTokenDepth)
	// ErrTokenVersion: the token was written by a later program.
	ErrTokenVersion = errors.New("the token has a version that is not known here")
	// ErrForeignToken: the bytes are a token of workerd.
	ErrForeignToken = errors.New("the token was written by workerd")
	// ErrDamagedToken: the bytes are no token.
	ErrDamagedToken = errors.New("the token is damaged")
)

// workerdMagic begins what workerd stores for a stub.
const workerdMagic = "\x6d\x80\x82\x90"

// Bytes is the token in the form that is stored.
func (t *Token) Bytes() ([]byte, error) { return t.appendTo(nil, 0) }

func (t *Token) appendTo(b []byte, depth int) (_ []byte, err error) {
	if depth == MaxTokenDepth {
		return nil, ErrTokenDepth
	}
	if !t.Lasting {
		return nil, ErrNotLasting
	}
	flags := byte(flagLasting)
	if t.RPC {
		flags |= flagRPC
	}
	b = append(append(b, tokenMagic...), tokenVersion, flags, byte(t.Kind))
	switch t.Kind {
	case Entrypoint, ClassOfActors:
		b = parts.AppendText(parts.AppendText(b, t.Service), t.Entrypoint)
		switch {
		case t.Props == nil:
			return append(b, 0), nil
		case t.Props.Value == nil:
			return parts.AppendText(append(b, 1), t.Props.JSON), nil
		}
		return appendPayload(append(b, 2), t.Props.Value, depth+1)
	case Object:
		b = parts.AppendText(parts.AppendText(b, t.Namespace), t.Key)
		if t.Name == nil {
			return append(b, 0), nil
		}
		return parts.AppendText(append(b, 1), *t.Name), nil
	case Restored:
		if b, err = appendToken(b, t.Vendor, depth+1); err != nil {
			return nil, err
		}
		return appendPayload(b, t.Arg, depth+1)
	}
	return nil, fmt.Errorf("event: a token of kind %d", t.Kind)
}

func appendToken(b []byte, t *Token, depth int) ([]byte, error) {
	inner, err := t.appendTo(nil, depth)
	return parts.AppendText(b, inner), err
}

func appendPayload(b []byte, p *Payload, depth int) ([]byte, error) {
	b = parts.AppendText(b, p.Data)
	b = binary.AppendUvarint(b, uint64(len(p.Caps)))
	for _, c := range p.Caps {
		var t *Token
		var err error
		switch c := c.(type) {
		case ServiceRef:
			t, err = TokenOf(c.Service)
		case ClassRef:
			t, err = c.Class.Token()
		case TokenRef:
			t = c.Token
		default:
			err = ErrNoName
		}
		if err == nil {
			b, err = appendToken(b, t, depth)
		}
		if err != nil {
			return nil, err
		}
	}
	return b, nil
}

// ParseToken reads what Bytes wrote. The result keeps nothing of b.
func ParseToken(b []byte) (*Token, error) {
	return parseToken(b, 0)
}

func parseToken(b []byte, depth int) (*Token, error) {
	const head = len(tokenMagic) + 3
	switch {
	case depth == MaxTokenDepth:
		return nil, ErrTokenDepth
	case len(b) >= len(workerdMagic) && string(b[:len(workerdMagic)]) == workerdMagic:
		return nil, ErrForeignToken
	case len(b) <= len(tokenMagic) || string(b[:len(tokenMagic)]) != tokenMagic:
		return nil, ErrDamagedToken
	case b[len(tokenMagic)] != tokenVersion:
		return nil, ErrTokenVersion
	case len(b) < head:
		return nil, ErrDamagedToken
	}
	flags := b[head-2]
	r := &tokenReader{parts.Reader{Buf: b[head:], Short: ErrDamagedToken}}
	t := &Token{Kind: TokenKind(b[head-1]), RPC: flags&flagRPC != 0, Lasting: flags&flagLasting != 0}
	switch t.Kind {
	case Entrypoint, ClassOfActors:
		t.Service, t.Entrypoint = r.Text(), r.Text()
		switch r.Number() {
		case 0:
		case 1:
			t.Props = &Props{JSON: []byte(r.Text())}
		case 2:
			t.Props = &Props{Value: r.payload(depth + 1)}
		default:
			r.Fail(ErrDamagedToken)
		}
	case Object:
		t.Namespace, t.Key = r.Text(), r.Text()
		switch r.Number() {
		case 0:
		case 1:
			name := r.Text()
			t.Name = &name
		default:
			r.Fail(ErrDamagedToken)
		}
	case Restored:
		t.Vendor = r.token(depth + 1)
		t.Arg = r.payload(depth + 1)
		if t.Vendor != nil && t.Vendor.Kind == ClassOfActors {
			r.Fail(ErrDamagedToken) // a class has no methods of its own
		}
	default:
		r.Fail(ErrDamagedToken)
	}
	if r.Err == nil && (len(r.Buf) > 0 || t.RPC && t.Kind != Restored) {
		r.Fail(ErrDamagedToken)
	}
	if r.Err != nil {
		return nil, r.Err
	}
	return t, nil
}

// tokenReader reads the parts of a token; behind an error everything is empty.
type tokenReader struct{ parts.Reader }

func (r *tokenReader) token(depth int) *Token {
	s := r.Text()
	if r.Err != nil {
		return nil
	}
	t, err := parseToken([]byte(s), depth)
	if err != nil {
		r.Fail(err)
	}
	return t
}

func (r *tokenReader) payload(depth int) *Payload {
	p := &Payload{Data: []byte(r.Text())}
	for range r.Most(r.Number()) {
		if r.Err != nil {
			break
		}
		p.Caps = append(p.Caps, TokenRef{r.token(depth)})
	}
	return p
}
