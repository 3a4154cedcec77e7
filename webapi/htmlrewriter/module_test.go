package htmlrewriter_test

import (
	"strings"
	"testing"

	"workerd.local/internal/compat"
	"workerd.local/internal/jstest"
	"workerd.local/webapi/bind"
	"workerd.local/webapi/encoding"
	"workerd.local/webapi/events"
	"workerd.local/webapi/fetch"
	"workerd.local/webapi/htmlrewriter"
	"workerd.local/webapi/streams"
	"workerd.local/webapi/timers"
)

func modules() []bind.Module {
	return []bind.Module{encoding.Module, events.Module, timers.Module, streams.Module, fetch.Module, htmlrewriter.Module}
}

// rewrite is a helper of the scripts: what a page becomes with one set of handlers.
const rewrite = `
	const of = (html, selector, handlers) => new HTMLRewriter().on(selector, handlers).transform(new Response(html)).text();
	const each = (html, selector, element) => of(html, selector, { element });
	const throws = f => { try { f() } catch (e) { return e.name + ": " + e.message } return "nothing" };
	const rejects = p => p.then(() => "nothing", e => e.name + ": " + e.message);
`

func TestElementHandlers(t *testing.T) {
	e := jstest.New(t, modules()...)
	for source, want := range map[string]string{
		`each("<a>x</a>", "a", e => { for (const m of ["before", "after", "prepend", "append"]) { e[m]("1" + m); e[m]("2" + m) } })`:                    `1before2before<a>2prepend1prependx1append2append</a>2after1after`,
		`each("<a>x</a>", "a", e => { e.replace("1"); e.replace("<2>"); e.before("b"); e.after("a") })`:                                                 `b&lt;2&gt;a`,
		`each("<a>x<b>y</b></a>z", "a", e => { e.prepend("gone"); e.setInnerContent("<i>", { html: true }); e.append("q") })`:                           `<a><i>q</a>z`,
		`each("<a>x</a>z", "a", e => { e.remove(); e.before("b") })`:                                                                                    `bz`,
		`each("<a>x</a>z", "a", e => { e.removeAndKeepContent(); e.append("q") })`:                                                                      `xqz`,
		`each("<br>x<br/>", "br", e => { e.before("b"); e.after("1"); e.after("2"); e.prepend("no"); e.append("no"); e.setInnerContent("no") })`:        `b<br>21xb<br/>21`,
		`each("<img a=1>", "img", e => { e.replace("r"); e.after("a") })`:                                                                               `ra`,
		`each("<A x=1  Y = '2'/ z x=3 q='a\"b' />t</A >", "a", e => { e.setAttribute("y", "n\"&<"); e.removeAttribute("X"); e.setAttribute("W", "") })`: `<A Y="n&quot;&<" z q='a"b' w="" />t</A >`,
		`each("<a b>t</a >", "a", e => { e.tagName = "Em" })`:                                                                                           `<Em b>t</Em>`,
		`each("<a>t</a>", "a", e => { e.append("1"); e.onEndTag(t => { t.before("2"); t.after("3"); t.name = "Q" }) })`:                                 `<a>t12</Q>3`,
		`each("<a>t</a>", "a", e => { e.onEndTag(() => { throw 1 }); e.onEndTag(t => { t.remove() }) })`:                                                `<a>t`,
		`each("<a>t</a>", "a", e => { e.onEndTag(async t => { await scheduler.wait(1); t.before("!") }) })`:                                             `<a>t!</a>`,
		`each("<div><p>a<p>b</div>c", "p", e => { e.append("A") })`:                                                                                     `<div><p>a<p>bA</div>c`,
		`each("<div>a<b>c</b></div>e", "div", e => { e.setInnerContent("I") })`:                                                                         `<div>I</div>e`,
		`each("<a>x</a>", "a", e => ({ then(f) { e.append("q"); f() } }))`:                                                                              `<a>xq</a>`,
		`each("<a>x</a>", "a", async e => { await scheduler.wait(2); e.append("late") })`:                                                               `<a>xlate</a>`,
		`of("a<b>c</b>d<!--e-->", "b", { text(t) { if (!t.lastInTextNode) { t.before("1"); t.after("2"); t.after("3"); t.replace("<"); } } })`:          `a<b>1&lt;32</b>d<!--e-->`,
		`of("<b><!--x--><!--y--></b>", "b", { comments(c) { if (c.text == "x") c.text = "z"; else { c.replace("r"); c.remove(); c.before("<") } } })`:   `<b><!--z-->&lt;r</b>`,
	} {
		e.Want(rewrite+"return "+source, want)
	}
}

