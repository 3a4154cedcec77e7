package event_test

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"reflect"
	"testing"

	"workerd.local/event"
)

// plainService is a Service without a name, namedService one with a token.
type plainService struct{ event.Service }

type namedService struct {
	event.Service
	token *event.Token
}

func (s namedService) Token() (*event.Token, error) { return s.token, nil }

// namedClass is a class with a token.
type namedClass struct{ token *event.Token }

func (c namedClass) CheckTransfer() error         { return nil }
func (c namedClass) Token() (*event.Token, error) { return c.token, nil }

func named(s string) *string { return &s }

var tokens = map[string]*event.Token{
	"7374756201020104736f6d65" + "0000":                      {Kind: event.Entrypoint, Lasting: true, Service: "some"},
	"7374756201020104736f6d65" + "02457001" + "055b312c325d": {Kind: event.Entrypoint, Lasting: true, Service: "some", Entrypoint: "Ep", Props: &event.Props{JSON: []byte("[1,2]")}},
	"73747562010204" + "0473686f70" + "04526f6f6d" + "00":    {Kind: event.ClassOfActors, Lasting: true, Service: "shop", Entrypoint: "Room"},
	"73747562010204" + "01610142" + "02" + "02ff01" + "01" + "0b" + "73747562010204" + "01610000": {Kind: event.ClassOfActors, Lasting: true, Service: "a", Entrypoint: "B",
		Props: &event.Props{Value: &event.Payload{Data: []byte{0xff, 1}, Caps: []event.Capability{event.TokenRef{Token: &event.Token{Kind: event.ClassOfActors, Lasting: true, Service: "a"}}}}}},
	"73747562010202" + "026e73" + "036b6579" + "00":                  {Kind: event.Object, Lasting: true, Namespace: "ns", Key: "key"},
	"73747562010202" + "026e73" + "036b6579" + "0100":                {Kind: event.Object, Lasting: true, Namespace: "ns", Key: "key", Name: named("")},
	"73747562010303" + "0a" + "737475620102020000" + "00" + "01ff00": {Kind: event.Restored, RPC: true, Lasting: true, Vendor: &event.Token{Kind: event.Object, Lasting: true}, Arg: &event.Payload{Data: []byte{0xff}}},
	"73747562010201" + "01610002" + "02ff01" + "01" + "0a" + "737475620102020000" + "00": {Kind: event.Entrypoint, Lasting: true, Service: "a",
		Props: &event.Props{Value: &event.Payload{Data: []byte{0xff, 1}, Caps: []event.Capability{event.TokenRef{Token: &event.Token{Kind: event.Object, Lasting: true}}}}}},
}

// The bytes are on the disks of users: they are these for ever.
func TestTokensHaveTheirBytes(t *testing.T) {
	for text, token := range tokens {
		want, err := hex.DecodeString(text)
		if err != nil {
			t.Fatal(err)
		}
		got, err := token.Bytes()
		if err != nil || !bytes.Equal(got, want) {
			t.Errorf("%+v is\n%x, want\n%x, %v", token, got, want, err)
		}
		back, err := event.ParseToken(want)
		if err != nil || !reflect.DeepEqual(back, token) {
			t.Errorf("%x is %+v, %v", want, back, err)
		}
		for n := range len(want) {
			if _, err := event.ParseToken(want[:n]); !errors.Is(err, event.ErrDamagedToken) {
				t.Errorf("%x: %v", want[:n], err)
			}
		}
		if _, err := event.ParseToken(append(want, 0)); !errors.Is(err, event.ErrDamagedToken) {
			t.Errorf("something behind %x: %v", want, err)
		}
	}
}

