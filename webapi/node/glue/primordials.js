// The value is primordials(name): the prototype of a class as functions that take
// the receiver first. Attributes are functions too: primordials("Map").size(map).
(() => {
	const { bind, call } = Function.prototype;
	const uncurry = bind.bind(call);
	const { getOwnPropertyDescriptor, getPrototypeOf, freeze } = Object;
	const { ownKeys } = Reflect;
	const families = { __proto__: null };
	const protoOf = (name) => name === "TypedArray" ? getPrototypeOf(Uint8Array.prototype) : globalThis[name].prototype;
	return (name) => {
		if (families[name] !== undefined) return families[name];
		const proto = protoOf(name), family = { __proto__: null }, keys = ownKeys(proto);
		for (let i = 0; i < keys.length; i++) {
			const key = keys[i];
			if (typeof key !== "string" || key === "constructor") continue;
			const d = getOwnPropertyDescriptor(proto, key);
			const fn = d.get ?? d.value;
			if (typeof fn === "function") family[key] = uncurry(fn);
		}
		return families[name] = freeze(family);
	};
})()
