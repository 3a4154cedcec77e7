package hop_test

import (
	"encoding/json"
	"net/url"
	"strings"
	"testing"
)

func TestServiceIsCalledThroughItsFrame(t *testing.T) {
	k := run(t, map[string]string{"main.hop.js": "", "main.js": `'use hopscript';
		service add(a, b) { return a + b }
		const frame = add(1, 2);
		console.log(frame instanceof HopFrame, typeof frame, add instanceof Service, add instanceof Function, add.name, add.path);
		console.log(String(frame), String(add()));
		frame.post().then((v) => {
			console.log(v);
			frame.post((v) => { console.log("again", v); add.unregister(); console.log(Service.exists("add")) });
		});
		console.log("posted");`})
	want := lines("true object true true add /hop/add", "/hop/add?args=%5B1%2C2%5D /hop/add", "posted", "3", "again 3", "false")
	if got := k.ends(0); got != want {
		t.Errorf("printed\n%s\nwant\n%s", got, want)
	}
}

func TestServicesAreMadeInEveryWay(t *testing.T) {
	k := run(t, map[string]string{"main.js": `'use hopscript';
		const hop2 = require("hop");
		const all = [
			service(a) { return ["anonymous", a, arguments.length] },
			service named({ a: 1, b: "x" }) { return [a, b] },
			new Service(function(a) { return a }), Service((a) => a, "arrow"), Service("first", (a) => a), new hop2.Service(function() {}, "six"),
		];
		console.log(all.map((s) => s.name).join());
		Promise.all([all[0]("v", 2).post(), all[1]().post(), all[1]({ b: "y" }).post(), all[2](3).post(), all[3](4).post(), all[4](5).post(), all[5](6).post()])
			.then((v) => { console.log(JSON.stringify(v)); for (const s of all) s.unregister() });
		for (const make of [() => Service(), () => Service(5), () => Service({}), () => Service(() => {}, 5)]) try { make() } catch (e) { console.log(e.name) }
		try { new Service(() => {}, "arrow") } catch (e) { console.log(e.message) }
		console.log(hop === hop2, hop.engine, hop.isServer, hop.isWorker, hop.port, hop.hostname)`})
	want := lines("public/1,named,public/2,arrow,first,six", "TypeError", "TypeError", "TypeError", "TypeError",
		`The path "/hop/arrow" is that of another service already.`, "true hop true false 8081 localhost",
		`[["anonymous","v",2],[1,"x"],[1,"y"],3,4,5,null]`)
	if got := k.ends(0); got != want {
		t.Errorf("printed\n%s\nwant\n%s", got, want)
	}
}

func TestServiceCanBeUsedAboveItsTextAndImported(t *testing.T) {
	k := run(t, map[string]string{
		"main.js": `'use hopscript';
			later(1).post((v) => console.log(v));
			service later(a) { return a + 1 }
			(function() {
				service later();
				later(5).post((v) => { console.log(v); later.unregister() });
			})();
			service missing();
			missing().post().catch((e) => console.log(e.message));
			missing().post(() => console.log("never"), (e) => console.log("fail", e.message));
			missing().post(() => console.log("never"), { fail: (e) => console.log("member", e.message) });
			console.log(Service.exists("later"), Service.exists("missing"), Service.getService("later") === later, Service.getServiceFromPath("/hop/later") === later);
			try { Service.getService("missing") } catch (e) { console.log(e.message) }`,
	})
	want := lines("true false true true", `There is no service "/hop/missing".`, `There is no service "/hop/missing".`, `fail There is no service "/hop/missing".`, `member There is no service "/hop/missing".`, "2", "6")
	if got := k.ends(0); got != want {
		t.Errorf("printed\n%s\nwant\n%s", got, want)
	}
}

func TestServicesOfAWorker(t *testing.T) {
	k := run(t, map[string]string{
		"main.js": `'use hopscript';
			const w = new Worker("./w.js"); let svc;
			w.onmessage = (e) => {
				svc = e.data.svc;
				console.log(svc instanceof Service, svc.inWorker, svc.path, svc.note, JSON.stringify(svc.list), svc.timeout);
				try { svc.path = "/hop/mine" } catch (e) { console.log(e.message) }
				const list = [1, [2]];
				svc(list, { deep: true }).post().then((v) => {
					console.log(JSON.stringify(v), list.length, list[1].length);
					return svc("throw").post();
				}).catch((e) => {
					console.log(e instanceof RangeError, e.name, e.message);
					w.terminate();
				});
			};
			w.onexit = () => svc(1).post().catch((e) => console.log(e.message, Service.exists("private")));`,
		"w.js": `'use hopscript';
			let calls = 0;
			const svc = service private(a, b) { if (a === "throw") throw new RangeError("in the worker"); return { calls: ++calls, a, b, host: this.host, path: this.path, n: arguments.length } };
			svc.note = "mine"; svc.list = [1];
			svc.inWorker = hop.isWorker;
			postMessage({ svc })`,
	})
	want := lines(`true true /hop/private mine [1] -1`, `Only the thread that defined the service "/hop/private" can change its path.`,
		`{"calls":1,"a":[1,[2]],"b":{"deep":true},"host":"localhost","path":"/hop/private","n":2} 2 1`, "true RangeError in the worker",
		`There is no service "/hop/private". false`)
	if got := k.ends(0); got != want {
		t.Errorf("printed\n%s\nwant\n%s", got, want)
	}
}

