package crypto

import (
	"encoding/base64"
	"slices"
	"strings"

	"github.com/dop251/goja"

	"workerd.local/exception"
	"workerd.local/isolate"
	"workerd.local/webapi/bind"
)

// JWK is a JSON Web Key (RFC 7517). Members that are missing are nil.
type JWK struct {
	Kty string
	Use *string
	// KeyOps is nil where the member is missing; an empty list is not.
	KeyOps *[]string
	Alg    *string
	Ext    *bool

	Crv, X, Y, D, N, E, P, Q, DP, DQ, QI, K *string
	// Oth says that the key has more than two primes.
	Oth bool
}

// texts are the members that are text, in the order of the dictionary.
func (j *JWK) texts() []any {
	return []any{"crv", &j.Crv, "x", &j.X, "y", &j.Y, "d", &j.D, "n", &j.N, "e", &j.E, "p", &j.P, "q", &j.Q, "dp", &j.DP, "dq", &j.DQ, "qi", &j.QI}
}

const jsonWebKey = "JsonWebKey"

// readJWK reads a JsonWebKey; what a script gave as the nth argument.
func readJWK(c *bind.Call, obj *goja.Object) (*JWK, error) {
	j := &JWK{Kty: "undefined"}
	members := []any{"kty", &j.Kty, "use", &j.Use, "key_ops", func(c *bind.Call, v goja.Value) error {
		ops, err := stringList(c, 0, v)
		j.KeyOps = &ops
		return err
	}, "alg", &j.Alg, "ext", func(_ *bind.Call, v goja.Value) error {
		ext := v.ToBoolean()
		j.Ext = &ext
		return nil
	}}
	members = append(members, j.texts()...)
	members = append(members, "oth", func(c *bind.Call, v goja.Value) error {
		if !isArray(v) {
			return c.BadArg(0, "Array")
		}
		j.Oth = true
		return nil
	}, "k", &j.K)
	return j, c.Dictionary(obj, jsonWebKey, members...)
}

func isArray(v goja.Value) bool {
	obj, ok := v.(*goja.Object)
	return ok && obj.ClassName() == "Array"
}

// maxList bounds the lists of usages: there are eight usages.
const maxList = 1000

// stringList reads an array of texts.
func stringList(c *bind.Call, n int, v goja.Value) (list []string, err error) {
	if !isArray(v) {
		return nil, c.BadArg(n, "Array")
	}
	obj := v.(*goja.Object)
	list = []string{}
	err = c.JS().Try(func() {
		length := obj.Get("length").ToInteger()
		if length > maxList {
			c.JS().Panic(exception.RangeErrorf("The list of usages is too long."))
		}
		for i := range int(length) {
			item := obj.Get(c.JS().Runtime().ToValue(i).String())
			if item == nil {
				item = goja.Undefined()
			}
			s, err := c.String(n, item)
			if err != nil {
				c.JS().Panic(err)
			}
			list = append(list, s)
		}
	})
	return list, err
}

// Object makes the JsonWebKey: like all dictionaries that are results, it has every
// member with enable_fast_jsg_struct, undefined where there is nothing.
func (j *JWK) Object(js *isolate.JS) *goja.Object {
	obj := js.Runtime().NewObject()
	put := func(name string, v any) {
		if s, ok := v.(*string); v == nil || ok && s == nil {
			if !js.Compat().Has("enable_fast_jsg_struct") {
				return
			}
			v = goja.Undefined()
		}
		_ = obj.DefineDataProperty(name, bind.Value(js, v), goja.FLAG_TRUE, goja.FLAG_TRUE, goja.FLAG_TRUE)
	}
	put("kty", j.Kty)
	put("use", j.Use)
	if j.KeyOps != nil {
		put("key_ops", *j.KeyOps)
	} else {
		put("key_ops", nil)
	}
	put("alg", j.Alg)
	if j.Ext != nil {
		put("ext", *j.Ext)
	} else {
		put("ext", nil)
	}
	texts := j.texts()
	for i := 0; i < len(texts); i += 2 {
		put(texts[i].(string), *texts[i+1].(**string))
	}
	put("oth", nil)
	put("k", j.K)
	put("pub", nil)
	put("priv", nil)
	return obj
}

func dataError(text string) error { return exception.DOM("DataError", text) }

// base64Text is a member of a JWK that holds bytes.
func base64Text(b []byte) *string {
	s := base64.RawURLEncoding.EncodeToString(b)
	return &s
}

// decodeText reads such a member; ok is false where it is missing or no base64.
func decodeText(s *string) (b []byte, ok bool) {
	if s == nil {
		return nil, false
	}
	text := strings.NewReplacer("-", "+", "_", "/").Replace(strings.TrimRight(*s, "="))
	b, err := base64.RawStdEncoding.DecodeString(text)
	return b, err == nil
}

func duplicate(ops []string) (string, bool) {
	for i, op := range ops {
		if slices.Contains(ops[:i], op) {
			return op, true
		}
	}
	return "", false
}

func text(s string) *string { return &s }

// ReadJWK reads a JsonWebKey that a script gave.
func ReadJWK(c *bind.Call, obj *goja.Object) (*JWK, error) { return readJWK(c, obj) }

// ExportJWK is the key as a JsonWebKey, without members that are missing: node's form.
func (k *Key) ExportJWK(js *isolate.JS) (*goja.Object, error) {
	x, err := k.material.export(k, "jwk")
	if err != nil {
		return nil, err
	}
	j, ok := x.(*JWK)
	if !ok {
		return nil, errNoJWK
	}
	full := j.Object(js)
	for _, name := range full.Keys() {
		if goja.IsUndefined(full.Get(name)) {
			if err := full.Delete(name); err != nil {
				return nil, err
			}
		}
	}
	return full, nil
}
