// A small harness with the names that test files use, for the tests of the runner and
// for figures where the real one is not at hand.
(function (scope) {
	const tests = [], callbacks = [], results = [];
	const harness = { status: 0, message: null };
	let queue = Promise.resolve(), open = 0, explicit = false, loaded = false, ended = false;
	const end = () => {
		if (ended || open > 0 || !loaded) return;
		ended = true;
		for (const f of callbacks) f(tests, harness);
	};
	setTimeout(() => { loaded = !explicit || loaded; queue.then(end); end(); }, 0);

	class AssertionError extends Error {}
	const show = (v) => { try { return typeof v === 'string' ? JSON.stringify(v) : typeof v === 'object' && v !== null && !(v instanceof Error) ? JSON.stringify(v) : String(v); } catch { return typeof v; } };
	const want = (ok, text, note) => { if (!ok) throw new AssertionError((note ? note + ': ' : '') + text); };

	class Test {
		constructor(name) { this.name = name ?? 'untitled'; this.status = 3; this.message = null; this.cleanups = []; this.phase = 0; tests.push(this); open++; }
		settle(status, message) {
			if (this.phase) return;
			this.phase = 1;
			this.status = status;
			this.message = message;
			return Promise.allSettled(this.cleanups.map(async (f) => f())).then(() => { open--; for (const f of results) f(this); end(); });
		}
		fail(e) { return this.settle(1, e && e.message !== undefined ? (e.name === 'Error' || e instanceof AssertionError ? '' : e.name + ': ') + e.message : show(e)); }
		step(f, self = this, ...args) { if (this.phase) return; try { return f.apply(self, args); } catch (e) { this.fail(e); } }
		step_func(f, self) { return (...args) => this.step(f, self ?? this, ...args); }
		step_func_done(f, self) { return (...args) => { if (f) this.step(f, self ?? this, ...args); this.done(); }; }
		unreached_func(note) { return this.step_func(() => assert_unreached(note)); }
		step_timeout(f, ms, ...args) { return setTimeout(this.step_func(() => f.apply(this, args)), ms); }
		add_cleanup(f) { this.cleanups.push(f); }
		done() { return this.settle(0, null); }
	}

	const test = (f, name) => { const t = new Test(name); t.step(f, t, t); t.done(); };
	const async_test = (f, name) => {
		if (typeof f !== 'function') [f, name] = [undefined, f];
		const t = new Test(name);
		if (f) t.step(f, t, t);
		return t;
	};
	const promise_test = (f, name) => {
		const t = new Test(name);
		queue = queue.then(() => new Promise((next) => {
			(async () => f.call(t, t))().then(() => t.done(), (e) => t.fail(e)).then(next);
		}));
	};

	const same = (a, b) => Object.is(a, b);
	const assert_true = (v, note) => want(v === true, 'expected true got ' + show(v), note);
	const assert_false = (v, note) => want(v === false, 'expected false got ' + show(v), note);
	const assert_equals = (a, b, note) => want(same(a, b), 'expected ' + show(b) + ' got ' + show(a), note);
	const assert_not_equals = (a, b, note) => want(!same(a, b), 'got ' + show(a), note);
	const assert_in_array = (a, list, note) => want(list.includes(a), show(a) + ' is not in ' + show(list), note);
	const assert_array_equals = (a, b, note) => {
		want(a != null && a.length === b.length, 'lengths differ, expected ' + b.length + ' got ' + a?.length, note);
		for (let i = 0; i < b.length; i++) want(same(a[i], b[i]), 'at ' + i + ' expected ' + show(b[i]) + ' got ' + show(a[i]), note);
	};
	const assert_object_equals = (a, b, note) => {
		want(typeof a === 'object' && a !== null, show(a) + ' is no object', note);
		for (const k of new Set([...Object.keys(a), ...Object.keys(b)])) {
			if (typeof b[k] === 'object' && b[k] !== null) assert_object_equals(a[k], b[k], note);
			else want(same(a[k], b[k]) && k in a === k in b, k + ': expected ' + show(b[k]) + ' got ' + show(a[k]), note);
		}
	};
	const assert_unreached = (note) => want(false, 'reached', note);
	const order = (name, f) => [name, (a, b, note) => want(f(a, b), show(a) + ' and ' + show(b), note)];
	const is_class = (e, c, note) => want(e !== null && typeof e === 'object' && e.constructor === c && e.name === c.name, 'got ' + show(e) + ' instead of ' + c.name, note);
	const is_dom = (e, name, note) => want(e instanceof DOMException && (typeof name === 'number' ? e.code === name : e.name === name || e.name === name.replace(/Err$/, 'Error')), 'got ' + show(e) + ' instead of ' + name, note);
	const thrown = (f, self, note) => { try { f.call(self); } catch (e) { return { e }; } want(false, 'did not throw', note); };
	const assert_throws_js = (c, f, note) => is_class(thrown(f, this, note).e, c, note);
	const assert_throws_exactly = (v, f, note) => want(same(thrown(f, this, note).e, v), 'threw another value', note);
	const assert_throws_dom = (name, f, note, more) => { if (typeof note === 'function') [f, note] = [note, more]; is_dom(thrown(f, this, note).e, name, note); };
	const rejected = async (p, note) => { try { await p; } catch (e) { return { e }; } want(false, 'should have rejected', note); };
	const promise_rejects_js = async (t, c, p, note) => is_class((await rejected(p, note)).e, c, note);
	const promise_rejects_exactly = async (t, v, p, note) => want(same((await rejected(p, note)).e, v), 'rejected with another value', note);
	const promise_rejects_dom = async (t, name, p, note, more) => { if (typeof p === 'function') [p, note] = [note, more]; is_dom((await rejected(p, note)).e, name, note); };

	Object.assign(scope, {
		test, async_test, promise_test, AssertionError, assert_true, assert_false, assert_equals, assert_not_equals, assert_in_array,
		assert_array_equals, assert_object_equals, assert_unreached, assert_throws_js, assert_throws_exactly, assert_throws_dom,
		promise_rejects_js, promise_rejects_exactly, promise_rejects_dom,
		...Object.fromEntries([
			order('assert_less_than', (a, b) => a < b), order('assert_greater_than', (a, b) => a > b),
			order('assert_less_than_equal', (a, b) => a <= b), order('assert_greater_than_equal', (a, b) => a >= b),
			order('assert_regexp_match', (a, b) => b.test(a)), order('assert_class_string', (a, b) => Object.prototype.toString.call(a) === '[object ' + b + ']'),
			order('assert_own_property', (a, b) => Object.hasOwn(a, b)), order('assert_not_own_property', (a, b) => !Object.hasOwn(a, b)),
			order('assert_inherits', (a, b) => b in a && !Object.hasOwn(a, b)),
		]),
		assert_implements: (v, note) => want(Boolean(v), 'is not there', note),
		assert_implements_optional: (v, note) => want(Boolean(v), 'is not there', note),
		step_timeout: (f, ms, ...args) => setTimeout(f, ms, ...args),
		setup: (f, o = f) => { explicit = Boolean(o?.explicit_done); if (typeof f === 'function') f(); },
		promise_setup: (f) => { queue = queue.then(() => f()).catch((e) => { harness.status = 1; harness.message = String(e); }); },
		done: () => { loaded = true; queue.then(end); },
		fetch_json: async (url) => (await fetch(url)).json(),
		timeout: () => { harness.status = 2; for (const t of tests) t.settle(2, 'timed out'); },
		add_result_callback: (f) => { results.push(f); },
		add_completion_callback: (f) => { callbacks.push(f); },
		format_value: show,
		generate_tests: (f, list) => { for (const [name, ...args] of list) test(() => f(...args), name); },
		subsetTest: (f, ...args) => f(...args),
		subsetTestByKey: (_key, f, ...args) => f(...args),
	});
})(globalThis);
