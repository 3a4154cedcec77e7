// Deep equality as node's assert and util have it. equal(a, b, strict) is the whole
// of it; the pairs of objects that are being compared are remembered, so that
// cycles end.
const O = primordials("Object"), A = primordials("Array"), D = primordials("Date");
const M = primordials("Map"), S = primordials("Set"), T = primordials("TypedArray"), R = primordials("RegExp");
const { kind, sameBytes } = native;
const { isArray } = Array;
const { is, keys, getPrototypeOf, getOwnPropertySymbols, prototype: objectPrototype } = Object;

// maxDepth keeps a structure that is nested too deep from taking the engine's stack.
const maxDepth = 250;

const isObject = (v) => v !== null && typeof v === "object";
const enumerable = (o, key) => O.propertyIsEnumerable(o, key);

function equal(a, b, strict, memo) {
	if (a === b) return !strict || a !== 0 || is(a, b);
	if (strict) {
		if (!isObject(a) || !isObject(b)) return is(a, b);
		if (getPrototypeOf(a) !== getPrototypeOf(b)) return false;
	} else {
		if (!isObject(a)) return !isObject(b) && (a == b || (a !== a && b !== b));
		if (!isObject(b)) return false;
	}
	if (O.toString(a) !== O.toString(b)) return false;
	return sameContent(a, b, strict, memo);
}

function sameContent(a, b, strict, memo) {
	// A proxy of an array is an array, too.
	const ka = isArray(a) ? "Array" : boxed(a) ?? kind(a), kb = isArray(b) ? "Array" : boxed(b) ?? kind(b);
	if (ka === "Array" || kb === "Array") {
		if (ka !== kb || a.length !== b.length) return false;
		const own = extraKeys(a), others = extraKeys(b);
		return own.length === others.length && sameKeys(a, b, strict, memo, ka, own);
	}
	if (a instanceof Error || ka === "Error") {
		if (!(b instanceof Error || kb === "Error") || a.message !== b.message || a.name !== b.name) return false;
		return sameKeys(a, b, strict, memo, "Error", keys(a));
	}
	if (ka !== kb) return false;
	switch (ka) {
	case "Date":
		if (D.getTime(a) !== D.getTime(b)) return false;
		break;
	case "RegExp":
		if (R.source(a) !== R.source(b) || R.flags(a) !== R.flags(b) || a.lastIndex !== b.lastIndex) return false;
		break;
	case "Number": case "String": case "Boolean": case "BigInt": case "Symbol": {
		const unbox = primordials(ka).valueOf;
		if (!is(unbox(a), unbox(b))) return false;
		if (ka === "String") {
			const own = extraKeys(a);
			return own.length === extraKeys(b).length && sameKeys(a, b, strict, memo, ka, own);
		}
		break;
	}
	case "ArrayBuffer": case "DataView":
		if (!sameBytes(a, b)) return false;
		break;
	case "Set": case "Map":
		if ((ka === "Set" ? S : M).size(a) !== (ka === "Set" ? S : M).size(b)) return false;
		break;
	default:
		if (views[ka]) {
			if (T.length(a) !== T.length(b)) return false;
			if (!strict && (ka === "Float32Array" || ka === "Float64Array")) {
				for (let i = 0, n = T.length(a); i < n; i++) if (a[i] !== b[i]) return false;
			} else if (!sameBytes(a, b)) return false;
			const own = extraKeys(a);
			return own.length === extraKeys(b).length && sameKeys(a, b, strict, memo, ka, own);
		}
	}
	return sameKeys(a, b, strict, memo, ka, keys(a));
}

const views = { __proto__: null };
for (const name of ["Int8Array", "Uint8Array", "Uint8ClampedArray", "Int16Array", "Uint16Array", "Int32Array", "Uint32Array", "Float32Array", "Float64Array", "BigInt64Array", "BigUint64Array"]) views[name] = true;

// sameHidden compares a property of errors that is not enumerable.
function sameHidden(a, b, key, strict, memo) {
	const has = O.hasOwnProperty(a, key);
	return has === O.hasOwnProperty(b, key) && (!has || enumerable(a, key) || equal(a[key], b[key], strict, memo));
}

// boxed tells the boxes that the engine has no class for.
function boxed(o) {
	const tag = O.toString(o);
	const name = tag === "[object BigInt]" ? "BigInt" : tag === "[object Symbol]" ? "Symbol" : undefined;
	if (name === undefined) return undefined;
	try {
		primordials(name).valueOf(o);
		return name;
	} catch {
		return undefined; // an ordinary object with that tag
	}
}

const isIndex = (key) => String(key >>> 0) === key && key >>> 0 !== 4294967295;

