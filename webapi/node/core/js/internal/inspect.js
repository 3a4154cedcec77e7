
// util.inspect and util.format.
const { assign } = primordials;
const { validateObject } = require("internal/validators");
const { ERR_INVALID_ARG_TYPE } = require("internal/codes");

const defaults = {
  showHidden: false, depth: 2, colors: false, customInspect: true, showProxy: false, maxArrayLength: 100, maxStringLength: 10000,
  breakLength: 80, compact: 3, sorted: false, getters: false, numericSeparator: false,
};
let current = assign({}, defaults);

function inspect(value, options, ...old) {
  let o = current;
  if (options !== undefined && options !== null) {
    if (typeof options === "boolean") o = { ...current, showHidden: options };
    else if (typeof options === "object") o = { ...current, ...options };
  }
  if (old.length > 0) {
    o = { ...o };
    if (old[0] !== undefined) o.depth = old[0];
    if (old.length > 1 && old[1] !== undefined) o.colors = old[1];
  }
  return native.inspect(value, o, inspect);
}
inspect.custom = Symbol.for("nodejs.util.inspect.custom");
Object.defineProperty(inspect, "defaultOptions", {
  get() { return current; },
  set(options) {
    validateObject(options, "options");
    current = assign({}, current, options);
  },
  enumerable: true,
});
inspect.colors = assign({ __proto__: null }, {
  reset: [0, 0], bold: [1, 22], dim: [2, 22], italic: [3, 23], underline: [4, 24], blink: [5, 25], inverse: [7, 27], hidden: [8, 28], strikethrough: [9, 29],
  doubleunderline: [21, 24], black: [30, 39], red: [31, 39], green: [32, 39], yellow: [33, 39], blue: [34, 39], magenta: [35, 39], cyan: [36, 39], white: [37, 39],
  bgBlack: [40, 49], bgRed: [41, 49], bgGreen: [42, 49], bgYellow: [43, 49], bgBlue: [44, 49], bgMagenta: [45, 49], bgCyan: [46, 49], bgWhite: [47, 49],
  framed: [51, 54], overlined: [53, 55], gray: [90, 39], redBright: [91, 39], greenBright: [92, 39], yellowBright: [93, 39], blueBright: [94, 39],
  magentaBright: [95, 39], cyanBright: [96, 39], whiteBright: [97, 39], bgGray: [100, 49], bgRedBright: [101, 49], bgGreenBright: [102, 49],
  bgYellowBright: [103, 49], bgBlueBright: [104, 49], bgMagentaBright: [105, 49], bgCyanBright: [106, 49], bgWhiteBright: [107, 49],
});
for (const [alias, name] of [["grey", "gray"], ["blackBright", "gray"], ["bgGrey", "bgGray"], ["bgBlackBright", "bgGray"], ["faint", "dim"], ["conceal", "hidden"],
  ["crossedout", "strikethrough"], ["strikeThrough", "strikethrough"], ["crossedOut", "strikethrough"], ["inverted", "inverse"], ["swapcolors", "inverse"], ["swapColors", "inverse"], ["doubleUnderline", "doubleunderline"]]) {
  Object.defineProperty(inspect.colors, alias, { get() { return inspect.colors[name]; }, set(v) { inspect.colors[name] = v; }, enumerable: false, configurable: true });
}
inspect.styles = assign({ __proto__: null }, {
  special: "cyan", number: "yellow", bigint: "yellow", boolean: "yellow", undefined: "grey", null: "bold", string: "green", symbol: "green", date: "magenta",
  regexp: "red", module: "underline",
});

const format = (...args) => native.format(current, inspect, args);
function formatWithOptions(options, ...args) {
  if (typeof options !== "object" || options === null) throw new ERR_INVALID_ARG_TYPE("inspectOptions", "object", options);
  return native.format({ ...current, ...options }, inspect, args);
}
return { inspect, format, formatWithOptions };
