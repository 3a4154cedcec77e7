package script

import (
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/dop251/goja/ast"
	"github.com/dop251/goja/parser"
)

// treeSyntax has each node of the engine's tree, in sloppy mode.
const treeSyntax = `'use strange'; "other\u0041";
var a = 1, b = .5e3, c = 0x10, big = 12345678901234567890n, small = 3n, n = null, t = true, f = false;
var { x, y: [z = 1, , ...rest], [a + 1]: q = () => 2, ...others } = { x: 1, y: [], };
let l1, l2 = ` + "`a${a}b\\n${`inner`}c`" + `, l3 = String.raw` + "`\\u{41}\\xg`" + `;
const re = /[/\]]+(a)?/gi, é = "naïve \u{1F600} é", 名 = '日本' + '\
next';
function f1(p, { q }, [r] = [], ...s) { 'use strict'; return arguments.length; var inner = 1; }
async function f2() { await 0; for (var i = 0, j; i < 2; i++) continue; return await f1?.(1)?.[2]?.b; }
function* f3() { yield; yield* f3(); const v = yield 1; }
class A extends (class {}) {
	#p = 1; static s = this; ['c' + 1] = 2; static #q; 'quoted' = 3; 5 = 6;
	static { var inStatic = 1; let k = inStatic; }
	constructor(...args) { super(...args); super.m(); new.target; }
	get g() { return this.#p; } set g(v) { this.#p = v; } static async m() {} *gen() {} #m() { return #p in this; }
	async ['x' + 1]() {}
}
outer: for (const k in { a: 1 }) { for (let v of [1, 2]) { if (v) continue outer; else break outer; } }
for (var w in {}); for (a of []); for ({ a, b: [c] = [] } of []); for ([a, b = 2] of []); for (;;) break;
for (let i = 0, m = 2; i < m; i++) { const g = () => i; }
for (a = 0; ; ) { break }
do { a++; --b } while (a < 3) ; while (false) ;
switch (a) { case 1: var inCase; break; default: ; case 'two': {} }
try { throw new Error('x') } catch ({ message }) { debugger } finally { ; }
try { } catch { }
with ({}) { a }
[a, b = 3, ...c] = [1, , 2]; ({ a, b: c.d, 'e': a = 5, ...f } = {});
a = b ? c : (d, typeof e, void 0, -1, !t, delete a.b); a ||= b ?? c; a **= 2; a >>>= 1;
var arrow = async (h, { i } = {}) => { var inArrow; await h }, other = k => ({ k, [k]: 1, get k2() { return 1 }, *m2() {}, __proto__: null, 'k3': 1, 7: 8 });
if (a) function sloppy() {}
new (a.b)(); new A; a?.b.c?.(); eval("1"); async () => await 1; import1 = async => async;
// a comment at the end`

// written is a tree that was parsed from text, and its bytes.
func written(t *testing.T, text string) (*ast.Program, []byte) {
	t.Helper()
	tree, err := parser.ParseFile(nil, programName, text, 0, parser.WithDisableSourceMaps)
	if err != nil {
		t.Fatal(err)
	}
	data, err := writeTree(tree, text)
	if err != nil {
		t.Fatal(err)
	}
	return tree, data
}

func TestTreeIsReadAsItWasWritten(t *testing.T) {
	for name, text := range map[string]string{
		"syntax": treeSyntax, "nothing": "", "a comment": "// nothing", "code after a line of another kind": "\u2028a\r\nb",
	} {
		tree, data := written(t, text)
		again, err := readTree(data, text)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if !reflect.DeepEqual(again.Body, tree.Body) || !reflect.DeepEqual(again.DeclarationList, tree.DeclarationList) {
			t.Errorf("%s: the tree is not the one that was written", name)
		}
	}
}

func TestTreeHasEachNodeOfTheSyntax(t *testing.T) {
	tree, err := parser.ParseFile(nil, programName, treeSyntax, 0, parser.WithDisableSourceMaps)
	if err != nil {
		t.Fatal(err)
	}
	seen := map[reflect.Type]bool{}
	var look func(v reflect.Value)
	look = func(v reflect.Value) {
		switch v.Kind() {
		case reflect.Interface:
			look(v.Elem())
		case reflect.Pointer:
			if !v.IsNil() && v.Type().Elem().PkgPath() == reflect.TypeFor[ast.Program]().PkgPath() {
				seen[v.Type()] = true
				look(v.Elem())
			}
		case reflect.Struct:
			for _, f := range v.Fields() {
				look(f)
			}
		case reflect.Slice:
			for i := range v.Len() {
				look(v.Index(i))
			}
		}
	}
	look(reflect.ValueOf(tree.Body))
	for _, k := range nodeKinds() {
		if !seen[k.typ()] {
			t.Errorf("the syntax of these tests has no %s", k.typ())
		}
	}
}