// extraKeys are the enumerable string keys that are no indices.
function extraKeys(list) {
	return A.filter(keys(list), (key) => !isIndex(key));
}

// sameKeys compares the properties named by own, which are a's, then symbols, then
// what the kind of object holds beside its properties.
function sameKeys(a, b, strict, memo, what, own) {
	const indexed = what === "Array" || what === "String" || views[what] === true;
	if (!indexed && own.length !== keys(b).length) return false;
	for (let i = 0; i < own.length; i++) if (!(O.hasOwnProperty(b, own[i]) && enumerable(b, own[i]))) return false;
	if (strict) {
		const symbols = getOwnPropertySymbols(a);
		const others = getOwnPropertySymbols(b);
		let count = 0;
		if (own === undefined) own = [];
		for (let i = 0; i < symbols.length; i++) {
			if (!enumerable(a, symbols[i])) continue;
			if (!enumerable(b, symbols[i])) return false;
			A.push(own, symbols[i]);
			count++;
		}
		for (let i = 0; i < others.length; i++) if (enumerable(b, others[i])) count--;
		if (count !== 0) return false;
	}
	const holds = what === "Array" ? a.length > 0 : what === "Map" ? M.size(a) > 0 : what === "Set" ? S.size(a) > 0 : what === "Error";
	if (own.length === 0 && !holds) return true;

	memo ??= { left: new Map(), right: new Map(), position: 0, depth: 0 };
	const left = M.get(memo.left, a), right = M.get(memo.right, b);
	if (left !== undefined && right !== undefined) return left === right;
	if (memo.depth >= maxDepth) throw new RangeError("Maximum call stack size exceeded");
	memo.position++;
	memo.depth++;
	M.set(memo.left, a, memo.position);
	M.set(memo.right, b, memo.position);
	const result = sameParts(a, b, strict, memo, what, own);
	memo.depth--;
	M.delete(memo.left, a);
	M.delete(memo.right, b);
	return result;
}

function sameParts(a, b, strict, memo, what, own) {
	if (what === "Error" && !(sameHidden(a, b, "cause", strict, memo) && sameHidden(a, b, "errors", strict, memo))) return false;
	if (what === "Set" ? !sameSets(a, b, strict, memo) : what === "Map" ? !sameMaps(a, b, strict, memo) : what === "Array" && !sameItems(a, b, strict, memo)) return false;
	for (let i = 0; i < own.length; i++) if (!equal(a[own[i]], b[own[i]], strict, memo)) return false;
	return true;
}

function sameItems(a, b, strict, memo) {
	for (let i = 0; i < a.length; i++) {
		const has = O.hasOwnProperty(a, i);
		if (has !== O.hasOwnProperty(b, i)) return false;
		if (has) {
			if (!equal(a[i], b[i], strict, memo)) return false;
			continue;
		}
		// From a hole on the list may be long and empty: go by its keys.
		const rest = keys(a);
		if (rest.length !== keys(b).length) return false;
		for (let j = 0; j < rest.length; j++) {
			if (!O.hasOwnProperty(b, rest[j]) || !equal(a[rest[j]], b[rest[j]], strict, memo)) return false;
		}
		return true;
	}
	return true;
}

// take removes the first of the candidates that fits and says whether there is one.
function take(candidates, fits) {
	for (let i = 0; i < candidates.length; i++) {
		if (fits(candidates[i])) {
			A.splice(candidates, i, 1);
			return true;
		}
	}
	return false;
}

function sameSets(a, b, strict, memo) {
	const left = [], right = [];
	let missing = false;
	S.forEach(a, (v) => {
		if (S.has(b, v)) return;
		if (strict && !isObject(v)) missing = true;
		else A.push(left, v);
	});
	if (missing) return false;
	S.forEach(b, (v) => { if (!S.has(a, v)) A.push(right, v); });
	for (let i = 0; i < left.length; i++) if (!take(right, (v) => equal(left[i], v, strict, memo))) return false;
	return right.length === 0;
}

function sameMaps(a, b, strict, memo) {
	const left = [], right = [], settled = new Set();
	let missing = false;
	M.forEach(a, (v, key) => {
		if (missing) return;
		if (M.has(b, key) && equal(v, M.get(b, key), strict, memo)) S.add(settled, key);
		else if (strict && !isObject(key)) missing = true;
		else A.push(left, [key, v]);
	});
	if (missing) return false;
	M.forEach(b, (v, key) => { if (!S.has(settled, key)) A.push(right, [key, v]); });
	for (let i = 0; i < left.length; i++) {
		if (!take(right, (e) => equal(left[i][0], e[0], strict, memo) && equal(left[i][1], e[1], strict, memo))) return false;
	}
	return right.length === 0;
}

