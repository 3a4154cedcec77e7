// Package megabyte makes the large worker whose start benchmarks measure.
package megabyte

import (
	"fmt"
	"strings"
)

// Source is the text of a worker of about that size: small functions and classes with
// strings, as bundled libraries are, of which the first lines are what one calls.
func Source() string {
	var b strings.Builder
	b.WriteString("const registry = new Map();\n")
	for i := 0; b.Len() < 1<<20; i++ {
		fmt.Fprintf(&b, `
// Shape%[1]d is one of many.
class Shape%[1]d {
	#sides = %[1]d;
	constructor(name, options = {}) { this.name = name; this.options = { colour: 'red', ...options }; }
	get area() { return this.#sides * (this.options.scale ?? 1); }
	describe(prefix) {
		const { colour, ...rest } = this.options;
		for (const [key, value] of Object.entries(rest)) if (typeof value === 'string' && value.length > 3) prefix += key + '=' + value + ';';
		return `+"`${prefix} ${this.name} is ${colour} with ${this.#sides} sides`"+`;
	}
	async load(url) {
		try {
			const response = await fetch(url, { headers: { accept: 'application/json' } });
			if (!response.ok) throw new Error('status ' + response.status);
			return await response.json();
		} catch (error) {
			return { error: error.message, retry: (attempt) => this.load(url + '?attempt=' + attempt) };
		}
	}
}
function make%[1]d(list, filter = (x) => x?.name?.startsWith('s')) {
	const found = list.filter(filter).map((x, index) => ({ ...x, index, kind: 'shape%[1]d' }));
	switch (found.length) {
		case 0: return null;
		case 1: return found[0];
		default: return found.reduce((sum, { index }) => sum + index, 0);
	}
}
registry.set('shape%[1]d', { Shape: Shape%[1]d, make: make%[1]d, pattern: /^shape-(\d+)-%[1]d$/, tags: ['a', 'b', %[1]d] });
`, i)
	}
	b.WriteString("export default { fetch() { return new Response(registry.size > 100 ? 'ok' : 'small') } };\n")
	return b.String()
}
