// node:assert. Functions of assert.strict are those of assert under other names.
const { codes: { ERR_AMBIGUOUS_ARGUMENT, ERR_INVALID_ARG_TYPE, ERR_INVALID_ARG_VALUE, ERR_INVALID_RETURN_VALUE, ERR_MISSING_ARGS }, inspect } = require("internal/errors");
const { isDeepEqual, isDeepStrictEqual, isPartOf } = require("internal/comparisons");
const { AssertionError } = require("internal/assertion-error");
const { kind } = native;
const A = primordials("Array"), R = primordials("RegExp"), O = primordials("Object");
const { keys, is, assign } = Object;
const { apply } = Reflect;
const isPrototypeOf = O.isPrototypeOf;

const isObject = (v) => v !== null && typeof v === "object";
const isRegExp = (v) => isObject(v) && kind(v) === "RegExp";
const isError = (v) => isObject(v) && (kind(v) === "Error" || v instanceof Error);
const test = (regexp, text) => R.exec(regexp, text) !== null;

// fails throws the error for a comparison that failed. A message may be an error,
// which is thrown instead.
function fails(actual, expected, message, operator) {
	if (message instanceof Error) throw message;
	throw new AssertionError({ actual, expected, message, operator });
}

// generated throws an error with a text that is not the caller's.
function generated(options) {
	const e = new AssertionError(options);
	e.generatedMessage = true;
	throw e;
}

function both(count) {
	if (count < 2) throw new ERR_MISSING_ARGS("actual", "expected");
}

function checkOk(count, value, message) {
	if (value) return;
	if (count === 0) generated({ actual: value, expected: true, message: "No value argument passed to `assert.ok()`", operator: "==" });
	fails(value, true, message, "==");
}

function assert(...args) { checkOk(args.length, args[0], args[1]); }

function ok(...args) { checkOk(args.length, args[0], args[1]); }

function equal(actual, expected, message) {
	both(arguments.length);
	if (actual != expected && (actual === actual || expected === expected)) fails(actual, expected, message, "==");
}

function notEqual(actual, expected, message) {
	both(arguments.length);
	if (actual == expected || (actual !== actual && expected !== expected)) fails(actual, expected, message, "!=");
}

function deepEqual(actual, expected, message) {
	both(arguments.length);
	if (!isDeepEqual(actual, expected)) fails(actual, expected, message, "deepEqual");
}

function notDeepEqual(actual, expected, message) {
	both(arguments.length);
	if (isDeepEqual(actual, expected)) fails(actual, expected, message, "notDeepEqual");
}

function deepStrictEqual(actual, expected, message) {
	both(arguments.length);
	if (!isDeepStrictEqual(actual, expected)) fails(actual, expected, message, "deepStrictEqual");
}

function notDeepStrictEqual(actual, expected, message) {
	both(arguments.length);
	if (isDeepStrictEqual(actual, expected)) fails(actual, expected, message, "notDeepStrictEqual");
}

function strictEqual(actual, expected, message) {
	both(arguments.length);
	if (!is(actual, expected)) fails(actual, expected, message, "strictEqual");
}

function notStrictEqual(actual, expected, message) {
	both(arguments.length);
	if (is(actual, expected)) fails(actual, expected, message, "notStrictEqual");
}

function partialDeepStrictEqual(actual, expected, message) {
	both(arguments.length);
	if (!isPartOf(expected, actual)) fails(actual, expected, message, "partialDeepStrictEqual");
}

function fail(actual, expected, message, operator) {
	const count = arguments.length;
	let generate = false;
	if (actual == null && count <= 1) {
		message = "Failed";
		generate = true;
	} else if (count === 1) {
		message = actual;
		actual = undefined;
	} else if (count === 2) {
		operator = "!=";
	}
	if (message instanceof Error) throw message;
	const options = { actual, expected, operator: operator === undefined ? "fail" : operator };
	if (message !== undefined) options.message = message;
	if (generate) generated(options);
	throw new AssertionError(options);
}