func TestTokensThatCannotBeStored(t *testing.T) {
	lasting := &event.Token{Kind: event.Object, Lasting: true}
	holding := func(c event.Capability) *event.Token {
		return &event.Token{Kind: event.Restored, Lasting: true, Vendor: lasting, Arg: &event.Payload{Caps: []event.Capability{c}}}
	}
	deep := lasting
	for range event.MaxTokenDepth {
		deep = &event.Token{Kind: event.Restored, Lasting: true, Vendor: deep, Arg: &event.Payload{}}
	}
	for name, c := range map[string]struct {
		token *event.Token
		want  error
	}{
		"not lasting":        {&event.Token{Kind: event.Object}, event.ErrNotLasting},
		"inside not lasting": {holding(event.ServiceRef{Service: namedService{token: &event.Token{Kind: event.Object}}}), event.ErrNotLasting},
		"inside without":     {holding(event.ServiceRef{Service: plainService{}}), event.ErrNoName},
		"inside a class":     {holding(event.ClassRef{Class: namedClass{&event.Token{Kind: event.ClassOfActors}}}), event.ErrNotLasting},
		"inside no class":    {holding(event.ClassRef{Class: event.NoClass{Err: event.ErrNoName}}), event.ErrNoName},
		"inside a stream":    {holding(event.StreamRef{}), event.ErrNoName},
		"too deep":           {deep, event.ErrTokenDepth},
	} {
		if _, err := c.token.Bytes(); !errors.Is(err, c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if b, err := deep.Vendor.Bytes(); err != nil {
		t.Error(err)
	} else if _, err := event.ParseToken(b); err != nil {
		t.Error(err)
	}
	if _, err := holding(event.ServiceRef{Service: namedService{token: lasting}}).Bytes(); err != nil {
		t.Error(err)
	}
	if _, err := holding(event.ClassRef{Class: namedClass{&event.Token{Kind: event.ClassOfActors, Lasting: true}}}).Bytes(); err != nil {
		t.Error(err)
	}
}

func TestTokensThatAreNone(t *testing.T) {
	for text, want := range map[string]error{
		"":                         event.ErrDamagedToken,
		"stub":                     event.ErrDamagedToken,
		"stub\x02\x02\x01":         event.ErrTokenVersion,
		"stub\x00":                 event.ErrTokenVersion,
		"stub\x01\x02\x09":         event.ErrDamagedToken,
		"\x6d\x80\x82\x90anything": event.ErrForeignToken,
		// A service that claims to be the stub of an object.
		"stub\x01\x03\x02\x00\x00\x00": event.ErrDamagedToken,
		// A class that claims to have a [restore](), or to be the stub of an object.
		"stub\x01\x02\x03\x0astub\x01\x02\x04\x00\x00\x00\x00\x00": event.ErrDamagedToken,
		"stub\x01\x03\x04\x00\x00\x00":                             event.ErrDamagedToken,
		// Lengths and counts beyond what is there.
		"stub\x01\x02\x02\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01":                 event.ErrDamagedToken,
		"stub\x01\x02\x03\x0astub\x01\x02\x02\x00\x00\x00\x00\xff\xff\xff\xff\x0f": event.ErrDamagedToken,
	} {
		if _, err := event.ParseToken([]byte(text)); !errors.Is(err, want) {
			t.Errorf("%q: %v", text, err)
		}
	}
	nested := []byte("stub\x01\x02\x02\x00\x00\x00")
	for range 2 * event.MaxTokenDepth {
		next := append([]byte("stub\x01\x02\x03"), byte(len(nested)&0x7f|0x80), byte(len(nested)>>7))
		nested = append(append(next, nested...), 0, 0)
	}
	if _, err := event.ParseToken(nested); !errors.Is(err, event.ErrTokenDepth) {
		t.Errorf("nested: %v", err)
	}
}

func FuzzParseToken(f *testing.F) {
	for text := range tokens {
		b, _ := hex.DecodeString(text)
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		token, err := event.ParseToken(b)
		if err != nil {
			return
		}
		again, err := token.Bytes()
		if errors.Is(err, event.ErrNotLasting) {
			return
		}
		if err != nil {
			t.Fatalf("%x was read, and is not written: %v", b, err)
		}
		if back, err := event.ParseToken(again); err != nil || !reflect.DeepEqual(back, token) {
			t.Fatalf("%x became %x: %v", b, again, err)
		}
	})
}

func TestHowAnEventCame(t *testing.T) {
	ctx := context.Background()
	if event.Stored(ctx) || event.Self(ctx) != nil || event.Anew(ctx) != ctx {
		t.Error("nothing was said")
	}
	self := &event.Token{Kind: event.Object}
	via := event.WithSelf(event.WithStored(ctx), self)
	if !event.Stored(via) || event.Self(via) != self {
		t.Error("it was lost")
	}
	if next := event.Anew(via); event.Stored(next) || event.Self(next) != nil {
		t.Error("it goes on")
	}
}
