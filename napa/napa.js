// The parts of the module napajs that are shorter in JavaScript. native are the functions in Go.
const { getPrototypeOf, getOwnPropertyNames } = Object;
const { transform, invoke } = native;
const E = Error;

class TransportableObject {
	cid() { return getPrototypeOf(this).constructor._cid; }
	marshall(context) {
		const payload = { _cid: this.cid() };
		this.save(payload, context);
		return payload;
	}
	unmarshall(payload, context) { this.load(payload, context); }
}

class AutoTransportable extends TransportableObject {
	save(payload, context) {
		const names = getOwnPropertyNames(this);
		for (let i = 0; i < names.length; i++) payload[names[i]] = transform(this[names[i]], context);
	}
	load(payload) {
		const names = getOwnPropertyNames(payload);
		for (let i = 0; i < names.length; i++) this[names[i]] = payload[names[i]];
	}
}

// currentStack lists the frames of the caller and above, the innermost first.
function currentStack(stackTraceLimit = 0) {
	const { prepareStackTrace, stackTraceLimit: limit } = E;
	if (stackTraceLimit > 0) E.stackTraceLimit = stackTraceLimit + 1;
	E.prepareStackTrace = (_, sites) => sites;
	try {
		const stack = new E().stack;
		return stack.slice(1);
	} finally {
		E.prepareStackTrace = prepareStackTrace;
		E.stackTraceLimit = limit;
	}
}

function formatStackTrace(trace) {
	let text = "";
	for (let i = 0; i < trace.length; i++) {
		const site = trace[i];
		text += `at ${site.getFunctionName()}(${site.getFileName()}:${site.getLineNumber()}:${site.getColumnNumber()})\n`;
	}
	return text;
}

// call runs a call as the workers of zones do: context says which, and is told the outcome.
function call(context) {
	const { transportContext } = context;
	const fail = (error) => { context.reject(error); };
	const finish = (value) => {
		let payload;
		try {
			payload = native.marshall(value, transportContext);
		} catch (error) {
			fail(error);
			return;
		}
		context.resolve(payload);
	};
	let result;
	try {
		result = invoke(context.module, context.function, context.args, transportContext);
	} catch (error) {
		fail(error);
		return;
	}
	if (result !== null && typeof result === "object" && typeof result.then === "function") result.then(finish, fail);
	else finish(result);
}

return { TransportableObject, AutoTransportable, currentStack, formatStackTrace, call };