func TestCallIsRejectedWhenTheOwnerEnds(t *testing.T) {
	k := run(t, map[string]string{
		"main.js": `const w = new Worker("./w.js");
			w.onmessage = (e) => { e.data().post().catch((e) => console.log(e.message)); w.postMessage("end") };`,
		"w.js": `'use hopscript'; onmessage = () => close(); postMessage(service never() { return new Promise(() => {}) })`,
	})
	if got := k.ends(0); got != `There is no service "/hop/never".` {
		t.Errorf("printed\n%s", got)
	}
}

func TestPathsTimesAndNumbersOfCalls(t *testing.T) {
	k := run(t, map[string]string{"main.js": `'use hopscript';
		service one() { return 1 }
		service two() { return 2 }
		one.path = "/hop/uno"; console.log(one.name, Service.exists("one"), Service.exists("uno"));
		for (const bad of ["/x", "/hop/", "/hop/two"]) try { one.path = bad } catch (e) { console.log(e.name, e.message) }
		console.log(two.ttl, two.timeout); two.ttl = 2;
		try { two.ttl = "x" } catch (e) { console.log(e.name) }
		two().post().then(() => { console.log(two.ttl); return two().post() }).then((v) => { console.log(v, two.ttl, Service.exists("two")); return two().post() }).catch((e) => {
			console.log(e.message);
			one.timeout = 0.001;
			setTimeout(() => console.log(Service.exists("uno")), 10);
		});
		try { one.addURL("/other") } catch (e) { console.log(e.message) }
		Service.allowURL("/other"); one.addURL("/other"); one.addURL("/other"); console.log(one.getURLs().join());
		one.removeURL("/other"); one.removeURL("/hop/uno"); console.log(one.getURLs().length);
		try { Service.allowURL("x") } catch (e) { console.log(e.name) }
		console.log(one.resource("css/a.css"));`})
	want := lines("uno false true",
		`TypeError The path of a service begins with "/hop/" and goes on with its name, and "/x" does not.`,
		`TypeError The path of a service begins with "/hop/" and goes on with its name, and "/hop/" does not.`,
		`Error The path "/hop/two" is that of another service already.`,
		"-1 -1", "TypeError", `The URL "/other" may not be that of a service: allow it with Service.allowURL first.`, "/other", "0", "TypeError",
		"/app/css/a.css", "1", "2 0 false", `There is no service "/hop/two".`, "false")
	if got := k.ends(0); got != want {
		t.Errorf("printed\n%s\nwant\n%s", got, want)
	}
}

func TestFrameOfOtherKinds(t *testing.T) {
	k := run(t, map[string]string{"main.js": `'use hopscript';
		service f(a) { return this.host + a }
		const frame = f("!");
		console.log(frame.call({ host: "mine" }));
		try { frame.postSync() } catch (e) { console.log(e.name) }
		console.log(frame.setHeaders({ a: "b" }) === frame, frame.setOptions({ user: "u" }) === frame);
		const srv = new hop.Server("cloud.net", 8888); srv.f = f;
		console.log(String(srv.f("x")), String(f({ name: "a b" })), String(f({ n: 1 })), String(f({ args: "x" })));
		console.log(String(hop.webService("http://h.test/x")({ name: "n" })));
		service imported();
		try { imported().call({}) } catch (e) { console.log(e.message) }
		f.unregister();`})
	want := lines("mine!", "NotSupportedError", "true true",
		"http://cloud.net:8888/hop/f?args=%5B%22x%22%5D /hop/f?name=a+b /hop/f?args=%5B%7B%22n%22%3A1%7D%5D /hop/f?args=%5B%7B%22args%22%3A%22x%22%7D%5D",
		"http://h.test/x?name=n", "Only the thread that defined a service can call it: use post.")
	if got := k.ends(0); got != want {
		t.Errorf("printed\n%s\nwant\n%s", got, want)
	}
}

