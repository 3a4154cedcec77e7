import _ from "lodash";

interface Sale { shop: string; items: { name: string; price: number }[] }

const line = _.template("<%- shop %>: <% _.forEach(items, (i) => { %>[<%= i.name %>]<% }) %>");

export function lists(sales: Sale[]) {
  return {
    shops: _(sales).groupBy("shop").mapValues((s) => _.sumBy(_.flatMap(s, "items"), "price")).toPairs().sortBy(0).value(),
    dearest: _.maxBy(_.flatMap(sales, "items"), "price")?.name,
    lines: sales.map((s) => line(s)),
    words: _.words("fredBarney and-pebbles").map(_.upperFirst).join(" "),
    merged: _.merge({ a: [{ b: 1 }] }, { a: [{ c: 2 }, 3] }),
    deep: _.isEqual(_.cloneDeep(sales), sales),
    pad: _.padStart("ü", 4, "·"),
    chunks: _.chunk(_.range(7), 3),
  };
}
