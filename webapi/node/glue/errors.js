// The errors of node's own modules: an error class per code, whose instances have
// code and print as "TypeError [CODE]: message".
const { inspect } = native;
const S = primordials("String"), A = primordials("Array"), R = primordials("RegExp");
const { defineProperty } = Object;
const { isArray } = Array;

const hidden = (o, key, value) => defineProperty(o, key, { __proto__: null, value, writable: true, configurable: true, enumerable: false });

const codes = { __proto__: null };

// define(code, Base, message): message is a function that makes the text of what
// the constructor was given. Its other properties come from the third argument.
const define = (code, Base, message) => {
	const NodeError = class extends Base {
		constructor(...args) {
			super(message(...args));
			this.code = code;
			hidden(this, "stack", S.replace(this.stack ?? "", this.name, () => `${this.name} [${code}]`));
		}
		toString() { return `${this.name} [${code}]: ${this.message}`; }
	};
	hidden(NodeError.prototype, "constructor", Base);
	hidden(NodeError, "name", Base.name);
	codes[code] = NodeError;
};

const primitives = ["string", "function", "number", "object", "Function", "Object", "boolean", "bigint", "symbol"];

const list = (items, word) => {
	if (items.length < 3) return A.join(items, ` ${word} `);
	return `${A.join(A.slice(items, 0, -1), ", ")}, ${word} ${items[items.length - 1]}`;
};

// received says what kind of value it is.
const received = (value) => {
	if (value === undefined || value === null) return `${value}`;
	if (typeof value === "function") return `function ${value.name}`;
	if (typeof value === "object") {
		if (value.constructor?.name) return `an instance of ${value.constructor.name}`;
		return inspect(value, -1);
	}
	let text = inspect(value, 0);
	if (text.length > 28) text = `${S.slice(text, 0, 25)}...`;
	return `type ${typeof value} (${text})`;
};

const invalidType = (name, expected, actual) => {
	if (!isArray(expected)) expected = [expected];
	let text = "The ";
	if (S.endsWith(name, " argument")) text += `${name} `;
	else text += `"${name}" ${S.includes(name, ".") ? "property" : "argument"} `;
	text += "must be ";
	const types = [], instances = [], other = [];
	for (let i = 0; i < expected.length; i++) {
		const value = expected[i];
		if (A.includes(primitives, value)) A.push(types, S.toLowerCase(value));
		else if (R.exec(/^[A-Z][a-zA-Z0-9]*$/, value) !== null) A.push(instances, value);
		else A.push(other, value);
	}
	// Beside classes, "object" reads as one of them.
	if (instances.length > 0) {
		const at = A.indexOf(types, "object");
		if (at >= 0) {
			A.splice(types, at, 1);
			A.push(instances, "Object");
		}
	}
	if (types.length > 0) {
		text += types.length > 1 ? `one of type ${list(types, "or")}` : `of type ${types[0]}`;
		if (instances.length > 0 || other.length > 0) text += " or ";
	}
	if (instances.length > 0) {
		text += `an instance of ${list(instances, "or")}`;
		if (other.length > 0) text += " or ";
	}
	if (other.length > 0) {
		if (other.length > 1) text += `one of ${list(other, "or")}`;
		else text += (S.toLowerCase(other[0]) !== other[0] ? "an " : "") + other[0];
	}
	return `${text}. Received ${received(actual)}`;
};

const grouped = (digits) => {
	let out = "", end = digits.length;
	const start = digits[0] === "-" ? 1 : 0;
	for (; end >= start + 4; end -= 3) out = `_${S.slice(digits, end - 3, end)}${out}`;
	return `${S.slice(digits, 0, end)}${out}`;
};

const shortened = (value) => {
	const text = inspect(value, 2);
	return text.length > 128 ? `${S.slice(text, 0, 128)}...` : text;
};

define("ERR_INVALID_ARG_TYPE", TypeError, invalidType);
define("ERR_INVALID_ARG_VALUE", TypeError, (name, value, reason = "is invalid") =>
	`The ${S.includes(name, ".") ? "property" : "argument"} '${name}' ${reason}. Received ${shortened(value)}`);
define("ERR_INVALID_RETURN_VALUE", TypeError, (input, name, value) =>
	`Expected ${input} to be returned from the "${name}" function but got ${received(value)}.`);
define("ERR_AMBIGUOUS_ARGUMENT", TypeError, (name, reason) => `The "${name}" argument is ambiguous. ${reason}`);
define("ERR_OUT_OF_RANGE", RangeError, (name, range, value) => {
	let text = inspect(value, 0);
	// Long numbers are easier to read in groups.
	if (typeof value === "number" && Number.isInteger(value) && (value > 2 ** 32 || value < -(2 ** 32))) text = grouped(text);
	if (typeof value === "bigint" && (value > 2n ** 32n || value < -(2n ** 32n))) text = `${grouped(S.slice(text, 0, -1))}n`;
	return `The value of "${name}" is out of range. It must be ${range}. Received ${text}`;
});
define("ERR_MISSING_ARGS", TypeError, (...names) => {
	for (let i = 0; i < names.length; i++) {
		names[i] = isArray(names[i]) ? A.join(A.map(names[i], (n) => `"${n}"`), " or ") : `"${names[i]}"`;
	}
	return `The ${list(names, "and")} argument${names.length > 1 ? "s" : ""} must be specified`;
});

module.exports = { codes, define, hidden, inspect };