func TestResultsOfServicesWithinTheProgram(t *testing.T) {
	k := run(t, map[string]string{"main.js": `'use hopscript';
		const cases = {
			text: () => hop.HTTPResponseString("t"), json: () => hop.HTTPResponseJson({ a: 1 }), hop: () => new hop.HTTPResponseHop([1]),
			xml: () => hop.HTTPResponseXml("<p>"), async: () => hop.HTTPResponseAsync((send) => send({ late: 1 }), {}), promise: async () => "p",
			own: () => ({ toResponse: () => "from toResponse" }), response: () => Response.json({ r: 1 }), undefined: () => undefined,
			buffer: () => new Uint8Array([1, 2]), map: () => new Map([[1, 2]]),
			error: () => hop.HTTPResponseError({ message: "told" }), reject: () => Promise.reject(new TypeError("rejected")), bad: () => new Response("no", { status: 404 }),
			circle: () => { const o = { toResponse: () => o }; return o },
		};
		(async () => {
			for (const [name, fn] of Object.entries(cases)) {
				const s = new Service(fn, name);
				try { const v = await s().post(); console.log(name, v instanceof Map ? "map " + v.get(1) : JSON.stringify(v)) } catch (e) { console.log(name, e.name, e.message) }
				s.unregister();
			}
		})();`})
	want := lines(`text "t"`, `json {"a":1}`, `hop [1]`, `xml "<p>"`, `async {"late":1}`, `promise "p"`, `own "from toResponse"`, `response {"r":1}`,
		`undefined undefined`, `buffer {"0":1,"1":2}`, `map map 2`, `error Error told`, `reject TypeError rejected`, `bad Error no`,
		`circle TypeError The result of the service never becomes an answer.`)
	if got := k.ends(0); got != want {
		t.Errorf("printed\n%s\nwant\n%s", got, want)
	}
}

func TestServicesOverHTTP(t *testing.T) {
	k := run(t, map[string]string{
		"main.js": `'use hopscript';
			const w = new Worker("./w.js"); w.onmessage = (e) => console.log(e.data);
			service echo(a, b) { return { a, b, n: arguments.length, method: this.method, path: this.path, host: this.host, port: this.port, scheme: this.scheme, local: hop.isLocalRequest(this) } }
			service named({ name: "nobody", age: 5 }) { return name + " " + age }
			service text() { return "plain" }
			service html() { return hop.HTTPResponseXml("<p>hi</p>", { header: { "x-a": "b" } }) }
			service missing() { return hop.HTTPResponseString("gone", { startLine: "HTTP/1.0 404 File not found", contentType: "text/x", charset: "latin1" }) }
			service bad() { throw new Error("broken") }
			service nothing() {}
			service raw() { return new Response("raw", { status: 201, headers: { "x-r": "1" } }) }
			service stream() { return new Response(new ReadableStream({ start(c) { c.enqueue(new TextEncoder().encode("a")); c.enqueue(new TextEncoder().encode("b")); c.close() } })) }
			service auth() { return hop.HTTPResponseAuthentication("who?") }
			service file() { return hop.HTTPResponseFile("/none/here") }
			service wrong() { return hop.HTTPResponseString("x", { startLine: "404" }) }
			Service.allowURL("/"); text.addURL("/");
			service end() { for (const s of [echo, named, text, html, missing, bad, nothing, raw, stream, auth, file, wrong, end]) s.unregister(); w.terminate(); return "bye" }`,
		"w.js": `'use hopscript'; service counter() { return ++n } let n = 0; postMessage("ready"); `,
	})
	k.prints("ready")
	for _, c := range []struct {
		method, target, contentType, body string
		status                            int
		header, want                      string
	}{
		{"GET", "/hop/echo?args=" + url.QueryEscape(`[1,{"x":2}]`), "", "", 200, "application/json", `{"a":1,"b":{"x":2},"n":2,"method":"GET","path":"/hop/echo","host":"localhost","port":8081,"scheme":"http","local":true}`},
		{"GET", "/hop/echo?x=1&x=2&y=3", "", "", 200, "", `{"a":{"x":["1","2"],"y":"3"},"n":1,`},
		{"GET", "/hop/echo", "", "", 200, "", `{"n":0,`},
		{"POST", "/hop/echo", "application/json", `["a", true]`, 200, "", `{"a":"a","b":true,"n":2,"method":"POST"`},
		{"POST", "/hop/echo", "application/json", `{"k": 1}`, 200, "", `{"a":{"k":1},"n":1`},
		{"POST", "/hop/echo", "application/x-www-form-urlencoded", `k=v&l=w`, 200, "", `{"a":{"k":"v","l":"w"},"n":1`},
		{"POST", "/hop/echo", "application/json", `{broken`, 400, "text/plain; charset=utf-8", `The arguments of the service cannot be read: `},
		{"GET", "/hop/named?name=jean", "", "", 200, "text/plain; charset=utf-8", "jean 5"},
		{"GET", "/hop/named", "", "", 200, "", "nobody 5"},
		{"POST", "/hop/named", "multipart/form-data; boundary=b", "--b\r\nContent-Disposition: form-data; name=\"age\"\r\n\r\n7\r\n--b--\r\n", 200, "", "nobody 7"},
		{"GET", "/hop/text", "", "", 200, "text/plain; charset=utf-8", "plain"},
		{"GET", "/", "", "", 200, "", "plain"},
		{"GET", "/hop/html", "", "", 200, "text/html; charset=utf-8", "<p>hi</p>"},
		{"GET", "/hop/missing", "", "", 404, "text/x; charset=latin1", "gone"},
		{"GET", "/hop/bad", "", "", 500, "text/plain; charset=utf-8", "broken"},
		{"GET", "/hop/nothing", "", "", 204, "", ""},
		{"GET", "/hop/raw", "", "", 201, "", "raw"},
		{"GET", "/hop/stream", "", "", 200, "", "ab"},
		{"GET", "/hop/auth", "", "", 401, "", "who?"},
		{"GET", "/hop/file", "", "", 500, "", `There is no file "/none/here".`},
		{"GET", "/hop/wrong", "", "", 500, "", `The start line of an answer is like`},
		{"GET", "/hop/counter", "", "", 200, "application/json", "1"},
		{"GET", "/hop/counter", "", "", 200, "application/json", "2"},
		{"GET", "/hop/none", "", "", 404, "text/plain; charset=utf-8", `There is no service "/hop/none".`},
		{"GET", "/hop/end", "", "", 200, "", "bye"},
	} {
		status, header, text := k.asks(c.method, c.target, c.contentType, c.body)
		if status != c.status || !strings.HasPrefix(text, c.want) || c.header != "" && header.Get("Content-Type") != c.header {
			t.Errorf("%s %s: %d %q %s, want %d %q %s", c.method, c.target, status, header.Get("Content-Type"), text, c.status, c.header, c.want)
		}
	}
	k.ends(0)
	if status, _, _ := k.asks("GET", "/hop/counter", "", ""); status != 404 {
		t.Errorf("the service of a worker that has ended: %d", status)
	}
}