// Comparison is the part of an object that a validation object asks about.
class Comparison {
	constructor(object, names, actual) {
		for (let i = 0; i < names.length; i++) {
			const key = names[i];
			if (!(key in object)) continue;
			const matched = actual !== undefined && typeof actual[key] === "string" && isRegExp(object[key]) && test(object[key], actual[key]);
			this[key] = matched ? actual[key] : object[key];
		}
	}
}

function checkProperties(actual, expected, message, operator) {
	const names = keys(expected);
	if (expected instanceof Error) A.push(names, "name", "message");
	else if (names.length === 0) throw new ERR_INVALID_ARG_VALUE("error", expected, "may not be an empty object");
	for (let i = 0; i < names.length; i++) {
		const key = names[i];
		if (typeof actual[key] === "string" && isRegExp(expected[key]) && test(expected[key], actual[key])) continue;
		if (key in actual && isDeepStrictEqual(actual[key], expected[key])) continue;
		if (message) fails(actual, expected, message, operator);
		const e = new AssertionError({ actual: new Comparison(actual, names), expected: new Comparison(expected, names, actual), operator: "deepStrictEqual" });
		e.actual = actual;
		e.expected = expected;
		e.operator = operator;
		throw e;
	}
}

// complaint says why actual is not what expected wants, or undefined.
function complaint(actual, expected) {
	if (isRegExp(expected)) {
		const text = String(actual);
		return test(expected, text) ? undefined : `The input did not match the regular expression ${inspect(expected, 2)}. Input:\n\n${inspect(text, 2)}\n`;
	}
	if (expected.prototype !== undefined && actual instanceof expected) return undefined;
	if (isPrototypeOf(Error, expected)) {
		let text = `The error is expected to be an instance of "${expected.name}". Received `;
		text += isError(actual) ? `"${actual.name}"` : `"${inspect(actual, -1)}"`;
		return isError(actual) ? `${text}\n\nError message:\n\n${actual.message}` : text;
	}
	const result = apply(expected, {}, [actual]);
	if (result === true) return undefined;
	const text = `The ${expected.name ? `"${expected.name}" ` : ""}validation function is expected to return "true". Received ${inspect(result, 2)}`;
	return isError(actual) ? `${text}\n\nCaught error:\n\n${actual}` : text;
}

function checkException(actual, expected, message, operator) {
	if (typeof expected !== "function" && !isRegExp(expected)) {
		if (isObject(actual)) return checkProperties(actual, expected, message, operator);
		const e = new AssertionError({ actual, expected, message, operator: "deepStrictEqual" });
		e.operator = operator;
		throw e;
	}
	const text = complaint(actual, expected);
	if (text === undefined) return;
	if (message) fails(actual, expected, message, operator);
	generated({ actual, expected, message: text, operator });
}

const nothing = {}; // what calm functions throw

function thrown(fn) {
	if (typeof fn !== "function") throw new ERR_INVALID_ARG_TYPE("fn", "Function", fn);
	try {
		fn();
	} catch (e) {
		return e;
	}
	return nothing;
}

const isPromise = (v) => isObject(v) && kind(v) === "Promise" || (isObject(v) || typeof v === "function") && typeof v.then === "function" && typeof v.catch === "function";

async function rejection(promiseFn) {
	let promise = promiseFn;
	if (typeof promiseFn === "function") {
		promise = promiseFn();
		if (!isPromise(promise)) throw new ERR_INVALID_RETURN_VALUE("instance of Promise", "promiseFn", promise);
	} else if (!isPromise(promiseFn)) {
		throw new ERR_INVALID_ARG_TYPE("promiseFn", ["Function", "Promise"], promiseFn);
	}
	try {
		await promise;
	} catch (e) {
		return e;
	}
	return nothing;
}