// part says whether all that b has is in a, too: properties, items in their order, members.
function part(a, b, memo) {
	if (!isObject(a) || !isObject(b)) return is(a, b);
	if (a === b) return true;
	if (O.toString(a) !== O.toString(b)) return false;
	const ka = isArray(a) ? "Array" : boxed(a) ?? kind(a), kb = isArray(b) ? "Array" : boxed(b) ?? kind(b);
	if (ka !== kb || !samePartValue(a, b, ka)) return false;
	memo ??= { left: new Map(), right: new Map(), position: 0, depth: 0 };
	const left = M.get(memo.left, a), right = M.get(memo.right, b);
	if (left !== undefined && right !== undefined) return left === right;
	if (memo.depth >= maxDepth) throw new RangeError("Maximum call stack size exceeded");
	memo.position++;
	memo.depth++;
	M.set(memo.left, a, memo.position);
	M.set(memo.right, b, memo.position);
	const result = hasParts(a, b, ka, memo);
	memo.depth--;
	M.delete(memo.left, a);
	M.delete(memo.right, b);
	return result;
}

// samePartValue compares what objects of a kind are beside their properties and members.
function samePartValue(a, b, what) {
	switch (what) {
	case "Date": return D.getTime(a) === D.getTime(b);
	case "RegExp": return R.source(a) === R.source(b) && R.flags(a) === R.flags(b) && a.lastIndex === b.lastIndex;
	case "Number": case "String": case "Boolean": case "BigInt": case "Symbol": {
		const unbox = primordials(what).valueOf;
		return is(unbox(a), unbox(b));
	}
	case "ArrayBuffer": case "DataView": return sameBytes(a, b);
	case "Error": return a.message === b.message && a.name === b.name;
	}
	return true;
}

// follows says whether the items of b are among those of a, in their order.
function follows(a, b, n, m, memo) {
	let j = 0;
	for (let i = 0; i < n && j < m && n - i >= m - j; i++) {
		if (!O.hasOwnProperty(b, j) ? !O.hasOwnProperty(a, i) : O.hasOwnProperty(a, i) && part(a[i], b[j], memo)) j++;
	}
	return j === m;
}

function hasParts(a, b, what, memo) {
	const list = what === "Array";
	if (list && !follows(a, b, a.length, b.length, memo)) return false;
	if (views[what] && !follows(a, b, T.length(a), T.length(b), memo)) return false;
	if (what === "Set" && !hasMembers(a, b, memo) || what === "Map" && !hasEntries(a, b, memo)) return false;
	const own = list || views[what] || what === "String" ? extraKeys(b) : keys(b), symbols = getOwnPropertySymbols(b);
	for (let i = 0; i < symbols.length; i++) if (enumerable(b, symbols[i])) A.push(own, symbols[i]);
	if (what === "Error") {
		if (O.hasOwnProperty(b, "cause") && !enumerable(b, "cause")) A.push(own, "cause");
		if (O.hasOwnProperty(b, "errors") && !enumerable(b, "errors")) A.push(own, "errors");
	}
	for (let i = 0; i < own.length; i++) if (!O.hasOwnProperty(a, own[i]) || !part(a[own[i]], b[own[i]], memo)) return false;
	return true;
}

function hasMembers(a, b, memo) {
	if (S.size(b) > S.size(a)) return false;
	const rest = [], wanted = [];
	let missing = false;
	S.forEach(a, (v) => { if (isObject(v) && !S.has(b, v)) A.push(rest, v); });
	S.forEach(b, (v) => {
		if (S.has(a, v)) return;
		if (isObject(v)) A.push(wanted, v);
		else missing = true;
	});
	if (missing) return false;
	for (let i = 0; i < wanted.length; i++) if (!take(rest, (v) => part(v, wanted[i], memo))) return false;
	return true;
}

function hasEntries(a, b, memo) {
	if (M.size(b) > M.size(a)) return false;
	const rest = [], wanted = [];
	let missing = false;
	M.forEach(a, (v, key) => { if (isObject(key) && !M.has(b, key)) A.push(rest, [key, v]); });
	M.forEach(b, (v, key) => {
		if (missing) return;
		if (M.has(a, key)) missing = !part(M.get(a, key), v, memo);
		else if (isObject(key)) A.push(wanted, [key, v]);
		else missing = true;
	});
	if (missing) return false;
	for (let i = 0; i < wanted.length; i++) if (!take(rest, (e) => part(e[0], wanted[i][0], memo) && part(e[1], wanted[i][1], memo))) return false;
	return true;
}

module.exports = {
	isPartOf: (part_, whole) => part(whole, part_),
	isDeepEqual: (a, b) => equal(a, b, false),
	isDeepStrictEqual: (a, b) => equal(a, b, true),
};