func TestFileOfAService(t *testing.T) {
	dir := t.TempDir()
	write(t, dir+"/a.css", "p {}")
	path, _ := json.Marshal(dir + "/a.css")
	k := run(t, map[string]string{"main.js": `'use hopscript';
		service css() { return hop.HTTPResponseFile(` + string(path) + `) }
		service relative() { return hop.HTTPResponseFile("a.css") }
		css().post().then((v) => console.log(v)); relative().post().catch((e) => console.log(e.name, e.message));
		service end() { css.unregister(); relative.unregister(); end.unregister() }`})
	k.prints("p {}")
	if status, header, text := k.asks("GET", "/hop/css", "", ""); status != 200 || header.Get("Content-Type") != "text/css; charset=utf-8" || text != "p {}" {
		t.Errorf("%d %q %s", status, header.Get("Content-Type"), text)
	}
	k.asks("GET", "/hop/end", "", "")
	if got, want := k.ends(0), "TypeError HTTPResponseFile takes the whole path of a file"; !strings.Contains(got, want) {
		t.Errorf("printed\n%s\nwant %s", got, want)
	}
}

func TestBoundsOfServices(t *testing.T) {
	k := run(t, map[string]string{"main.js": `'use hopscript';
		const a = Service(() => new Promise(() => {})), b = Service(() => 1);
		try { Service(() => 1) } catch (e) { console.log(e.name, e.message) }
		a().post(); b().post().catch((e) => { console.log(e.name, e.message); a.unregister(); b.unregister(); throw new Error("end") });`,
	}, "hop.services=2", "hop.calls=1")
	want := lines("RangeError There are 2 services already, and there cannot be more.", "RangeError 1 calls of services wait for their answers already, and there cannot be more.", "failure Error: end")
	if got := k.ends(1); got != want {
		t.Errorf("printed\n%s\nwant\n%s", got, want)
	}
}

func TestServiceWhenNothingCanListen(t *testing.T) {
	k := newKit(t, map[string]string{"main.js": `'use hopscript'; try { Service(() => 1, "a") } catch (e) { console.log(e.message.slice(0, 14), Service.exists("a")) }`})
	k.port = -1
	k.start()
	if got := k.ends(0); got != "internal error false" && got != "serve the prog false" {
		t.Errorf("printed\n%s", got)
	}
}