function expectError(operator, actual, args) {
	let error = args[0], message = args[1];
	if (typeof error === "string") {
		if (args.length === 2) throw new ERR_INVALID_ARG_TYPE("error", ["Object", "Error", "Function", "RegExp"], error);
		if (isObject(actual)) {
			if (actual.message === error) throw new ERR_AMBIGUOUS_ARGUMENT("error/message", `The error message "${actual.message}" is identical to the message.`);
		} else if (actual === error) {
			throw new ERR_AMBIGUOUS_ARGUMENT("error/message", `The error "${actual}" is identical to the message.`);
		}
		message = error;
		error = undefined;
	} else if (error != null && typeof error !== "object" && typeof error !== "function") {
		throw new ERR_INVALID_ARG_TYPE("error", ["Object", "Error", "Function", "RegExp"], error);
	}
	if (actual === nothing) {
		const name = error?.name ? ` (${error.name})` : "";
		const what = operator === "rejects" ? "rejection" : "exception";
		fails(undefined, error, `Missing expected ${what}${name}${message ? `: ${message}` : "."}`, operator);
	}
	if (error) checkException(actual, error, message, operator);
}

function expectNone(operator, actual, error, message) {
	if (actual === nothing) return;
	if (typeof error === "string") {
		message = error;
		error = undefined;
	}
	if (!error || fits(actual, error)) {
		const what = operator === "doesNotReject" ? "rejection" : "exception";
		fails(actual, error, `Got unwanted ${what}${message ? `: ${message}` : "."}\nActual message: "${actual && actual.message}"`, operator);
	}
	throw actual;
}

function fits(actual, expected) {
	if (isRegExp(expected)) return test(expected, String(actual));
	if (typeof expected !== "function") throw new ERR_INVALID_ARG_TYPE("expected", ["Function", "RegExp"], expected);
	if (expected.prototype !== undefined && actual instanceof expected) return true;
	return !isPrototypeOf(Error, expected) && apply(expected, {}, [actual]) === true;
}

function throws(fn, ...args) { expectError("throws", thrown(fn), args); }

async function rejects(promiseFn, ...args) { expectError("rejects", await rejection(promiseFn), args); }

function doesNotThrow(fn, error, message) { expectNone("doesNotThrow", thrown(fn), error, message); }

async function doesNotReject(promiseFn, error, message) { expectNone("doesNotReject", await rejection(promiseFn), error, message); }

function ifError(err) {
	if (err === null || err === undefined) return;
	let message = "ifError got unwanted exception: ";
	if (isObject(err) && typeof err.message === "string") {
		message += err.message.length === 0 && err.constructor ? err.constructor.name : err.message;
	} else {
		message += inspect(err, 2);
	}
	fails(err, null, message, "ifError");
}

function checkMatch(string, regexp, message, operator, wanted) {
	if (!isRegExp(regexp)) throw new ERR_INVALID_ARG_TYPE("regexp", "RegExp", regexp);
	if (typeof string === "string" && test(regexp, string) === wanted) return;
	if (message) fails(string, regexp, message, operator);
	const text = typeof string !== "string"
		? `The "string" argument must be of type string. Received type ${typeof string} (${inspect(string, 2)})`
		: `The input ${wanted ? "did not match" : "was expected to not match"} the regular expression ${inspect(regexp, 2)}. Input:\n\n${inspect(string, 2)}\n`;
	generated({ actual: string, expected: regexp, message: text, operator });
}

function match(string, regexp, message) { checkMatch(string, regexp, message, "match", true); }

function doesNotMatch(string, regexp, message) { checkMatch(string, regexp, message, "doesNotMatch", false); }

function strict(...args) { checkOk(args.length, args[0], args[1]); }

assign(assert, {
	fail, AssertionError, ok, equal, notEqual, deepEqual, notDeepEqual, deepStrictEqual, notDeepStrictEqual, strictEqual, notStrictEqual,
	partialDeepStrictEqual, throws, rejects, doesNotThrow, doesNotReject, ifError, match, doesNotMatch,
});
const strictly = { equal: strictEqual, deepEqual: deepStrictEqual, notEqual: notStrictEqual, notDeepEqual: notDeepStrictEqual };
assert.strict = assign(strict, assert, strictly);
if (native.inWorker()) assign(assert, {
	equal(actual, expected, message) { apply(strictEqual, this, arguments); },
	deepEqual(actual, expected, message) { apply(deepStrictEqual, this, arguments); },
	notEqual(actual, expected, message) { apply(notStrictEqual, this, arguments); },
	notDeepEqual(actual, expected, message) { apply(notDeepStrictEqual, this, arguments); },
});
strict.strict = strict;

module.exports = assert;