func TestUnits(t *testing.T) {
	e := jstest.New(t, modules()...)
	e.Want(rewrite+`
		const seen = [];
		await new HTMLRewriter()
			.onDocument({
				doctype(d) { seen.push(d.name, d.publicId, d.systemId) },
				text(t) { seen.push("d:" + t.text + t.lastInTextNode) },
				comments(c) { seen.push("d:" + c.text) },
				end(d) { seen.push("end"); d.append("!") } })
			.on("a", { element(a) {
				seen.push(a.tagName, a.namespaceURI, a.removed, [...a.attributes].join(), a.getAttribute("X"), a.getAttribute("q"), a.hasAttribute("y"));
				a.remove(); seen.push(a.removed) },
				text(t) { seen.push("a:" + t.text + t.removed) }, comments(c) { seen.push("a:" + c.text + c.removed) } })
			.transform(new Response("<!doctype A system 'b'><a x=1 y>t<!--c--></a>")).text();
		return seen`,
		`["a",null,"b","a","http://www.w3.org/1999/xhtml",false,"x,1,y,","1",null,true,true,"a:tfalse","d:tfalse","a:false","d:true","a:cfalse","d:c","end"]`)
	e.Want(rewrite+`
		let kept, iterator;
		await each("<a b=c>", "a", a => { kept = a; iterator = a.attributes; a.own = 1 });
		return [kept.own, throws(() => kept.tagName), throws(() => kept.before("x")), throws(() => iterator.next())].join("|")`,
		`1`+strings.Repeat("|TypeError: This content token is no longer valid. Content tokens are only valid during the execution of the relevant content handler.", 3))
	e.Want(rewrite+`
		const seen = [];
		await each("<a b=c d=e>", "a", a => {
			const i = a.attributes; i.next(); a.setAttribute("f", "g"); seen.push(throws(() => i.next()), [...a.attributes].length);
			seen.push(Object.prototype.toString.call(i), Object.getPrototypeOf(Object.getPrototypeOf(i)) === Object.getPrototypeOf(Object.getPrototypeOf([][Symbol.iterator]())));
		});
		return seen`,
		`["Error: The attributes of this element have been modified during iteration. You must create a new iterator after modifying attributes.",3,"[object AttributesIterator]",true]`)
}

func TestStreamsAsContent(t *testing.T) {
	e := jstest.New(t, modules()...)
	e.Want(rewrite+`return each("<a>x</a>", "a", e => {
		e.before(new Response("<1>"), { html: true });
		e.append(new ReadableStream({ async pull(c) { await scheduler.wait(1); c.enqueue(new TextEncoder().encode("é<")); c.close() } }));
		e.after(new Response(null));
		const bytes = new TextEncoder().encode("€");
		e.after(new ReadableStream({ start(c) { for (const b of bytes) c.enqueue(new Uint8Array([b])); c.close() } }));
	})`, `<1><a>xé&lt;</a>€`)
	e.Want(rewrite+`return rejects(each("<a>", "a", e => { e.before(new Response(new Uint8Array([65, 0xe2, 0x28, 0xa1]))) }))`, `TypeError: Parser error: Invalid UTF-8`)
	e.Want(rewrite+`return rejects(each("<a>", "a", e => { e.before(new ReadableStream({ pull() { throw new RangeError("sub") } })) }))`, `RangeError: sub`)
	e.Want(rewrite+`return rejects(each("<a>", "a", e => { const r = new Response("x"); r.body.getReader(); e.before(r) }))`, `TypeError: The ReadableStream has been locked to a reader.`)
	const no = `Replacing content in HTML comments using a ReadableStream or Response object is not implemented. You must provide a string.`
	e.Want(rewrite+`return rejects(of("<a><!-- --></a>", "a", { comments(c) { c.before(new Response("x")) } }))`, `TypeError: `+no)
}

