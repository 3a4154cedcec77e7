package hop_test

import (
	"fmt"
	"strings"
	"testing"
)

// What waits already when terminate or close is called is done, and what is sent later is not.
func TestEndsComeAfterWhatWasSent(t *testing.T) {
	k := run(t, map[string]string{
		"main.js": `const w = new Worker("./w.js");
			w.onexit = () => {
				const own = new Worker("./own.js");
				own.onmessage = (e) => { console.log("own", e.data); if (e.data === "closed") own.postMessage("late"); };
				own.onexit = () => console.log("own left");
				for (const n of [1, "close", 2]) own.postMessage(n);
			};
			for (const n of [1, 2, 3]) w.postMessage(n);
			w.terminate(); w.postMessage(4);`,
		"w.js":   `onmessage = (e) => console.log(e.data);`,
		"own.js": `onmessage = (e) => { postMessage(e.data); if (e.data === "close") { close(); postMessage("closed"); } };`,
	})
	if got, want := k.ends(0), lines("1", "2", "3", "own 1", "own close", "own closed", "own 2", "own left"); got != want {
		t.Errorf("printed\n%s\nwant\n%s", got, want)
	}
}

// However a worker ends, all that are below it end first, and nobody hears of that.
func TestEveryEndIsTheEndOfAllBelow(t *testing.T) {
	for name, end := range map[string]string{
		"close": `close()`, "error": `throw new Error("x")`, "terminate": `post("terminate")`,
	} {
		t.Run(name, func(t *testing.T) {
			k := run(t, map[string]string{
				"main.js": `const w = new Worker("./w.js");
					w.onmessage = (e) => e.data === "up" ? w.postMessage("end") : w.terminate();
					w.onerror = (e) => e.preventDefault();
					w.onexit = () => console.log("left");`,
				"w.js": `const w = new Worker("./middle.js"), post = postMessage; w.onexit = () => console.log("never");
					w.onmessage = () => postMessage("up"); onmessage = () => { ` + end + ` };`,
				"middle.js": `const w = new Worker("./leaf.js"); w.onexit = () => console.log("never"); w.onmessage = () => postMessage("up"); onmessage = () => {};`,
				"leaf.js":   `onmessage = () => {}; postMessage("up"); setInterval(() => {}, 1);`,
			})
			if got := k.ends(0); got != "left" {
				t.Errorf("printed\n%s", got)
			}
			if n := k.root.Alive(); n > 1 {
				t.Errorf("%d threads live", n)
			}
		})
	}
}

// A worker that listens to one of its own lives as long as that does; one that does not listen ends, and the other with it.
func TestWorkerLivesForTheWorkersThatItListensTo(t *testing.T) {
	k := run(t, map[string]string{
		"main.js":    `const w = new Worker("./listens.js"); w.onexit = () => { const w = new Worker("./deaf.js"); w.onexit = () => console.log("deaf left"); };`,
		"listens.js": `const w = new Worker("./late.js"); w.onexit = () => console.log("its own left");`,
		"late.js":    `setTimeout(() => console.log("late"), 5);`,
		"deaf.js":    `new Worker("./stays.js");`,
		"stays.js":   `onmessage = () => {};`,
	})
	if got, want := k.ends(0), lines("late", "its own left", "deaf left"); got != want {
		t.Errorf("printed\n%s\nwant\n%s", got, want)
	}
}

// A message that comes while there is no handler is lost, and no later handler gets it.
func TestMessagesWithoutAHandlerAreLost(t *testing.T) {
	k := run(t, map[string]string{
		"main.js": `const w = new Worker("./w.js");
			w.postMessage("early"); w.postMessage("lost");
			w.onmessage = (e) => { console.log(e.data); if (e.data === "set") w.postMessage("heard"); else w.terminate(); };`,
		"w.js": `onmessage = () => { onmessage = undefined; setTimeout(() => { onmessage = (e) => postMessage(e.data); postMessage("set"); }, 5); };`,
	})
	if got, want := k.ends(0), lines("set", "heard"); got != want {
		t.Errorf("printed\n%s\nwant\n%s", got, want)
	}
}

// Services keep the worker that has them, and only as long as they are there: an unregistered one, one whose calls are used
// up and one whose time is over, also where nobody asks for it.
func TestServicesKeepTheirWorker(t *testing.T) {
	for name, end := range map[string]string{
		"unregister": `s.unregister()`, "ttl": `s.ttl = 0`, "last call": `s.ttl = 1; s().post()`, "timeout": `s.timeout = 0.02`, "timeout in the past": `s.timeout = 0`,
		"timeout of another kind": `s.timeout = Infinity; s.timeout = -1; s.timeout = 0.01`,
	} {
		t.Run(name, func(t *testing.T) {
			k := run(t, map[string]string{
				"main.js": `const w = new Worker("./w.js"); w.onmessage = (e) => console.log(e.data); w.onexit = () => console.log("left", Service.exists("kept"));`,
				"w.js":    `'use hopscript'; service kept() { return 1 } const s = kept; setTimeout(() => { postMessage(Service.exists("kept")); ` + end + ` }, 5);`,
			})
			if got, want := k.ends(0), lines("true", "left false"); got != want {
				t.Errorf("printed\n%s\nwant\n%s", got, want)
			}
		})
	}
}

