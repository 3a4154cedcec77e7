// AssertionError and the texts that it makes of what was compared.
const { inspect } = native;
const { hidden } = require("internal/errors");
const A = primordials("Array"), S = primordials("String");
const { keys, create, getPrototypeOf } = Object;

const titles = {
	__proto__: null,
	deepStrictEqual: "Expected values to be strictly deep-equal:",
	partialDeepStrictEqual: "Expected values to be partially and strictly deep-equal:",
	strictEqual: "Expected values to be strictly equal:",
	strictEqualObject: 'Expected "actual" to be reference-equal to "expected":',
	deepEqual: "Expected values to be loosely deep-equal:",
	notDeepStrictEqual: 'Expected "actual" not to be strictly deep-equal to:',
	notStrictEqual: 'Expected "actual" to be strictly unequal to:',
	notStrictEqualObject: 'Expected "actual" not to be reference-equal to "expected":',
	notDeepEqual: 'Expected "actual" not to be loosely deep-equal to:',
	notIdentical: "Values have same structure but are not reference-equal:",
};

const mostLines = 50;
const shortLength = 12;
const lineLength = 80;

const isObject = (v) => typeof v === "object" && v !== null;
const last = (list) => list[list.length - 1];

// linesOf cuts what is printed on its own to the lines that fit.
const linesOf = (text) => {
	const lines = S.split(text, "\n");
	if (lines.length > mostLines) {
		lines.length = mostLines - 3;
		lines[mostLines - 4] = "...";
	}
	return lines;
};

// copyError is an error without its stack, which differs always.
const copyError = (source) => {
	const target = create(getPrototypeOf(source));
	const own = keys(source);
	for (let i = 0; i < own.length; i++) target[own[i]] = source[own[i]];
	hidden(target, "message", source.message);
	return target;
};

// Diff collects the lines of a comparison: those of both sides, and of the same
// lines between differences two before and after.
class Diff {
	shown = "";
	expected = ""; // lines of the other side, not shown yet
	same = 0; // equal lines in a row
	printed = 0;
	skipped = false;
	line(mark, text) {
		this.shown += `\n${mark} ${text}`;
		this.printed++;
	}
	// resume shows the end of a run of equal lines before line i.
	resume(lines, i) {
		if (this.same > 2) {
			if (this.same > 3) {
				if (this.same === 5) this.line(" ", lines[i - 3]);
				else if (this.same > 5) {
					this.shown += "\n...";
					this.skipped = true;
				}
				this.line(" ", lines[i - 2]);
			}
			this.line(" ", lines[i - 1]);
		}
		this.same = 0;
	}
	equal(text) {
		this.shown += this.expected;
		this.expected = "";
		if (++this.same <= 2) this.line(" ", text);
	}
	other(text) {
		this.expected += `\n- ${text}`;
		this.printed++;
	}
}

// differ tells lines apart that differ in more than the comma at the end.
const differ = (a, b) => a !== b && a !== `${b},` && `${a},` !== b;