func TestRewriterIsDrivenByItsReader(t *testing.T) {
	e := jstest.New(t, modules()...)
	e.Want(rewrite+`
		let pulled = 0, called = 0, canceled;
		const body = new ReadableStream({
			pull(c) { pulled++; c.enqueue(new TextEncoder().encode("<a>" + "x".repeat(100) + "</a>")) },
			cancel(why) { canceled = why },
		});
		const reader = new HTMLRewriter().on("a", { element() { called++ } }).transform(new Response(body)).body.getReader();
		const first = called;
		await scheduler.wait(5);
		const idle = pulled;
		await reader.read(); await reader.read();
		await scheduler.wait(5);
		const later = pulled;
		await reader.cancel("enough");
		await scheduler.wait(1);
		return [first, idle < 5, later < idle + 4, canceled].join()`, `0,true,true,enough`)
	e.Want(rewrite+`
		let canceled;
		const body = new ReadableStream({ pull(c) { c.enqueue(new TextEncoder().encode("a<b>")) }, cancel(why) { canceled = why } });
		const r = new HTMLRewriter().on("b", { element() { throw new RangeError("boom") } }).transform(new Response(body));
		const got = await rejects(r.text());
		return [got, canceled.message].join()`, `RangeError: boom,boom`)
	e.Want(rewrite+`return rejects(new HTMLRewriter().transform(new Response(new ReadableStream({ pull() { throw new RangeError("src") } }))).text())`, `RangeError: src`)
	e.Want(rewrite+`return rejects(new HTMLRewriter().transform(new Response(new ReadableStream({ pull(c) { c.enqueue(5) } }))).text())`, `TypeError: Draining read encountered a value that cannot be converted to bytes`)
	e.Want(rewrite+`return new HTMLRewriter().on("b", { element(b) { b.remove() } }).transform(new Response(new ReadableStream({ start(c) { c.enqueue("a<b>"); c.enqueue("x</b>ü"); c.close() } }))).text()`, `aü`)
	// A slow handler does not keep back what came before it.
	e.Want(rewrite+`
		let go; const gate = new Promise(r => go = r);
		const reader = new HTMLRewriter().on("b", { element: () => gate }).transform(new Response("before<b>after</b>")).body.getReader();
		const text = v => new TextDecoder().decode(v.value);
		const first = text(await reader.read());
		go();
		return [first, text(await reader.read())]`, `["before","<b>after</b>"]`)
}

func TestTransformKeepsTheResponse(t *testing.T) {
	e := jstest.New(t, modules()...)
	e.Want(`
		const from = new Response("<a>", { status: 404, statusText: "No", headers: { x: "y" } });
		const r = new HTMLRewriter().transform(from);
		const none = new Response(null);
		return [r === from, from.bodyUsed, r.bodyUsed, r.status, r.statusText, r.headers.get("x"), await r.text(), new HTMLRewriter().transform(none) === none].join()`,
		`false,true,false,404,No,y,<a>,true`)
	e.Want(`
		const r = new HTMLRewriter().on("p", { text(t) { if (t.text == "é") t.after("€😀") } })
			.transform(new Response(new Uint8Array([60, 112, 62, 0xe9, 60, 47, 112, 62]), { headers: { "content-type": 'text/html; x=y; Charset="latin1"' } }));
		return [...await r.bytes()].join()`, `60,112,62,233,128,38,35,49,50,56,53,49,50,59,60,47,112,62`)
}

