
// node:trace_events: categories that nobody records.
const { make } = require("internal/codes");
const { validateObject, validateStringArray } = require("internal/validators");
const { inspect } = primordials;
class Tracing {
  #categories;
  #enabled = false;
  constructor(categories) { this.#categories = categories; }
  enable() { this.#enabled = true; }
  disable() { this.#enabled = false; }
  get enabled() { return this.#enabled; }
  get categories() { return this.#categories.join(","); }
  [Symbol.for("nodejs.util.inspect.custom")](depth) {
    if (typeof depth === "number" && depth < 0) return this;
    return `Tracing ${inspect({ enabled: this.enabled, categories: this.categories })}`;
  }
}
return {
  createTracing(options) {
    validateObject(options, "options");
    validateStringArray(options.categories, "options.categories");
    if (options.categories.length <= 0) throw make(TypeError, "ERR_TRACE_EVENTS_CATEGORY_REQUIRED", "At least one category is required");
    return new Tracing(options.categories);
  },
  getEnabledCategories() {},
};