function compared(actual, expected, operator) {
	const actualText = inspect(actual), expectedText = inspect(expected);
	const ours = S.split(actualText, "\n"), theirs = S.split(expectedText, "\n");
	let pointer = "";
	if (operator === "strictEqual" && ((isObject(actual) && isObject(expected)) || (typeof actual === "function" && typeof expected === "function"))) operator = "strictEqualObject";
	if (ours.length === 1 && theirs.length === 1 && ours[0] !== theirs[0]) {
		const length = actualText.length + expectedText.length;
		if (length <= shortLength) {
			if (!isObject(actual) && !isObject(expected) && (actual !== 0 || expected !== 0)) return `${titles[operator]}\n\n${ours[0]} !== ${theirs[0]}\n`;
		} else if (operator !== "strictEqualObject" && length < lineLength) {
			let same = 0;
			while (actualText[same] === expectedText[same]) same++;
			if (same > 2) pointer = `\n  ${S.repeat(" ", same)}^`;
		}
	}

	// Equal lines at the end: four are shown, of more the first one.
	let end = "", first = "", equalAtEnd = 0;
	while (ours.length > 0 && theirs.length > 0 && last(ours) === last(theirs)) {
		const line = A.pop(ours);
		A.pop(theirs);
		if (equalAtEnd++ < 3) end = `\n  ${line}${end}`;
		else first = line;
	}
	const most = ours.length > theirs.length ? ours.length : theirs.length;
	if (most === 0) return `${titles.notIdentical}\n\n${A.join(linesOf(actualText), "\n")}\n`;
	const diff = new Diff();
	if (equalAtEnd >= 5) {
		end = `\n...${end}`;
		diff.skipped = true;
	}
	if (first !== "") end = `\n  ${first}${end}`;

	const head = `${titles[operator]}\n+ actual - expected`;
	const longer = ours.length < most ? theirs : ours;
	for (let i = 0; i < most; i++) {
		if (i >= ours.length || i >= theirs.length) {
			diff.resume(longer, i);
			if (longer === ours) diff.line("+", ours[i]);
			else diff.other(theirs[i]);
		} else if (differ(ours[i], theirs[i])) {
			diff.resume(ours, i);
			diff.line("+", ours[i]);
			diff.other(theirs[i]);
		} else {
			diff.equal(theirs[i] === `${ours[i]},` ? theirs[i] : ours[i]);
		}
		if (diff.printed > mostLines && i < most - 2) return `${head} ... Lines skipped\n${diff.shown}\n...${diff.expected}\n...`;
	}
	return `${head}${diff.skipped ? " ... Lines skipped" : ""}\n${diff.shown}${diff.expected}${end}${pointer}`;
}

const cut = (text, most) => text.length > most ? `${S.slice(text, 0, most - 3)}...` : text;

function textOf(actual, expected, operator) {
	if (isObject(actual) && isObject(expected) && "stack" in actual && actual instanceof Error && "stack" in expected && expected instanceof Error) {
		actual = copyError(actual);
		expected = copyError(expected);
	}
	switch (operator) {
	case "deepStrictEqual": case "partialDeepStrictEqual": case "strictEqual":
		return compared(actual, expected, operator);
	case "notDeepStrictEqual": case "notStrictEqual": {
		const object = operator === "notStrictEqual" && (isObject(actual) || typeof actual === "function");
		const title = titles[object ? "notStrictEqualObject" : operator];
		const lines = linesOf(inspect(actual));
		if (lines.length === 1) return `${title}${lines[0].length > 5 ? "\n\n" : " "}${lines[0]}`;
		return `${title}\n\n${A.join(lines, "\n")}\n`;
	}
	}
	let left = inspect(actual), right = inspect(expected);
	if (operator === "notDeepEqual" && left === right) return cut(`${titles[operator]}\n\n${left}`, 1024);
	left = cut(left, 512);
	right = cut(right, 512);
	if (operator === "deepEqual") return `${titles[operator]}\n\n${left}\n\nshould loosely deep-equal\n\n${right}`;
	if (operator === "notDeepEqual") return `Expected values not to be loosely deep-equal:\n\n${left}\n\nshould not loosely deep-equal\n\n${right}`;
	return `${left} ${operator} ${right}`;
}

class AssertionError extends Error {
	constructor(options) {
		if (!isObject(options)) throw new (require("internal/errors").codes.ERR_INVALID_ARG_TYPE)("options", "Object", options);
		const { message, operator, actual, expected } = options;
		super(message != null ? String(message) : textOf(actual, expected, operator));
		this.generatedMessage = !message;
		hidden(this, "name", "AssertionError");
		this.code = "ERR_ASSERTION";
		this.actual = actual;
		this.expected = expected;
		this.operator = operator;
		const stack = this.stack ?? "";
		hidden(this, "stack", `AssertionError [ERR_ASSERTION]${S.slice(stack, S.indexOf(stack, ":"))}`);
	}
	toString() { return `${this.name} [${this.code}]: ${this.message}`; }
}

module.exports = { AssertionError };