func TestWrongUse(t *testing.T) {
	e := jstest.New(t, modules()...)
	for source, want := range map[string]string{
		`HTMLRewriter()`:                                 "TypeError: Failed to construct 'HTMLRewriter': Please use the 'new' operator, this object constructor cannot be called as a function.",
		`new HTMLRewriter().on()`:                        "TypeError: Failed to execute 'on' on 'HTMLRewriter': parameter 1 is not of type 'string'.",
		`new HTMLRewriter().on("a")`:                     "TypeError: Failed to execute 'on' on 'HTMLRewriter': parameter 2 is not of type 'ElementContentHandlers'.",
		`new HTMLRewriter().on("a", 1)`:                  "TypeError: Failed to execute 'on' on 'HTMLRewriter': parameter 2 is not of type 'ElementContentHandlers'.",
		`new HTMLRewriter().on("a", { element: 1 })`:     "TypeError: Incorrect type for the 'element' field on 'ElementContentHandlers': the provided value is not of type 'function'.",
		`new HTMLRewriter().on("a + b", {})`:             "TypeError: Parser error: Unsupported combinator `+` in selector.",
		`new HTMLRewriter().onDocument()`:                "TypeError: Failed to execute 'onDocument' on 'HTMLRewriter': parameter 1 is not of type 'DocumentContentHandlers'.",
		`new HTMLRewriter().transform("x")`:              "TypeError: Failed to execute 'transform' on 'HTMLRewriter': parameter 1 is not of type 'Response'.",
		`new HTMLRewriter().transform(Response.error())`: "TypeError: HTMLRewriter cannot transform an error response",
		`const r = new Response("x"); r.body.getReader(); new HTMLRewriter().transform(r)`:                          "TypeError: The ReadableStream has been locked to a reader.",
		`new HTMLRewriter().transform(new Response("x", { headers: { "content-type": "text/html; charset=no" } }))`: "TypeError: Parser error: Unknown character encoding has been provided.",
	} {
		e.WantError(source, want)
	}
	for source, want := range map[string]string{
		`e.before()`:                "TypeError: Failed to execute 'before' on 'Element': parameter 1 is not of type 'string or JsReadableStream or Response'.",
		`e.before("x", 1)`:          "TypeError: Failed to execute 'before' on 'Element': parameter 2 is not of type 'ContentOptions'.",
		`e.before(Symbol.iterator)`: "TypeError: Cannot convert a Symbol value to a string",
		`e.onEndTag(1)`:             "TypeError: Failed to execute 'onEndTag' on 'Element': parameter 1 is not of type 'function'.",
		`e.tagName = ""`:            "TypeError: Parser error: Tag name can't be empty.",
		`e.tagName = "1"`:           "TypeError: Parser error: The first character of the tag name should be an ASCII alphabetical character.",
		`e.tagName = "a b"`:         "TypeError: Parser error: ` ` character is forbidden in the tag name",
		`e.setAttribute("", "")`:    "TypeError: Parser error: Attribute name can't be empty.",
		`e.setAttribute("a=", "")`:  "TypeError: Parser error: `=` character is forbidden in the attribute name",
		`new e.constructor()`:       "TypeError: Illegal constructor",
	} {
		e.Want(rewrite+`return rejects(each("<a>", "a", e => {`+source+`}))`, want)
	}
	e.Want(rewrite+`return rejects(each("<br>", "br", e => { e.onEndTag(() => {}) }))`, "TypeError: Parser error: No end tag.")
	for _, text := range []string{"-->", "a--!>", ">", "->"} {
		e.Want(rewrite+`return rejects(of("<a><!--x-->", "a", { comments(c) { c.text = "`+text+`" } }))`, "TypeError: Parser error: Comment text shouldn't contain a comment-closing sequence.")
	}
}

func TestESIIncludeIsVoidWithTheFlag(t *testing.T) {
	const source = rewrite + `return each("<esi:include src=a>b", "esi\\:include", e => { e.replace("r") })`
	jstest.New(t, modules()...).Want(source, "r")
	flags, errs := compat.Parse("2026-08-01", []string{"html_rewriter_treats_esi_include_as_void_tag"}, compat.Options{Experimental: true})
	if len(errs) > 0 {
		t.Fatal(errs)
	}
	jstest.NewWith(t, jstest.Options{Modules: modules(), Compat: flags}).Want(source, "rb")
}
