
// util.parseArgs of programs: a command line as options and positionals.
const { ERR_INVALID_ARG_TYPE, ERR_INVALID_ARG_VALUE, ERR_PARSE_ARGS_INVALID_OPTION_VALUE, ERR_PARSE_ARGS_UNEXPECTED_POSITIONAL, ERR_PARSE_ARGS_UNKNOWN_OPTION } = require("internal/codes");
const { validateArray, validateBoolean, validateObject, validateString } = require("internal/validators");
const { isArray, keys, push } = primordials;
const { hasOwn } = Object;

// own is a property of a configuration, which it may not inherit.
const own = (object, name, otherwise) => (object !== undefined && object !== null && hasOwn(object, name) && object[name] !== undefined ? object[name] : otherwise);
const booleans = (list, name) => {
  validateArray(list, name);
  for (let i = 0; i < list.length; i++) validateBoolean(list[i], `${name}[${i}]`);
};
const strings = (list, name) => {
  validateArray(list, name);
  for (let i = 0; i < list.length; i++) validateString(list[i], `${name}[${i}]`);
};

// check looks at the descriptions of options.
function check(options) {
  validateObject(options, "options");
  for (const name of keys(options)) {
    const o = options[name], at = `options.${name}`;
    validateObject(o, at);
    const type = own(o, "type", undefined);
    if (type !== "string" && type !== "boolean") throw new ERR_INVALID_ARG_TYPE(`${at}.type`, "('string|boolean')", type);
    if (hasOwn(o, "short")) {
      validateString(o.short, `${at}.short`);
      if (o.short.length !== 1) throw new ERR_INVALID_ARG_VALUE(`${at}.short`, o.short, "must be a single character");
    }
    const multiple = own(o, "multiple", false);
    if (hasOwn(o, "multiple")) validateBoolean(multiple, `${at}.multiple`);
    if (own(o, "default", undefined) === undefined) continue;
    const kind = type === "string" ? [validateString, strings] : [validateBoolean, booleans];
    kind[multiple ? 1 : 0](o.default, `${at}.default`);
  }
}

// read makes tokens of the arguments.
function read(args, options) {
  const tokens = [], typeOf = (name) => own(own(options, name, undefined), "type", undefined);
  const longOf = (short) => keys(options).find((name) => own(options[name], "short", undefined) === short) ?? short;
  const looksLikeOption = (arg) => arg.length > 1 && arg[0] === "-";
  // Short options that stand together are as many arguments, in the place of one.
  const rest = args.map((arg, index) => ({ arg, index }));
  while (rest.length > 0) {
    const { arg, index } = rest.shift();
    const take = (name) => {
      // An option with a value has the next argument, whatever that looks like.
      if (typeOf(name) !== "string" || rest.length === 0) return [undefined, undefined];
      return [rest.shift().arg, false];
    };
    if (arg === "--") {
      push(tokens, { kind: "option-terminator", index });
      for (const r of rest) push(tokens, { kind: "positional", index: r.index, value: r.arg });
      break;
    }
    if (arg[0] === "-" && arg[1] !== "-" && arg.length === 2) {
      const name = longOf(arg[1]), [value, inlineValue] = take(name);
      push(tokens, { kind: "option", name, rawName: arg, index, value, inlineValue });
    } else if (arg[0] === "-" && arg[1] !== "-" && arg.length > 2) {
      const name = longOf(arg[1]);
      if (typeOf(name) === "string") {
        push(tokens, { kind: "option", name, rawName: `-${arg[1]}`, index, value: arg.slice(2), inlineValue: true });
        continue;
      }
      const each = [];
      for (let i = 1; i < arg.length; i++) {
        if (typeOf(longOf(arg[i])) !== "string" || i === arg.length - 1) push(each, `-${arg[i]}`);
        else {
          push(each, `-${arg.slice(i)}`);
          break;
        }
      }
      rest.unshift(...each.map((arg) => ({ arg, index })));
    } else if (arg.startsWith("--") && arg.indexOf("=") > 2) {
      const at = arg.indexOf("=");
      push(tokens, { kind: "option", name: arg.slice(2, at), rawName: arg.slice(0, at), index, value: arg.slice(at + 1), inlineValue: true });
    } else if (arg.startsWith("--") && arg.length > 2) {
      const name = arg.slice(2), [value, inlineValue] = take(name);
      push(tokens, { kind: "option", name, rawName: arg, index, value, inlineValue });
    } else push(tokens, { kind: "positional", index, value: arg });
  }
  return { tokens, looksLikeOption };
}