// TestTreeKeepsEachFieldOfANode fails when the engine's nodes get a field that is not
// written.
func TestTreeKeepsEachFieldOfANode(t *testing.T) {
	number := 0
	var fill func(v reflect.Value, depth int)
	fill = func(v reflect.Value, depth int) {
		number++
		switch v.Kind() {
		case reflect.Int:
			v.SetInt(int64(number))
		case reflect.String:
			v.SetString("text" + itoa(number))
		case reflect.Bool:
			v.SetBool(true)
		case reflect.Struct:
			for i := range v.NumField() {
				fill(v.Field(i), depth)
			}
		case reflect.Slice:
			v.Set(reflect.MakeSlice(v.Type(), 1, 1))
			fill(v.Index(0), depth)
		case reflect.Pointer:
			if v.Type() == reflect.TypeFor[*ast.VariableDeclaration]() {
				v.Set(reflect.ValueOf(&ast.VariableDeclaration{Var: 7}))
			} else if depth > 0 {
				v.Set(reflect.New(v.Type().Elem()))
				fill(v.Elem(), depth-1)
			}
		case reflect.Interface:
			for _, n := range []any{
				&ast.Identifier{Name: "name", Idx: 3}, &ast.EmptyStatement{Semicolon: 4}, &ast.PropertyShort{Name: ast.Identifier{Name: "short", Idx: 5}},
				&ast.ExpressionBody{}, &ast.FieldDefinition{Idx: 6}, &ast.ForLoopInitializerExpression{}, &ast.ForIntoExpression{}, int64(8),
			} {
				if reflect.TypeOf(n).AssignableTo(v.Type()) && (v.NumMethod() > 0 || reflect.TypeOf(n).Kind() == reflect.Int64) {
					v.Set(reflect.ValueOf(n))
					return
				}
			}
			t.Fatalf("nothing is a %s", v.Type())
		default:
			t.Fatalf("the engine has a field of %s", v.Type())
		}
	}
	for _, k := range nodeKinds() {
		n := reflect.New(k.typ().Elem())
		fill(n.Elem(), 2)
		w := treeWriter("", 1)
		body := []any{n.Interface()}
		list(w, &body)
		if w.err != nil {
			t.Errorf("%s: %v", k.typ(), w.err)
			continue
		}
		r := treeReader(w.out, "", 1)
		var again []any
		list(r, &again)
		if r.err != nil || !reflect.DeepEqual(again, body) {
			t.Errorf("%s is read as another: %v", k.typ(), r.err)
		}
	}
}

func TestTreeThatIsDamagedIsNoPanic(t *testing.T) {
	const text = "var a = 1, { b } = c(`x${2n}`); for (var d of [/e/g]) (() => f.g)('h' + 0.5, 'i\\n');"
	_, data := written(t, text)
	for i := range data {
		if _, err := readTree(data[:i], text); err == nil {
			t.Errorf("the first %d of %d bytes are a tree", i, len(data))
		}
		for _, b := range []byte{0, 1, 0x7f, 0x80, 0xff, data[i] + 1} {
			damaged := slices.Clone(data)
			damaged[i] = b
			_, _ = readTree(damaged, text) // may be another tree
		}
	}
	if _, err := readTree(append(data, 0), text); err == nil {
		t.Error("a tree with more behind it is read")
	}
	if _, err := readTree(data, text[:10]); err == nil {
		t.Error("a tree is read for another text")
	}
}

func TestTreeThatIsTooDeepIsNotKept(t *testing.T) {
	tree, err := parser.ParseFile(nil, programName, "a"+strings.Repeat(" + a", keptDepth), 0, parser.WithDisableSourceMaps)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := writeTree(tree, ""); err == nil {
		t.Error("it is written")
	}
}

// TestStartFromTheCacheRunsTheSameProgram asks a program what depends on places: stacks, the
// texts of functions, and errors of early and late names.
func TestStartFromTheCacheRunsTheSameProgram(t *testing.T) {
	src := modules(`
		import { thrown, Shape } from "./lib.js";
		const texts = [String(thrown), String(Shape), String(() => 1 /* a comment */), String(new Shape().method), String(Object.getOwnPropertyDescriptor(Shape.prototype, "g").get)];
		function strict() { return this === undefined; }
		function counted() { return (() => arguments.length)(); }
		let early = ""; try { late; } catch (e) { early = String(e); } const late = 1;
		async function* items() { yield* [1, 2n ** 3n]; }
		const all = []; for await (const i of items()) all.push(String(i));
		export const result = JSON.stringify([thrown(), texts, strict(), counted(1, 2), early, all, /^\p{L}+$/u.test("é"), "\u{1F600} 名", String.raw`+"`\\u{41}${'x'}`"+`, import.meta.url ?? null], null, 1);
	`, esm("lib.js", `

		export function thrown() { try { new Shape().method() } catch (e) { return e.stack } }
		export class Shape {
			#name = "é";
			static kind = "static";
			method() { throw new TypeError(this.#name + Shape.kind) }
			get g() { return 1 }
		}
	`))
	fresh := result(t, src)
	if !strings.Contains(fresh, "lib.js:7") {
		t.Errorf("the stack names no place: %s", fresh)
	}
	src.CacheDir = t.TempDir()
	for _, from := range []string{"the source", "the cache", "the cache again"} {
		programs().Purge() // as in a new process
		if got := result(t, src); got != fresh {
			t.Errorf("from %s:\n%s\nwant\n%s", from, got, fresh)
		}
	}
	if b := readCache(src.CacheDir, cacheKey(&src), nil); b == nil || b.Tree == nil {
		t.Error("the cache has no tree")
	}
}
