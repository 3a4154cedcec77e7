import { GraphQLError, buildSchema, graphql, type GraphQLSchema } from "graphql";

let schema: GraphQLSchema | undefined;

const books = [
  { id: "1", title: "Silence", pages: 120, author: { name: "Ada" } },
  { id: "2", title: "Noise", pages: 300, author: { name: "Bo" } },
];

const root = {
  book: ({ id }: { id: string }) => books.find((b) => b.id === id) ?? null,
  books: async ({ longerThan }: { longerThan: number }) => {
    await new Promise((done) => setTimeout(done, 1));
    return books.filter((b) => b.pages > longerThan);
  },
  broken: () => { throw new GraphQLError("it is broken", { extensions: { code: "BROKEN" } }); },
};

export async function library({ query, variables }: { query: string; variables?: Record<string, unknown> }) {
  schema ??= buildSchema(`
    type Author { name: String! }
    type Book { id: ID!, title: String!, pages: Int!, author: Author! }
    type Query { book(id: ID!): Book, books(longerThan: Int = 0): [Book!]!, broken: String }
  `);
  return graphql({ schema, source: query, rootValue: root, variableValues: variables });
}