function parseArgs(config = {}) {
  let args = own(config, "args", undefined);
  if (args === undefined) {
    const { argv, execArgv } = globalThis.process;
    args = argv.slice(execArgv.some((a) => a === "-e" || a === "--eval" || a === "-p" || a === "--print") ? 1 : 2);
  }
  const strict = own(config, "strict", true), allowPositionals = own(config, "allowPositionals", !strict), allowNegative = own(config, "allowNegative", false);
  const withTokens = own(config, "tokens", false), options = own(config, "options", { __proto__: null });
  validateArray(args, "args");
  validateBoolean(strict, "strict");
  validateBoolean(allowPositionals, "allowPositionals");
  validateBoolean(withTokens, "tokens");
  validateBoolean(allowNegative, "allowNegative");
  check(options);
  const { tokens, looksLikeOption } = read(args.map(String), options);
  const values = { __proto__: null }, positionals = [];
  for (const token of tokens) {
    if (token.kind === "positional") {
      if (!allowPositionals) throw new ERR_PARSE_ARGS_UNEXPECTED_POSITIONAL(token.value);
      push(positionals, token.value);
      continue;
    }
    if (token.kind !== "option") continue;
    let { name, rawName, value, inlineValue } = token;
    const positive = allowNegative && name.startsWith("no-") ? name.slice(3) : undefined;
    const negates = positive !== undefined && !hasOwn(options, name) && (!hasOwn(options, positive) || options[positive].type === "boolean");
    if (strict) {
      const known = negates ? positive : name;
      if (!hasOwn(options, known)) throw new ERR_PARSE_ARGS_UNKNOWN_OPTION(rawName, allowPositionals);
      const { type, short } = options[known], shown = `${own(options[known], "short", undefined) ? `-${short}, ` : ""}--${name}`;
      if (type === "string" && typeof value !== "string") throw new ERR_PARSE_ARGS_INVALID_OPTION_VALUE(`Option '${shown} <value>' argument missing`);
      if (type === "boolean" && value !== undefined) throw new ERR_PARSE_ARGS_INVALID_OPTION_VALUE(`Option '${shown}' does not take an argument`);
      if (inlineValue === false && looksLikeOption(value)) {
        const dashes = rawName.startsWith("--");
        const example = dashes ? `'${rawName}=-XYZ'` : `'--${name}=-XYZ' or '${rawName}-XYZ'`;
        throw new ERR_PARSE_ARGS_INVALID_OPTION_VALUE(`Option '${rawName}' argument is ambiguous.\nDid you forget to specify the option argument for '${rawName}'?\nTo specify an option argument starting with a dash use ${example}.`);
      }
    }
    if (name === "__proto__") continue;
    let given = value ?? true;
    if (negates) [name, given] = [token.name = positive, false];
    if (own(own(options, name, undefined), "multiple", false)) {
      if (values[name]) push(values[name], given);
      else values[name] = [given];
    } else values[name] = given;
  }
  for (const name of keys(options)) {
    if (hasOwn(options[name], "default") && values[name] === undefined) values[name] = options[name].default;
  }
  const result = { values, positionals };
  if (withTokens) result.tokens = tokens;
  return result;
}
return { parseArgs };