func TestPathsAreTakenForAllThreads(t *testing.T) {
	k := run(t, map[string]string{
		"main.js": `'use hopscript'; service taken() {}
			const w = new Worker("./w.js"); w.onmessage = (e) => console.log(e.data); w.onexit = () => taken.unregister();`,
		"w.js": `'use hopscript'; try { Service(() => 1, "taken") } catch (e) { postMessage(e.message) }
			const own = Service(() => 1); postMessage(own.path !== "/hop/taken" && own.path.startsWith("/hop/public/")); own.unregister();`,
	})
	if got, want := k.ends(0), lines(`The path "/hop/taken" is that of another service already.`, "true"); got != want {
		t.Errorf("printed\n%s\nwant\n%s", got, want)
	}
}

// The object that a service has as this, of a call within the program.
func TestRequestOfALocalCall(t *testing.T) {
	k := run(t, map[string]string{
		"main.js": `'use hopscript';
			service who() { return [this.header["x-mine"], this.header["x-more"], this.method, this.path, this.abspath, this.scheme, this.port, this.connection, this["connection-timeout"], this.query, this.http] }
			(async () => {
				console.log(JSON.stringify(await who().setHeaders({ "X-Mine": "yes" }).post()));
				console.log(JSON.stringify(await who().post(undefined, { header: { "x-more": "m" } })));
				for (const bad of [() => who().setHeaders(1), () => who().setOptions("x"), () => who().post(undefined, { get fail() { throw new RangeError("getter") } })]) try { await bad(); console.log("taken") } catch (e) { console.log(e.name) }
				await who().setHeaders({ "not a name": 1 }).post().catch((e) => console.log(e.name));
				await who({ get x() { throw new RangeError("argument") } }).post().catch((e) => console.log(e.name));
				who.unregister();
			})();`,
	})
	want := lines(`["yes",null,"POST","/hop/who","/hop/who","http",8081,"keep-alive",-1,"","HTTP/1.1"]`, `[null,"m","POST","/hop/who","/hop/who","http",8081,"keep-alive",-1,"","HTTP/1.1"]`,
		"TypeError", "TypeError", "RangeError", "TypeError", "RangeError")
	if got := k.ends(0); got != want {
		t.Errorf("printed\n%s\nwant\n%s", got, want)
	}
}

// A request at a service whose owner ends before it has answered, also in the middle of its turn.
func TestRequestsEndWithTheOwnerOfTheService(t *testing.T) {
	for _, work := range []string{"return new Promise(() => {})", "for (;;) {}"} {
		k := run(t, map[string]string{
			"main.js": `'use hopscript'; const w = new Worker("./w.js"); service stop() { w.terminate(); stop.unregister(); return "" }`,
			"w.js":    `'use hopscript'; service never() { console.log("asked"); ` + work + ` } console.log("ready to be asked");`,
		})
		k.prints("ready to be asked")
		answered := make(chan string, 1)
		go func() {
			status, _, text, err := k.fetch("GET", "/hop/never", "", "")
			answered <- fmt.Sprint(status, " ", strings.TrimSpace(text), err)
		}()
		k.prints("asked")
		k.asks("GET", "/hop/stop", "", "")
		if got, want := <-answered, `410 There is no service "/hop/never".<nil>`; got != want {
			t.Errorf("%s: answered %q, want %q", work, got, want)
		}
		k.ends(0)
	}
}

// The same for calls within the program.
func TestCallsEndWithTheOwnerOfTheService(t *testing.T) {
	for _, work := range []string{"return new Promise(() => {})", "for (;;) {}"} {
		k := run(t, map[string]string{
			"main.js": `'use hopscript'; const w = new Worker("./w.js");
				w.onmessage = (e) => { e.data().post().then(() => console.log("answered"), (e) => console.log(e.message)); setTimeout(() => w.terminate(), 20) };`,
			"w.js": `'use hopscript'; service never() { ` + work + ` } postMessage(never);`,
		})
		if got, want := k.ends(0), lines(`There is no service "/hop/never".`); got != want {
			t.Errorf("%s: printed\n%s\nwant\n%s", work, got, want)
		}
	}
}
